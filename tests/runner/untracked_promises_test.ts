import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { prefixedCommand, runtimeProgram } from "../process/spawn_helper.ts";
import { type CommandResult, runCommand } from "./run_command.ts";

const preload = `--import=${new URL("untracked_promises.ts", import.meta.url).href}`;

/** Runs a program on Node behind the preload. */
async function runOnNode(program: string): Promise<CommandResult> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-preload-"));
  try {
    const path = join(directory, "program.mjs");
    await writeFile(path, program);
    const node = runtimeProgram("node");
    assert.ok(node !== undefined, "Node is installed");
    const [command, ...args] = prefixedCommand(node, ["--import=tsx", preload, path]);
    return await runCommand({ program: command, args, timeoutMs: 60_000, environment: { NODE_TEST_CONTEXT: "" } });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test("an error that nobody catches fails the suite, though no promise is followed", async () => {
  const strays = [
    'Promise.reject(new Error("stray"))',
    'setTimeout(() => { throw new Error("stray") }, 1)',
    'queueMicrotask(() => { throw new Error("stray") })',
  ];
  for (const stray of strays) {
    const { ok, output } = await runOnNode(`
      import { test } from "node:test";
      test("lets something go astray", async () => {
        ${stray};
        await new Promise((resolve) => setTimeout(resolve, 50));
      });
    `);
    assert.equal(ok, false, output);
    assert.match(output, /stray/);
  }
});

test("only hooks that wait for the collection of promises are left out", async () => {
  const { ok, output } = await runOnNode(`
    import { AsyncLocalStorage, createHook } from "node:async_hooks";
    let [followed, seen] = [0, 0];
    createHook({ init: () => followed++, destroy: () => {} }).enable();
    createHook({ init: () => seen++ }).enable();
    const storage = new AsyncLocalStorage();
    const kept = await storage.run(7, async () => { await null; return storage.getStore(); });
    console.log(followed, seen > 0, kept);
  `);
  assert.equal(ok, true, output);
  assert.match(output, /^0 true 7$/m);
});

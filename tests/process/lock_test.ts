/**
 * The lock between processes of different runtimes, and what is left of it when they are killed.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import {
  childRuntimes,
  missingRuntimes,
  processTimeoutMs,
  type RuntimeChild,
  type RuntimeName,
  runtimeNames,
  spawnRuntime,
  type SpawnRuntimeOptions,
} from "./spawn_helper.ts";

const fixture = fileURLToPath(new URL("fixtures/lock_holder.ts", import.meta.url));
const timeout = processTimeoutMs;

/** Starts children in a directory of their own, Deno with no more than the right to that directory. */
class LockParties {
  readonly directory: string;
  readonly #children: RuntimeChild[] = [];

  constructor(directory: string) {
    this.directory = directory;
  }

  async start(runtime: RuntimeName, options: SpawnRuntimeOptions = {}): Promise<RuntimeChild> {
    const denoPermissions = [`--allow-read=${this.directory}`, `--allow-write=${this.directory}`];
    const child = spawnRuntime(runtime, fixture, { denoPermissions, ...options });
    this.#children.push(child);
    assert.equal(await child.readLine(), "ready");
    return child;
  }

  async close(): Promise<void> {
    for (const child of this.#children) await child.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function ask(child: RuntimeChild, command: string): Promise<string> {
  child.writeLine(command);
  return await child.readLine();
}

function lockTest(
  title: string,
  runtimes: readonly RuntimeName[],
  body: (parties: LockParties) => Promise<void>,
): void {
  const reason = missingRuntimes(runtimes);
  if (reason !== undefined) console.log(`skipped: ${title}: ${reason}`);
  test(title, { timeout, skip: reason ?? false }, async () => {
    const parties = new LockParties(await realpath(await mkdtemp(`${tmpdir()}/holdfast-lock-`)));
    try {
      await body(parties);
    } finally {
      await parties.close();
    }
  });
}

for (const first of childRuntimes) {
  for (const second of childRuntimes) {
    lockTest(
      `I15: lock() of ${first} keeps ${second} out, names the holder, and is free once that is killed`,
      [first, second],
      async (parties) => {
        const [holder, waiter] = await Promise.all([parties.start(first), parties.start(second)]);
        const path = `${parties.directory}/session.lock`;
        assert.equal(await ask(holder, `lock ${path}`), "acquired");
        assert.equal(await ask(waiter, `lock ${path}`), `refused process ${holder.pid}`);
        assert.equal((await holder.kill("SIGKILL")).signal, "SIGKILL");
        assert.deepEqual(await readdir(parties.directory), ["session.lock"]);
        assert.equal(await ask(waiter, `lock ${path}`), "acquired");
        assert.equal(await readFile(path, "utf8"), `process ${waiter.pid}`);
        assert.equal(await ask(waiter, "release"), "released");
        assert.deepEqual(await readdir(parties.directory), []);
      },
    );
  }
}

lockTest("lock() of one runtime is given to the next after release()", runtimeNames, async (parties) => {
  const path = `${parties.directory}/session.lock`;
  const children = await Promise.all(runtimeNames.map((runtime) => parties.start(runtime)));
  for (const child of [...children, ...children]) {
    assert.equal(await ask(child, `lock ${path}`), "acquired");
    for (const other of children) assert.equal(await ask(other, `lock ${path}`), `refused process ${child.pid}`);
    assert.equal(await ask(child, "release"), "released");
  }
});

lockTest("lock() lets one process in at a time, whatever its runtime", runtimeNames, async (parties) => {
  const times = 50;
  const runtimes: RuntimeName[] = ["node", "deno", "bun", "deno", "node"];
  const children = await Promise.all(runtimes.map((runtime) => parties.start(runtime)));
  const paths = ["session.lock", "counter", "inside"].map((name) => `${parties.directory}/${name}`);
  const answers = await Promise.all(children.map((child) => ask(child, `count ${paths.join(" ")} ${times}`)));
  for (const answer of answers) assert.match(answer, /^counted \d+$/);
  assert.equal(await readFile(`${parties.directory}/counter`, "utf8"), String(times * children.length));
  assert.deepEqual(await readdir(parties.directory), ["counter"]);
});

lockTest("lock() of node is ENOTSUP where no flock program is installed", ["node"], async (parties) => {
  const child = await parties.start("node", { environment: { PATH: "/nonexistent" } });
  assert.equal(await ask(child, `lock ${parties.directory}/session.lock`), "error ENOTSUP");
});

for (const runtime of ["deno", "bun"] as const) {
  lockTest(`lock() of ${runtime} needs no flock program`, [runtime], async (parties) => {
    const child = await parties.start(runtime, { environment: { PATH: "/nonexistent" } });
    assert.equal(await ask(child, `lock ${parties.directory}/session.lock`), "acquired");
  });
}

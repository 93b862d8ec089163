/**
 * The agent of `deploy/agent/` as a process: killed in the middle of a turn, told to stop, without a model.
 *
 * @module
 */
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openStore, type RecordObject } from "../../mod.ts";
import { type PretendAnswer, PretendModel, type PretendRequest, sensorCall, words } from "../deploy/pretend_model.ts";
import {
  childRuntimes,
  missingRuntimes,
  processTimeoutMs,
  type RuntimeChild,
  type RuntimeName,
  spawnRuntime,
} from "./spawn_helper.ts";

const program = fileURLToPath(new URL("../../deploy/agent/main_portable.ts", import.meta.url));

interface Board {
  directory: string;
  model: PretendModel;
  start(runtime: RuntimeName): RuntimeChild;
  history(): Promise<RecordObject[]>;
}

async function withBoard(
  answer: (request: PretendRequest, number: number) => PretendAnswer,
  use: (board: Board) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-board-"));
  const model = await PretendModel.start(answer);
  const children: RuntimeChild[] = [];
  writeFileSync(join(directory, "temperature"), "20500\n");
  const sessions = join(directory, "sessions");
  const args = ["--dir", sessions, "--url", model.url, "--sensor", join(directory, "temperature")];
  try {
    await use({
      directory,
      model,
      start: (runtime) => {
        const child = spawnRuntime(runtime, program, { args });
        children.push(child);
        return child;
      },
      history: async () => {
        await using store = await openStore(sessions, { readOnly: true });
        return await (await store.session("agent")).history();
      },
    });
  } finally {
    for (const child of children) await child.kill();
    await model.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

for (const runtime of childRuntimes) {
  const reason = missingRuntimes([runtime]);
  if (reason !== undefined) console.log(`skipped: the board's agent on ${runtime}: ${reason}`);
  const options = { timeout: processTimeoutMs, skip: reason ?? false };

  test(
    `I1, I4: the agent on ${runtime} is killed behind a tool call, and goes on without an orphan call`,
    options,
    async () => {
      // The second question's last answer never comes: the agent is killed while it waits for it.
      const answer = ({ messages }: PretendRequest, number: number): PretendAnswer => {
        if (number === 3) return { ...words("It is"), ending: "silent" };
        return messages.at(-1)?.role === "tool" ? words("It is 20.5 °C.") : sensorCall(`c${number}`);
      };
      await withBoard(answer, async ({ model, start, history }) => {
        const first = start(runtime);
        first.writeLine("How warm is it?");
        assert.equal(await first.readLine(), "It is 20.5 °C.");
        first.writeLine("And now?");
        while (model.requests.length < 4) await model.nextRequest();
        await first.kill("SIGKILL");
        assert.equal((await history()).length, 4, "the first turn is there, nothing of the second");
        const second = start(runtime);
        second.writeLine("Once more?");
        assert.equal(await second.readLine(), "It is 20.5 °C.", "the model refused nothing");
        second.endInput();
        assert.deepEqual(await second.ended, { code: 0, signal: null });
        assert.match(second.errorText(), /going on with "agent", 4 records/);
        assert.equal((await history()).length, 8);
      });
    },
  );

  test(
    `the agent on ${runtime} ends cleanly on SIGTERM in the middle of a turn, and gives the lock back`,
    options,
    async () => {
      await withBoard(() => ({ ...words("It is"), ending: "silent" }), async ({ directory, model, start, history }) => {
        const child = start(runtime);
        child.writeLine("How warm is it?");
        while (model.requests.length < 1) await model.nextRequest();
        // Not the exit code: Deno says of whatever it has sent a signal that the signal ended it.
        await child.kill("SIGTERM");
        assert.match(child.errorText(), /told to stop/);
        assert.equal(existsSync(join(directory, "sessions/agent.lock")), false);
        assert.deepEqual(await history().catch(() => []), []);
      });
    },
  );

  test(`the agent on ${runtime} says how to start a model where none answers`, options, async () => {
    await withBoard(() => words("never"), async ({ model, start }) => {
      await model.stop();
      const child = start(runtime);
      child.writeLine("How warm is it?");
      child.endInput();
      assert.deepEqual(await child.ended, { code: 1, signal: null });
      assert.match(child.errorText(), /No model answers at http:\/\/127\.0\.0\.1:\d+\/v1/);
      assert.match(child.errorText(), /llama-server -m model\.gguf/);
    });
  });
}

test("the agent that is told to stop ends with 0, though its last question got no answer", {
  timeout: processTimeoutMs,
}, async () => {
  await withBoard(() => ({ status: 500, raw: "no model loaded" }), async ({ start }) => {
    const child = start("node");
    child.writeLine("How warm is it?");
    while (!child.errorText().includes("ask again")) await new Promise((resolve) => setImmediate(resolve));
    // By the process's number: a child that Deno was asked to kill ended by that signal for Deno, however it did.
    process.kill(child.pid, "SIGTERM");
    assert.deepEqual(await child.ended, { code: 0, signal: null });
  });
});

test("the agent says at each question that the disk is full, and goes on when it is not any more", {
  timeout: processTimeoutMs,
}, async (context) => {
  await withBoard(() => words("Well. ".repeat(100)), async ({ directory, start, history }) => {
    const sessions = join(directory, "sessions");
    mkdirSync(sessions);
    const mount = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", sessions];
    if (spawnSync("mount", mount).status !== 0) return context.skip("a small disk takes root: mount -t tmpfs");
    try {
      const child = start("node");
      child.writeLine("First?");
      await child.readLine();
      const ballast = join(sessions, "ballast");
      assert.throws(() => writeFileSync(ballast, new Uint8Array(1 << 20)), { code: "ENOSPC" });
      for (let said = 0; said < 2; said++) {
        // What the log was filled ahead with has room for a few.
        for (let turn = 0; turn < 500 && child.errorText().split("ask again").length <= said + 1; turn++) {
          child.writeLine("And now?");
          await child.readLine();
        }
        assert.match(child.errorText(), /agent: No space left .*; nothing of this turn was kept, ask again/);
      }
      const kept = (await history()).length;
      rmSync(ballast);
      child.writeLine("Last?");
      await child.readLine();
      child.endInput();
      assert.deepEqual(await child.ended, { code: 0, signal: null });
      assert.equal((await history()).length, kept + 2);
    } finally {
      spawnSync("umount", ["--lazy", sessions]);
    }
  });
});

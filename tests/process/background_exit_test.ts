/**
 * O8: what an agent has told its pool is there, whatever way its process ends. On each runtime that is installed.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openStore, type RecordObject } from "../../mod.ts";
import { currentRuntime, processTimeoutMs, spawnRuntime } from "./spawn_helper.ts";

const program = fileURLToPath(new URL("fixtures/background_agent.ts", import.meta.url));

const ways = [
  ["exit", "process.exit() in the middle of a save", { code: 3, signal: null }],
  ["end", "nothing is left to do", { code: 0, signal: null }],
  ["signal", "SIGTERM in the middle of its work", { code: null, signal: "SIGTERM" }],
] as const;

for (const [way, words, expected] of ways) {
  test(`O8: nothing that was told is lost: ${words}`, { timeout: processTimeoutMs }, async () => {
    const directory = await mkdtemp(`${tmpdir()}/holdfast-background-`);
    try {
      const child = spawnRuntime(currentRuntime(), program, { args: [directory, way] });
      assert.equal(await child.readLine(), "ready");
      const last = child.readLine();
      if (way === "signal") process.kill(child.pid, "SIGTERM");
      const told = Number(/^told (\d+)$/.exec(await last)?.[1]);
      const { code, signal } = await child.ended;
      assert.deepEqual({ code, signal }, expected, child.errorText());
      await using store = await openStore(directory, { readOnly: true });
      for (const key of ["a", "b"]) {
        const session = await store.session(key);
        const records: RecordObject[] = await session.history();
        const numbers = records.filter(({ type }) => type === undefined).map(({ n }) => n);
        assert.deepEqual(numbers, Array.from({ length: told }, (_, n) => n), `all of ${key}, once and in order`);
        const { ok, damaged, tornTail } = await session.verify();
        assert.deepEqual({ ok, damaged, tornTail }, { ok: true, damaged: [], tornTail: null });
        if (key === "a") assert.deepEqual(records.at(-1)?.["state"], { told });
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
}

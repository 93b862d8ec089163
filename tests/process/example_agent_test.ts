/**
 * The example program: agents that are killed in mid-turn go on, and no model sees a call without its result.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { killPoints } from "../../deploy/example_agent_loop.ts";
import { processTest } from "./process_parties.ts";
import { currentRuntime, spawnRuntime } from "./spawn_helper.ts";

const runtime = currentRuntime();

processTest("the example agent, killed at every point of its turn, goes on and waters once", [runtime], async () => {
  const child = spawnRuntime(runtime, fileURLToPath(new URL("../../deploy/example_agent_loop.ts", import.meta.url)));
  try {
    for (const point of killPoints) {
      const line = await child.readLine();
      assert.ok(line.startsWith(`killed: ${point} `), line);
      assert.match(line, /model took \d+ histories, refused none; watered once$/);
      const isAnnounced = point === "watering announced, not begun" || point === "plants watered, result not written";
      assert.match(line, isAnnounced ? /, 1 unanswered / : /, 0 unanswered /);
    }
    assert.equal(await child.readLine(), "");
    assert.equal(
      await child.readLine(),
      `${killPoints.length} agents killed in mid-turn; each went on, and no model saw a call without its result.`,
    );
    assert.deepEqual(await child.ended, { code: 0, signal: null }, child.errorText());
  } finally {
    await child.kill();
  }
});

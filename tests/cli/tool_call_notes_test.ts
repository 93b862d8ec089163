import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonLines, withProgram } from "./in_process.ts";

const call = { role: "assistant", "tool_calls": [{ id: "c1" }] };

test("check points out orphan tool calls and results, which are no damage; a call at the very end is under way", async () => {
  await withProgram(async (on) => {
    const append = async (key: string, ...records: object[]) =>
      await on(["append", key], { stdin: records.map((record) => `${JSON.stringify(record)}\n`).join("") });
    await append("torn", call, { role: "user", content: "?" }, { role: "tool", tool_call_id: "c2", content: "!" });
    await append("typed", { type: "message.appended", message: call }, {
      type: "message.appended",
      message: { role: "user" },
    });
    await append("sound", call, { role: "tool", tool_call_id: "c1" }, {
      role: "assistant",
      tool_calls: [{ id: "c3" }],
    });
    const checked = await on(["check", "torn", "typed", "sound", "--json"]);
    assert.equal(checked.code, 0);
    assert.deepEqual(jsonLines(checked.stdout).map((line) => [Object(line).ok, Object(line).toolCalls]), [
      [true, [
        { sequence: 0, fault: "unanswered-call", id: "c1" },
        { sequence: 2, fault: "orphan-result", id: "c2" },
      ]],
      [true, [{ sequence: 0, fault: "unanswered-call", id: "c1" }]],
      [true, undefined],
    ]);
    assert.match(
      (await on(["check", "torn"])).stdout,
      /^ok {2}torn: 3 records\n {6}note: 2 tool calls .* unanswered call c1\n/,
    );
  });
});

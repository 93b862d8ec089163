import assert from "node:assert/strict";
import { test } from "node:test";
import { facts, linesOf, talk, writeSession } from "./write_session.ts";

test("picoclaw: messages of other programs are in its words, its fields in its order, a line each, counted by lines", () => {
  const { text, count } = writeSession("picoclaw", facts, talk);
  assert.equal(
    text,
    [
      `{"role":"user","content":"List <the> files","created_at":"2026-01-02T03:04:06Z"}`,
      `{"role":"assistant","content":"I look.","created_at":"2026-01-02T03:04:07Z","reasoning_content":"hm",` +
      `"tool_calls":[{"id":"t1","type":"function","function":{"name":"bash","arguments":"{\\"command\\":\\"ls\\"}"}}]}`,
      `{"role":"tool","content":"a\\nb","tool_call_id":"t1"}`,
      `{"role":"assistant","content":"Two."}`,
      "",
    ].join("\n"),
  );
  assert.equal(count, 4);
  const two = JSON.stringify({
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: "a", content: "1" },
      { type: "tool_result", tool_use_id: "b", content: "2" },
      { type: "text", text: "and now?" },
    ],
  });
  const split = writeSession("picoclaw", facts, [two]);
  assert.equal(split.count, 3);
  assert.deepEqual(linesOf(split).map(({ role, tool_call_id: id }) => [role, id]), [
    ["tool", "a"],
    ["tool", "b"],
    ["user", undefined],
  ]);
});

test("picoclaw: a record that is no message anywhere is named; a thought without words is not written (it is filtered)", () => {
  const written = writeSession("picoclaw", facts, [
    `{"not":"a message"}`,
    `{"type":"message","message":{"role":"assistant","content":[{"type":"thinking","thinking":"hm"}]}}`,
  ]);
  assert.deepEqual(written.unfit, ["it has no role"]);
  assert.equal(written.text, "");
  assert.match(written.lost.join(), /a thought without anything said/);
});

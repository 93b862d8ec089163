import assert from "node:assert/strict";
import { test } from "node:test";
import { viewRecord } from "../../src/cli/record_view.ts";

test("viewRecord finds role, time and content of a chat message", () => {
  const time = "2026-11-20T13:19:31.17Z";
  assert.deepEqual(viewRecord({ role: "user", content: "hi", "created_at": time }), {
    who: "user",
    time,
    parts: [{ kind: "text", text: "hi" }],
  });
});

test("viewRecord takes seconds and milliseconds since 1970, and no other number, for a time", () => {
  assert.equal(viewRecord({ timestamp: 1763681581544 }).time, "2025-11-20T23:33:01.544Z");
  assert.equal(viewRecord({ timestamp: 1763681581 }).time, "2025-11-20T23:33:01.000Z");
  for (const timestamp of [0, -1, 12, 1e300, NaN, "", null]) assert.equal(viewRecord({ timestamp }).time, null);
});

test("viewRecord makes a result of what a tool says, and keeps its name", () => {
  assert.deepEqual(viewRecord({ role: "tool", name: "ls", content: "a\nb", "tool_call_id": "1" }).parts, [
    { kind: "result", name: "ls", text: "a\nb" },
  ]);
  const message = { role: "toolResult", toolName: "bash", content: [{ type: "text", text: "ok" }] };
  assert.deepEqual(viewRecord({ type: "message", message }).parts, [{ kind: "result", name: "bash", text: "ok" }]);
});

test("viewRecord shows thoughts, texts and calls in their order", () => {
  const content = [
    { type: "thinking", thinking: "hm" },
    { type: "text", text: "let me look" },
    { type: "toolCall", name: "bash", arguments: { command: "ls" } },
    { type: "image", data: "…" },
  ];
  assert.deepEqual(viewRecord({ message: { role: "assistant", content } }).parts, [
    { kind: "thinking", text: "hm" },
    { kind: "text", text: "let me look" },
    { kind: "call", name: "bash", detail: '{"command":"ls"}' },
    { kind: "other", text: '{"type":"image","data":"…"}' },
  ]);
});

test("viewRecord shows what it does not know as it is written", () => {
  assert.deepEqual(viewRecord({ n: 1 }, '{"n":1.0}'), {
    who: "record",
    time: null,
    parts: [{ kind: "other", text: '{"n":1.0}' }],
  });
  assert.equal(viewRecord({ type: "session", id: "x" }).who, "session");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { renderHeader, renderRecord } from "../../src/cli/conversation_text.ts";
import { textWidth } from "../../src/cli/terminal_text.ts";

const layout = { columns: 60, paint: (text: string): string => text };

function shown(record: unknown, text = JSON.stringify(record)): string {
  return renderRecord({ sequence: 7, text }, layout);
}

test("renderRecord shows a message of the chat interfaces: who, when in UTC, what", () => {
  assert.equal(
    shown({ role: "user", content: "Hello\nworld", created_at: "2026-11-20T14:19:31.17+01:00" }),
    "#7  user  2026-11-20 13:19:31\n    Hello\n    world\n",
  );
});

test("renderRecord folds tool calls to a line each", () => {
  const call = { id: "1", function: { name: "read_sensor", arguments: '{"id":\n 0}' } };
  assert.equal(
    shown({
      role: "assistant",
      content: "",
      tool_calls: [call, { function: { name: "x", arguments: "y".repeat(99) } }],
    }),
    `#7  assistant\n    → read_sensor {"id": 0}\n    → x ${"y".repeat(51)}…\n`,
  );
});

test("renderRecord folds tool results to four lines", () => {
  const content = Array.from({ length: 9 }, (_, line) => `line ${line}`).join("\n");
  assert.equal(
    shown({ role: "tool", content, tool_call_id: "1" }),
    "#7  tool\n    ← line 0\n      line 1\n      line 2\n      line 3\n      … 5 more lines, 62 B in all\n",
  );
});

test("renderRecord shows pi's and Claude Code's envelopes, Codex payloads and framework items", () => {
  assert.equal(
    shown({
      type: "message",
      timestamp: 1763681581544,
      message: { role: "user", content: [{ type: "text", text: "hi" }] },
    }),
    "#7  user  2025-11-20 23:33:01\n    hi\n",
  );
  const use = { type: "tool_use", name: "Read", input: { file_path: "a.ts" } };
  assert.equal(
    shown({ type: "assistant", message: { content: [use] } }),
    '#7  assistant\n    → Read {"file_path":"a.ts"}\n',
  );
  const result = { type: "tool_result", content: [{ type: "text", text: "ok" }] };
  assert.equal(shown({ type: "user", message: { role: "user", content: [result] } }), "#7  user\n    ← ok\n");
  assert.equal(
    shown({ type: "response_item", payload: { type: "function_call", name: "shell", arguments: "{}" } }),
    "#7  function_call\n    → shell {}\n",
  );
  assert.equal(
    shown({ type: "function_call_result", output: { type: "text", text: "9" } }),
    "#7  function_call_result\n    ← 9\n",
  );
});

test("renderRecord shows any other object as the JSON that was written, cut to the width", () => {
  assert.equal(shown(null, '{"n":12345678901234567890}'), '#7  record\n    {"n":12345678901234567890}\n');
  const long = shown({ type: "usage", data: "x".repeat(200) });
  for (const line of long.split("\n")) assert.ok(textWidth(line) <= 60);
});

test("renderRecord never shows a control character, wherever in the record it is", () => {
  const evil = "\u001b[2J\u009b31m\u202e\r\u0007";
  const records: unknown[] = [
    { role: evil, content: evil, created_at: evil },
    {
      role: "assistant",
      content: evil,
      reasoning_content: evil,
      tool_calls: [{ function: { name: evil, arguments: evil } }],
    },
    { role: "tool", name: evil, content: evil },
    { role: "user", content: [{ type: "text", text: evil }, { type: evil, x: evil }, evil] },
    { type: evil, [evil]: evil },
    { message: { role: evil, content: [{ type: "tool_result", content: evil }] } },
  ];
  for (const record of records) {
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(shown(record), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/, JSON.stringify(record));
  }
});

test("renderRecord takes any object", () => {
  const odd: unknown[] = [
    {},
    { role: 1, content: 2 },
    { content: null },
    { content: [null, 1, [], {}] },
    { message: [] },
    { tool_calls: [null, "x", {}] },
    { payload: { content: {} }, timestamp: -1 },
  ];
  for (const record of odd) assert.match(shown(record), /^#7 {2}\w+.*\n {4}/);
});

test("renderHeader shows title, summary and how many records are hidden; nothing where there is nothing to say", () => {
  assert.equal(renderHeader({ title: null, summary: "", hidden: 0 }, layout), "");
  assert.equal(
    renderHeader({ title: "T\u001b", summary: "They said\nhello.", hidden: 80 }, layout),
    "T\\x1b\nSummary of what came before:\n    They said\n    hello.\n80 earlier records hidden; --all shows them\n\n",
  );
});

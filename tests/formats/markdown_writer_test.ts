import assert from "node:assert/strict";
import { test } from "node:test";
import { facts, talk, writeSession } from "./write_session.ts";

test("Markdown: who speaks, tool calls and results folded, fences longer than what they hold, nothing invisible", () => {
  const tick = JSON.stringify({ role: "tool", tool_call_id: "t", content: "```\n</details>\n````" });
  const { text } = writeSession("markdown", { ...facts, summary: "Before." }, [...talk, tick]);
  assert.match(text, /^# A talk\n\nWorkspace: \/home\/me\/app · 2026-01-02T03:04:05Z\n/);
  assert.match(text, /<summary>Summary of what came before<\/summary>\n\nBefore\./);
  assert.match(text, /## User · 2026-01-02T03:04:06Z\n\nList <the> files\n/);
  assert.match(text, /<summary>Call of bash<\/summary>\n\n```json\n\{"command":"ls"\}\n```\n\n<\/details>/);
  assert.match(text, /\n`````\n```\n<\/details>\n````\n`````\n/);
  const untitled = writeSession("markdown", { key: "k" }, [`{"role":"user","content":"where is\\u202e the key?"}`]);
  assert.match(untitled.text, /^# where is⟨U\+202E⟩ the key\?/);
});

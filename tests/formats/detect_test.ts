import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { detectFormat, detectionBytes, formatNamed, sessionFormats } from "../../src/formats/detect.ts";
import { noRealData, realInputData } from "../real_input_data.ts";

function verdict(head: string | Uint8Array): string {
  const detected = detectFormat(typeof head === "string" ? new TextEncoder().encode(head) : head);
  return detected === undefined ? "none" : `${detected.format.name} ${detected.part.name}`;
}

const created = `"created":"2026-01-02T03:04:05Z","updated":"2026-01-02T03:04:05Z"`;

test("detectFormat() takes messages of picoclaw's fields for picoclaw", () => {
  assert.equal(verdict(`{"role":"user","content":"a","created_at":"2026-01-02T03:04:05Z"}\n`), "picoclaw log");
  assert.equal(verdict(`\ufeff\r\n{"role":"user","content":"a"}\r\n{"role":"user","cont`), "picoclaw log");
});

test("detectFormat() takes other objects on lines for plain JSON Lines, and nothing else for a session", () => {
  const others = [
    `{"role":"user","content":"a","timestamp":"now"}\n`,
    `{"role":"user","content":"a"}\n{"type":"session"}\n`,
    `{"role":"user","content":[{"type":"text","text":"a"}]}\n`,
    `[1]\n{"role":"user","content":"a"}\n`,
    `{"key":"k","messages":[]}\n{"key":"k","messages":[]}\n`,
    `{"n":1}\n{"n":`,
    `nope\n{"n":1}\n`,
  ];
  for (const head of others) assert.equal(verdict(head), "jsonl log", head);
  const none = [
    "",
    "\n",
    "rubbish",
    "[]",
    "null",
    "1\n2\n",
    `{\n"messages":[\n{"role":"user","content":"a"}\n]}`,
    `{"a":`,
  ];
  for (const head of none) assert.equal(verdict(head), "none", head);
});

test("detectFormat() takes a legacy session for picoclaw's document, also where the head ends inside", () => {
  assert.equal(verdict(`{"key":"k","messages":[{"role":"user","content":"a"}],${created}}`), "picoclaw legacy");
  const long = `{\n  "key": "a\\"b",\n  "messages": [\n    {"role":"user","content":"${"é".repeat(detectionBytes)}"}`;
  assert.equal(verdict(new TextEncoder().encode(long).subarray(0, detectionBytes)), "picoclaw legacy");
});

test("detectFormat() gives a verdict for every cut of a file", () => {
  const whole = new TextEncoder().encode(`{\n "key":"é","messages":[\n{"role":"user","content":"a"}\n],${created}}\n`);
  for (let end = 0; end <= whole.length; end++) {
    assert.match(verdict(whole.subarray(0, end)), /^(none|picoclaw legacy)$/);
  }
});

test("formatNamed() finds every format by its name, and the names differ", () => {
  for (const format of sessionFormats) assert.equal(formatNamed(format.name), format);
  assert.equal(new Set(sessionFormats.map((format) => format.name)).size, sessionFormats.length);
  assert.equal(formatNamed("unheard-of"), undefined);
});

const expectedFormats: Record<string, string> = {
  "agentsview/internal__parser__testdata__claude__queued_system_messages.jsonl": "claude-code log",
  "agentsview/internal__parser__testdata__claude__tool_call_pending.jsonl": "claude-code log",
  "agentsview/internal__parser__testdata__claude__truncated.jsonl": "claude-code log",
  "agentsview/internal__parser__testdata__claude__valid_session.jsonl": "claude-code log",
  "agentsview/internal__parser__testdata__codex__blockquotes_session.jsonl": "codex log",
  "agentsview/internal__parser__testdata__codex__fc_args_1.jsonl": "codex log",
  "agentsview/internal__parser__testdata__codex__fc_args_2.jsonl": "codex log",
  "agentsview/internal__parser__testdata__codex__fc_stdin.jsonl": "codex log",
  "agentsview/internal__parser__testdata__codex__function_calls.jsonl": "codex log",
  "agentsview/internal__parser__testdata__codex__standard_session.jsonl": "codex log",
  // gptme and vibe have no reader of their own; iflow writes Claude Code's format.
  "agentsview/internal__parser__testdata__gptme__2026-06-13-write-hello-world__conversation.jsonl": "jsonl log",
  "agentsview/internal__parser__testdata__iflow__session-5de701fc-7454-4858-a249-95cac4fd3b51.jsonl": "claude-code log",
  "agentsview/internal__parser__testdata__pi__session.jsonl": "pi log",
  "agentsview/internal__parser__testdata__vibe__session_with_tools__messages.jsonl": "jsonl log",
  "claude-code-log/test__test_data__edge_cases.jsonl": "claude-code log",
  "claude-code-log/test__test_data__representative_messages.jsonl": "claude-code log",
  "claude-code-log/test__test_data__session_b.jsonl": "claude-code log",
  "claude-code-log/test__test_data__todowrite_examples.jsonl": "claude-code log",
  "pi-mono/large-session.jsonl": "pi log",
  "picoclaw/sessions/agent_main_main.jsonl": "picoclaw log",
  "picoclaw/sessions/agent_main_main.meta.json": "picoclaw meta",
  "picoclaw/sessions/agent_main_slack_direct_c42.jsonl": "picoclaw log",
  "picoclaw/sessions/agent_main_slack_direct_c42.meta.json": "picoclaw meta",
  "picoclaw/sessions/discord_42.json": "picoclaw legacy",
  "picoclaw/sessions/telegram_123456789.jsonl": "picoclaw log",
  "picoclaw/sessions/telegram_123456789.meta.json": "picoclaw meta",
  "picoclaw/torn/agent_main_main.jsonl": "picoclaw log",
  "picoclaw/torn/agent_main_main.meta.json": "picoclaw meta",
  "picoclaw/torn/empty_meta.jsonl": "picoclaw log",
  "picoclaw/torn/empty_meta.meta.json": "none",
};

test(
  "real input: every file is told by its content",
  realInputData() === undefined ? { skip: noRealData } : {},
  () => {
    const data = realInputData() ?? "";
    const found = readdirSync(data, { recursive: true, encoding: "utf8" }).filter((name) => /\.jsonl?$/.test(name));
    assert.deepEqual(found.sort(), Object.keys(expectedFormats).sort());
    for (const [name, format] of Object.entries(expectedFormats)) {
      assert.equal(verdict(readFileSync(join(data, name)).subarray(0, detectionBytes)), format, name);
    }
  },
);

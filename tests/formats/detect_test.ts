import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { detectFormat, detectionBytes, formatNamed, sessionFormats } from "../../src/formats/detect.ts";
import { noRealData, realInputData } from "../real_input_data.ts";

function verdict(head: string | Uint8Array): string {
  const { format, layout } = detectFormat(typeof head === "string" ? new TextEncoder().encode(head) : head);
  return `${format.name} ${layout}`;
}

const created = `"created":"2026-01-02T03:04:05Z","updated":"2026-01-02T03:04:05Z"`;

test("detectFormat() takes messages of picoclaw's fields for picoclaw", () => {
  assert.equal(verdict(`{"role":"user","content":"a","created_at":"2026-01-02T03:04:05Z"}\n`), "picoclaw lines");
  assert.equal(verdict(`\ufeff\r\n{"role":"user","content":"a"}\r\n{"role":"user","cont`), "picoclaw lines");
});

test("detectFormat() takes anything else for plain JSON Lines", () => {
  const others = [
    "",
    "\n",
    "rubbish",
    `{"role":"user","content":"a","timestamp":"now"}\n`,
    `{"role":"user","content":"a"}\n{"type":"session"}\n`,
    `{"role":"user","content":[{"type":"text","text":"a"}]}\n`,
    `{"role":"user","content":"a","#":"0 12345678"}\n`,
    `[1]\n{"role":"user","content":"a"}\n`,
    `{\n"messages":[\n{"role":"user","content":"a"}\n]}`,
    `{"key":"k","messages":[]}\n{"key":"k","messages":[]}\n`,
  ];
  for (const head of others) assert.equal(verdict(head), "jsonl lines", head);
});

test("detectFormat() takes a legacy session for picoclaw's document, also where the head ends inside", () => {
  assert.equal(verdict(`{"key":"k","messages":[{"role":"user","content":"a"}],${created}}`), "picoclaw document");
  const long = `{\n  "key": "a\\"b",\n  "messages": [\n    {"role":"user","content":"${"é".repeat(detectionBytes)}"}`;
  assert.equal(verdict(new TextEncoder().encode(long).subarray(0, detectionBytes)), "picoclaw document");
});

test("detectFormat() gives a verdict for every cut of a file", () => {
  const whole = new TextEncoder().encode(`{\n "key":"é","messages":[\n{"role":"user","content":"a"}\n],${created}}\n`);
  for (let end = 0; end <= whole.length; end++) assert.match(verdict(whole.subarray(0, end)), /^(jsonl|picoclaw) /);
});

test("formatNamed() finds every format by its name, and the names differ", () => {
  for (const format of sessionFormats) assert.equal(formatNamed(format.name), format);
  assert.equal(new Set(sessionFormats.map((format) => format.name)).size, sessionFormats.length);
  assert.equal(formatNamed("unheard-of"), undefined);
});

test(
  "real input: picoclaw's files are told from the others",
  realInputData() === undefined ? { skip: noRealData } : {},
  () => {
    const expected: Record<string, string> = {
      "picoclaw/sessions/agent_main_main.jsonl": "picoclaw lines",
      "picoclaw/sessions/telegram_123456789.jsonl": "picoclaw lines",
      "picoclaw/sessions/discord_42.json": "picoclaw document",
      "picoclaw/torn/agent_main_main.jsonl": "picoclaw lines",
      "picoclaw/torn/empty_meta.jsonl": "picoclaw lines",
      "picoclaw/sessions/telegram_123456789.meta.json": "jsonl lines",
      "pi-mono/large-session.jsonl": "jsonl lines",
      "claude-code-log/test__test_data__edge_cases.jsonl": "jsonl lines",
      "agentsview/internal__parser__testdata__pi__session.jsonl": "jsonl lines",
      "agentsview/internal__parser__testdata__codex__fc_stdin.jsonl": "jsonl lines",
      "agentsview/internal__parser__testdata__gptme__2026-06-13-write-hello-world__conversation.jsonl": "jsonl lines",
      "agentsview/internal__parser__testdata__vibe__session_with_tools__messages.jsonl": "jsonl lines",
    };
    for (const [name, format] of Object.entries(expected)) {
      const path = realInputData(name);
      assert.ok(path !== undefined, name);
      assert.equal(verdict(readFileSync(path).subarray(0, detectionBytes)), format, name);
    }
  },
);

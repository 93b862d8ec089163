import assert from "node:assert/strict";
import { test } from "node:test";
import { claudeCode } from "../../src/formats/claude_code.ts";
import { codetether } from "../../src/formats/codetether.ts";
import { codex } from "../../src/formats/codex.ts";
import { sessionFormats } from "../../src/formats/detect.ts";
import { takeFacts } from "../../src/formats/fact_values.ts";
import { gencode } from "../../src/formats/gencode.ts";
import { LineReader, sideLines, sideMembers } from "../../src/formats/line_reader.ts";
import { omega } from "../../src/formats/omega.ts";
import { pi } from "../../src/formats/pi.ts";
import type { SessionFacts } from "../../src/formats/session_format.ts";
import { fixtureText, names, readFixture } from "./fixtures.ts";
import { partOf, readDocument, readLines } from "./read_session.ts";

test("gencode: key, workspace and times come from the events, the title from the newest patch, in both vocabularies", () => {
  assert.deepEqual(readFixture(`gencode/-home-me-app/transcripts/${names.gencode}.jsonl`).facts, {
    key: names.gencode,
    workspace: "/home/me/app",
    title: "Listing files",
    createdAt: "2026-04-30T20:03:47.1+08:00",
    updatedAt: "2026-04-30T20:03:54+08:00",
  });
  assert.deepEqual(readFixture("gencode/-home-me-app/transcripts/later.jsonl").facts, {
    key: "later-1",
    workspace: "/home/me/app",
    createdAt: "2026-05-30T20:03:47Z",
    updatedAt: "2026-05-30T20:03:50Z",
  });
  const index = fixtureText("gencode/-home-me-app/transcripts-index.json");
  assert.equal(readDocument(gencode, index, "transcripts-index", { key: "later-1" }).facts.title, "From the index");
  assert.deepEqual(readDocument(gencode, index, "transcripts-index", { key: "other" }).facts, {});
});

test("gencode: a tool result comes back into its record, and the rest of the line stays as it is (G6)", () => {
  const text = fixtureText(`gencode/-home-me-app/transcripts/${names.gencode}.jsonl`).split("\n")[3] ?? "";
  const path = `blobs/tool-result/${names.gencode}/t1`;
  assert.deepEqual(gencode.blobs?.find(Object(JSON.parse(text))), [path]);
  const content = 'a "b" \\ é\n';
  const filled = gencode.blobs?.fill(text, path, content) ?? "";
  const [before, after] = text.split(`"a.txt\\nb.txt\\n\\n[Full output persisted to ${path}]"`);
  assert.equal(filled, before + JSON.stringify(content) + after);
});

test("gencode: a marker that leads out of the directory of blobs is none", () => {
  const marked = (path: string): unknown => ({
    message: {
      content: [{ type: "tool_result", content: [{ type: "text", text: `x\n\n[Full output persisted to ${path}]` }] }],
    },
  });
  for (
    const path of [
      "blobs/tool-result/../x",
      "blobs/tool-result/s/..",
      "blobs/tool-result/s/a/b",
      "/etc/passwd",
      "blobs/tool-result//x",
      "blobs/tool-result/s/a\0",
      `blobs/tool-result/s/${"x".repeat(300)}`,
    ]
  ) assert.deepEqual(gencode.blobs?.find(Object(marked(path))), [], path);
  assert.deepEqual(gencode.blobs?.find(Object(marked("blobs/tool-result/s/..."))), ["blobs/tool-result/s/..."]);
});

test("gencode and pi: a conversation that leaves its last record for an earlier one is said to branch", () => {
  const reader = (format: typeof pi, text: string): readonly string[] => {
    const part = partOf(format, text);
    assert.ok(part !== undefined);
    const reading = format.reader(part, { stem: "x" });
    for (const line of text.trim().split("\n")) {
      reading.take({ name: "", key: null, text: line, value: JSON.parse(line), line: 1 });
    }
    return reading.notes?.() ?? [];
  };
  const said = /^the conversation branches in 1 place; all branches are kept/;
  assert.match(reader(gencode, fixtureText(`gencode/-home-me-app/transcripts/${names.gencode}.jsonl`))[0] ?? "", said);
  assert.match(reader(pi, fixtureText("pi/v3.jsonl"))[0] ?? "", said);
  for (const path of ["pi/v1.jsonl", "pi/v2.jsonl"]) assert.deepEqual(reader(pi, fixtureText(path)), []);
  const claude = fixtureText(`claude-code/-home-me-web/${names.claude}.jsonl`);
  assert.deepEqual(reader(claudeCode, claude), ["2 lines belong to side chains; they are kept where they stand"]);
});

test("OmegaLLM: states and receipts, which stand in the index alone, become side records with their text (O5)", () => {
  assert.deepEqual(readFixture("omega/sessions/demo.jsonl").facts, {
    key: "demo",
    createdAt: "2026-11-20T12:46:33.383Z",
  });
  assert.deepEqual(readFixture("omega/sessions/demo.index.json").sides, [
    ["sessionId", '"demo"'],
    ["eventCount", "6"],
    ["checkpoints", '[{"seq":2,"byteOffset":209,"stateId":"state-2","reason":"llm_boundary"}]'],
    ["states/state-2", '{"env":{"x":12345678901234567890},"kont":[]}'],
    [
      "receipts/015abdf862",
      '{"key":"015abdf862","request":{"prompt":"the whole prompt"},"response":"the whole first reply",' +
      '"timestamp":1795178793388,"durationMs":1}',
    ],
  ]);
  assert.deepEqual(readFixture("omega/repl-main.json").sides[0], ["defs", '["(define x 1)"]']);
});

test("OmegaLLM: a log that has lost its header is told by its events, and pi's is not taken for it", () => {
  const events = fixtureText("omega/sessions/demo.jsonl").split("\n").slice(1).join("\n");
  assert.equal(partOf(omega, events)?.name, "log");
  assert.equal(partOf(omega, fixtureText("pi/v3.jsonl")), undefined);
  assert.equal(partOf(pi, fixtureText("omega/sessions/demo.jsonl")), undefined);
});

test("codetether: messages are records, every other member a side record with its text", () => {
  const { facts, records, sides } = readFixture(`codetether/sessions/${names.codetether}.json`);
  assert.deepEqual(facts, {
    key: names.codetether,
    title: "Hello",
    workspace: "/p",
    createdAt: "2026-08-02T00:00:00Z",
    updatedAt: "2026-08-02T00:01:00.5Z",
  });
  assert.equal(records[0], '{"role":"user","content":[{"type":"text","text":"say \\"hi\\" to {[é"}]}');
  assert.deepEqual(sides.map(([name]) => name), [
    "id",
    "title",
    "created_at",
    "updated_at",
    "metadata",
    "agent",
    "pages",
    "summary_index",
    "tool_uses/0",
    "usage",
  ]);
  assert.match(sides.at(-1)?.[1] ?? "", /"prompt_tokens":12345678901234567890/);
});

test("codetether: a session is told before its messages are in sight, and a message that is no object is named", () => {
  const start = `{"id":"x","title":null,"created_at":"t","updated_at":"t","metadata":{"knowledge_snapshot":"`;
  assert.equal(partOf(codetether, start + "x".repeat(1000))?.name, "session");
  const text = `{"id":"x","agent":"a","messages":[1,{"role":"user"},"{}",null,{"role":"tool"}]}`;
  const { records, damaged } = readDocument(codetether, text, "x");
  assert.deepEqual(records, ['{"role":"user"}', '{"role":"tool"}']);
  assert.deepEqual(damaged, [0, 2, 3].map((index) => `line 1: message ${index} is no object`));
});

test("codetether: a thread log is a session of its own without its session, and side records with it", () => {
  const text = fixtureText("codetether/threads/stray.jsonl");
  const alone = readLines(codetether, text, "stray");
  assert.deepEqual([alone.facts.key, alone.records.length], ["stray-thread", 1]);
  assert.deepEqual(readLines(codetether, text, "stray", { key: "gone" }).sides, [["1", text.trim()]]);
});

test("Codex: both layouts give key and workspace, the index the newest title", () => {
  assert.deepEqual(readFixture("codex/sessions/2026/05/02/rollout-2026-05-02T12-33-24-7f9f9a2e.jsonl").facts, {
    key: "7f9f9a2e-1b3c",
    workspace: "/tmp/quote",
    createdAt: "2026-05-02T12:33:22.511Z",
    updatedAt: "2026-05-02T12:33:27Z",
  });
  assert.deepEqual(readFixture("codex/sessions/2025/06/01/rollout-2025-06-01-old.jsonl").facts, {
    key: "old-flat-1",
    workspace: "/home/me/old",
    createdAt: "2025-06-01T09:00:00.000Z",
    updatedAt: "2025-06-01T09:00:00.000Z",
  });
  const index = fixtureText("codex/session_index.jsonl");
  assert.deepEqual(readLines(codex, index, "session_index", { key: "7f9f9a2e-1b3c" }).facts, { title: "Newest name" });
  assert.deepEqual(readLines(codex, index, "session_index").facts, {});
});

test("Claude Code: the title is the summary of a message of this file, the key the session's id", () => {
  const path = `claude-code/-home-me-web/${names.claude}.jsonl`;
  assert.deepEqual(readFixture(path).facts, {
    key: names.claude,
    title: "Fixing the login bug",
    workspace: "/home/me/web",
    createdAt: "2026-06-14T10:00:00.000Z",
    updatedAt: "2026-06-14T10:00:06.000Z",
  });
  const text = fixtureText(path);
  assert.equal(readLines(claudeCode, text, "copy").facts.key, names.claude);
  // A resumed session begins with lines that are copied from the one before; the file is called as the new one.
  const resumed = "d4000000-0001-4000-8000-1234567890ab";
  assert.equal(readLines(claudeCode, text, resumed).facts.key, resumed);
  const lines = text.trim().split("\n");
  const summaryFirst = [lines.at(-1), ...lines.slice(0, -1)].join("\n");
  assert.equal(readLines(claudeCode, summaryFirst, "copy").facts.title, "Fixing the login bug");
});

test("Claude Code: a subagent's file is a session of its own beside its session's", () => {
  const path = "claude-code/-home-me-web/agent-5f2c.jsonl";
  assert.equal(readFixture(path).facts.key, `${names.claude}/agent-5f2c`);
});

test("pi: versions 1 to 3 give key and workspace, the newest session_info the title", () => {
  assert.equal(readFixture("pi/v1.jsonl").facts.key, "pi-one");
  assert.equal(readFixture("pi/v2.jsonl").facts.key, "pi-two");
  assert.deepEqual(readFixture("pi/v3.jsonl").facts, {
    key: "pi-three",
    workspace: "/home/me/pi",
    title: "Tree of a talk",
    createdAt: "2026-01-01T10:00:00Z",
    updatedAt: "2026-01-01T10:00:07Z",
  });
});

test("takeFacts() passes over what cannot serve: a key that is empty, too long or no text, a time that is none", () => {
  const facts: SessionFacts = { title: "kept" };
  for (const key of ["", "é".repeat(513), 5, null, {}, undefined]) takeFacts(facts, { key }, false);
  takeFacts(facts, { title: "", workspace: 7, createdAt: "yesterday" }, false);
  takeFacts(facts, { title: "other" }, true);
  assert.deepEqual(facts, { title: "kept" });
  const long: SessionFacts = {};
  takeFacts(long, { key: "é".repeat(512), title: "x".repeat(5000) }, false);
  assert.deepEqual([long.key?.length, long.title?.length], [512, 1000]);
});

test("LineReader, sideLines() and sideMembers(): records as they are, and names of side records", () => {
  const piece = { name: "", key: null, text: '{"a":1}', value: { a: 1 }, line: 1 };
  assert.deepEqual(new LineReader().take(piece), { kind: "record", text: '{"a":1}' });
  const lines = sideLines();
  lines.take(piece);
  assert.deepEqual(lines.take(piece), { kind: "side", name: "2", text: '{"a":1}' });
  const members = sideMembers(["m"]);
  assert.deepEqual(members.take({ ...piece, name: "m", key: "k" }), { kind: "side", name: "m/k", text: '{"a":1}' });
});

test("sessionFormats: every format says what it is", () => {
  for (const { title } of sessionFormats) assert.notEqual(title, "");
});

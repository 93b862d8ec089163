/** For every rule of another program's reader that is known, a test that what is exported keeps it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileIdOf, isFileId } from "../../src/formats/file_id.ts";
import { LossCount } from "../../src/formats/loss_count.ts";
import { picoclawStem } from "../../src/formats/picoclaw_writer.ts";
import { formatWriters } from "../../src/formats/written_formats.ts";
import type { JsonObject } from "../../src/log/json_text.ts";
import { listOf, objectOf } from "../../src/formats/fact_values.ts";
import { fixtureText } from "./fixtures.ts";
import { writeSession, type WrittenSession } from "./write_session.ts";

const facts = {
  key: "s1",
  title: "A talk",
  workspace: "/home/me/app",
  createdAt: "2026-01-02T03:04:05Z",
  updatedAt: "2026-01-02T04:00:00Z",
};

/** A talk in three shapes: picoclaw's, Anthropic's in pi's envelope, codetether's; with a setting, a call and a result. */
const talk = [
  { role: "user", content: "List <the> files", created_at: "2026-01-02T03:04:06Z" },
  { type: "model_change", model: "m" },
  {
    type: "message",
    timestamp: "2026-01-02T03:04:07Z",
    message: {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "hm", signature: "c2ln" },
        { type: "text", text: "I look." },
        { type: "toolCall", id: "t1", name: "bash", arguments: { command: "ls" } },
      ],
    },
  },
  {
    type: "message",
    message: { role: "toolResult", toolCallId: "t1", content: [{ type: "text", text: "a\nb" }], isError: true },
  },
  { role: "assistant", content: [{ type: "text", text: "Two." }] },
].map((record) => JSON.stringify(record));

const linesOf = ({ text }: WrittenSession): JsonObject[] =>
  text.trimEnd().split("\n").map((line) => Object(JSON.parse(line)));

test("formatWriters: each says what it is and what it cannot hold, and its losses are counted", () => {
  assert.deepEqual(formatWriters.map(({ name }) => name), [
    "jsonl",
    "picoclaw",
    "gencode",
    "omega",
    "codetether",
    "markdown",
    "html",
  ]);
  for (const { title, losses } of formatWriters) {
    assert.notEqual(title, "");
    assert.ok(losses.length > 0 && losses.every((loss) => loss.endsWith(".")));
  }
  const count = new LossCount();
  for (const what of ["a picture", "a thought", "a picture"]) count.add(what);
  assert.deepEqual(count.list(), ["a picture (2 times)", "a thought"]);
  assert.deepEqual(writeSession("jsonl", { key: "k" }, talk).lost, []);
  assert.deepEqual(writeSession("picoclaw", { ...facts, summary: "s" }, talk).lost, [
    "the title",
    "the workspace",
    "a record that is no message",
    "the signature of a thought",
    "that a tool failed",
  ]);
  assert.deepEqual(writeSession("codetether", { ...facts, summary: "s" }, talk).lost, [
    "the summary",
    "a record that is no message",
    "that a tool failed",
  ]);
});

test("fileIdOf(): what every program takes for a name, and no two keys share one", () => {
  const keys = [
    "s1",
    "telegram:1",
    "telegram_1",
    "telegram-1",
    "../../etc/passwd",
    "",
    "..",
    "ä",
    "ö",
    "x".repeat(500),
  ];
  const ids = keys.map(fileIdOf);
  assert.equal(new Set(ids).size, keys.length);
  assert.ok(ids.every(isFileId), ids.join(" "));
  assert.equal(ids[0], "s1");
  assert.equal(picoclawStem("telegram:1"), "telegram_1");
  assert.equal(picoclawStem("../x"), fileIdOf("../x"));
});

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

/** gencode's projection: strict, from the leaf back by parents. */
function projectGencode(written: WrittenSession): { messages: JsonObject[]; title: unknown } {
  const byId = new Map<unknown, JsonObject>();
  const parents = new Set<unknown>();
  let last: JsonObject | undefined;
  let title: unknown;
  for (const record of linesOf(written)) {
    assert.equal(typeof record["id"], "string");
    assert.equal(record["transcriptId"] ?? record["sessionId"], "s1");
    assert.ok(!Number.isNaN(Date.parse(String(record["time"]))));
    if (record["type"] === "message.appended") {
      byId.set(objectOf(record["message"])["messageId"], record);
      parents.add(record["parentId"]);
    }
    if (record["type"] === "state.patched") {
      for (const op of listOf(objectOf(record["state"])["ops"])) {
        const { path, value } = objectOf(op);
        assert.ok(["title", "lastPrompt", "tag", "mode", "tasks", "worktree"].includes(String(path)), String(path));
        if (path === "title") title = value;
      }
    }
  }
  for (const [id, record] of byId) if (!parents.has(id)) last = record;
  const messages: JsonObject[] = [];
  for (let at = last; at !== undefined; at = byId.get(at["parentId"])) messages.unshift(objectOf(at["message"]));
  return { messages, title };
}

test("gencode: started first, then messages each behind its parent, one patch of the state last; its fields in its order", () => {
  const written = writeSession("gencode", facts, talk);
  const lines = linesOf(written);
  assert.deepEqual(lines.map(({ type }) => type), [
    "transcript.started",
    ...Array.from({ length: 4 }, () => "message.appended"),
    "state.patched",
  ]);
  assert.deepEqual(Object.keys(lines[2] ?? {}), ["id", "transcriptId", "time", "type", "parentId", "cwd", "message"]);
  const { messages, title } = projectGencode(written);
  assert.equal(title, "A talk");
  assert.deepEqual(
    messages.map(({ role, content }) => [role, listOf(content).map((block) => objectOf(block)["type"])]),
    [
      ["user", ["text"]],
      ["assistant", ["thinking", "text", "tool_use"]],
      ["user", ["tool_result"]],
      ["assistant", ["text"]],
    ],
  );
  assert.deepEqual(listOf(messages[1]?.["content"])[2], {
    type: "tool_use",
    id: "t1",
    name: "bash",
    input: { command: "ls" },
  });
  assert.deepEqual(listOf(messages[2]?.["content"])[0], {
    type: "tool_result",
    tool_use_id: "t1",
    content: [{ type: "text", text: "a\nb" }],
    is_error: true,
  });
});

test("gencode: message ids are not given twice, an input that is no object becomes one, a talk goes on behind its events", () => {
  const own = fixtureText("gencode/-home-me-app/transcripts/later.jsonl").trim().split("\n");
  const more = [
    JSON.stringify({ role: "assistant", content: [{ type: "tool_use", id: "x", name: "n", input: [1] }] }),
    JSON.stringify({ uuid: "u", parentUuid: null, type: "user", message: { role: "user", content: "twice" } }),
  ];
  const { messages } = projectGencode(writeSession("gencode", { key: "s1" }, [...own, ...more]));
  assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant", "user"]);
  assert.deepEqual(objectOf(listOf(messages[1]?.["content"])[0])["input"], { input: [1] });
  const lines = linesOf(writeSession("gencode", { key: "s1" }, [...own, ...more]));
  // The vocabulary is that of the events that are there.
  assert.ok(lines.every((line) => line["sessionId"] === "s1" && line["transcriptId"] === undefined));
  const ids = lines.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
});

test("gencode: results of over 100,000 bytes go to files, with a preview of 10,000 bytes of whole characters (G6, G8)", () => {
  const large = "é€".repeat(25_000);
  const result = (id: string, text: string): string =>
    JSON.stringify({ role: "user", content: [{ type: "tool_result", tool_use_id: id, content: text }] });
  const texts = [result("t1", large), result("t2", "x".repeat(100_000)), result("../t3", large)];
  const written = writeSession("gencode", facts, texts, { hasFiles: true });
  assert.deepEqual([...written.blobs], [["../blobs/tool-result/s1/t1", large]]);
  const shown = linesOf(written).slice(1, -1).map(({ message }) =>
    String(objectOf(listOf(objectOf(listOf(objectOf(message)["content"])[0])["content"])[0])["text"])
  );
  const [preview, marker] = shown[0]?.split("\n\n") ?? [];
  assert.equal(marker, "[Full output persisted to blobs/tool-result/s1/t1]");
  const previewBytes = new TextEncoder().encode(preview).length;
  assert.ok(previewBytes <= 10_000 && previewBytes > 9_990 && large.startsWith(preview ?? "-"));
  // An id that leads elsewhere names no file, and a single file stands for itself.
  assert.deepEqual(shown.slice(1), ["x".repeat(100_000), large]);
  assert.equal(writeSession("gencode", facts, texts).blobs.size, 0);
  // gencode's own event goes back to its file in the same way.
  const [, event] = linesOf(writeSession("gencode", facts, [result("t1", large)]));
  const again = writeSession("gencode", facts, [JSON.stringify(event)], { hasFiles: true });
  assert.deepEqual([...again.blobs.keys()], ["../blobs/tool-result/s1/t1"]);
  assert.match(again.text, /\[Full output persisted to blobs\/tool-result\/s1\/t1\]/);
});

test("gencode: the index keeps the entries of other sessions, has ours once, the newest first, two blanks deep", () => {
  const { files } = writeSession("gencode", facts, talk, { hasFiles: true });
  const index = files.get("../transcripts-index.json");
  assert.equal(index?.isShared, true);
  const merged = index?.merge?.(fixtureText("gencode/-home-me-app/transcripts-index.json")) ?? "";
  const { version, projectId, entries } = Object(JSON.parse(merged));
  assert.deepEqual([version, projectId], [1, "-home-me-app"]);
  assert.deepEqual(listOf(entries).map((entry) => objectOf(entry)["transcriptId"]).slice(0, 1), ["later-1"]);
  assert.deepEqual(objectOf(listOf(entries)[2]), {
    transcriptId: "s1",
    fullPath: "transcripts/s1.jsonl",
    createdAt: "2026-01-02T03:04:05Z",
    updatedAt: "2026-01-02T03:04:07Z",
    title: "A talk",
    lastPrompt: "List <the> files",
    messageCount: 4,
  });
  assert.equal(index?.merge?.(merged), merged);
  assert.match(merged, /^\{\n {2}"version": 1,\n {2}"projectId"/);
  // A damaged index is made anew, as gencode does.
  assert.equal(listOf(Object(JSON.parse(index?.merge?.("{torn") ?? ""))["entries"]).length, 1);
});

test("OmegaLLM: header first, numbers from 0 by one, times, previews of 200; the index counts events and not the header", () => {
  const long = JSON.stringify({ role: "tool", tool_call_id: "t9", content: "y".repeat(300) });
  const written = writeSession("omega", facts, [...talk, long]);
  const [header, ...events] = linesOf(written);
  assert.deepEqual(header, { type: "session", version: 1, id: "s1", created: facts.createdAt });
  assert.deepEqual(events.map(({ seq, type }) => [seq, type]), [
    [0, "input"],
    [1, "result"],
    [2, "effect"],
    [3, "resume"],
    [4, "result"],
    [5, "resume"],
  ]);
  assert.ok(events.every(({ ts }) => typeof ts === "number"));
  assert.deepEqual(Object.keys(events[2] ?? {}), ["seq", "ts", "type", "d", "op", "argsPreview"]);
  assert.equal(String(events[5]?.["valuePreview"]).length, 200);
  assert.match(written.lost.join(), /behind 200 characters/);
  const index = Object(JSON.parse(written.files.get("s1.index.json")?.text ?? ""));
  assert.deepEqual(index, { sessionId: "s1", eventCount: 6, checkpoints: [], states: {}, receipts: {} });
});

test("OmegaLLM: each checkpoint is where the index says, numbers that were given twice are given anew (O2)", () => {
  const own = fixtureText("omega/sessions/demo.jsonl").trim().split("\n");
  const doubled = `{"seq":2,"ts":1795178793390,"type":"checkpoint","d":0,"reason":"manual","stateId":"state-x"}`;
  const greeting = JSON.stringify({ role: "user", content: "é ✓ and on" });
  const written = writeSession("omega", { key: "demo" }, [...own, greeting, doubled]);
  const bytes = new TextEncoder().encode(written.text);
  const { checkpoints, eventCount } = Object(JSON.parse(written.files.get("demo.index.json")?.text ?? ""));
  const numbers = listOf(checkpoints).map((checkpoint) => {
    const { seq, byteOffset } = objectOf(checkpoint);
    const [line = ""] = new TextDecoder().decode(bytes.subarray(Number(byteOffset))).split("\n");
    const { seq: number, type } = Object(JSON.parse(line));
    assert.deepEqual([number, type], [seq, "checkpoint"]);
    return seq;
  });
  assert.deepEqual(numbers, [2, 7]);
  assert.equal(eventCount, 8);
});

test("codetether: one document, its members in its order, what its reader must find of the right type", () => {
  const written = writeSession("codetether", facts, talk);
  const document: JsonObject = Object(JSON.parse(written.text));
  assert.deepEqual(Object.keys(document), [
    "id",
    "title",
    "created_at",
    "updated_at",
    "metadata",
    "agent",
    "messages",
    "pages",
    "summary_index",
    "tool_uses",
    "usage",
  ]);
  assert.equal(document["id"], "s1");
  assert.match(String(document["id"]), /^[A-Za-z0-9_-]{1,128}$/);
  const { directory, shared, share_url: url } = objectOf(document["metadata"]);
  assert.deepEqual([directory, shared, url], ["/home/me/app", false, null]);
  assert.deepEqual(document["pages"], ["conversation", "conversation", "evidence", "conversation"]);
  assert.deepEqual(listOf(document["messages"]).map((message) => objectOf(message)["role"]), [
    "user",
    "assistant",
    "tool",
    "assistant",
  ]);
  assert.deepEqual(objectOf(listOf(document["messages"])[1])["content"], [
    { type: "thinking", text: "hm", signature: "c2ln" },
    { type: "text", text: "I look." },
    { type: "tool_call", id: "t1", name: "bash", arguments: '{"command":"ls"}' },
  ]);
  assert.deepEqual(objectOf(listOf(document["messages"])[2])["content"], [
    { type: "tool_result", tool_call_id: "t1", content: "a\nb" },
  ]);
  const { prompt_tokens: tokens, cache_read_tokens: cached } = objectOf(document["usage"]);
  assert.deepEqual([tokens, cached], [0, null]);
  assert.ok(!written.text.includes("\n"));
  assert.throws(() => writeSession("codetether", { key: "a" }, [], { stem: "../a" }), RangeError);
});

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

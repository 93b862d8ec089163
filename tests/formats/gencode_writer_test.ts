import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../src/log/json_text.ts";
import { listOf, objectOf } from "../../src/formats/fact_values.ts";
import { fixtureText } from "./fixtures.ts";
import { facts, linesOf, talk, writeSession, type WrittenSession } from "./write_session.ts";

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

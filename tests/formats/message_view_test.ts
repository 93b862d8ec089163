import assert from "node:assert/strict";
import { test } from "node:test";
import { blockPart, callPart, contentParts, imageOf, resultPart } from "../../src/formats/message_parts.ts";
import { messageOf, openingOf } from "../../src/formats/message_view.ts";
import { fixtureText, names } from "./fixtures.ts";

/** What is said in a file: role and kinds of each message, null for what is none. */
function saidIn(path: string): (string | null)[] {
  return fixtureText(path).trim().split("\n").filter(Boolean).map((line) => {
    const message = messageOf(Object(JSON.parse(line.replace(/^\ufeff/, ""))));
    return message === undefined ? null : `${message.role}: ${message.parts.map(({ kind }) => kind).join(" ")}`;
  });
}

test("messageOf() finds the messages of every program, and nothing else", () => {
  assert.deepEqual(saidIn("picoclaw/sessions/telegram_77.jsonl"), [
    "user: text",
    "assistant: call",
    "tool: result",
    "assistant: text",
  ]);
  assert.deepEqual(saidIn(`gencode/-home-me-app/transcripts/${names.gencode}.jsonl`), [
    null,
    "user: text",
    "assistant: thinking call",
    "tool: result",
    "assistant: ",
    "assistant: text",
    null,
    null,
  ]);
  assert.deepEqual(saidIn("omega/sessions/demo.jsonl"), [
    null,
    "user: text",
    null,
    null,
    null,
    "assistant: text",
    "system: text",
  ]);
  assert.deepEqual(saidIn("codex/sessions/2026/05/02/rollout-2026-05-02T12-33-24-7f9f9a2e.jsonl"), [
    null,
    null,
    "user: text",
    "assistant: call",
    "tool: result",
    null,
  ]);
  assert.deepEqual(saidIn("codex/sessions/2025/06/01/rollout-2025-06-01-old.jsonl"), [
    null,
    null,
    "user: text",
    "user: text",
    "assistant: thinking",
    "assistant: text",
  ]);
  assert.deepEqual(saidIn(`claude-code/-home-me-web/${names.claude}.jsonl`).slice(0, 9), [
    null,
    "user: text",
    "assistant: thinking call",
    "user: text",
    "assistant: text",
    "tool: result",
    "system: text",
    null,
    "assistant: text",
  ]);
  assert.deepEqual(saidIn("pi/v3.jsonl"), [
    null,
    "user: text",
    "assistant: call",
    "tool: result",
    "system: text",
    "user: text",
    null,
    null,
  ]);
  assert.deepEqual(saidIn("jsonl/notes.jsonl"), [null, null, null, null].slice(0, saidIn("jsonl/notes.jsonl").length));
});

test("messageOf(): ids, times and models; a time that is none is left out", () => {
  const { id, time, model } = messageOf({
    uuid: "u",
    type: "assistant",
    timestamp: "2026-01-01T00:00:00Z",
    message: { role: "assistant", model: "m", content: "x" },
  }) ?? {};
  assert.deepEqual([id, time, model], ["u", "2026-01-01T00:00:00Z", "m"]);
  assert.equal(messageOf({ role: "user", content: "x", timestamp: 1763681581544 })?.time, "2025-11-20T23:33:01.544Z");
  assert.equal(messageOf({ role: "user", content: "x", created_at: "<monday>" })?.time, undefined);
  assert.equal(messageOf({ role: "__proto__", content: "x" })?.role, "system");
  const shell = messageOf({ type: "message", message: { role: "bashExecution", command: "ls", output: "a" } });
  assert.deepEqual(shell?.parts, [{ kind: "text", text: "```\n$ ls\na\n```" }]);
});

test("blockPart(), callPart(), resultPart(), imageOf(): the shapes of every interface", () => {
  assert.deepEqual(callPart({ id: "a", function: { name: "n", arguments: "{}" } }), {
    kind: "call",
    id: "a",
    name: "n",
    input: "{}",
  });
  assert.deepEqual(blockPart({ type: "function_call", call_id: "c", id: "x", name: "n", arguments: "{}" }), {
    kind: "call",
    id: "c",
    name: "n",
    input: "{}",
  });
  assert.deepEqual(resultPart({ callId: "c", output: { type: "text", text: "done" } }), {
    kind: "result",
    id: "c",
    text: "done",
    images: [],
    isError: false,
  });
  assert.deepEqual(imageOf("data:image/png;base64,AA=="), { kind: "image", mimeType: "image/png", data: "AA==" });
  assert.deepEqual(imageOf("http://x/y"), { kind: "image", mimeType: "", url: "http://x/y" });
  assert.deepEqual(blockPart({ type: "image_url", image_url: { url: "data:image/gif;base64,AA==" } }), {
    kind: "image",
    mimeType: "image/gif",
    data: "AA==",
  });
  assert.deepEqual(contentParts([1, { type: "new" }]), [{ kind: "other", text: "1" }, {
    kind: "other",
    text: '{"type":"new"}',
  }]);
});

test("openingOf(): what was asked, and no command or greeting", () => {
  const of = (content: string): string | undefined => openingOf({ role: "user", content });
  assert.equal(of("/mode"), undefined);
  assert.equal(of("hi there"), undefined);
  assert.equal(of("<environment_context>and more"), undefined);
  assert.equal(of("  read the\nfile in full "), "read the file in full");
  assert.equal(of("word ".repeat(40))?.endsWith("word …"), true);
  assert.equal(openingOf({ role: "assistant", content: "a long sentence of mine" }), undefined);
});

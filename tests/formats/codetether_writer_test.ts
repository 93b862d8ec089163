import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../src/log/json_text.ts";
import { listOf, objectOf } from "../../src/formats/fact_values.ts";
import { facts, talk, writeSession } from "./write_session.ts";

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

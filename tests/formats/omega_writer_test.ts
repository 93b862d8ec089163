import assert from "node:assert/strict";
import { test } from "node:test";
import { listOf, objectOf } from "../../src/formats/fact_values.ts";
import { fixtureText } from "./fixtures.ts";
import { facts, linesOf, talk, writeSession } from "./write_session.ts";

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

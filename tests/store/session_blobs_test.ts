import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { simulatedTest, type StoreBench } from "./store_fixture.ts";

const options = { blobs: { valueBytesMin: 2000, previewBytesMax: 40 } };
const large = (start: string): string => `${start} ${"größer ".repeat(400)}`;
const nameOf = (text: string): string => createHash("sha256").update(text).digest("hex");
const decoder = new TextDecoder();

async function blobNames(bench: StoreBench): Promise<string[]> {
  return (await bench.names("/blobs")).filter((name) => /^[0-9a-f]{64}$/.test(name));
}

simulatedTest("append() keeps a large value out of the log, and reads it back", async (bench) => {
  const session = await bench.openSession("chat", options);
  const content = large("a");
  await session.append({ role: "tool", content, parts: [{ text: content }, { text: "small" }] });
  const line = (await bench.text("chat.jsonl")).trim();
  assert.ok(line.length < 700, line);
  const stored = JSON.parse(line);
  assert.match(stored.content, /^a größer .*… \[\d+ bytes: blobs\/[0-9a-f]{64}\]$/);
  assert.deepEqual(Object.keys(stored["#blobs"]), ["/content", "/parts/0/text"]);
  assert.deepEqual(await blobNames(bench), [nameOf(content)]);
  assert.equal(decoder.decode(await bench.read(`blobs/${nameOf(content)}`)), content);
  assert.deepEqual(await session.history(), [{ role: "tool", content, parts: [{ text: content }, { text: "small" }] }]);
  assert.equal((await session.history({ previews: true }))[0]?.["content"], stored.content);
  const { records } = await session.tail(1);
  assert.equal(records[0]?.["content"], content);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { lineBytesMax } from "../../src/log/record_format.ts";
import { encodeManifest, type Manifest, parseManifest } from "../../src/sink/manifest.ts";
import {
  blobObject,
  isSessionId,
  manifestObject,
  readManifestName,
  readRecordsName,
  recordsObject,
} from "../../src/sink/object_names.ts";
import { encodeBucketLine, firstPosition, readBucketLines } from "../../src/sink/record_lines.ts";

const id = "00000000-0000-4000-8000-000000000001";

test("names of objects say where they belong, and sort as they follow each other", () => {
  assert.equal(manifestObject(id, 2), `sessions/${id}/manifest-000002.json`);
  assert.equal(recordsObject(id, { epoch: 1, from: 42 }), `sessions/${id}/records/000001-0000000000000042.jsonl`);
  assert.equal(blobObject(id, "ab"), `sessions/${id}/blobs/ab`);
  assert.deepEqual(readManifestName(manifestObject(id, 2)), { id, epoch: 2 });
  assert.deepEqual(readRecordsName(recordsObject(id, { epoch: 3, from: 9 })), { epoch: 3, from: 9 });
  assert.equal(readRecordsName(manifestObject(id, 2)), null);
  assert.equal(readManifestName("sessions/x/manifest-2.json"), null);
  const names = [9, 10, 99, 100, 1e15].map((from) => recordsObject(id, { epoch: 1, from }));
  assert.deepEqual([...names].sort(), names);
  assert.ok(isSessionId(id) && !isSessionId("../x") && !isSessionId(null) && !isSessionId(`${id}/`));
});

test("parseManifest() reads what encodeManifest() wrote, and refuses what is none, without showing it", () => {
  const manifest: Manifest = {
    id,
    epoch: 2,
    device: "d",
    from: 3,
    next: 9,
    deleted: false,
    key: "telegram:123",
    first: 4,
    summary: "so far",
    title: null,
    workspace: "/w",
    scope: '{"a":12345678901234567}',
    aliases: ["x"],
    parent: null,
    createdAt: "2001-09-09T01:46:40Z",
  };
  const read = parseManifest("m", encodeManifest({ ...manifest, scope: '{"a":1}' }));
  assert.deepEqual(read, { ...manifest, scope: '{"a":1}' });
  for (const text of ["", "{}", "[]", '{"format":2}', encodeManifest({ ...manifest, next: -1 }), "secret"]) {
    assert.throws(() => parseManifest("m", text), (error: Error) => !error.message.includes("secret"));
  }
  assert.throws(() => parseManifest("m", "HFS1…"), /HOLDFAST_S3_ENCRYPTION_KEY/);
});

test("B7: encodeBucketLine() leaves a line that has no room for a mark without one", () => {
  const text = `{"c":"${"x".repeat(lineBytesMax - 20)}"}`;
  const { bytes, next } = encodeBucketLine(text, 7, [], 1);
  assert.deepEqual([bytes.length, next], [text.length + 1, 8]);
  assert.ok(encodeBucketLine(text.replace("xxxxxxxxxx", ""), 7, [], 1).bytes.length > text.length);
});

test("readBucketLines() takes lines that follow each other, and nothing doubled, missing, swapped, changed or cut", () => {
  const start = firstPosition("telegram:123");
  const lines: Uint8Array[] = [];
  let { checksum } = start;
  for (const [index, sequence] of [0, 1, 4].entries()) {
    const line = encodeBucketLine(`{"n":${index}}`, sequence, [], checksum);
    lines.push(line.bytes);
    checksum = line.checksum;
  }
  const join = (...parts: (Uint8Array | undefined)[]): Uint8Array =>
    new TextEncoder().encode(parts.map((part) => new TextDecoder().decode(part)).join(""));
  const [one, two, three] = lines;
  const whole = join(one, two, three);
  const { lines: read, end } = readBucketLines("o", whole, start);
  assert.deepEqual(read.map(({ sequence, text }) => [sequence, text]), [[0, '{"n":0}'], [1, '{"n":1}'], [
    4,
    '{"n":2}',
  ]]);
  assert.deepEqual(end, { next: 5, checksum });
  const wrong = [join(one, two, two), join(one, three), join(two, one), join(two), whole.subarray(0, -1), join()];
  for (const bytes of wrong) assert.throws(() => readBucketLines("o", bytes, start), { code: "corrupt" });
  for (let offset = 0; offset < whole.length; offset++) {
    const flipped = whole.slice();
    flipped[offset] = (flipped[offset] ?? 0) ^ 1;
    assert.throws(() => readBucketLines("o", flipped, start), { code: "corrupt" }, `a flipped bit at ${offset}`);
  }
  assert.throws(() => readBucketLines("o", whole, firstPosition("telegram:124")), { code: "corrupt" });
});

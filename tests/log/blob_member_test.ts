import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { type BlobReference, joinLine, readReferences, splitLine, writeReferences } from "../../src/log/blob_member.ts";
import { toLineText } from "../../src/log/json_text.ts";
import { objectText } from "./json_text_test.ts";

const hash = "0123456789abcdef".repeat(4);
const reference: fc.Arbitrary<BlobReference> = fc.record({
  pointer: fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("/a", '/"}}', '/"#blobs":{', "/\u2028", "/\ud800")),
  hash: fc.constantFrom(hash, "f".repeat(64)),
  bytes: fc.nat(),
  spelled: fc.boolean(),
});
const references = fc.uniqueArray(reference, {
  minLength: 1,
  maxLength: 4,
  // An object gives names that are numbers first; a pointer is none.
  selector: ({ pointer }) => pointer,
}).map((list) => list.map((one) => ({ ...one, pointer: `/${one.pointer}` })));

/** What an author's own member may look like, at the top and below. */
const lookalike = fc.constantFrom(
  `{"#blobs":{"/a":"${hash} 1"}}`,
  `{"a":1,"#blobs":{"/a":"${hash} 1"}}`,
  `{"a":1,"#blobs#":{"/a":"${hash} 1"}}`,
  `{"a":1,"#blobs##":{"/a":"${hash} 1 json"}}`,
  `{"a":{"#blobs":{"/a":"${hash} 1"}}}`,
  `{"a":{"b":1,"#blobs":{"/a":"${hash} 1"}}}`,
  `{"a":[{"b":1,"#blobs":{"/a":"${hash} 1"}}]}`,
  `{"a":",\\"#blobs\\":{\\"/a\\":\\"${hash} 1\\"}}"}`,
  `{"a":1,"\\u0023blobs":{"/a":"${hash} 1"}}`,
  `{"a":1,"#\\u0062lobs":{"/a":"${hash} 1"}}`,
  `{"a":1,"#blobs" : {"/a":"${hash} 1"}}`,
  `{"#blobs":"preview… [5 bytes: blobs/${hash}]"}`,
);

test("splitLine() gives back what joinLine() has put together, whatever the author's members are called", () => {
  fc.assert(fc.property(fc.oneof(objectText, lookalike), references, (text, list) => {
    const line = toLineText(text);
    if (Object.keys(JSON.parse(line)).length === 0) return;
    const parts = splitLine(joinLine(line, writeReferences(list)));
    assert.equal(parts.text, splitLine(line).text);
    assert.deepEqual(readReferences(parts.blobs ?? "{}"), list);
  }));
});

test("splitLine() never takes an author's member for ours: such a record comes back as it was", () => {
  fc.assert(fc.property(fc.oneof(objectText, lookalike), (text) => {
    const parts = splitLine(toLineText(text));
    assert.equal(parts.blobs, undefined);
    assert.deepEqual(JSON.parse(parts.text), JSON.parse(text));
    assert.equal(toLineText(parts.text), toLineText(text));
  }));
});

test("splitLine() takes only the exact form for ours", () => {
  const strange = [
    `{"/a":"${hash}"}`,
    `{"/a":"${hash} 1 text"}`,
    `{"/a":"${hash.toUpperCase()} 1"}`,
    `{"/a":["x"]}`,
    "{}",
  ];
  for (const blobs of strange) assert.equal(splitLine(`{"a":1,"#blobs":${blobs}}`).blobs, undefined, blobs);
  assert.equal(splitLine(`{"a":1,"#blobs":{"/a":"${hash} 1"}}`).blobs, `{"/a":"${hash} 1"}`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { type JsonPiece, JsonPieces, nestingDepthMax, pieceBytesMax } from "../../src/formats/json_pieces.ts";

const encoder = new TextEncoder();

function cut(text: string | Uint8Array, open: string[] = [], chunkBytes = Infinity): JsonPiece[] {
  const pieces = new JsonPieces(new Set(open));
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  const found: JsonPiece[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) found.push(...pieces.feed(bytes.subarray(at, at + chunkBytes)));
  return [...found, ...pieces.end()];
}

function summary(text: string | Uint8Array, open: string[] = []): string[] {
  return cut(text, open).map((piece) =>
    piece.kind === "damaged"
      ? `${piece.line}! ${piece.reason}`
      : `${piece.line} ${piece.name}${piece.key === null ? "" : `[${piece.key}]`} ${piece.text}`
  );
}

test("JsonPieces gives the members of a document, and the elements and entries of those that are opened", () => {
  const text =
    `\ufeff{ "a" : 1,\n "m" : [ {"x": "]}\\""},\n\n null, [ ] ],\n "o": {"k":-1.5e3 ,"l" : {}}, "e":[], "f":{} }\n`;
  assert.deepEqual(summary(text, ["m", "o", "e", "f"]), [
    "1 a 1",
    '2 m[0] {"x":"]}\\""}',
    "4 m[1] null",
    "4 m[2] []",
    "5 o[k] -1.5e3",
    "5 o[l] {}",
  ]);
  assert.deepEqual(summary(text).slice(1), [
    '2 m [{"x":"]}\\""},null,[]]',
    '5 o {"k":-1.5e3,"l":{}}',
    "5 e []",
    "5 f {}",
  ]);
  assert.deepEqual(summary(`{"m":7,"o":"x"}`, ["m", "o"]), ["1 m 7", '1 o "x"']);
  assert.deepEqual(summary("{}"), []);
});

test("JsonPieces: any object comes back member by member, however it is cut into chunks", () => {
  const anyObject = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue(), { maxKeys: 6, noNullPrototype: true });
  fc.assert(fc.property(anyObject, fc.integer({ min: 1, max: 7 }), fc.constantFrom(0, 2), (object, size, indent) => {
    const text = JSON.stringify(object, null, indent);
    const whole = cut(text, ["a"], size);
    const back = whole.map((piece) => piece.kind === "piece" ? piece.name : piece.reason);
    assert.deepEqual(back.filter((name) => name !== "a"), Object.keys(object).filter((name) => name !== "a"));
    for (const piece of cut(text, [], size)) {
      assert.ok(piece.kind === "piece");
      assert.equal(piece.text, JSON.stringify(object[piece.name]));
      assert.deepEqual(piece.value, JSON.parse(piece.text));
    }
  }));
});

test("JsonPieces names a piece that is damaged and goes on behind it", () => {
  const bytes = encoder.encode(`{"m":[{"a":1},{"a":tru},{"b":"?"},{"c":3}],"n":nul}`);
  bytes[bytes.indexOf(0x3f)] = 0xff;
  assert.deepEqual(summary(bytes, ["m"]), [
    '1 m[0] {"a":1}',
    '1! "m", element "1" is not JSON',
    '1! "m", element "2" is not UTF-8',
    '1 m[3] {"c":3}',
    '1! "n" is not JSON',
  ]);
});

test("JsonPieces names a second member of a name, and what is wrong with the frame", () => {
  assert.deepEqual(summary(`{"m":[1],\n"m":[2],"n":3}`, ["m"]), ["1 m[0] 1", '2! "m" a second time', "2 n 3"]);
  const broken: Record<string, string> = {
    "": "1! no JSON object",
    "[1]": "1! something that does not belong at its beginning",
    "x": "1! something that does not belong at its beginning",
    "{": "1! the document is cut off at its beginning",
    '{"a"': '1! the document is cut off in "a"',
    '{"a" 1}': '1! something that does not belong in "a"',
    "{a:1}": "1! something that does not belong at its beginning",
    "{,}": "1! something that does not belong at its beginning",
    '{"a":}': '1! something that does not belong in "a"',
    '{"\\x":1}': "1! a name that is none",
  };
  for (const [text, reason] of Object.entries(broken)) assert.deepEqual(summary(text), [reason], text);
  assert.deepEqual(summary(`{"a":1}\n\n{"b":2}`), ["1 a 1", "3! something that does not belong behind the document"]);
  assert.deepEqual(summary(`{"a":1 "b":2}`), ["1 a 1", '1! something that does not belong in "a"']);
  assert.deepEqual(summary(`{"m":[1,2`, ["m"]), ["1 m[0] 1", '1! the document is cut off in "m", element "1"']);
  assert.deepEqual(summary(`{"m":[1 2]}`, ["m"]), [
    "1 m[0] 1",
    '1! something that does not belong in "m", element "0"',
  ]);
  assert.deepEqual(summary('{"a":"x\ny\n",\n"b":tru\n}'), ['1! "a" is not JSON', '4! "b" is not JSON']);
  assert.deepEqual(summary(`{"m":{1:2}}`, ["m"]), ['1! something that does not belong in "m"']);
});

test("JsonPieces passes over a piece of over 10 MiB without holding it, and one that is nested too deep", () => {
  const large = `"${"x".repeat(pieceBytesMax)}"`;
  const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  const found = summary(`{"m":[${large},${deep(nestingDepthMax + 1)},${deep(3)}],"l":${large}}`, ["m"]);
  assert.deepEqual(found, [
    `1! "m", element "0" is over ${pieceBytesMax} bytes`,
    `1! "m", element "1" is nested more than ${nestingDepthMax} deep`,
    "1 m[2] [[[]]]",
    `1! "l" is over ${pieceBytesMax} bytes`,
  ]);
});

test("JsonPieces bounds what it remembers: the number of members, and the length of their names", () => {
  const many = Array.from({ length: 2000 }, (_, index) => `"${index}":0`).join(",");
  assert.match(summary(`{${many}}`).at(-1) ?? "", /more than 1000 members/);
  assert.deepEqual(summary(`{"${"n".repeat(70_000)}":1}`), ["1! a name that is none"]);
});

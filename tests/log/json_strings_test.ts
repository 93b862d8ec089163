import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { stringValues } from "../../src/log/json_strings.ts";

/** What a JSON pointer leads to. */
function follow(value: unknown, pointer: string): unknown {
  let found = value;
  for (const step of pointer.split("/").slice(1)) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    found = Object.getOwnPropertyDescriptor(Object(found), key)?.value;
  }
  return found;
}

function countStrings(value: unknown): number {
  if (typeof value === "string") return 1;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, inner) => sum + countStrings(inner), 0);
}

test("stringValues() gives each string that is a value, with the pointer that leads to it", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, space) => {
    const text = JSON.stringify(value, null, space);
    let count = 0;
    for (const { start, end, pointer } of stringValues(text)) {
      assert.equal(follow(JSON.parse(text), pointer()), JSON.parse(text.slice(start, end)), pointer());
      count++;
    }
    assert.equal(count, countStrings(JSON.parse(text)));
  }));
});

test("stringValues() escapes what a pointer cannot hold, and gives doubled keys each time", () => {
  const text = '{"a/b":{"~":["x",{"":"y\\\\"}]},"k":"1","k":"2\\"}"}';
  const found = [...stringValues(text)].length;
  const pointers: string[] = [];
  for (const { pointer } of stringValues(text)) pointers.push(pointer());
  assert.equal(found, 4);
  assert.deepEqual(pointers, ["/a~1b/~0/0", "/a~1b/~0/1/", "/k", "/k"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { replaceStrings } from "../../src/formats/string_literals.ts";

test("replaceStrings() that changes nothing gives the text back, and one that changes all changes the strings only", () => {
  fc.assert(fc.property(fc.json(), (json) => {
    assert.equal(replaceStrings(json, () => undefined), json);
    const seen: string[] = [];
    const changed = replaceStrings(json, (string) => {
      seen.push(string);
      return `${string}\u2028"`;
    });
    const strings: string[] = [];
    assert.deepEqual(JSON.parse(changed.replaceAll('\u2028\\"', "")), JSON.parse(json));
    replaceStrings(changed, (string) => void strings.push(string));
    assert.deepEqual(strings, seen.map((string) => `${string}\u2028"`));
  }));
});

test("replaceStrings() keeps blanks, numbers and escapes of what it leaves", () => {
  const text = `{ "a" : "\\u003cx", "n":1.50E3 , "b\\\\" : "old\\"" }`;
  assert.equal(
    replaceStrings(text, (string) => string === 'old"' ? "new" : undefined),
    `{ "a" : "\\u003cx", "n":1.50E3 , "b\\\\" : "new" }`,
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { compactJson, indentJson, jsonElements, memberText, trimBlanks } from "../../src/log/json_layout.ts";

/** The canonical text of any JSON value. */
const anyJson = fc.json().map((json) => JSON.stringify(JSON.parse(json)));

test("compactJson() takes blanks out between tokens and nowhere else", () => {
  assert.equal(compactJson(` {\t"a b" : [ 1 ,\r\n2.50e+3, " \\" , "] } \n`), `{"a b":[1,2.50e+3," \\" , "]}`);
  fc.assert(fc.property(anyJson, fc.integer({ min: 0, max: 4 }), (json, width) => {
    assert.equal(compactJson(JSON.stringify(JSON.parse(json), null, width)), json);
  }));
});

test("indentJson() sets out as JSON.stringify() does, and keeps the texts of numbers", () => {
  assert.equal(
    indentJson(`{"n":12345678901234567890,"e":{},"l":[]}`),
    `{\n  "n": 12345678901234567890,\n  "e": {},\n  "l": []\n}`,
  );
  fc.assert(fc.property(anyJson, (json) => {
    assert.equal(indentJson(json), JSON.stringify(JSON.parse(json), null, 2));
  }));
});

test("jsonElements() gives every element in order", () => {
  assert.deepEqual(jsonElements(` [ 1, "a,]\\"", [2,[3]] ,{"a":[]},null ] `), [
    "1",
    `"a,]\\""`,
    "[2,[3]]",
    `{"a":[]}`,
    "null",
  ]);
  assert.deepEqual(jsonElements("[]"), []);
  assert.deepEqual(jsonElements("null"), []);
  fc.assert(fc.property(fc.array(fc.jsonValue()), (values) => {
    const elements = jsonElements(JSON.stringify(values, null, 1));
    assert.deepEqual(elements.map(compactJson), values.map((value) => JSON.stringify(value)));
  }));
});

test("memberText() gives the last value of a name as it is written", () => {
  const json = ` { "a" : 1.0, "\\u0061":{"b":[1,2],"c":"}"} ,"":"\\\\", "n" : 12345678901234567890 } `;
  assert.equal(memberText(json, "a"), `{"b":[1,2],"c":"}"}`);
  assert.equal(memberText(json, ""), `"\\\\"`);
  assert.equal(memberText(json, "n"), "12345678901234567890");
  assert.equal(memberText(json, "b"), undefined);
  assert.equal(memberText("{}", "a"), undefined);
});

test("trimBlanks() takes JSON's blanks away and no others", () => {
  assert.equal(trimBlanks(" \t\r\n\u00a0a \u2028 "), "\u00a0a \u2028");
  assert.equal(trimBlanks(" \n "), "");
});

test("megabytes of escapes and of blanks cost linear time and no stack", () => {
  const escapes = JSON.stringify({ a: `"\\`.repeat(500_000), b: " ".repeat(1_000_000) });
  assert.equal(compactJson(escapes), escapes);
  assert.equal(jsonElements(`[${escapes},${escapes}]`).length, 2);
});

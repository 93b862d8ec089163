import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { fromLineText, isJsonObject, parseObject, toLineText, topLevelMembers } from "../../src/log/json_text.ts";

/** Keys that matter here, beside any others. */
const keyText = fc.oneof(
  fc.constantFrom('"#"', '"##"', '"###"', '"\\u0023"', '"#\\u0023"', '"\\u0023#"', '"\\u0023\\u0023"', '"__proto__"'),
  fc.constantFrom('"\\""', '"\\\\"', '"# "', '""', '"a:b"', '"}"', '"{"', '","', '"#,#"'),
  fc.string({ unit: "binary", maxLength: 5 }).map((key) => JSON.stringify(key)),
);
const valueText = fc.oneof(
  fc.constantFrom(
    "1234567890123456",
    "12345678901234567890",
    "1.0",
    "-0.5e+10",
    "[ ]",
    "{ }",
    '"}"',
    '"\\\\"',
    '"\\"#\\""',
  ),
  fc.json(),
);
const space = fc.constantFrom("", "", " ", "\n", "\r\n", "\t", "\n  ");

/** The text of a JSON object as an author may have written it. */
export const objectText: fc.Arbitrary<string> = fc.record({
  outer: fc.tuple(space, space, space),
  members: fc.array(fc.tuple(keyText, valueText, space, space, space, space), { maxLength: 5 }),
}).map(({ outer: [before, empty, after], members }) =>
  members.length === 0
    ? `${before}{${empty}}${after}`
    : `${before}{${members.map(([key, value, a, b, c, d]) => `${a}${key}${b}:${c}${value}${d}`).join(",")}}${after}`
);

/** Every member in order, duplicates included, values parsed. */
function membersOf(text: string): unknown[] {
  return topLevelMembers(text).map(({ keyStart, keyEnd, valueStart, valueEnd }) => [
    JSON.parse(text.slice(keyStart, keyEnd)),
    JSON.parse(text.slice(valueStart, valueEnd)),
  ]);
}

test("parseObject() takes objects and nothing else", () => {
  assert.deepEqual(parseObject(' {"a":1}\n'), { value: { a: 1 } });
  for (const text of ["", "{", "{}}", '{"a":1,}', "\ufeff{}", "\u00a0{}", "nul"]) {
    assert.deepEqual(parseObject(text), { reason: "not valid JSON" }, JSON.stringify(text));
  }
  for (const text of ["1", "null", "[]", '"{}"', "true"]) {
    assert.deepEqual(parseObject(text), { reason: "valid JSON, but not an object" }, text);
  }
  assert.equal(isJsonObject({}), true);
  for (const value of [null, [], "", 1, undefined]) assert.equal(isJsonObject(value), false);
});

test("topLevelMembers() gives every member in order, duplicates, too", () => {
  assert.deepEqual(membersOf(' { "a" : [1,{"b":"}"}] , "a":"\\\\" ,"__proto__":{"x":1},"":null}'), [
    ["a", [1, { b: "}" }]],
    ["a", "\\"],
    ["__proto__", { x: 1 }],
    ["", null],
  ]);
  assert.deepEqual(topLevelMembers("{ }"), []);
  fc.assert(fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()), (value) => {
    const text = JSON.stringify(value, null, 2);
    const entries = Object.entries(JSON.parse(text) as object);
    assert.deepEqual(membersOf(text), entries);
  }));
});

test("toLineText() gives one line, and fromLineText() the author's text but for line ends and escapes", () => {
  fc.assert(
    fc.property(objectText, (text) => {
      const line = toLineText(text);
      assert.ok(line.startsWith("{") && line.endsWith("}"));
      assert.doesNotMatch(line, /[\r\n\0\u2028\u2029]|\p{Surrogate}/u);
      // No key of the author's is the mark's.
      assert.ok(membersOf(line).every((member) => Array.isArray(member) && member[0] !== "#"));
      const back = fromLineText(line);
      assert.deepEqual(membersOf(back), membersOf(text));
      // Byte for byte where nothing had to change.
      if (!/[\r\n\u2028\u2029]|\p{Surrogate}/u.test(text)) assert.equal(back, text.trim());
      assert.equal(toLineText(back), line);
    }),
    { numRuns: 2000 },
  );
});

test("keys of `#` only get one more `#` and lose it again, whatever their length and spelling", () => {
  for (let length = 1; length <= 12; length++) {
    for (let spelling = 0; spelling < 1 << Math.min(length, 6); spelling++) {
      let key = "";
      for (let index = 0; index < length; index++) key += (spelling >> index) & 1 ? "\\u0023" : "#";
      const text = `{"a":1,"${key}":{"#":"0 00000000"},"b":"#"}`;
      const line = toLineText(text);
      assert.equal(line, `{"a":1,"${key}#":{"#":"0 00000000"},"b":"#"}`);
      assert.equal(fromLineText(line), text);
    }
  }
});

test("toLineText() keeps keys that only contain `#`, nested ones and values", () => {
  for (const text of ['{"#a":1,"a#":2," #":3,"#\\n":4}', '{"a":{"#":1}}', '{"a":"\\"#\\""}', '{"a":["#"]}']) {
    assert.equal(toLineText(text), text);
    assert.equal(fromLineText(text), text);
  }
});

test("toLineText() keeps numbers, duplicates, `__proto__` and spelling as they are", () => {
  const text = '{"n":12345678901234567890,"m":1.0,"n":1234567890123456,"__proto__":1,"\\u0041":"\\/"}';
  assert.equal(toLineText(text), text);
});

test("toLineText() puts pretty-printed text on one line and escapes U+2028, U+2029 and lone surrogates", () => {
  assert.equal(toLineText('\r\n{\r\n  "a": 1,\n\n  "b": []\n}\n'), '{   "a": 1,   "b": [] }');
  assert.equal(
    toLineText('{"\u2028":"\u2029\ud83d\ude00\ud83d\udc00\udc00"}'),
    '{"\\u2028":"\\u2029\ud83d\ude00\ud83d\udc00\\udc00"}',
  );
  assert.equal(toLineText('{"a":"\ud800","b":"\udfff\ud800"}'), '{"a":"\\ud800","b":"\\udfff\\ud800"}');
});

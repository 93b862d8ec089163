import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "../properties.ts";
import { importLineBytesMax, readJsonLine, writeJsonLine } from "../../src/formats/jsonl.ts";
import { jsonlWriter } from "../../src/formats/jsonl_writer.ts";
import type { ReadLine } from "../../src/formats/session_format.ts";
import { noRealData, realInputData } from "../real_input_data.ts";

function read(line: string | Uint8Array): ReadLine {
  return readJsonLine(typeof line === "string" ? new TextEncoder().encode(line) : line, 1);
}

function reason(line: string | Uint8Array): string | undefined {
  const result = read(line);
  return result.kind === "damaged" ? result.reason : undefined;
}

test("readJsonLine() keeps an object's text byte for byte", () => {
  const texts = [
    `{}`,
    `{"n":12345678901234567890,"m":-0,"e":1.50E+03}`,
    `{ "a" : 1 ,\t"a":2}`,
    `{"u":"\\u003c\\ud800 é \u2028 🌡️","2":0,"1":0}`,
    `{"__proto__":{"x":1}}`,
  ];
  for (const text of texts) assert.deepEqual(read(text), { kind: "record", text });
});

test("readJsonLine() accepts CRLF, a line feed, a byte-order mark and blanks around the text", () => {
  for (const line of [`{"a":1}\n`, `{"a":1}\r\n`, `\ufeff{"a":1}`, `\ufeff \t{"a":1} \t\r\n`]) {
    assert.deepEqual(read(line), { kind: "record", text: `{"a":1}` });
  }
});

test("readJsonLine() ignores blank lines", () => {
  for (const line of ["", "\n", "\r\n", " \t \n", "\ufeff\n"]) assert.deepEqual(read(line), { kind: "blank" });
});

test("readJsonLine() names what is no object", () => {
  const reasons: Record<string, string> = {
    "[1]": "a JSON array, not an object",
    '"{}"': "a JSON string, not an object",
    null: "a JSON null, not an object",
    true: "a JSON boolean, not an object",
    "-1": "a JSON number, not an object",
    '{"a":': "not JSON",
    '{"a":1}{"b":2}': "not JSON",
    '{"a":1}\0': "not JSON (NUL bytes)",
    "\u00a0": "not JSON",
  };
  for (const [line, expected] of Object.entries(reasons)) assert.equal(reason(line), expected, line);
});

test("readJsonLine() names invalid UTF-8, and reads the next line as if nothing had been", () => {
  const valid = new TextEncoder().encode(`{"a":"é"}`);
  for (let cut = 0; cut < valid.length; cut++) {
    const flipped = valid.slice();
    flipped[cut] = 0xff;
    assert.equal(reason(flipped), "invalid UTF-8");
    assert.deepEqual(read(`\ufeff{"a":"é"}`), { kind: "record", text: `{"a":"é"}` });
  }
  assert.equal(reason(valid.subarray(0, 7)), "invalid UTF-8");
});

test("readJsonLine() cut at every byte of a record is never a record", () => {
  const bytes = new TextEncoder().encode(`{"role":"user","content":"né {\\"x\\":1}","n":[1,{"a":null}]}`);
  for (let end = 1; end < bytes.length; end++) assert.equal(read(bytes.subarray(0, end)).kind, "damaged");
});

test("readJsonLine() refuses a line over the limit and takes one at it", () => {
  const line = (bytes: number): string => `{"a":"${"x".repeat(bytes - 8)}"}`;
  assert.equal(read(line(importLineBytesMax) + "\r\n").kind, "record");
  assert.equal(reason(line(importLineBytesMax + 1)), `a line of more than ${importLineBytesMax} bytes`);
});

test("writeJsonLine() and readJsonLine(): any object's text comes back equal, on one line", () => {
  const blank = fc.constantFrom("", " ", "\t", "  ");
  const value = fc.oneof(fc.json(), fc.constantFrom("12345678901234567890", "-0.0", "1E400", '"\\u2028\\ud800"'));
  const member = fc.tuple(fc.string({ unit: "binary" }), blank, value)
    .map(([name, space, json]) => `${space}${JSON.stringify(name)}${space}:${space}${json}`);
  fc.assert(fc.property(fc.array(member, { maxLength: 6 }), (members) => {
    const text = `{${members.join(",")}}`;
    const line = writeJsonLine(text);
    assert.equal(line.indexOf("\n"), line.length - 1);
    assert.deepEqual(read(line), { kind: "record", text });
  }));
});

test("writeJsonLine() puts a record of several lines on one", () => {
  assert.equal(writeJsonLine(`{\r\n  "a": [\n    1\n  ]\n}`), `{"a":[1]}\n`);
  const writer = jsonlWriter.open({}, { stem: "k", hasFiles: false, sides: new Map(), isContinued: false });
  const place = { sequence: 0, isOffBranch: false };
  assert.deepEqual(writer.write(`{"a":1}`, place), { kind: "line", text: `{"a":1}\n` });
});

const data = realInputData();
test(
  "real input: every object in every file of JSON Lines comes out equal as text",
  data === undefined ? { skip: noRealData } : {},
  () => {
    if (data === undefined) return;
    const tally = { record: 0, blank: 0, damaged: 0 };
    for (const path of filesBelow(data)) {
      if (!path.endsWith(".jsonl")) continue;
      const lines = readFileSync(path, "utf8").split("\n");
      for (const line of lines) {
        const result = read(line);
        tally[result.kind]++;
        if (result.kind === "record") assert.equal(writeJsonLine(result.text), `${line.trim()}\n`, path);
        if (result.kind === "blank") assert.equal(line.trim(), "");
      }
    }
    assert.ok(tally.record > 1_000, JSON.stringify(tally));
  },
);

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

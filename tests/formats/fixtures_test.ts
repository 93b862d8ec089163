import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { detectFormat } from "../../src/formats/detect.ts";
import { fixtureBytes, fixturePart, fixtures, fixtureText, readFixture, testdata } from "./fixtures.ts";
import type { ReadSession } from "./read_session.ts";

/** Known by their paths, from the session that they belong to. */
const byPath = new Set(["checkpoint", "recall", "tasks"]);

test("fixtures: every file is in the table, and is told by its content alone", () => {
  const found = readdirSync(testdata, { recursive: true, encoding: "utf8" }).filter((name) => /\.jsonl?$/.test(name));
  assert.deepEqual(found.sort(), Object.keys(fixtures).sort());
  for (const [path, [format, part]] of Object.entries(fixtures)) {
    const detected = detectFormat(fixtureBytes(path), true);
    if (!byPath.has(part)) assert.deepEqual([detected?.format.name, detected?.part.name], [format, part], path);
  }
});

test("fixtures: every file is read, a document also byte by byte; lines become records with their text", () => {
  for (const [path, [, , counts]] of Object.entries(fixtures)) {
    const read = readFixture(path);
    assert.deepEqual([read.records.length, read.sides.length, read.damaged.length], counts, path);
    assert.deepEqual(readFixture(path, fixtureBytes(path), 1), read, path);
    if (fixturePart(path).layout !== "lines" || fixturePart(path).role !== "session") continue;
    const lines = fixtureText(path).replace(/^\ufeff/, "").split("\n").map((line) => line.trim()).filter(Boolean);
    assert.deepEqual(read.records, lines, path);
  }
});

/** How many records and side records a file has once its first bytes are there. */
function countOf({ records, sides }: ReadSession): number {
  return records.length + sides.length;
}

/** Whether what is read of a cut file is a beginning of what is read of the whole. */
function isBeginning(read: ReadSession, whole: ReadSession): boolean {
  return read.records.every((record, index) => record === whole.records[index]) &&
    read.sides.every(([name, text], index) => name === whole.sides[index]?.[0] && text === whole.sides[index]?.[1]);
}

for (const path of Object.keys(fixtures)) {
  test(`fixtures cut at every byte: ${path}: whole records are kept, what is cut off is named, nothing else comes`, () => {
    const bytes = fixtureBytes(path);
    const whole = readFixture(path);
    const isDocument = fixturePart(path).layout === "document";
    let kept = 0;
    for (let end = 0; end <= bytes.length; end++) {
      const cut = bytes.subarray(0, end);
      detectFormat(cut, true);
      const read = readFixture(path, cut);
      const where = `cut at ${end}`;
      assert.ok(isBeginning(read, whole), where);
      assert.ok(countOf(read) >= kept && read.damaged.length <= 1, where);
      if (end === bytes.length) assert.deepEqual(read, whole);
      else if (isDocument && bytes.subarray(end).some((byte) => byte > 0x20)) {
        assert.equal(read.damaged.length, 1, where);
      }
      kept = countOf(read);
      // A line that has got its end is there.
      if (!isDocument && bytes[end - 1] === 0x0a) assert.equal(read.damaged.length, 0, where);
    }
  });

  test(`fixtures with any one byte damaged: ${path}: the other records are kept`, () => {
    const bytes = fixtureBytes(path);
    const whole = readFixture(path);
    const isDocument = fixturePart(path).layout === "document";
    const known = new Set(whole.records);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = 0xff;
      const read = readFixture(path, damaged);
      const where = `byte ${at}`;
      // What a document makes of damage depends on where it is; each of its pieces stands by itself.
      if (isDocument) assert.ok(read.damaged.length > 0 || bytes[at] === 0x20 || bytes[at] === 0x0a, where);
      if (isDocument) continue;
      // A line feed that is gone joins two lines.
      const lost = bytes[at] === 0x0a ? 2 : 1;
      assert.ok(countOf(read) >= countOf(whole) - lost && read.damaged.length <= 1, where);
      assert.ok(read.records.every((record) => known.has(record)), where);
    }
  });
}

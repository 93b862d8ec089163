import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { LineScanner, scannerBytesInitial } from "../../src/log/line_scanner.ts";
import { lineBytesMax } from "../../src/log/record_format.ts";
import { latin1, utf8 } from "./log_fixture.ts";

/** A line as it was taken out, with its bytes as text; null where they were not held. */
interface SeenLine {
  offset: number;
  length: number;
  text: string | null;
  terminated: boolean;
  gapBefore: boolean;
  rawIndex: number;
}

/** Feeds bytes in chunks and takes the lines out. */
function scan(
  bytes: Uint8Array,
  chunkBytes: (index: number) => number,
  options: { lineBytesMax?: number; offset?: number } = {},
): { lines: SeenLine[]; rawCount: number; capacityMax: number } {
  const scanner = new LineScanner(options);
  const lines: SeenLine[] = [];
  let capacityMax = 0;
  let offset = 0;
  for (let chunk = 0; offset < bytes.length; chunk++) {
    const room = scanner.reserve();
    capacityMax = Math.max(capacityMax, scanner.capacity);
    assert.ok(room.length > 0);
    const count = Math.min(room.length, Math.max(1, chunkBytes(chunk)), bytes.length - offset);
    room.set(bytes.subarray(offset, offset + count));
    offset += count;
    scanner.commit(count);
    for (let line = scanner.next(); line !== null; line = scanner.next()) lines.push(seen(line));
  }
  const last = scanner.end();
  if (last !== null) lines.push(seen(last));
  assert.equal(scanner.end(), null);
  return { lines, rawCount: scanner.rawCount, capacityMax };
}

function seen({ bytes, ...line }: NonNullable<ReturnType<LineScanner["next"]>>): SeenLine {
  return { ...line, text: bytes === null ? null : latin1(bytes) };
}

/** Our rules, by the simplest means. */
function naiveLines(bytes: Uint8Array, limit: number, start = 0): { lines: SeenLine[]; rawCount: number } {
  const lines: SeenLine[] = [];
  let gapBefore = false;
  let lineStart = 0;
  for (let index = 0; index <= bytes.length; index++) {
    const isEnd = index === bytes.length;
    if (!isEnd && bytes[index] !== 0x0a && bytes[index] !== 0) continue;
    const length = index - lineStart;
    if (length > 0) {
      const text = length + 1 > limit ? null : latin1(bytes.subarray(lineStart, index));
      const rawIndex = rawIndexOf(bytes, lineStart);
      lines.push({ offset: start + lineStart, length, text, terminated: !isEnd, gapBefore, rawIndex });
      gapBefore = false;
    } else if (!isEnd) {
      gapBefore = true;
    }
    lineStart = index + 1;
  }
  return { lines, rawCount: rawLines(bytes).length };
}

/** What Go's `bufio.ScanLines` gives and picoclaw counts: split on LF, one CR at the end dropped, empty ones left out. */
function rawLines(bytes: Uint8Array): { start: number; end: number }[] {
  const lines: { start: number; end: number }[] = [];
  for (let start = 0; start < bytes.length;) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed;
    const content = end > start && bytes[end - 1] === 0x0d ? end - 1 : end;
    if (content > start) lines.push({ start, end });
    start = end + 1;
  }
  return lines;
}

/** Which raw line a place is in; of one that is not counted, the next one's. */
function rawIndexOf(bytes: Uint8Array, offset: number): number {
  const lines = rawLines(bytes);
  const index = lines.findIndex(({ end }) => offset < end);
  return index < 0 ? lines.length : index;
}

test("LineScanner splits on LF and NUL only", () => {
  const bytes = utf8('{"a":1}\n\n{"b":"\u2028\u2029\u0085\v\f"}\r\n{"c":1}\0\0{"d":1}\0\n \t\n\r\ntorn');
  const { lines } = scan(bytes, () => 1 << 20);
  assert.deepEqual(lines.map(({ text }) => text), [
    '{"a":1}',
    latin1(utf8('{"b":"\u2028\u2029\u0085\v\f"}\r')),
    '{"c":1}',
    '{"d":1}',
    " \t",
    "\r",
    "torn",
  ]);
  assert.deepEqual(lines.map(({ terminated }) => terminated), [true, true, true, true, true, true, false]);
  assert.deepEqual(lines.map(({ gapBefore }) => gapBefore), [false, true, false, true, true, false, false]);
});

test("LineScanner gives the same lines wherever a chunk ends (every two places)", () => {
  const bytes = utf8('{"a":"ä\u2028😀"}\n\n\0\r\n{"b":1}\0x\0\r\n\r\r\n\n{"c":1}\r\n\0torn');
  const whole = scan(bytes, () => bytes.length);
  assert.deepEqual({ lines: whole.lines, rawCount: whole.rawCount }, naiveLines(bytes, lineBytesMax));
  for (let one = 1; one < bytes.length; one++) {
    for (let two = one; two < bytes.length; two++) {
      const ends = [one, two - one, bytes.length];
      const { lines, rawCount } = scan(bytes, (chunk) => ends[chunk] ?? 1);
      assert.deepEqual(
        { lines, rawCount },
        { lines: whole.lines, rawCount: whole.rawCount },
        `chunks end at ${one}, ${two}`,
      );
    }
  }
});

const pieces = fc.array(
  fc.oneof(
    fc.constantFrom("\n", "\n", "\0", "\r", "\r\n", " ", "\t", "{}", "é", "\u2028", "😀"),
    fc.string({ maxLength: 12 }),
    fc.nat(90).map((length) => "x".repeat(length)),
  ),
  { maxLength: 40 },
).map((parts) => utf8(parts.join("")));

test("LineScanner agrees with a naive splitter, and in its counts with picoclaw's, for any bytes, chunks and limit", () => {
  const chunks = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(
      pieces,
      chunks,
      fc.constantFrom(3, 16, 64, lineBytesMax),
      fc.nat(5000),
      (bytes, sizes, limit, start) => {
        const { lines, rawCount } = scan(bytes, (chunk) => sizes[chunk % sizes.length] ?? 1, {
          lineBytesMax: limit,
          offset: start,
        });
        assert.deepEqual({ lines, rawCount }, naiveLines(bytes, limit, start));
      },
    ),
    { numRuns: 3000 },
  );
});

test("A6, H9: rawIndex counts lines of blanks and of NULs as picoclaw does, and empty ones not", () => {
  const { lines, rawCount } = scan(utf8('{"a":1}\n\n\r\n  \n\0\0\n{"b":1}\0{"c":1}\n{"d":1}'), () => 7);
  assert.deepEqual(lines.map(({ text, rawIndex }) => [text, rawIndex]), [
    ['{"a":1}', 0],
    ["\r", 1],
    ["  ", 1],
    ['{"b":1}', 3],
    ['{"c":1}', 3],
    ['{"d":1}', 4],
  ]);
  assert.equal(rawCount, 5);
});

test("C3, H7: a line directly behind NULs is a line", () => {
  const { lines } = scan(utf8(`{"a":1}\n${"\0".repeat(596)}{"b":1}\n`), () => 100);
  assert.deepEqual(lines.map(({ offset, text, gapBefore }) => [offset, text, gapBefore]), [
    [0, '{"a":1}', false],
    [604, '{"b":1}', true],
  ]);
});

test("B7: a line of the limit is held, one byte more is reported with its offset and not held", () => {
  for (const terminated of [true, false]) {
    for (const over of [-1, 0, 1, 100_000]) {
      const long = new Uint8Array(3 + lineBytesMax - 1 + over + (terminated ? 4 : 0)).fill(0x78);
      long.set(utf8("{}\n"));
      if (terminated) long.set(utf8("\n{}\n"), long.length - 4);
      const { lines, capacityMax } = scan(long, () => 1 << 20);
      assert.deepEqual(lines.map(({ offset, length }) => [offset, length]), [
        [0, 2],
        [3, lineBytesMax - 1 + over],
        ...(terminated ? [[long.length - 3, 2]] : []),
      ]);
      assert.equal(lines[1]?.text === null, over > 0);
      assert.ok(capacityMax <= lineBytesMax, `I18: ${capacityMax} bytes held`);
    }
  }
});

test("I18: the scanner starts small, grows with its lines and gives room back, and holds no line beyond the limit", () => {
  assert.equal(new LineScanner().capacity, scannerBytesInitial);
  const scanner = new LineScanner();
  const feed = (bytes: Uint8Array): void => {
    for (let offset = 0; offset < bytes.length;) {
      const room = scanner.reserve();
      const count = Math.min(room.length, bytes.length - offset);
      room.set(bytes.subarray(offset, offset + count));
      scanner.commit(count);
      offset += count;
      while (scanner.next() !== null);
    }
  };
  feed(new Uint8Array(5_000_000).fill(0x78));
  assert.ok(scanner.capacity >= 5_000_000 && scanner.capacity <= lineBytesMax);
  feed(utf8("\n{}\n{}\n"));
  scanner.reserve();
  assert.equal(scanner.capacity, scannerBytesInitial);
  const chunk = new Uint8Array(1 << 20).fill(0x78);
  for (let megabytes = 0; megabytes < 64; megabytes++) {
    feed(chunk);
    assert.ok(scanner.capacity <= lineBytesMax);
  }
  const rest = scanner.end();
  assert.deepEqual([rest?.bytes, rest?.length], [null, 64 << 20]);
});

test("commit() refuses more than was reserved", () => {
  const scanner = new LineScanner();
  assert.throws(() => scanner.commit(scannerBytesInitial + 1), /Invariant broken/);
  assert.throws(() => scanner.commit(-1), /Invariant broken/);
});

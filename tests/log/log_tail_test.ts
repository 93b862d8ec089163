import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { type LogRecord, readRecords } from "../../src/log/log_reader.ts";
import { readLastRecords } from "../../src/log/log_tail.ts";
import { chainStart, type DamagedLine } from "../../src/log/record_chain.ts";
import { readUnsealedTail } from "../../src/log/unsealed_tail.ts";
import { fileSystemWith, LogBuilder, logKey, logPath } from "./log_fixture.ts";

/** The last records of a log, by its end and by reading all of it. */
async function lastRecords(
  bytes: Uint8Array,
  count: number,
  sequenceMin = 0,
): Promise<
  { fast: LogRecord[]; slow: LogRecord[]; fastDamage: DamagedLine[]; slowDamage: DamagedLine[]; bytesRead: number }
> {
  const fileSystem = fileSystemWith(bytes);
  const handle = await fileSystem.open(logPath, { access: "read" });
  const start = chainStart(logKey);
  const fastDamage: DamagedLine[] = [];
  const slowDamage: DamagedLine[] = [];
  const tail = await readUnsealedTail(handle, start, bytes.length);
  const plan = { start, tail, sequenceMin, onDamage: (line: DamagedLine): void => void fastDamage.push(line) };
  const fast = await readLastRecords(handle, plan, count);
  const { bytesRead } = fileSystem;
  const all: LogRecord[] = [];
  const slowPlan = { ...plan, onDamage: (line: DamagedLine): void => void slowDamage.push(line) };
  for await (const group of readRecords(handle, slowPlan)) all.push(...group);
  await handle.close();
  return { fast, slow: count > 0 ? all.slice(-count) : [], fastDamage, slowDamage, bytesRead };
}

const withoutIndex = (records: readonly LogRecord[]): unknown[] => records.map(({ rawIndex: _, ...record }) => record);

const steps = fc.array(
  fc.oneof(
    fc.constantFrom("own", "own", "deferred", "batch", "foreign", "blank", "nonsense"),
  ),
  { maxLength: 60 },
);

function build(kinds: readonly string[], filler: number): LogBuilder {
  const log = new LogBuilder();
  for (const [index, kind] of kinds.entries()) {
    const text = `{"n":${index},"c":"${"x".repeat(filler)}"}`;
    if (kind === "own") log.own(text);
    else if (kind === "deferred") log.own(text, "~");
    else if (kind === "batch") log.own(text, "+").own(text, "~");
    else if (kind === "foreign") log.foreign(text);
    else log.raw(kind === "blank" ? "\n\n" : "nonsense\n");
  }
  return log;
}

test("readLastRecords() gives what reading the whole log gives at its end, for any log and damage", async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.constantFrom(0, 100, 3000),
      fc.integer({ min: 0, max: 70 }),
      fc.nat(40),
      fc.array(fc.tuple(fc.nat(200_000), fc.nat(7)), { maxLength: 2 }),
      async (kinds, filler, count, sequenceMin, flips) => {
        const bytes = build(kinds, filler).bytes();
        for (const [at, bit] of flips) {
          if (bytes.length > 0) bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << bit);
        }
        const { fast, slow, fastDamage, slowDamage } = await lastRecords(bytes, count, sequenceMin);
        assert.deepEqual(withoutIndex(fast), withoutIndex(slow));
        const from = fast[0]?.offset ?? 0;
        const places = (lines: readonly DamagedLine[]): number[] =>
          lines.map(({ offset }) => offset).filter((offset) => offset >= from);
        // Damage in front of the first record that is returned may or may not be seen.
        if (fast.length > 0) assert.deepEqual(places(fastDamage), places(slowDamage));
      },
    ),
    { numRuns: 600 },
  );
});

test("the cost does not grow with the log", async () => {
  const small = await lastRecords(build(Array.from({ length: 300 }, () => "own"), 1000).bytes(), 50);
  const large = await lastRecords(build(Array.from({ length: 6000 }, () => "own"), 1000).bytes(), 50);
  assert.equal(large.fast.length, 50);
  assert.deepEqual(withoutIndex(large.fast), withoutIndex(large.slow));
  assert.ok(large.bytesRead < small.bytesRead + 300_000, `${large.bytesRead} bytes read`);
  // Nor where most of what is asked for is hidden.
  const hidden = await lastRecords(build(Array.from({ length: 6000 }, () => "own"), 1000).bytes(), 50, 5_990);
  assert.deepEqual(hidden.fast.map(({ sequence }) => sequence), [
    5990,
    5991,
    5992,
    5993,
    5994,
    5995,
    5996,
    5997,
    5998,
    5999,
  ]);
  assert.ok(hidden.bytesRead < small.bytesRead + 300_000, `${hidden.bytesRead} bytes read`);
});

test("readLastRecords() tells of no damage in front of the first record that it returns, but where it returns all", async () => {
  const kinds = [...Array.from({ length: 300 }, () => "own"), "nonsense", ...Array.from({ length: 50 }, () => "own")];
  const bytes = build(kinds, 100).bytes();
  for (const [count, damaged] of [[50, 0], [51, 1], [400, 1]] as const) {
    assert.equal((await lastRecords(bytes, count)).fastDamage.length, damaged, `of ${count}`);
  }
});

test("readLastRecords() of none, of more than there are, and of an empty log", async () => {
  const bytes = build(["own", "foreign", "own"], 10).bytes();
  assert.deepEqual((await lastRecords(bytes, 0)).fast, []);
  assert.deepEqual((await lastRecords(bytes, 99)).fast.map(({ sequence }) => sequence), [0, 1, 2]);
  assert.deepEqual((await lastRecords(new Uint8Array(0), 5)).fast, []);
});

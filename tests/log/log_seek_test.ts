import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { type LogRecord, readRecords } from "../../src/log/log_reader.ts";
import { LogPlaces, seekSequence } from "../../src/log/log_seek.ts";
import { chainStart } from "../../src/log/record_chain.ts";
import { readUnsealedTail } from "../../src/log/unsealed_tail.ts";
import { fileSystemWith, LogBuilder, logKey, logPath } from "./log_fixture.ts";

const start = chainStart(logKey);

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

function sameLines(count: number, bytes = 200): LogBuilder {
  return build(new Array<string>(count).fill("own"), bytes);
}

/** Reads one record by seeking, and counts what that reads. */
async function seekAndRead(
  bytes: Uint8Array,
  sequence: number,
  places = new LogPlaces(),
): Promise<{ found: number | undefined; bytesRead: number; offset: number }> {
  const fileSystem = fileSystemWith(bytes);
  const handle = await fileSystem.open(logPath, { access: "read" });
  const tail = await readUnsealedTail(handle, start, bytes.length);
  const before = fileSystem.bytesRead;
  const place = await seekSequence(handle, { start, end: tail.kept }, sequence, places);
  const { bytesRead } = fileSystem;
  const plan = { start: place, tail, sequenceMin: sequence, onDamage: () => undefined };
  const found = await readRecords(handle, plan).next();
  await handle.close();
  const first = found.done === true ? undefined : found.value[0]?.sequence;
  return { found: first, bytesRead: bytesRead - before, offset: place.offset };
}

test("seekSequence() then reading gives what reading the whole log gives, for any log and damage", async () => {
  const steps = fc.array(
    fc.constantFrom("own", "own", "own", "deferred", "batch", "foreign", "blank", "nonsense"),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom(0, 100, 3000), fc.nat(70), fc.nat(70), async (kinds, filler, one, two) => {
      const bytes = build(kinds, filler).bytes();
      const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
      const tail = await readUnsealedTail(handle, start, bytes.length);
      const places = new LogPlaces();
      for (const sequenceMin of [one, two, one]) {
        const place = await seekSequence(handle, { start, end: tail.kept }, sequenceMin, places);
        assert.ok(place.sequence <= sequenceMin || place.offset === 0);
        const texts: string[][] = [];
        for (const from of [place, start]) {
          const records: LogRecord[] = [];
          const plan = { start: from, tail, sequenceMin, onDamage: () => undefined };
          for await (const group of readRecords(handle, plan)) records.push(...group);
          texts.push(records.map(({ sequence, text }) => `${sequence} ${text}`));
        }
        assert.deepEqual(texts[0], texts[1]);
      }
      await handle.close();
    }),
    { numRuns: 150 },
  );
});

test("seekSequence() finds any record of a long log with a few small reads", async () => {
  const bytes = sameLines(20_000).bytes();
  for (const sequence of [0, 1, 777, 9_999, 10_000, 19_998, 19_999]) {
    const { found, bytesRead } = await seekAndRead(bytes, sequence);
    assert.equal(found, sequence);
    assert.ok(bytesRead <= 64 * 1024, `${bytesRead} bytes read for ${sequence} of ${bytes.length}`);
  }
});

test("seekSequence() finds it where lines have very different lengths", async () => {
  const log = new LogBuilder();
  for (let n = 0; n < 300; n++) log.own(`{"n":${n},"c":"${"x".repeat(n % 50 === 7 ? 90_000 : n % 7)}"}`);
  const bytes = log.bytes();
  for (let sequence = 0; sequence < 300; sequence += 13) {
    const { found, bytesRead } = await seekAndRead(bytes, sequence);
    assert.equal(found, sequence);
    assert.ok(bytesRead <= 600 * 1024, `${bytesRead} bytes read of ${bytes.length}`);
  }
});

test("seekSequence() of a number behind the end is the last place, and reads no further", async () => {
  const { found } = await seekAndRead(sameLines(500).bytes(), 100_000);
  assert.equal(found, undefined);
});

test("LogPlaces: a place that is known makes the next search one look", async () => {
  const bytes = sameLines(20_000).bytes();
  const places = new LogPlaces();
  const first = await seekAndRead(bytes, 12_345, places);
  const second = await seekAndRead(bytes, 12_345, places);
  const third = await seekAndRead(bytes, 12_345, places);
  assert.ok(second.offset >= first.offset);
  assert.ok(third.bytesRead <= first.bytesRead, `${third.bytesRead} <= ${first.bytesRead}`);
  assert.ok(third.bytesRead <= 12 * 1024, `${third.bytesRead}`);
});

test("LogPlaces: places of a log that was rewritten are noticed and forgotten", async () => {
  const places = new LogPlaces();
  await seekAndRead(sameLines(20_000).bytes(), 12_345, places);
  const stale = places.around(12_345).before;
  const { found } = await seekAndRead(sameLines(20_000, 180).bytes(), 12_345, places);
  assert.equal(found, 12_345);
  assert.notDeepEqual(places.around(12_345).before, stale);
  places.clear();
  assert.equal(places.size, 0);
  // A place that leads into nothing.
  places.add({ offset: 10 ** 9, checksum: 1, sequence: 5, rawCount: null });
  assert.equal((await seekAndRead(sameLines(100).bytes(), 50, places)).found, 50);
  // A place that leads into the middle of a line, and one that names another record.
  for (const sequence of [12, 13]) {
    places.add({ offset: 3333, checksum: 77, sequence, rawCount: null });
    assert.equal((await seekAndRead(sameLines(100).bytes(), 50, places)).found, 50);
  }
});

test("LogPlaces: a place whose line hands on another checksum is not believed, whatever stands behind it", async () => {
  const bytes = sameLines(1_000).bytes();
  const known = new LogPlaces();
  await seekAndRead(bytes, 500, known);
  const place = known.around(500).before;
  assert.ok(place !== null && place.sequence > 10);
  const places = new LogPlaces();
  places.add({ ...place, checksum: 77, sequence: place.sequence - 10 });
  assert.equal((await seekAndRead(bytes, place.sequence - 5, places)).found, place.sequence - 5);
});

test("LogPlaces are bounded", () => {
  const places = new LogPlaces(16);
  for (let sequence = 1; sequence < 10_000; sequence++) {
    places.add({ offset: sequence * 100, checksum: 1, sequence, rawCount: null });
  }
  assert.ok(places.size <= 17);
  assert.ok((places.around(5_000).before?.sequence ?? 0) <= 5_000);
  assert.ok((places.around(5_000).behind?.sequence ?? Infinity) > 5_000);
});

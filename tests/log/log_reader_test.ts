import assert from "node:assert/strict";
import { test } from "node:test";
import { readRecords } from "../../src/log/log_reader.ts";
import { chainStart, type DamagedLine } from "../../src/log/record_chain.ts";
import { lineBytesMax } from "../../src/log/record_format.ts";
import { readUnsealedTail } from "../../src/log/unsealed_tail.ts";
import { fileSystemWith, joined, LogBuilder, logKey, logPath, readLog, summaryOf, utf8 } from "./log_fixture.ts";

/** A log with one byte of a line changed. */
function damaged(log: LogBuilder, index: number, at = 4): Uint8Array {
  const bytes = log.bytes();
  const offset = (log.lines[index]?.offset ?? 0) + at;
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  return bytes;
}

/** For logs that have none. */
const refuseDamage = (line: DamagedLine): void => assert.fail(line.reason);

test("readRecords() gives every record with number, place, trust and content", async () => {
  const log = new LogBuilder().own('{"a":0}').own('{"a":1}', "?").foreign(' {"a":2} ').own('{"a": 3.0,"#":{}}').raw(
    "\n\n",
  ).own("{}");
  const { records, damage } = await readLog(log.bytes());
  assert.deepEqual(damage, []);
  assert.deepEqual(records.map(({ trust }) => trust), ["verified", "adopted", "foreign", "verified", "verified"]);
  assert.deepEqual(records.map(({ text }) => text), ['{"a":0}', '{"a":1}', '{"a":2}', '{"a": 3.0,"#":{}}', "{}"]);
  assert.deepEqual(records[3]?.value, { a: 3, "#": {} });
  assert.deepEqual(
    records.map(({ offset }) => offset),
    log.lines.map(({ offset }, index) => index === 2 ? offset : offset),
  );
  assert.deepEqual(records.map(({ length }) => length), log.lines.map(({ offset, end }) => end - offset - 1));
  assert.deepEqual(records.map(({ rawIndex }) => rawIndex), [0, 1, 2, 3, 4]);
});

test("damage in the middle is skipped and reported with offset, length and the number whose place it keeps", async () => {
  for (const index of [0, 1, 2]) {
    const log = new LogBuilder().own('{"a":0}').own('{"a":1}').foreign('{"a":2}').own('{"a":3}').own('{"a":4}');
    const { records, damage } = await readLog(damaged(log, index));
    assert.deepEqual(
      summaryOf(records),
      log.lines.filter((_, at) => at !== index).map(({ sequence, text }) => `${sequence}:${text}`),
    );
    const { offset = -1, end = -1 } = log.lines[index] ?? {};
    assert.deepEqual(damage.map((line) => [line.offset, line.length, line.sequence, line.rawIndex]), [[
      offset,
      end - offset - 1,
      index,
      index,
    ]]);
    assert.ok((damage[0]?.reason ?? "") !== "");
  }
});

test("a record behind a line whose mark is gone is returned as unverified, the next one as verified (C1)", async () => {
  const log = new LogBuilder().own('{"a":0}').own('{"a":1}').own('{"a":2}').own('{"a":3}');
  const { offset = 0, end = 0 } = log.lines[1] ?? {};
  const { records } = await readLog(damaged(log, 1, end - offset - 3));
  assert.deepEqual(records.map(({ sequence, trust }) => [sequence, trust]), [[0, "verified"], [2, "unverified"], [
    3,
    "verified",
  ]]);
});

test("H4, B6: a batch in the durable part whose last line is damaged was committed; one that just ends was not", async () => {
  const batch = (): LogBuilder =>
    new LogBuilder().own('{"a":0}').own('{"a":1}', "+").own('{"a":2}', "+~").own('{"a":3}', "~");
  const numbers = async (bytes: Uint8Array): Promise<number[]> =>
    (await readLog(bytes)).records.map(({ sequence }) => sequence);
  assert.deepEqual(await numbers(batch().own('{"a":4}').bytes()), [0, 1, 2, 3, 4]);
  for (const index of [1, 2, 3]) {
    const intact = [0, 1, 2, 3, 4].filter((number) => number !== index);
    assert.deepEqual(await numbers(damaged(batch().own('{"a":4}'), index)), intact, `line ${index}`);
  }
  // Its last line is missing, as an un-tilded record behind it says.
  const open = new LogBuilder().own('{"a":0}').own('{"a":1}', "+").own('{"a":2}', "+~").own('{"a":3}').own('{"a":4}');
  const { records, damage } = await readLog(open.bytes());
  assert.deepEqual(records.map(({ sequence }) => sequence), [0, 3, 4]);
  assert.deepEqual(damage.map(({ sequence, reason }) => [sequence, reason]), [
    [1, "its batch was not committed"],
    [2, "its batch was not committed"],
  ]);
  const foreign = new LogBuilder().own('{"a":0}').own('{"a":1}', "+").foreign("{}").own('{"a":3}');
  assert.deepEqual(await numbers(foreign.bytes()), [0, 2, 3]);
  // Damage in front of a batch says nothing about it.
  assert.deepEqual(await numbers(damaged(open, 0)), [3, 4]);
});

test("a line that is no object is reported, also where its checksum fits", async () => {
  const log = new LogBuilder().own('{"a":0}').own('{"a":tru}').foreign('{"a":tru}').foreign("[1]").raw("\x01\n").own(
    '{"a":5}',
  );
  const { records, damage } = await readLog(log.bytes());
  assert.deepEqual(summaryOf(records), ['0:{"a":0}', '4:{"a":5}']);
  // Neither a list nor a control character keeps a place in the count.
  assert.deepEqual(damage.map(({ sequence }) => sequence), [1, 2, 3, 3]);
});

test("records below `sequenceMin` are passed over without being parsed", async () => {
  const log = new LogBuilder().own('{"a":tru}').own('{"a":1}', "+").own('{"a":2}', "~").foreign("{nonsense}").own(
    '{"a":4}',
  );
  const { records, damage } = await readLog(log.bytes(), { sequenceMin: 4 });
  assert.deepEqual(summaryOf(records), ['4:{"a":4}']);
  assert.deepEqual(damage, []);
  assert.deepEqual(summaryOf((await readLog(log.bytes(), { sequenceMin: 2 })).records), ['2:{"a":2}', '4:{"a":4}']);
});

test("without content, places alone are read, and no line of ours is parsed", async () => {
  const log = new LogBuilder().own('{"a":0}').own('{"a":tru}').foreign('{"a":2}').own('{"a":3}');
  const bytes = log.bytes();
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  const tail = await readUnsealedTail(handle, chainStart(logKey), bytes.length);
  const plan = { start: chainStart(logKey), tail, sequenceMin: 0, withContent: false, onDamage: refuseDamage };
  const seen: [number, number, string][] = [];
  for await (const group of readRecords(handle, plan)) {
    for (const { sequence, offset, text } of group) seen.push([sequence, offset, text]);
  }
  assert.deepEqual(
    seen.map(([sequence, offset]) => [sequence, offset]),
    log.lines.map(({ sequence, offset }) => [sequence, offset]),
  );
  await handle.close();
});

test("readRecords() from a place in the middle, and its return value is where the log goes on", async () => {
  const log = new LogBuilder().own('{"a":0}').own('{"a":1}').own('{"a":2}');
  const bytes = joined([log.bytes(), utf8("torn")]);
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  const tail = await readUnsealedTail(handle, chainStart(logKey), bytes.length);
  const start = { offset: log.lines[1]?.offset ?? 0, checksum: null, sequence: 1, rawCount: null };
  const reading = readRecords(handle, { start, tail, sequenceMin: 0, onDamage: refuseDamage });
  const first = await reading.next();
  assert.ok(!first.done);
  assert.deepEqual(first.value.map(({ sequence, trust, rawIndex }) => [sequence, trust, rawIndex]), [
    [1, "unverified", null],
    [2, "verified", null],
  ]);
  assert.deepEqual(await reading.next(), { done: true, value: { ...tail.kept, rawCount: null } });
  await handle.close();
});

test("a line beyond the limit is skipped and reported, and the record behind it is returned", async () => {
  const log = new LogBuilder().own('{"a":0}').raw(new Uint8Array(lineBytesMax + 100).fill(0x78)).raw("\n").own(
    '{"a":2}',
    "",
    2,
  );
  const { records, damage } = await readLog(log.bytes());
  assert.deepEqual(records.map(({ sequence }) => sequence), [0, 2]);
  assert.deepEqual(damage.map(({ offset, length }) => [offset, length]), [[log.lines[0]?.end, lineBytesMax + 100]]);
});

test("I18: groups stay small, also behind a line of 9 MiB", async () => {
  const log = new LogBuilder().own(`{"c":"${"x".repeat(9 * 1024 * 1024)}"}`);
  for (let index = 1; index < 60_000; index++) log.own("{}");
  const bytes = log.bytes();
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  const tail = await readUnsealedTail(handle, chainStart(logKey), bytes.length);
  let count = 0;
  for await (
    const group of readRecords(handle, { start: chainStart(logKey), tail, sequenceMin: 0, onDamage: refuseDamage })
  ) {
    count += group.length;
    assert.ok(group.length <= 20_000, `${group.length} records at once`);
  }
  assert.equal(count, 60_000);
  await handle.close();
});

test("a lock-free reader of an unterminated, growing or torn log gets whole, committed records only", async () => {
  const log = new LogBuilder().own('{"a":0}').own('{"call":1}', "+").own('{"result":1}', "~").own('{"a":3}');
  const bytes = log.bytes();
  for (let size = 0; size <= bytes.length; size++) {
    const { records } = await readLog(bytes.subarray(0, size));
    const numbers = records.map(({ sequence }) => sequence);
    assert.deepEqual(numbers, [0, 1, 2, 3].slice(0, numbers.length), `size ${size}`);
    assert.notEqual(numbers.length, 2, `I5: half a batch at size ${size}`);
  }
});

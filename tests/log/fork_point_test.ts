import assert from "node:assert/strict";
import { test } from "node:test";
import { findForkPoint } from "../../src/log/fork_point.ts";
import { readRecords } from "../../src/log/log_reader.ts";
import { chainStart } from "../../src/log/record_chain.ts";
import { readUnsealedTail } from "../../src/log/unsealed_tail.ts";
import { fileSystemWith, joined, LogBuilder, logKey, logPath, readLog } from "./log_fixture.ts";

/** Cuts a log, and gives what the fork holds: number, trust and text of each record. */
async function forkAt(bytes: Uint8Array, at: number | null): Promise<[number, string, string][] | null> {
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  const start = chainStart(logKey);
  const tail = await readUnsealedTail(handle, start, bytes.length);
  const plan = { start, tail, sequenceMin: 0, onDamage: () => undefined };
  const point = await findForkPoint(handle, plan, start, at);
  await handle.close();
  if (point === null) return null;
  const fork = joined([bytes.subarray(0, point.bytes), point.end]);
  const { records, tail: end } = await readLog(fork);
  assert.equal(end.kept.offset, fork.length);
  assert.equal(end.tornEnd, fork.length, "nothing is torn");
  const { rawCount: _, ...position } = end.kept;
  const { rawCount: __, ...said } = point.position;
  assert.deepEqual(said, position, "the fork goes on where a scan says");
  return records.map(({ sequence, trust, text }) => [sequence, trust, text]);
}

test("findForkPoint() at every record of a log with batches, groups and foreign lines", async () => {
  const log = new LogBuilder().own('{"n":0}').own('{"n":1}', "+").own('{"n":2}', "+~").own('{"n":3}', "~")
    .own('{"n":4}', "~").foreign('{"n":5}').own('{"n":6}', "?").own('{"n":7}', "~?").own('{"n":8}', "+").own(
      '{"n":9}',
      "~",
    );
  const bytes = log.bytes();
  const trust = ["verified", "verified", "verified", "verified", "verified", "foreign", "adopted", "adopted"];
  const expected = log.lines.map(({ sequence, text }, index) => [sequence, trust[index] ?? "verified", text]);
  for (let at = 0; at <= 9; at++) assert.deepEqual(await forkAt(bytes, at), expected.slice(0, at + 1), `at ${at}`);
  assert.deepEqual(await forkAt(bytes, null), expected);
  assert.equal(await forkAt(bytes, 10), null);
});

test("findForkPoint() of a record that is not there, or damaged, is null; torn records do not count", async () => {
  const log = new LogBuilder().own('{"n":0}').own('{"n":1}').own('{"n":4}', "", 4).own('{"n":5}', "~+");
  const bytes = log.bytes();
  assert.equal(await forkAt(bytes, 3), null);
  assert.equal(await forkAt(bytes, 5), null, "its batch was not committed");
  assert.deepEqual((await forkAt(bytes, null))?.map(([sequence]) => sequence), [0, 1, 4]);
  assert.equal(await forkAt(new Uint8Array(0), null), null);
});

test("findForkPoint() behind a damaged line: the record is taken over, and is marked as unverified for ever", async () => {
  const log = new LogBuilder().own('{"n":0}').own('{"n":1}').own('{"n":2}', "~").own('{"n":3}');
  const bytes = log.bytes();
  const line = log.lines[1];
  assert.ok(line !== undefined);
  // Its mark is gone, so it cannot vouch for the next one.
  bytes.fill(0x78, line.offset, line.end - 1);
  const fork = await forkAt(bytes, 2);
  assert.deepEqual(fork?.map(([sequence]) => sequence), [0, 2]);
  assert.notEqual(fork?.[1]?.[1], "verified");
});

test("findForkPoint() makes a fork whose records are one by one what the log's are", async () => {
  const log = new LogBuilder();
  for (let index = 0; index < 40; index++) {
    log.own(`{"n":${index}}`, index % 5 === 0 ? "" : index % 5 === 4 ? "~" : "+~");
  }
  const bytes = log.bytes();
  for (let at = 0; at < 40; at += 7) assert.equal((await forkAt(bytes, at))?.length, at + 1);
  const { tail } = await readLog(bytes);
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  let count = 0;
  const plan = { start: chainStart(logKey), tail, sequenceMin: 0, onDamage: () => undefined };
  for await (const records of readRecords(handle, plan)) count += records.length;
  await handle.close();
  assert.equal(count, 40);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { chainStart } from "../../src/log/record_chain.ts";
import { findSeal, makeSeal, type Seal } from "../../src/log/seal.ts";
import { fileSystemWith, joined, LogBuilder, logKey, logPath, readLog, utf8 } from "./log_fixture.ts";

async function sealOf(log: LogBuilder): Promise<Seal> {
  const handle = await fileSystemWith(log.bytes()).open(logPath, { access: "read" });
  const { tail } = await readLog(log.bytes());
  const seal = await makeSeal(handle, tail.kept, log.lines.length);
  await handle.close();
  assert.ok(seal !== null);
  return seal;
}

async function find(bytes: Uint8Array, seal: Seal): Promise<unknown> {
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  const position = await findSeal(handle, seal, bytes.length);
  await handle.close();
  return position;
}

const logs: [string, LogBuilder][] = [
  ["own", new LogBuilder().own('{"a":0}').own('{"a":1}')],
  ["foreign", new LogBuilder().own('{"a":0}').foreign('{"a":1}')],
  ["batch", new LogBuilder().own('{"a":0}', "+").own('{"a":1}', "~")],
];

test("findSeal() finds the line that the seal names, whatever follows it", async () => {
  for (const [name, log] of logs) {
    const seal = await sealOf(log);
    assert.deepEqual([seal.bytes, seal.count, seal.next], [log.length, 2, 2], name);
    assert.equal("line" in seal, name === "foreign");
    const position = (await readLog(log.bytes())).tail.kept;
    assert.deepEqual(await find(log.bytes(), seal), position, name);
    for (const behind of ["\n\n", '{"a":2}\n', "torn", "\0"]) {
      assert.deepEqual(await find(joined([log.bytes(), utf8(behind)]), seal), position, `${name}, ${behind}`);
    }
    // It comes back out of the meta file as it went in.
    assert.deepEqual(await find(log.bytes(), JSON.parse(JSON.stringify(seal)) as Seal), position);
  }
});

test("findSeal() finds nothing where another line, a part of one or nothing stands", async () => {
  for (const [name, log] of logs) {
    const seal = await sealOf(log);
    const bytes = log.bytes();
    assert.equal(await find(bytes.subarray(0, -1), seal), null, name);
    assert.equal(await find(new Uint8Array(0), seal), null, name);
    const ends = [...log.lines.map(({ end }) => end), bytes.length];
    for (let end = 0; end <= bytes.length; end++) {
      if (end !== bytes.length) {
        assert.equal(await find(bytes, { ...seal, bytes: end }), null, `${name}, ${end} of ${ends}`);
      }
    }
    const other = new LogBuilder().own('{"a":0}').own('{"a":2}').bytes();
    assert.equal(await find(joined([other, bytes]), seal), null, name);
    const unterminated = bytes.slice();
    unterminated[bytes.length - 1] = 0x20;
    assert.equal(await find(unterminated, seal), null, name);
    assert.equal(await find(joined([bytes.subarray(0, -1), utf8("\n")]).fill(0, 0, 3), { ...seal, bytes: 3 }), null);
  }
});

test("findSeal() refuses a wrong checksum, and a number that the line contradicts", async () => {
  const [own, foreign] = [logs[0]?.[1], logs[1]?.[1]];
  assert.ok(own !== undefined && foreign !== undefined);
  const seal = await sealOf(own);
  assert.equal(await find(own.bytes(), { ...seal, checksum: "00000000" }), null);
  assert.equal(await find(own.bytes(), { ...seal, next: 1 }), null);
  // `first` may be further on than the last record (B2).
  assert.notEqual(await find(own.bytes(), { ...seal, next: 40 }), null);
  // But no record comes behind it then that was to have a lower number.
  const next = new LogBuilder().own('{"a":0}').own('{"a":1}').own('{"a":2}').bytes();
  assert.notEqual(await find(next, seal), null);
  assert.equal(await find(next, { ...seal, next: 3 }), null);
  const foreignSeal = await sealOf(foreign);
  assert.equal(await find(foreign.bytes(), { ...foreignSeal, line: "00000000" }), null);
  assert.equal(await find(own.bytes(), foreignSeal), null);
});

test("makeSeal() of an empty log is none, nor is one where no line ends", async () => {
  const handle = await fileSystemWith(utf8('{"a":1}\n\n')).open(logPath, { access: "read" });
  assert.equal(await makeSeal(handle, chainStart(logKey), 0), null);
  assert.equal(await makeSeal(handle, { ...chainStart(logKey), offset: 5 }, 0), null);
  assert.equal(await makeSeal(handle, { ...chainStart(logKey), offset: 9 }, 0), null);
  assert.equal(await makeSeal(handle, { ...chainStart(logKey), offset: 8, checksum: null }, 0), null);
  await handle.close();
});

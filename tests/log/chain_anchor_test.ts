import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { findAnchor } from "../../src/log/chain_anchor.ts";
import { chainStart } from "../../src/log/record_chain.ts";
import { readUnsealedTail } from "../../src/log/unsealed_tail.ts";
import { fileSystemWith, LogBuilder, logKey, logPath, readLog, recover, textForLine } from "./log_fixture.ts";

/** What one step adds to a log. */
const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("group" as const),
      sizes: fc.array(fc.integer({ min: 40, max: 9000 }), { minLength: 1, maxLength: 5 }),
    }),
    fc.record({
      kind: fc.constant("batch" as const),
      sizes: fc.array(fc.integer({ min: 40, max: 900 }), { minLength: 2, maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant("foreign" as const), sizes: fc.constant([20]) }),
    fc.record({ kind: fc.constant("fill" as const), sizes: fc.constantFrom([1], [3000]) }),
  ),
  { minLength: 1, maxLength: 25 },
);

function build(
  parts: readonly { kind: "group" | "batch" | "foreign" | "fill"; sizes: readonly number[] }[],
): LogBuilder {
  const log = new LogBuilder().own('{"first":1}');
  // Long enough that a verdict is not made from the start.
  for (let line = 0; line < 9; line++) log.own(textForLine(9000, line + 1));
  for (const { kind, sizes } of parts) {
    if (kind === "foreign") log.foreign('{"role":"user"}');
    else if (kind === "fill") log.raw("\n".repeat(sizes[0] ?? 0));
    else {
      for (const [index, size] of sizes.entries()) {
        const flags = (kind === "batch" && index < sizes.length - 1 ? "+" : "") + (index > 0 ? "~" : "");
        log.own(textForLine(size, log.lines.length, flags), flags);
      }
    }
  }
  return log;
}

test("a verdict from an anchor is the same as one from the start, for any log, cut, flip and loss", async () => {
  const damage = fc.record({
    cut: fc.nat(3000),
    flips: fc.array(fc.tuple(fc.nat(30_000), fc.nat(7)), { maxLength: 2 }),
    lost: fc.option(fc.tuple(fc.nat(10), fc.constantFrom(0, 0x0a, 0xff)), { nil: null }),
  });
  await fc.assert(
    fc.asyncProperty(steps, damage, async (parts, { cut, flips, lost }) => {
      const whole = build(parts).bytes();
      const bytes = whole.slice(0, Math.max(70_000, whole.length - cut));
      for (const [back, bit] of flips) {
        const at = Math.max(0, bytes.length - 1 - back);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      }
      if (lost !== null) {
        const start = (Math.floor(bytes.length / 512) - lost[0]) * 512;
        bytes.fill(lost[1], start, start + 512);
      }
      const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
      const anchored = await readUnsealedTail(handle, chainStart(logKey), bytes.length);
      await handle.close();
      const { rawCount: _, ...kept } = anchored.kept;
      const scanned = await scannedTail(bytes);
      const { rawCount: __, ...scannedKept } = scanned.kept;
      // Breaks are counted from where the look begins.
      assert.deepEqual({ ...anchored, kept, breaks: 0 }, { ...scanned, kept: scannedKept, breaks: 0 });
    }),
    { numRuns: 500, seed: 20261120 },
  );
});

/** The verdict of a scan from the start. */
async function scannedTail(bytes: Uint8Array): Promise<Awaited<ReturnType<typeof readUnsealedTail>>> {
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  try {
    return await readUnsealedTail(handle, chainStart(logKey), bytes.length, Number.POSITIVE_INFINITY);
  } finally {
    await handle.close();
  }
}

test("seed -967823442: two flipped bits in the fill cost no record, wherever the verdict is made from", async () => {
  for (const leadLines of [0, 9]) {
    const log = new LogBuilder().own('{"first":1}');
    for (let line = 0; line < leadLines; line++) log.own(textForLine(9000, line + 1));
    log.raw("\n".repeat(3000)).foreign('{"role":"user"}');
    const fillEnd = log.lines.at(-1)?.offset ?? 0;
    log.own(textForLine(40, leadLines + 2)).own(textForLine(40, leadLines + 3)).raw("\n");
    const bytes = log.bytes();
    bytes[fillEnd - 2] = 0x0b;
    bytes[fillEnd - 4] = 0x0b;
    const { records, damage } = await readLog(bytes);
    assert.deepEqual(records.map(({ sequence }) => sequence), log.lines.map(({ sequence }) => sequence));
    assert.deepEqual(damage.map(({ offset, length }) => [offset, length]), [[fillEnd - 4, 1], [fillEnd - 2, 1]]);
    const { rawCount: _, ...kept } = (await scannedTail(bytes)).kept;
    assert.deepEqual([kept.offset, kept.sequence], [bytes.length - 1, leadLines + 4]);
    const fileSystem = fileSystemWith(bytes);
    assert.deepEqual((await recover(fileSystem)).torn, []);
  }
});

test("I11: a record without `~` that the mark in front vouches for anchors a scan from the start, if its number may be", async () => {
  // Three broken lines with an end each, which take a place that was nobody's: the count says 4 for the foreign line.
  const log = new LogBuilder().own('{"a":0}').raw("\n\x01}\n\x02}\n\x03}\n").foreign('{"f":1}');
  const bytes = log.own('{"a":2}').own('{"a":3}').bytes();
  const { tail, damage } = await readLog(bytes);
  assert.deepEqual([tail.durableOffset, tail.torn, tail.kept.offset], [log.lines[3]?.offset, [], bytes.length]);
  assert.equal(damage.length, 5, "reported, but not set aside: it was durable");
  const fileSystem = fileSystemWith(bytes);
  assert.deepEqual((await recover(fileSystem)).torn, []);
  assert.deepEqual(fileSystem.get(logPath), bytes);
  // Lines of an earlier life come back behind the end: their numbers were used, and they do not vouch for one another.
  const stale = new LogBuilder().own('{"a":0}').own('{"a":1}').own('{"a":2}');
  const old = stale.bytes().subarray(stale.lines[1]?.offset);
  const back = new LogBuilder().own('{"a":0}').own('{"b":1}').own('{"b":2}').raw("\n\x01}\n").raw(old);
  const behind = back.lines[2]?.end ?? 0;
  const read = await readLog(back.bytes());
  assert.deepEqual([read.tail.durableOffset, read.tail.kept.offset], [back.lines[2]?.offset, behind]);
  assert.equal(read.records.length, 3, "I3");
});

test("findAnchor() gives the last record without `~` whose line before vouches for it, and at least so many lines", async () => {
  const log = new LogBuilder().own('{"a":0}').own('{"a":1}').own('{"a":2}').foreign('{"f":3}').own('{"a":4}').own(
    '{"a":5}',
    "~",
  );
  const bytes = log.bytes();
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  const floor = chainStart(logKey);
  const anchor = await findAnchor(handle, floor, bytes.length, 0);
  // Not 5: it is deferred. Not 4: the line before carries no checksum.
  assert.equal(anchor.offset, log.lines[2]?.offset);
  assert.equal(anchor.sequence, 2);
  assert.equal((await findAnchor(handle, floor, bytes.length, 5)).offset, log.lines[1]?.offset);
  assert.deepEqual(await findAnchor(handle, floor, bytes.length, 6), floor);
  assert.deepEqual(await findAnchor(handle, floor, log.lines[0]?.end ?? 0, 0), floor);
  await handle.close();
});

test("findAnchor() reads no more of a large log than it needs", async () => {
  const line = (index: number): string => textForLine(1000, index);
  const log = new LogBuilder();
  for (let index = 0; index < 3000; index++) log.own(line(index));
  const bytes = log.bytes();
  const fileSystem = fileSystemWith(bytes);
  const handle = await fileSystem.open(logPath, { access: "read" });
  const { kept, durableOffset } = await readUnsealedTail(handle, chainStart(logKey), bytes.length);
  assert.deepEqual([durableOffset, kept.offset, kept.sequence], [log.lines[2999]?.offset, bytes.length, 3000]);
  assert.ok(fileSystem.bytesRead < 200_000, `I18: ${fileSystem.bytesRead} bytes read`);
  await handle.close();
});

test("what looks like a sector out of a torn record anchors nothing", async () => {
  const log = new LogBuilder().own(textForLine(256, 0)).own(textForLine(256, 1)).own(textForLine(513, 2));
  const bytes = log.bytes();
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  assert.equal((await findAnchor(handle, chainStart(logKey), bytes.length, 0)).offset, 256);
  assert.equal((await readLog(bytes)).tail.durableOffset, 512);
  await handle.close();
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileSystemWith, LogBuilder, logPath, readLog, recover, summaryOf, textForLine } from "./log_fixture.ts";
import { assertRecovers, lostKinds, sectorSubsets } from "./torn_group.ts";

/** `number:text` of a log's lines. */
function summaries(log: LogBuilder, from = 0, to = log.lines.length): string[] {
  return log.lines.slice(from, to).map(({ sequence, text }) => `${sequence}:${text}`);
}

test("A1: of two records of one batch never one half is returned, wherever a sector ends (all subsets)", async () => {
  for (const lead of [0, 511]) {
    for (let behindSector = -45; behindSector <= 3; behindSector++) {
      for (const [name, lost] of lostKinds) {
        if (lead > 0 && name !== "LF") continue;
        const log = new LogBuilder();
        log.own(textForLine(512 + lead, 0));
        // The first record's line ends so far behind the end of a sector.
        const firstBytes = 1024 + 512 + behindSector - log.length;
        if (firstBytes < 40) continue;
        log.own(textForLine(firstBytes, 1, "+"), "+").own(textForLine(600, 2, "~"), "~");
        const base = log.lines[0]?.end ?? 0;
        for (const { bytes, mask } of sectorSubsets(log.bytes(), base, lost)) {
          const at = `lead ${lead}, line end ${behindSector}, lost sectors are ${name}, mask ${mask}`;
          await assertRecovers(bytes, { acknowledged: summaries(log, 0, 1), issued: [summaries(log, 1)], at });
        }
      }
    }
  }
});

test("A4: a group of four records that lost any of its sectors is torn, not corrupt: a prefix is kept", async () => {
  for (const [name, lost] of lostKinds) {
    const log = new LogBuilder().own('{"durable":1}').own('{"durable":2}');
    const base = log.length;
    log.own(textForLine(700, 2)).own(textForLine(700, 3, "~"), "~").own(textForLine(700, 4, "~"), "~")
      .own(textForLine(900, 5, "~"), "~");
    for (const { bytes, mask } of sectorSubsets(log.bytes(), base, lost)) {
      const issued = summaries(log, 2).map((summary) => [summary]);
      await assertRecovers(bytes, { acknowledged: summaries(log, 0, 2), issued, at: `lost are ${name}, mask ${mask}` });
    }
  }
});

test("A4: a broken line with an un-tilded record behind it is corruption, and the records behind it stay", async () => {
  const log = new LogBuilder().own('{"a":1}').own('{"a":2}').own('{"a":3}', "~").own('{"a":4}').own('{"a":5}', "~");
  const bytes = log.bytes();
  bytes[(log.lines[1]?.offset ?? 0) + 5] = 0x39;
  const { records, damage, tail } = await readLog(bytes);
  assert.deepEqual(summaryOf(records), ['0:{"a":1}', '2:{"a":3}', '3:{"a":4}', '4:{"a":5}']);
  assert.deepEqual(damage.map(({ offset, sequence }) => [offset, sequence]), [[log.lines[1]?.offset, 1]]);
  assert.equal(tail.durableOffset, log.lines[3]?.offset);
});

/** A record's line that begins at an offset, with an object inside that fills whole sectors from another on. */
function nestedOnSectors(log: LogBuilder, inner: (bytes: number) => string, at: number, bytes: number): string {
  const head = `{"pad":"`;
  const pad = "x".repeat(at - log.length - head.length - `","n":`.length);
  return `${head}${pad}","n":${inner(bytes)},"z":"${"y".repeat(700)}"}`;
}

test("A2: an object out of the middle of a torn record is never a record, marked or not", async () => {
  const filled = (head: string, tail: string) => (bytes: number): string =>
    head + "s".repeat(bytes - head.length - tail.length) + tail;
  const inners: [string, (bytes: number) => string][] = [
    ["plain", filled('{"role":"system","content":"', '"}')],
    ["marked", filled('{"role":"system","content":"', '","#":"2 0123abcd"}')],
    ["deferred", filled('{"role":"system","content":"', '","#":"2~ 0123abcd"}')],
  ];
  for (const [kind, inner] of inners) {
    for (const sectors of [1, 2]) {
      for (const [name, lost] of lostKinds) {
        const log = new LogBuilder().own('{"durable":1}').own('{"durable":2}');
        const base = log.length;
        log.own(nestedOnSectors(log, inner, 1024, sectors * 512)).own('{"later":1}', "~");
        for (const { bytes, mask } of sectorSubsets(log.bytes(), base, lost)) {
          const issued = summaries(log, 2).map((summary) => [summary]);
          const at = `${kind}, ${sectors} sectors, lost are ${name}, mask ${mask}`;
          await assertRecovers(bytes, { acknowledged: summaries(log, 0, 2), issued, at });
        }
      }
    }
  }
});

test("A2: plain text of blanks with `{}` in it is never a record `{}`", async () => {
  for (const [name, lost] of lostKinds) {
    const log = new LogBuilder().own('{"durable":1}').own('{"durable":2}');
    const base = log.length;
    const text = `{"content":"${" ".repeat(1100)}{}${" ".repeat(1400)}"}`;
    log.own(text).own('{"later":1}', "~");
    for (const { bytes, mask } of sectorSubsets(log.bytes(), base, lost)) {
      const issued = summaries(log, 2).map((summary) => [summary]);
      await assertRecovers(bytes, { acknowledged: summaries(log, 0, 2), issued, at: `lost are ${name}, mask ${mask}` });
    }
  }
});

test("H14: a fragment at the end of the file, without LF, is no record", async () => {
  const log = new LogBuilder().own('{"durable":1}');
  const inner = `{"role":"system","content":"${"s".repeat(512 - 30)}"}`;
  const whole = log.fillTo(1024).raw(inner).bytes();
  assert.equal(whole.length, 1536);
  const { records, tail } = await readLog(whole);
  assert.deepEqual(summaryOf(records), ['0:{"durable":1}']);
  assert.equal(tail.tornEnd, 1536);
  await assertRecovers(whole, { acknowledged: summaries(log), issued: [], at: "H14" });
});

test("the same bytes off a sector's edge, without a gap, or in front of an un-tilded record are records", async () => {
  const inner = `{"role":"system","content":"${"s".repeat(512 - 30)}"}`;
  const off = new LogBuilder().own('{"durable":1}').fillTo(1023).foreign(inner);
  assert.equal((await readLog(off.bytes())).records.length, 2);
  const noGap = new LogBuilder().own(textForLine(1024, 0)).foreign(inner);
  assert.equal((await readLog(noGap.bytes())).records.length, 2);
  // H6: an un-tilded record vouches for all in front of it.
  const before = new LogBuilder().own('{"durable":1}').fillTo(1024).foreign(inner).raw("\n\n").own('{"durable":2}');
  assert.deepEqual((await readLog(before.bytes())).records.map(({ trust }) => trust), [
    "verified",
    "foreign",
    "verified",
  ]);
});

test("H6: picoclaw's line that matches a fragment's position goes to quarantine, not to nothing", async () => {
  const inner = `{"role":"user","content":"${"s".repeat(512 - 28)}"}`;
  const log = new LogBuilder().own('{"durable":1}').fillTo(1024, 0).raw(`${inner}\n\n\n`);
  const fileSystem = await assertRecovers(log.bytes(), { acknowledged: summaries(log), issued: [], at: "H6" });
  const saved = fileSystem.paths().filter((path) => path.includes("quarantine/torn-"));
  assert.equal(saved.length, 1);
  assert.ok(fileSystem.text(saved[0] ?? "").includes(inner));
});

test("B6: a batch that is open when a foreign line comes is dead, also for the records behind", async () => {
  const log = new LogBuilder().own('{"a":0}').own('{"call":1}', "+").foreign('{"role":"user"}');
  const { records, tail } = await readLog(log.bytes());
  assert.deepEqual(summaryOf(records), ['0:{"a":0}', '2:{"role":"user"}']);
  assert.deepEqual(tail.torn.map(({ offset }) => offset), [log.lines[1]?.offset]);
  // And if nobody recovered it, an un-tilded record behind it changes nothing.
  log.own('{"a":3}');
  const later = await readLog(log.bytes());
  assert.deepEqual(summaryOf(later.records), ['0:{"a":0}', '2:{"role":"user"}', '3:{"a":3}']);
  assert.deepEqual(later.damage.map(({ reason }) => reason), ["its batch was not committed"]);
});

test("readUnsealedTail() keeps whole batches only, and the last line's end is known", async () => {
  const log = new LogBuilder().own('{"a":0}').own('{"a":1}', "+").own('{"a":2}', "+~").own('{"a":3}', "~");
  assert.equal((await readLog(log.bytes())).records.length, 4);
  const open = new LogBuilder().own('{"a":0}').own('{"a":1}', "+").own('{"a":2}', "+~");
  const { records, tail } = await readLog(open.bytes());
  assert.equal(records.length, 1);
  assert.equal(tail.kept.offset, open.lines[0]?.end);
  assert.equal(tail.tornEnd, open.length - 1);
  const cut = await readLog(log.bytes().subarray(0, -1));
  assert.equal(cut.records.length, 4);
  assert.equal(cut.tail.keptTerminated, false);
});

test("I11: corruption in front of a torn group is not torn with it, and its number is not used again", async () => {
  const log = new LogBuilder().own('{"a":0}').own('{"a":1}').own('{"a":2}', "+");
  const bytes = log.bytes();
  bytes[(log.lines[1]?.offset ?? 0) + 5] = 0x39;
  const { damage, tail } = await readLog(bytes);
  assert.deepEqual(damage.map(({ sequence }) => sequence), [1]);
  assert.deepEqual([tail.kept.offset, tail.kept.sequence], [log.lines[1]?.end, 2]);
  // The torn record alone said so: what recovery knew is worth a seal, and with it nothing changes any more.
  const fileSystem = fileSystemWith(bytes);
  const report = await recover(fileSystem);
  assert.equal(report.keptInPlace, true);
  assert.deepEqual(fileSystem.get(logPath), bytes.slice(0, tail.kept.offset));
  assert.deepEqual((await recover(fileSystem, report.position)).position, report.position);
  assert.deepEqual(fileSystem.get(logPath), bytes.slice(0, tail.kept.offset));
});

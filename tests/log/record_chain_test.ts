import assert from "node:assert/strict";
import { test } from "node:test";
import { LineScanner } from "../../src/log/line_scanner.ts";
import {
  type ChainPosition,
  chainStart,
  isBlank,
  type LineVerdict,
  readJson,
  RecordChain,
} from "../../src/log/record_chain.ts";
import { fragmentByte, harmlessByte, readMark } from "../../src/log/record_format.ts";
import { joined, LogBuilder, logKey, utf8 } from "./log_fixture.ts";

/** The verdict on each line. */
function verdictsOn(bytes: Uint8Array, position: ChainPosition = chainStart(logKey)): LineVerdict[] {
  const scanner = new LineScanner({ offset: position.offset });
  const chain = new RecordChain(position);
  const verdicts: LineVerdict[] = [];
  for (let offset = position.offset; offset < bytes.length;) {
    const room = scanner.reserve();
    const count = Math.min(room.length, bytes.length - offset);
    room.set(bytes.subarray(offset, offset + count));
    scanner.commit(count);
    offset += count;
    for (let line = scanner.next(); line !== null; line = scanner.next()) {
      const verdict = chain.take(line);
      if (verdict !== null) verdicts.push(verdict);
    }
  }
  return verdicts;
}

/** Each line as `number kind`, with what it stands behind where it is not verified. */
function short(verdicts: readonly LineVerdict[]): string[] {
  return verdicts.map((verdict) =>
    verdict.kind !== "own"
      ? `${verdict.sequence} ${verdict.kind}`
      : `${verdict.sequence} ${verdict.verified ? "verified" : `unverified behind ${verdict.behind}`}`
  );
}

/** Five records, of which the middle one may be something else. */
function fiveLines(middle: (log: LogBuilder) => void = (log) => void log.own('{"a":2}')): LogBuilder {
  const log = new LogBuilder().own('{"a":0}').own('{"a":1}');
  middle(log);
  return log.own('{"a":3}').own('{"a":4}');
}

/** A log's lines in any order. */
function rearranged(log: LogBuilder, order: readonly number[]): Uint8Array {
  const bytes = log.bytes();
  return joined(order.map((index) => bytes.subarray(log.lines[index]?.offset, log.lines[index]?.end)));
}

function flipped(log: LogBuilder, offset: number, bits = 1): Uint8Array {
  const bytes = log.bytes();
  bytes[offset] = (bytes[offset] ?? 0) ^ bits;
  return bytes;
}

test("RecordChain verifies a whole log, from its start and from any line's end", () => {
  const log = fiveLines();
  assert.deepEqual(short(verdictsOn(log.bytes())), [
    "0 verified",
    "1 verified",
    "2 verified",
    "3 verified",
    "4 verified",
  ]);
  const bytes = log.bytes();
  for (const [index, { offset, end }] of log.lines.entries()) {
    const verdict = readMark(bytes.subarray(offset, end - 1));
    assert.ok(verdict.kind === "marked");
    const position = { offset: end, checksum: verdict.mark.checksum, sequence: index + 1, rawCount: index + 1 };
    assert.ok(verdictsOn(bytes, position).every((line) => line.kind === "own" && line.verified));
    // Where the seed is not known, the first marked line is taken at its word.
    const unknown = verdictsOn(bytes, { ...position, checksum: null, sequence: 0 });
    assert.deepEqual(
      short(unknown),
      short(verdictsOn(bytes, position)).map((text, at) =>
        at === 0 ? text.replace("verified", "unverified behind unknown") : text
      ),
    );
  }
});

test("the first line's seed ties a log to its session: a whole log of another one is none of ours", () => {
  const other = new LogBuilder("telegram_123").own('{"a":0}').own('{"a":1}');
  assert.equal(short(verdictsOn(other.bytes()))[0], "0 damaged");
});

test("C1: a flipped byte anywhere in a line damages that line alone, and the next one still verifies", () => {
  const log = fiveLines();
  const { offset, end } = log.lines[2] ?? { offset: 0, end: 0 };
  for (let at = offset; at < end - 1; at++) {
    const verdicts = short(verdictsOn(flipped(log, at)));
    assert.deepEqual(verdicts.slice(0, 2), ["0 verified", "1 verified"], `byte ${at}`);
    assert.deepEqual(verdicts.slice(-1), ["4 verified"], `byte ${at}`);
    // Only where the mark itself is destroyed can the next line not be anchored.
    assert.match(
      verdicts.at(-2) ?? "",
      at !== offset && at < end - 19 ? /^3 verified$/ : /^3 (verified|unverified behind (broken|foreign))$/,
    );
  }
});

test("C1: where the stored checksum is damaged, the computed one anchors the next line", () => {
  const log = fiveLines();
  const bytes = log.bytes();
  const last = (log.lines[2]?.end ?? 0) - 4;
  bytes[last] = bytes[last] === 0x30 ? 0x31 : 0x30;
  assert.deepEqual(short(verdictsOn(bytes)), ["0 verified", "1 verified", "2 damaged", "3 verified", "4 verified"]);
});

test("missing, doubled and swapped lines are found", () => {
  const log = fiveLines();
  assert.deepEqual(short(verdictsOn(rearranged(log, [0, 1, 3, 4]))), [
    "0 verified",
    "1 verified",
    "2 damaged",
    "4 verified",
  ]);
  assert.deepEqual(short(verdictsOn(rearranged(log, [0, 1, 1, 2, 3]))), [
    "0 verified",
    "1 verified",
    "2 damaged",
    "2 verified",
    "3 verified",
  ]);
  // The first swapped one breaks the chain; the other is out of order; the rest is anchored again.
  const swapped = short(verdictsOn(rearranged(log, [0, 2, 1, 3, 4])));
  assert.equal(swapped.filter((verdict) => verdict.endsWith("damaged")).length >= 2, true);
  assert.deepEqual(swapped.slice(-1), ["4 verified"]);
  assert.deepEqual(short(verdictsOn(rearranged(log, [1, 2, 3, 4]))).slice(0, 2), ["0 damaged", "2 verified"]);
});

test("lines of another session in the middle are not taken for ours, nor do they end the log", () => {
  const other = new LogBuilder("other").own('{"x":0}').own('{"x":1}');
  const log = fiveLines((builder) => void builder.own('{"a":2}'));
  const bytes = log.bytes();
  const cut = log.lines[2]?.end ?? 0;
  const verdicts = short(verdictsOn(joined([bytes.subarray(0, cut), other.bytes(), bytes.subarray(cut)])));
  assert.deepEqual(verdicts.slice(0, 5), ["0 verified", "1 verified", "2 verified", "3 damaged", "4 damaged"]);
  assert.deepEqual(verdicts.slice(5).map((verdict) => verdict.slice(0, 1)), ["3", "4"]);
});

test("foreign lines take the number behind the line before, and anchor the next", () => {
  const log = new LogBuilder().foreign('{"f":0}').own('{"a":1}').foreign('{"f":2}').foreign('\ufeff{"f":3}\r').own(
    '{"a":4}',
  );
  assert.deepEqual(short(verdictsOn(log.bytes())), ["0 foreign", "1 verified", "2 foreign", "3 foreign", "4 verified"]);
});

test("a record behind a damaged foreign line is kept, unverified", () => {
  const log = fiveLines((builder) => void builder.foreign('{"f":"xy"}'));
  const verdicts = short(verdictsOn(flipped(log, (log.lines[2]?.offset ?? 0) + 6)));
  assert.deepEqual(verdicts.slice(2), ["2 foreign", "3 unverified behind foreign", "4 verified"]);
});

test("H9, A6: a damaged foreign line, own line or lost line end shifts no number behind it", () => {
  for (const damaged of [0, 1, 2, 3, 4]) {
    const log = new LogBuilder().own('{"a":0}').own('{"a b":1}').foreign('{"f": 2}').own('{"a":{"b":3} }').own(
      '{"a":4}',
    )
      .foreign('{"f":5}').foreign('{"f":6}').own('{"a":7}');
    const { offset, end } = log.lines[damaged] ?? { offset: 0, end: 0 };
    for (let at = offset; at < end; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const text = `line ${damaged}, byte ${at - offset}, bit ${bit}`;
        const verdicts = verdictsOn(flipped(log, at, 1 << bit));
        const isJoined = damaged === 4 && at === end - 1;
        assert.deepEqual(short(verdicts).slice(isJoined ? -2 : -3, -1), [
          ...(isJoined ? [] : ["5 foreign"]),
          "6 foreign",
        ], text);
        assert.equal(verdicts.at(-1)?.sequence, 7, text);
      }
    }
  }
});

test("A6 (i): a flipped line end hides two records and gives no number twice", () => {
  const log = fiveLines();
  for (let bit = 0; bit < 8; bit++) {
    const bytes = flipped(log, (log.lines[2]?.end ?? 0) - 1, 1 << bit);
    const verdicts = short(verdictsOn(bytes));
    assert.deepEqual(verdicts, ["0 verified", "1 verified", "2 damaged", "4 verified"], `bit ${bit}`);
  }
});

test("A6 (iii): what recovery made harmless keeps its number and place, and never counts again", () => {
  const log = fiveLines((builder) => void builder.own('{"a":2}', "+")).foreign('{"f":5}');
  const bytes = log.bytes();
  for (const index of [2, 3, 4]) bytes[log.lines[index]?.offset ?? 0] = harmlessByte;
  assert.deepEqual(short(verdictsOn(bytes)), [
    "0 verified",
    "1 verified",
    "2 damaged",
    "3 damaged",
    "4 damaged",
    "5 foreign",
  ]);
  bytes[log.lines[4]?.offset ?? 0] = fragmentByte;
  assert.deepEqual(short(verdictsOn(bytes)).slice(-2), ["4 damaged", "5 foreign"]);
});

test("a number that goes back, or further than lines can have been lost, is not believed without its checksum", () => {
  for (const number of [0, 1, 400]) {
    const line = `{"a":1,"#":"${number} 0123abcd"}\n`;
    const log = new LogBuilder().own('{"a":0}').own('{"a":1}').raw('{"broken\n').raw(line).foreign('{"f":1}');
    const verdicts = short(verdictsOn(log.bytes()));
    assert.deepEqual(verdicts.slice(2, 4), ["2 damaged", "3 damaged"], `${number}`);
    assert.deepEqual(verdicts.slice(4), ["4 foreign"], `${number}`);
  }
  // With its checksum it may jump: `first` may be beyond the end (B2).
  const jump = new LogBuilder().own('{"a":0}').own('{"a":1}', "", 500).foreign('{"f":1}');
  assert.deepEqual(short(verdictsOn(jump.bytes())), ["0 verified", "500 verified", "501 foreign"]);
});

test("A6, I1: junk in the blank bytes in front of a foreign line takes no place, and none from the record behind it", () => {
  for (const junk of ["\x0b\n", "\x0b\n\x0b\n", `${"\x7f".repeat(512)}\n`, "?\n\x02\n x \n"]) {
    const log = new LogBuilder().own('{"a":0}').raw(`\n\n${junk}\n`).foreign('{"f":1}').own('{"a":2}').own('{"a":3}');
    const verdicts = verdictsOn(log.bytes());
    const records = verdicts.filter(({ kind }) => kind !== "damaged");
    assert.deepEqual(short(records), ["0 verified", "1 foreign", "2 unverified behind foreign", "3 verified"], junk);
    assert.ok(verdicts.length > records.length, "it is reported");
  }
  // If it was a foreign record all the same, the next one of ours says so.
  const shortLog = new LogBuilder().own('{"a":0}').foreign("{}").foreign('{"f":2}').own('{"a":3}');
  const lost = shortLog.bytes();
  lost.fill(0x7f, shortLog.lines[1]?.offset, (shortLog.lines[1]?.end ?? 0) - 1);
  const found = short(verdictsOn(lost));
  assert.deepEqual(found, ["0 verified", "1 damaged", "1 foreign", "3 unverified behind foreign"]);
  // What still has one of its ends was a line, and keeps its place.
  for (const rest of ['{"a":1,\x01', '\x01"a":1}', '\x01"a":1} \r']) {
    const log = new LogBuilder().own('{"a":0}').raw(`${rest}\n`).foreign('{"f":2}');
    assert.deepEqual(short(verdictsOn(log.bytes())), ["0 verified", "1 damaged", "2 foreign"], rest);
  }
});

test("a line beyond the limit, of no object, or that is blank", () => {
  const chain = new RecordChain(chainStart(logKey));
  const line = { offset: 0, length: 20_000_000, bytes: null, terminated: true, gapBefore: false, rawIndex: 0 };
  assert.deepEqual(chain.take(line), {
    kind: "damaged",
    offset: 0,
    length: 20_000_000,
    sequence: 0,
    rawIndex: 0,
    reason: "longer than 10 MiB",
  });
  assert.equal(chain.sequenceNext, 1);
  for (const text of ["[]", "null", "x", '"{}"', "{", "}"]) {
    assert.deepEqual(short(verdictsOn(utf8(`${text}\n`))), ["0 damaged"], text);
  }
  for (const text of [" ", "\t\r", " \t "]) assert.deepEqual(verdictsOn(utf8(`${text}\n`)), [], JSON.stringify(text));
  assert.equal(isBlank(utf8(" \t\r")), true);
  assert.equal(isBlank(utf8(" x")), false);
});

test("readJson() takes foreign objects with a byte-order mark or CR, and nothing that was ours", () => {
  assert.deepEqual(readJson(utf8('\ufeff {"a":1.0}\t\r'), undefined), { text: '{"a":1.0}', value: { a: 1 } });
  assert.deepEqual(readJson(utf8('{"#":1,"a":2}'), undefined)?.value, { "#": 1, a: 2 });
  for (const text of ['{"a":1,"#":"0 0123abc!"}', '{"#":null}', "[]", "1", "{", '{"a":1}}']) {
    assert.equal(readJson(utf8(text), undefined), null, text);
  }
  assert.equal(readJson(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), undefined), null);
  assert.deepEqual(readJson(utf8('{"##":1,"#":"0 0123abcd"}'), 7), { text: '{"#":1}', value: { "#": 1 } });
});

test("reject() gives a foreign line's place back to what follows", () => {
  const chain = new RecordChain(chainStart(logKey));
  const bytes = utf8("{nonsense}");
  const line = { offset: 0, length: 10, bytes, terminated: true, gapBefore: false, rawIndex: 0 };
  const verdict = chain.take(line);
  assert.ok(verdict?.kind === "foreign");
  assert.equal(chain.reject(verdict, "not a JSON object").kind, "damaged");
  const own = new LogBuilder().own('{"a":0}').bytes().subarray(0, -1);
  const next = chain.take({
    offset: 11,
    length: own.length,
    bytes: own,
    terminated: true,
    gapBefore: false,
    rawIndex: 1,
  });
  assert.deepEqual([next?.kind, next?.sequence], ["own", 0]);
});

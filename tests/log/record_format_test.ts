import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "../properties.ts";
import { fromLineText, toLineText } from "../../src/log/json_text.ts";
import {
  checksumText,
  encodeLine,
  foreignChecksum,
  keyChecksum,
  lineBytesBound,
  lineBytesMax,
  lineChecksum,
  type Mark,
  markBytesMax,
  readMark,
} from "../../src/log/record_format.ts";
import { flagsOf, LogBuilder, readLog, summaryOf, textOf, utf8 } from "./log_fixture.ts";

function markOf(line: Uint8Array): Mark {
  const verdict = readMark(line);
  assert.equal(verdict.kind, "marked");
  assert.ok(verdict.kind === "marked");
  return verdict.mark;
}

test("encodeLine() and readMark() agree for any record, number, flags and seed", () => {
  const flags = fc.record({ batchContinues: fc.boolean(), deferred: fc.boolean(), adopted: fc.boolean() });
  const text = fc.oneof(
    fc.constantFrom("{}", "{ }", '{"a":1 }', "{\t}", '{"#":"0 00000000"}', '{"n":12345678901234567890}'),
    fc.dictionary(fc.oneof(fc.constantFrom("#", "##", "__proto__"), fc.string({ unit: "binary" })), fc.jsonValue())
      .map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(text, fc.maxSafeNat(), flags, fc.nat(0xffffffff), (author, sequence, recordFlags, seed) => {
      const lineText = toLineText(author);
      const { bytes, checksum } = encodeLine(lineText, sequence, recordFlags, seed);
      assert.ok(bytes.length <= lineBytesBound(lineText));
      assert.equal(bytes.at(-1), 0x0a);
      const line = bytes.subarray(0, -1);
      assert.ok(!line.includes(0x0a));
      const mark = markOf(line);
      assert.deepEqual(
        { ...recordFlags, sequence, checksum },
        {
          batchContinues: mark.batchContinues,
          deferred: mark.deferred,
          adopted: mark.adopted,
          sequence: mark.sequence,
          checksum: mark.checksum,
        },
      );
      assert.equal(lineChecksum(line, mark, seed), checksum);
      assert.equal(fromLineText(`${textOf(line.subarray(0, mark.bodyLength))}}`), fromLineText(lineText));
      // Any JSON Lines reader takes the mark for one more member, the last.
      assert.equal(Object.keys(JSON.parse(textOf(line)) as object).includes("#"), true);
    }),
    { numRuns: 1000 },
  );
});

test("encodeLine() writes what design and FORMAT say, byte by byte", () => {
  const seed = keyChecksum("k");
  assert.equal(seed, crc32(utf8("k")));
  const covered = '{"role":"user","content":"hi","#":"42 ';
  const { bytes, checksum } = encodeLine('{"role":"user","content":"hi"}', 42, flagsOf(""), seed);
  assert.equal(checksum, crc32(utf8(covered), seed));
  assert.equal(textOf(bytes), `${covered}${checksumText(checksum)}"}\n`);
  assert.match(textOf(encodeLine("{}", 0, flagsOf(""), 0).bytes), /^\{"#":"0 [0-9a-f]{8}"\}\n$/);
  assert.match(textOf(encodeLine("{ }", 7, flagsOf("+~?"), 0).bytes), /^\{ "#":"7\+~\? [0-9a-f]{8}"\}\n$/);
  assert.equal(checksumText(0xa), "0000000a");
  assert.equal(foreignChecksum(utf8("{}"), seed), crc32(utf8("{}"), seed));
});

test("readMark() reads every combination of flags, and no other order", () => {
  for (const flags of ["", "+", "~", "?", "+~", "+?", "~?", "+~?"]) {
    const { batchContinues, deferred, adopted } = markOf(utf8(`{"a":1,"#":"12${flags} 0123abcd"}`));
    assert.deepEqual({ batchContinues, deferred, adopted }, flagsOf(flags));
  }
  for (const flags of ["~+", "?~", "?+", "++", "~~", "??", "+~?+", "-", " "]) {
    assert.equal(readMark(utf8(`{"a":1,"#":"12${flags} 0123abcd"}`)).kind, "unmarked", flags);
  }
});

test("readMark() takes nothing else for a mark", () => {
  const unmarked = [
    "",
    "{}",
    '{"#":"0 0123abc"}',
    '{"#":"0 0123ABCD"}',
    '{"#":"0 0123abcd"} ',
    '{"#":"0 0123abcd"',
    '{"#":"x 0123abcd"}',
    '{"#":" 0123abcd"}',
    '{"#": "0 0123abcd"}',
    '{"#":"-1 0123abcd"}',
    '{"#":"0  0123abcd"}',
    '{"a":"see 0 0123abcd"}',
  ];
  for (const line of unmarked) assert.equal(readMark(utf8(line)).kind, "unmarked", line);
});

test("readMark() says of a mark's shape under another key, or in a wrong place, that it is disguised", () => {
  const disguised = [
    '{"a":1,"b":"0 0123abcd"}',
    '{"a":1,"##":"0 0123abcd"}',
    '{"a":1,"":"0 0123abcd"}',
    '{"a":1,"#":"00 0123abcd"}',
    '{"a":1,"#":"99999999999999999999 0123abcd"}',
    '{"a":1;"#":"0 0123abcd"}',
    ' {"a":1,"#":"0 0123abcd"}',
    '!"a":1,"#":"0 0123abcd"}',
    'x"#":"0 0123abcd"}',
  ];
  for (const line of disguised) assert.equal(readMark(utf8(line)).kind, "disguised", line);
});

test("B7: a line with its LF is at most 10 MiB - 1 bytes, and the bound for a record is never too small", () => {
  assert.equal(lineBytesMax, 10 * 1024 * 1024 - 1);
  const longest = `,"#":"${Number.MAX_SAFE_INTEGER}+~? 00000000"}\n`;
  assert.ok(longest.length <= markBytesMax);
  assert.ok(
    encodeLine('{"a":"é"}', Number.MAX_SAFE_INTEGER, flagsOf("+~?"), 0).bytes.length <= lineBytesBound('{"a":"é"}'),
  );
});

/** Three groups: a lone record, a batch of two, and one with a nested object that has a mark of its own. */
function threeLines(): LogBuilder {
  return new LogBuilder()
    .own('{"role":"user","content":"hi @J*"}')
    .own('{"call":{"#":"1 00000000"}}')
    .own('{"result":[1,{"b":"x y"}]}');
}

test("H5: no flipped bit makes another record, a foreign one, or hides another line than its own (exhaustive)", async () => {
  const log = threeLines();
  const bytes = log.bytes();
  const intact = summaryOf((await readLog(bytes)).records);
  assert.equal(intact.length, 3);
  for (let offset = 0; offset < bytes.length; offset++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = bytes.slice();
      flipped[offset] = (flipped[offset] ?? 0) ^ (1 << bit);
      const { records, damage, tail } = await readLog(flipped);
      const at = `bit ${bit} of byte ${offset}: ${JSON.stringify(textOf(flipped))}`;
      const line = log.lines.findIndex(({ end }) => offset < end);
      const isEnd = offset === (log.lines[line]?.end ?? 0) - 1;
      for (const record of records) {
        assert.ok(intact.includes(`${record.sequence}:${record.text}`), `nothing is made up, ${at}`);
        assert.notEqual(record.trust, "foreign", at);
      }
      const lost = intact.filter((summary) => !summaryOf(records).includes(summary));
      // A flipped LF joins two lines.
      const mayBeLost = isEnd ? [line, line + 1] : [line];
      for (const summary of lost) assert.ok(mayBeLost.includes(intact.indexOf(summary)), `${summary} is lost, ${at}`);
      const isReported = damage.length > 0 || tail.tornEnd > tail.kept.offset;
      assert.ok(lost.length > 0 && isReported, `damage is found and reported, ${at}`);
    }
  }
});

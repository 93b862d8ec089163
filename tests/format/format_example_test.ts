/**
 * The worked example in `src/FORMAT.md`: first read by the page's own rules, written anew here, then by the code.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { toLineText } from "../../src/log/json_text.ts";
import {
  batchBytesMax,
  checksumText,
  encodeLine,
  fragmentByte,
  harmlessByte,
  keyChecksum,
  lineBytesMax,
  unsyncedBytesMax,
} from "../../src/log/record_format.ts";
import { chainStart } from "../../src/log/record_chain.ts";
import { findSeal, makeSeal } from "../../src/log/seal.ts";
import { encodeMeta, parseMeta } from "../../src/store/session_meta.ts";
import { resolveOptions } from "../../src/store/store_options.ts";
import { keyBytesMax } from "../../src/store/session_name.ts";
import { quarantineBytesMax } from "../../src/log/quarantine.ts";
import { fileSystemWith, flagsOf, logPath, readLog, textOf, utf8 } from "../log/log_fixture.ts";

const key = "telegram:123";
const page = readFileSync(fileURLToPath(new URL("../../src/FORMAT.md", import.meta.url)), "utf8");

/** What stands behind a marker, up to the next empty line behind it or the end of its code block. */
function example(title: string): string {
  const marker = `<!-- example: ${title} -->\n`;
  const start = page.indexOf(marker);
  assert.ok(start >= 0, `FORMAT.md has no example called ${title}`);
  const rest = page.slice(start + marker.length);
  const block = /^```\w+\n(.*?)^```$/ms.exec(rest);
  if (rest.startsWith("```") && block?.[1] !== undefined) return block[1];
  return rest.slice(0, rest.indexOf("\n\n") + 1);
}

interface ExampleRow {
  offset: number;
  number: number;
  flags: string;
  seed: string;
  checksum: string;
  trust: string;
  record: string;
}

function rows(): ExampleRow[] {
  return example("verdicts").trimEnd().split("\n").slice(2).map((row) => {
    const cells = row.slice(2, -2).split("|").map((cell) => cell.trim().replace(/^`|`$/g, ""));
    const [offset = "", number = "", flags = "", seed = "", checksum = "", trust = "", record = ""] = cells;
    return { offset: Number(offset), number: Number(number), flags, seed, checksum, trust, record };
  });
}

const log = utf8(example("log of telegram:123"));

test("FORMAT.md: the example follows the page's own rules for numbers, seeds and checksums", () => {
  const table = rows();
  const lines = textOf(log).split("\n").slice(0, -1);
  assert.equal(lines.length, table.length);
  let seed = crc32(utf8(key));
  let offset = 0;
  for (const [index, line] of lines.entries()) {
    const row = table[index];
    assert.ok(row !== undefined);
    assert.equal(row.offset, offset);
    assert.equal(row.seed, checksumText(seed));
    const mark = /(,?)"#":"(0|[1-9]\d*)(\+?~?\??) ([0-9a-f]{8})"\}$/.exec(line);
    if (mark === null) {
      seed = crc32(utf8(line), seed);
    } else {
      assert.equal(mark[2], String(row.number));
      assert.equal(mark[3], row.flags);
      const covered = line.slice(0, line.length - 10);
      assert.ok(covered.endsWith(" "));
      seed = crc32(utf8(covered), seed);
      assert.equal(mark[4], checksumText(seed));
      const body = `${line.slice(0, mark.index)}}`;
      assert.equal(body, row.record.replace('"#":', '"##":'));
    }
    assert.equal(row.checksum, checksumText(seed));
    offset += utf8(line).length + 1;
  }
});

test("FORMAT.md: the code reads the example as the page says", async () => {
  const { records, damage, tail } = await readLog(log);
  assert.deepEqual(damage, []);
  assert.equal(tail.kept.offset, log.length);
  const read = records.map(({ offset, sequence, trust, text }) => ({ offset, sequence, trust, text }));
  const said = rows().map(({ offset, number, trust, record }) => ({ offset, sequence: number, trust, text: record }));
  assert.deepEqual(read, said);
});

test("FORMAT.md: the code writes the example's own lines byte for byte", () => {
  const lines = textOf(log).split("\n");
  for (const [index, row] of rows().entries()) {
    if (row.trust === "foreign") continue;
    const seed = Number.parseInt(row.seed, 16);
    const encoded = encodeLine(toLineText(row.record), row.number, flagsOf(row.flags), seed);
    assert.equal(textOf(encoded.bytes), `${lines[index]}\n`);
    assert.equal(checksumText(encoded.checksum), row.checksum);
  }
});

test("FORMAT.md: any JSON reader finds the record, and the mark as its last member", () => {
  for (const [index, line] of textOf(log).trimEnd().split("\n").entries()) {
    const value: unknown = JSON.parse(line);
    assert.ok(typeof value === "object" && value !== null);
    const row = rows()[index];
    if (row?.trust !== "foreign") assert.equal(Object.keys(value).at(-1), "#");
  }
});

test("FORMAT.md: one flipped bit anywhere in an own line of the example is noticed", async () => {
  const table = rows();
  for (const [index, row] of table.entries()) {
    // The last record might be torn; a foreign line has no checksum of its own.
    if (row.trust === "foreign" || index === table.length - 1) continue;
    const end = (table[index + 1]?.offset ?? log.length) - 1;
    for (let offset = row.offset; offset < end; offset++) {
      const flipped = log.slice();
      flipped[offset] = (flipped[offset] ?? 0) ^ 1;
      const { records, damage } = await readLog(flipped);
      const intact = records.find(({ offset: at, text }) => at === row.offset && text === row.record);
      const isSeen = damage.length > 0 || records.some(({ trust }) => trust === "unverified");
      assert.ok(intact === undefined || isSeen, `bit 0 of byte ${offset}`);
    }
  }
});

test("FORMAT.md: the meta file of the example is read and written byte for byte, and its seal fits the log", async () => {
  const text = example("meta of telegram:123").trimEnd();
  const parsed = parseMeta(utf8(text));
  assert.ok("meta" in parsed);
  assert.equal(textOf(encodeMeta(parsed.meta)), text);
  const { sealed } = parsed.meta;
  assert.ok(sealed !== undefined);
  const handle = await fileSystemWith(log).open(logPath, { access: "read" });
  try {
    const position = await findSeal(handle, sealed, log.length);
    assert.ok(position !== null);
    assert.deepEqual(await makeSeal(handle, position, sealed.count), sealed);
    assert.equal(position.offset, log.length);
  } finally {
    await handle.close();
  }
});

test("FORMAT.md: its constants are the code's", () => {
  assert.equal(checksumText(keyChecksum(key)), /CRC-32 `([0-9a-f]{8})`/.exec(page)?.[1]);
  assert.equal(chainStart(key).checksum, crc32(utf8(key)));
  assert.equal(lineBytesMax, 10 * 1024 ** 2 - 1);
  assert.ok(page.includes("| a line with its LF | 10 MiB - 1:"));
  const recordBytesMax = resolveOptions({}).recordBytesMax.toLocaleString("en-US");
  assert.ok(page.includes(`| a record's text as JSON | ${recordBytesMax} bytes;`));
  assert.equal(batchBytesMax, 16 * 1024 ** 2);
  assert.ok(page.includes("| a batch, encoded | 16 MiB |"));
  assert.equal(unsyncedBytesMax, 1024 ** 2);
  assert.ok(page.includes("| unsynced bytes | 1 MiB or one batch:"));
  assert.ok(page.includes(`| a key | 1 to ${keyBytesMax.toLocaleString("en-US")} bytes of UTF-8 |`));
  assert.equal(quarantineBytesMax, 16 * 1024 ** 2);
  assert.ok(page.includes("| a quarantine | 16 MiB;"));
  assert.ok(page.includes(`First byte \`${String.fromCharCode(harmlessByte)}\` (0x21)`));
  assert.ok(page.includes(`First byte \`${String.fromCharCode(fragmentByte)}\` (0x3F)`));
});

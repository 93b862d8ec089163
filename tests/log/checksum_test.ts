import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 as zlibChecksum } from "node:zlib";
import { crc32, crc32ByTable, loadFastChecksum } from "../../src/log/checksum.ts";

function bytesOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 0x9e3779b9 ^ length;
  for (let at = 0; at < length; at++) {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + at;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

test("crc32ByTable() is zlib's for every length from 1 to 300, at every alignment, with every kind of seed", () => {
  for (let length = 1; length <= 300; length++) {
    for (const start of [0, 1, 2, 3, 5, 7]) {
      const bytes = bytesOf(length + start).subarray(start);
      for (const seed of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xdeadbeef]) {
        assert.equal(crc32ByTable(bytes, seed), zlibChecksum(bytes, seed), `${length} bytes at ${start}, seed ${seed}`);
      }
    }
  }
});

test("crc32() is the same before and after zlib was loaded, and chains", async () => {
  const bytes = bytesOf(100_000);
  const before = crc32(bytes);
  assert.equal(before, zlibChecksum(bytes));
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  await Promise.all([loadFastChecksum(), loadFastChecksum()]);
  await loadFastChecksum();
  assert.equal(crc32(bytes), before);
  for (const cut of [1, 63, 64, 65, 50_000, 99_999]) {
    assert.equal(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut))), before, `cut at ${cut}`);
  }
});

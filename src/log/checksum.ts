/**
 * CRC-32, as zlib has it.
 *
 * A short-lived program, such as one that appends one record, should not wait for `node:zlib` to be loaded
 * for the sake of a few lines. So a table sums up until {@linkcode loadFastChecksum} has been asked for zlib's, which
 * whoever reads much does.
 *
 * @module
 */

/** Eight tables, so that eight bytes are taken at once ("slicing by 8", Kounavis and Berry, 2005). */
const tableCount = 8;
const tables: Int32Array = makeTables();

/** Below so many bytes a call into zlib costs more than it saves. */
const fastBytesMin = 64;

type Checksum = (bytes: Uint8Array, seed: number) => number;

let fast: Checksum | undefined;
let loading: Promise<void> | undefined;

/**
 * Sums up bytes.
 *
 * @param bytes The bytes.
 * @param seed The checksum of what stands in front of them; @default {0}
 * @returns An unsigned 32-bit number.
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return fast === undefined || bytes.length < fastBytesMin ? crc32ByTable(bytes, seed) : fast(bytes, seed);
}

/**
 * Makes zlib's own function available to {@linkcode crc32}; for whoever is about to read many bytes.
 */
export async function loadFastChecksum(): Promise<void> {
  if (fast !== undefined) return;
  loading ??= import("node:zlib").then((zlib) => {
    fast = zlib.crc32;
  });
  await loading;
}

/**
 * {@linkcode crc32} without zlib, whatever was loaded.
 *
 * @param bytes The bytes.
 * @param seed The checksum of what stands in front of them.
 * @returns An unsigned 32-bit number.
 */
export function crc32ByTable(bytes: Uint8Array, seed: number): number {
  let sum = ~seed;
  let at = 0;
  const whole = bytes.length - bytes.length % tableCount;
  for (; at < whole; at += tableCount) {
    const low = sum ^
      (byteAt(bytes, at) | byteAt(bytes, at + 1) << 8 | byteAt(bytes, at + 2) << 16 | byteAt(bytes, at + 3) << 24);
    sum = entry(7, low) ^ entry(6, low >>> 8) ^ entry(5, low >>> 16) ^ entry(4, low >>> 24) ^
      entry(3, byteAt(bytes, at + 4)) ^ entry(2, byteAt(bytes, at + 5)) ^
      entry(1, byteAt(bytes, at + 6)) ^ entry(0, byteAt(bytes, at + 7));
  }
  for (; at < bytes.length; at++) sum = sum >>> 8 ^ entry(0, sum ^ byteAt(bytes, at));
  return ~sum >>> 0;
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function entry(table: number, value: number): number {
  return tables[table << 8 | value & 0xff] ?? 0;
}

function makeTables(): Int32Array {
  const made = new Int32Array(tableCount * 256);
  for (let value = 0; value < 256; value++) {
    let sum = value;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? sum >>> 1 ^ 0xedb88320 : sum >>> 1;
    made[value] = sum;
  }
  for (let at = 256; at < made.length; at++) {
    const before = made[at - 256] ?? 0;
    made[at] = before >>> 8 ^ (made[before & 0xff] ?? 0);
  }
  return made;
}

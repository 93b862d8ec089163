/**
 * Format 1 of a log's line: a JSON object whose last member is the mark, `"#":"42+~ 9f3c11d2"`. Constants and pure
 * functions, no I/O. The grammar with its reasons and a worked example is in `../FORMAT.md`.
 *
 * @module
 */

import { crc32 } from "./checksum.ts";
import { assertInvariant } from "../errors.ts";

/** LF ends a line of ours. Part of the format. */
export const lineFeed = 0x0a;
/** NUL ends a line for our scanner: a power cut leaves NULs, and others append behind them. Part of the format. */
export const nul = 0x00;
/** The longest line, with its LF: one byte more and picoclaw can read nothing of the file. Part of the format. */
export const lineBytesMax: number = 10 * 1024 * 1024 - 1;
/** The largest batch, encoded; also bounds what may ever be unsynced. Part of the format: recovery relies on it. */
export const batchBytesMax: number = 16 * 1024 * 1024;
/** More unsynced bytes than this force a sync before the next write, unless they are one batch. Part of the format. */
export const unsyncedBytesMax: number = 1024 * 1024;
/** Recovery writes this over the first byte of a record that was never acknowledged. Part of the format. */
export const harmlessByte = 0x21;
/** Recovery writes this over the first byte of a sector out of a torn record. Part of the format. */
export const fragmentByte = 0x3f;
/** No mark, with its comma and the closing brace, is longer. */
export const markBytesMax = 64;

/** The flags of a record, in the order in which they are written. */
export interface RecordFlags {
  /** `+`: more records of the same batch follow. */
  batchContinues: boolean;
  /** `~`: written before everything in front of it was known to be durable. */
  deferred: boolean;
  /** `?`: taken over from a line that carried no checksum; its origin was not verified. */
  adopted: boolean;
}

/** What the mark of a line says. */
export interface Mark extends RecordFlags {
  /** The record's sequence number. */
  sequence: number;
  /** The stored checksum, unsigned. */
  checksum: number;
  /** How many bytes of the line come before the mark's comma (or before its quote in an empty object). */
  bodyLength: number;
  /** How many bytes of the line, from `{`, the checksum covers. */
  coveredLength: number;
}

/** {@linkcode readMark}'s verdict on the end of a line. */
export type MarkVerdict =
  | { kind: "marked"; mark: Mark }
  /** The line ends in a value of the mark's shape under another key: damaged, never foreign. */
  | { kind: "disguised" }
  | { kind: "unmarked" };

const encoder = new TextEncoder();
/** What of a line the checksum does not cover: its own eight digits, quote, brace and LF. */
const lineEndBytes = 11;
const braceOpen = 0x7b;
const braceClose = 0x7d;
const quote = 0x22;
const colon = 0x3a;
const comma = 0x2c;
const hash = 0x23;
const space = 0x20;

/**
 * The seed of a log's first line: it ties the log to its session.
 *
 * @param key The session's key.
 * @returns The CRC-32 of the key's UTF-8 bytes.
 */
export function keyChecksum(key: string): number {
  return crc32(encoder.encode(key));
}

/**
 * The chain's next link behind a line without a checksum of its own.
 *
 * @param line The line's bytes without its end.
 * @param seed The link before.
 * @returns The CRC-32 of the whole line.
 */
export function foreignChecksum(line: Uint8Array, seed: number): number {
  return crc32(line, seed);
}

/** One encoded line. */
export interface EncodedLine {
  /** The line with its LF. */
  bytes: Uint8Array;
  /** Its checksum: the seed of the line behind it. */
  checksum: number;
}

/**
 * Encodes a record as a line.
 *
 * @param text The record as one line of JSON, as `toLineText` returns it.
 * @param sequence The record's number.
 * @param flags The record's flags.
 * @param seed The stored checksum of the line before, or {@linkcode keyChecksum}.
 * @returns The line and its checksum.
 */
export function encodeLine(text: string, sequence: number, flags: RecordFlags, seed: number): EncodedLine {
  assertInvariant(Number.isSafeInteger(sequence) && sequence >= 0, "a sequence number is a safe integer from 0");
  assertInvariant(
    text.startsWith("{") && text.endsWith("}"),
    "a record's text is an object without white space around it",
  );
  const body = text.slice(0, -1);
  const separator = body.trimEnd().length === 1 ? "" : ",";
  const flagText = (flags.batchContinues ? "+" : "") + (flags.deferred ? "~" : "") + (flags.adopted ? "?" : "");
  const bytes = encoder.encode(`${body}${separator}"#":"${sequence}${flagText} 00000000"}\n`);
  const coveredLength = bytes.length - lineEndBytes;
  const checksum = crc32(bytes.subarray(0, coveredLength), seed);
  putChecksum(bytes, coveredLength, checksum);
  return { bytes, checksum };
}

/** Puts a checksum's digits in the place that is kept for them. */
function putChecksum(bytes: Uint8Array, offset: number, checksum: number): void {
  for (let index = 0, shift = 28; index < 8; index++, shift -= 4) {
    const digit = checksum >>> shift & 0xf;
    bytes[offset + index] = digit < 10 ? 0x30 + digit : 0x57 + digit;
  }
}

/**
 * How many bytes a record's line has at the most, before its number is known.
 *
 * @param text The record as one line of JSON.
 * @returns An upper bound, LF included.
 */
export function lineBytesBound(text: string): number {
  return encoder.encode(text).length + markBytesMax;
}

/**
 * Eight lower-case hexadecimal digits.
 *
 * @param checksum An unsigned 32-bit number.
 * @returns Its text in a mark.
 */
export function checksumText(checksum: number): string {
  return checksum.toString(16).padStart(8, "0");
}

/**
 * Reads the mark at the end of a line, without parsing the rest.
 *
 * @param line The line's bytes without its end.
 * @returns The mark, or that there is none, or that its key is not `#`.
 */
export function readMark(line: Uint8Array): MarkVerdict {
  const end = line.length;
  if (end < 16 || line[end - 1] !== braceClose || line[end - 2] !== quote) return { kind: "unmarked" };
  let checksum = 0;
  for (let index = end - 10; index < end - 2; index++) {
    const digit = hexDigit(line[index]);
    if (digit < 0) return { kind: "unmarked" };
    checksum = checksum * 16 + digit;
  }
  let index = end - 11;
  if (line[index--] !== space) return { kind: "unmarked" };
  const flags: RecordFlags = { batchContinues: false, deferred: false, adopted: false };
  if (line[index] === 0x3f) flags.adopted = index-- > 0;
  if (line[index] === 0x7e) flags.deferred = index-- > 0;
  if (line[index] === 0x2b) flags.batchContinues = index-- > 0;
  const digitsEnd = index + 1;
  while (index > 0 && isDigit(line[index])) index--;
  const digits = digitsEnd - index - 1;
  if (digits === 0 || line[index] !== quote || line[index - 1] !== colon || line[index - 2] !== quote) {
    return { kind: "unmarked" };
  }
  const sequence = readDecimal(line, index + 1, digitsEnd);
  const keyEnd = index - 3;
  if (line[keyEnd] !== hash || line[keyEnd - 1] !== quote || !Number.isSafeInteger(sequence)) {
    return { kind: "disguised" };
  }
  if (digits > 1 && line[index + 1] === 0x30) return { kind: "disguised" };
  const bodyLength = bodyLengthBefore(line, keyEnd - 1);
  if (bodyLength < 0) return { kind: "disguised" };
  return { kind: "marked", mark: { sequence, ...flags, checksum, bodyLength, coveredLength: end - 10 } };
}

/**
 * The checksum that a marked line should carry.
 *
 * @param line The line's bytes without its end.
 * @param mark Its mark.
 * @param seed The stored checksum of the line before, or {@linkcode keyChecksum}.
 * @returns What {@linkcode Mark.checksum} must be equal to.
 */
export function lineChecksum(line: Uint8Array, mark: Mark, seed: number): number {
  return crc32(line.subarray(0, mark.coveredLength), seed);
}

function bodyLengthBefore(line: Uint8Array, markStart: number): number {
  if (line[0] !== braceOpen) return -1;
  if (line[markStart - 1] === comma) return markStart - 1;
  for (let index = markStart - 1; index > 0; index--) {
    if (line[index] !== space && line[index] !== 0x09) return -1;
  }
  return markStart;
}

function readDecimal(line: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index++) value = value * 10 + ((line[index] ?? 0) - 0x30);
  return value;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1;
}

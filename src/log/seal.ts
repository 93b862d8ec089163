/**
 * The seal: the meta's word that a log is durable and whole up to an offset. Nothing is inferred from how a file ends;
 * a seal counts only if the line that it names is found where it says.
 *
 * @module
 */

import { crc32 } from "./checksum.ts";
import type { FileHandle } from "../fs/filesystem.ts";
import { lineFrom, linesFromEnd } from "./log_lines.ts";
import type { ChainPosition } from "./record_chain.ts";
import { checksumText, lineChecksum, lineFeed, type MarkVerdict, readMark } from "./record_format.ts";

/** `holdfast.sealed` of the meta file. */
export interface Seal {
  /** The log up to here is durable and whole; behind a line's LF. */
  bytes: number;
  /** What seeds the line behind: the stored checksum of the record that ends there, in hexadecimal. */
  checksum: string;
  /** How many lines there are up to here, as picoclaw counts them. */
  count: number;
  /** The number of the next line. */
  next: number;
  /** Where the last line carries no checksum: its CRC-32, in hexadecimal, by which it is found. */
  line?: string;
}

/**
 * Makes a seal for a log that is durable and whole up to a position.
 *
 * @param handle The open log.
 * @param position Behind the last line; its counts are known.
 * @param rawCount How many lines there are up to there, as picoclaw counts them.
 * @returns The seal, or null for an empty log.
 */
export async function makeSeal(handle: FileHandle, position: ChainPosition, rawCount: number): Promise<Seal | null> {
  const last = await lineEndingAt(handle, position.offset);
  if (last === null || position.checksum === null) return null;
  const seal = {
    bytes: position.offset,
    checksum: checksumText(position.checksum),
    count: rawCount,
    next: position.sequence,
  };
  const verdict = readMark(last);
  const named = verdict.kind === "marked" && verdict.mark.checksum === position.checksum;
  return named ? seal : { ...seal, line: checksumText(crc32(last)) };
}

/**
 * Looks whether a seal fits a log.
 *
 * @param handle The open log.
 * @param seal What the meta says.
 * @param size The log's size in bytes.
 * @returns Where the log goes on behind it; null if the line that it names is not there.
 */
export async function findSeal(handle: FileHandle, seal: Seal, size: number): Promise<ChainPosition | null> {
  if (seal.bytes > size) return null;
  const last = await lineEndingAt(handle, seal.bytes);
  if (last === null) return null;
  const verdict = readMark(last);
  const found = seal.line === undefined
    ? verdict.kind === "marked" && checksumText(verdict.mark.checksum) === seal.checksum &&
      verdict.mark.sequence < seal.next
    : checksumText(crc32(last)) === seal.line;
  if (!found || await isPassed(handle, seal, size, verdict)) return null;
  return {
    offset: seal.bytes,
    checksum: Number.parseInt(seal.checksum, 16),
    sequence: seal.next,
    rawCount: seal.count,
  };
}

/**
 * Whether the record behind a seal has a lower number than the seal says: then that is damage, as no record is written
 * with a number that was not to be used. Where the numbers go on without a gap nothing is read for it.
 */
async function isPassed(handle: FileHandle, seal: Seal, size: number, last: MarkVerdict): Promise<boolean> {
  if (last.kind === "marked" && seal.next === last.mark.sequence + 1) return false;
  const bytes = (await lineFrom(handle, seal.bytes, size))?.bytes ?? null;
  const verdict = bytes === null ? null : readMark(bytes);
  return bytes !== null && verdict?.kind === "marked" && verdict.mark.sequence < seal.next &&
    lineChecksum(bytes, verdict.mark, Number.parseInt(seal.checksum, 16)) === verdict.mark.checksum;
}

/** The line whose LF stands directly in front of an offset. */
async function lineEndingAt(handle: FileHandle, end: number): Promise<Uint8Array | null> {
  const terminator = new Uint8Array(1);
  if (end < 1 || await handle.read(terminator, end - 1) !== 1 || terminator[0] !== lineFeed) return null;
  for await (const line of linesFromEnd(handle, 0, end)) {
    return line.offset + line.length + 1 === end ? line.bytes : null;
  }
  return null;
}

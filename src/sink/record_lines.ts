/**
 * The lines that go into a bucket: own lines of format 1 without flags, chained from the session's key on, so that all
 * objects of a session one behind the other are a log. Pure.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { type BlobReference, joinLine, readReferences, writeReferences } from "../log/blob_member.ts";
import { toLineText } from "../log/json_text.ts";
import { type ChainPosition, chainStart, readJson, RecordChain } from "../log/record_chain.ts";
import { encodeLine, foreignChecksum, lineBytesMax, lineFeed } from "../log/record_format.ts";

/** Where the lines of a session have got to. */
export interface LinePosition {
  /** The lowest number that the next record can have. */
  next: number;
  /** The checksum that seeds the next line. */
  checksum: number;
}

/** One record as it goes into a bucket. */
export interface BucketLine extends LinePosition {
  /** The line with its LF. */
  bytes: Uint8Array;
}

const plain = { batchContinues: false, deferred: false, adopted: false };
const encoder = new TextEncoder();

/**
 * Where a session's lines begin.
 *
 * @param key The session's key.
 * @returns The position of the first.
 */
export function firstPosition(key: string): LinePosition {
  return { next: 0, checksum: chainStart(key).checksum ?? 0 };
}

/**
 * Encodes one record.
 *
 * @param text The record's text, with previews in place of its large values.
 * @param sequence Its number.
 * @param blobs Its large values.
 * @param checksum What seeds its line.
 * @returns The line, and where the next one goes on.
 */
export function encodeBucketLine(
  text: string,
  sequence: number,
  blobs: readonly BlobReference[],
  checksum: number,
): BucketLine {
  const line = toLineText(text);
  const body = blobs.length === 0 ? line : joinLine(line, writeReferences(blobs));
  const encoded = encodeLine(body, sequence, plain, checksum);
  if (encoded.bytes.length <= lineBytesMax) return { ...encoded, next: sequence + 1 };
  // A foreign line that has no room for a mark stays foreign, as in a compaction.
  const bytes = encoder.encode(`${text}\n`);
  return { bytes, checksum: foreignChecksum(bytes.subarray(0, -1), checksum), next: sequence + 1 };
}

/** One record as it was read from a bucket. */
export interface ReadLine {
  /** Its number. */
  sequence: number;
  /** Its text, with previews in place of its large values. */
  text: string;
  /** Its large values. */
  blobs: readonly BlobReference[];
}

/** What an object of records holds. */
export interface ReadObject {
  /** Its records. */
  lines: ReadLine[];
  /** Where the next object goes on. */
  end: LinePosition;
}

/**
 * Reads an object of records and follows the chain through it: nothing is missing, doubled, out of order or changed.
 *
 * @param name The object's name, for errors.
 * @param bytes What it holds.
 * @param start Where the one before it ended.
 * @returns Its records, and where the next goes on.
 * @throws {HoldfastError} `corrupt` if it does not fit.
 */
export function readBucketLines(name: string, bytes: Uint8Array, start: LinePosition): ReadObject {
  const position: ChainPosition = { offset: 0, checksum: start.checksum, sequence: start.next, rawCount: 0 };
  const chain = new RecordChain(position);
  const lines: ReadLine[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const feed = bytes.indexOf(lineFeed, offset);
    if (feed < 0) throw damaged(name, offset, "it ends within a line");
    const line = bytes.subarray(offset, feed);
    const place = { offset, length: line.length, rawIndex: lines.length };
    const verdict = chain.take({ ...place, bytes: line, terminated: true, gapBefore: false });
    if (verdict === null) throw damaged(name, offset, "an empty line");
    if (verdict.kind === "damaged") throw damaged(name, offset, verdict.reason);
    if (verdict.kind === "own" && !verdict.verified) throw damaged(name, offset, "its checksum does not fit");
    const json = readJson(line, verdict.kind === "own" ? verdict.mark.bodyLength : undefined);
    if (json === null) throw damaged(name, offset, "not a JSON object");
    const blobs = json.blobs === undefined ? [] : readReferences(json.blobs);
    lines.push({ sequence: verdict.sequence, text: json.text, blobs });
    offset = feed + 1;
  }
  if (lines.length === 0) throw damaged(name, 0, "it holds no record");
  return { lines, end: { next: chain.sequenceNext, checksum: chain.checksum } };
}

function damaged(name: string, offset: number, reason: string): HoldfastError {
  return new HoldfastError("corrupt", `Object ${name} is damaged at ${offset}: ${reason}`, { offset });
}

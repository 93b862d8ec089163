/**
 * The chain of checksums and numbers along a log: takes line after line and says of each what it is. Pure.
 *
 * What a line is does not depend on what follows it; batches, the unsealed tail and what to do about damage are decided
 * by those who ask (`log_reader.ts`, `unsealed_tail.ts`).
 *
 * @module
 */

import { type LineParts, splitLine } from "./blob_member.ts";
import { isJsonObject, type JsonObject } from "./json_text.ts";
import type { ScannedLine } from "./line_scanner.ts";
import {
  foreignChecksum,
  fragmentByte,
  harmlessByte,
  keyChecksum,
  lineChecksum,
  type Mark,
  readMark,
} from "./record_format.ts";

/** A place in a log from which it can be read: everything in front of it is left out. */
export interface ChainPosition {
  /** Where the next line starts, in bytes. */
  offset: number;
  /** The checksum that seeds the next line; null: unknown, the next marked line is taken at its word. */
  checksum: number | null;
  /** The number that the next line has if it does not say one. */
  sequence: number;
  /** How many lines, as picoclaw counts them, stand in front; null: unknown. */
  rawCount: number | null;
}

/** What all kinds of line have. */
interface LinePlace {
  /** Where its first byte is in the file. */
  offset: number;
  /** Its length in bytes without its end. */
  length: number;
  /** The record's number; of a damaged line the one whose place it keeps. */
  sequence: number;
  /** Which of the lines that picoclaw would count this is, from the start of the scan. */
  rawIndex: number;
}

/** A record of ours. */
export interface OwnLine extends LinePlace {
  kind: "own";
  /** What its mark says. */
  mark: Mark;
  /** False: its checksum does not fit the line before, but that line is broken or foreign and may be at fault. */
  verified: boolean;
  /** The kind of line that it stands behind, where it is not verified. */
  behind: "own" | "foreign" | "broken" | "unknown";
}

/** A line without a mark, of picoclaw's or by hand; not yet parsed. */
export interface ForeignLine extends LinePlace {
  kind: "foreign";
}

/** A line that is no record. */
export interface DamagedLine extends LinePlace {
  kind: "damaged";
  /** Why, for a person. */
  reason: string;
  /** True for what an earlier recovery made harmless: never acknowledged, set aside long ago, and no corruption. */
  dead?: true;
}

/** The verdict on one line. */
export type LineVerdict = OwnLine | ForeignLine | DamagedLine;

const braceOpen = 0x7b;
const braceClose = 0x7d;
const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * The start of a session's log.
 *
 * @param key The session's key.
 * @returns The position of the first line.
 */
export function chainStart(key: string): ChainPosition {
  return chainStartOn(keyChecksum(key));
}

/**
 * The start of a log whose first line has another seed than its session's key: a fork shares its origin's bytes.
 *
 * @param seed What seeds the first line.
 * @returns The position of the first line.
 */
export function chainStartOn(seed: number): ChainPosition {
  return { offset: 0, checksum: seed, sequence: 0, rawCount: 0 };
}

/** Takes the lines of a log in order and says what each is. */
export class RecordChain {
  #sequenceNext: number;
  #recordSequenceLast: number;
  /** What may seed the next line: the stored checksum of the line before, then its computed one. */
  #seeds: number[];
  /** What the line before is: only one of our own, intact, is sure to anchor the next. */
  #before: OwnLine["behind"];
  /** The place of a broken line that ended before its closing brace: what follows may be the rest of it. */
  #splitSequence: number | null = null;
  /** Broken lines without a place since the last record of ours: they may have been records all the same. */
  #placeless = 0;
  /** Behind the last line that was taken for a record: how far a number may have jumped since. */
  #recordEnd: number;
  /** The two above, as they were before the last line that was taken for a record. */
  #recordBefore: { sequence: number; end: number };

  /**
   * Creates a chain.
   *
   * @param position Where the first line that is taken stands.
   */
  constructor(position: ChainPosition) {
    this.#sequenceNext = position.sequence;
    this.#recordSequenceLast = position.sequence - 1;
    this.#seeds = position.checksum === null ? [] : [position.checksum];
    this.#before = position.checksum === null ? "unknown" : "own";
    this.#recordEnd = position.offset;
    this.#recordBefore = { sequence: position.sequence - 1, end: position.offset };
  }

  /** The number after the last line's. */
  get sequenceNext(): number {
    return this.#sequenceNext;
  }

  /** What seeds the next line that is written; 0 only where not one line is known. */
  get checksum(): number {
    return this.#seeds[0] ?? 0;
  }

  /**
   * Takes the next line.
   *
   * @param line The line; its bytes are only looked at during the call.
   * @returns What it is.
   */
  take(line: ScannedLine): LineVerdict | null {
    const bytes = line.bytes;
    if (bytes === null) return this.#takeUnread(line);
    if (isBlank(bytes)) return null;
    if (bytes[0] === fragmentByte) return this.#takeFragment(line);
    if (bytes[0] === harmlessByte) return this.#takeDead(line, bytes);
    const verdict = readMark(bytes);
    if (verdict.kind === "marked") return this.#takeMarked(line, bytes, verdict.mark);
    if (verdict.kind === "disguised") return this.#takeBroken(line, bytes, "ends in a mark under another key");
    if (!looksLikeObject(bytes)) return this.#takeBroken(line, bytes, "not a JSON object");
    if (joinedLines(bytes) > 1 && readJson(bytes, undefined) === null) {
      return this.#takeBroken(line, bytes, "the end of a line in it is lost");
    }
    this.#splitSequence = null;
    const sequence = this.#sequenceNext++;
    this.#beginRecord(line, sequence);
    this.#seeds = [foreignChecksum(bytes, this.checksum)];
    this.#before = "foreign";
    return { kind: "foreign", offset: line.offset, length: line.length, sequence, rawIndex: line.rawIndex };
  }

  #takeMarked(line: ScannedLine, bytes: Uint8Array, mark: Mark): LineVerdict {
    const place = { offset: line.offset, length: line.length, rawIndex: line.rawIndex };
    const verified = this.#seeds.some((seed) => lineChecksum(bytes, mark, seed) === mark.checksum);
    const behind = this.#before;
    const reason = this.#markedReason(line, bytes, mark, verified);
    if (reason !== null) return this.#takeBroken(line, bytes, reason, mark);
    this.#sequenceNext = mark.sequence + 1;
    this.#placeless = 0;
    this.#beginRecord(line, mark.sequence);
    this.#seeds = [mark.checksum];
    this.#before = "own";
    this.#splitSequence = null;
    return { kind: "own", ...place, sequence: mark.sequence, mark, verified, behind };
  }

  #beginRecord(line: ScannedLine, sequence: number): void {
    this.#recordBefore = { sequence: this.#recordSequenceLast, end: this.#recordEnd };
    this.#recordSequenceLast = sequence;
    this.#recordEnd = line.offset + line.length;
  }

  /** Why a marked line is no record; null if it is one. */
  #markedReason(line: ScannedLine, bytes: Uint8Array, mark: Mark, verified: boolean): string | null {
    if (!verified && this.#before === "own") return "its checksum does not fit";
    if (mark.sequence <= this.#recordSequenceLast) return "its number is out of order";
    if (verified) return null;
    // Beyond the lines that were seen, not more records can have been lost in front of it than there is room for.
    const room = Math.floor((line.offset - this.#recordEnd) / 16) + 1;
    const expected = this.#sequenceNext + this.#placeless;
    const isFar = mark.sequence > expected && mark.sequence - this.#recordSequenceLast > room;
    if (this.#before !== "unknown" && isFar) return "its number cannot be";
    return readJson(bytes, mark.bodyLength) === null ? "not a JSON object" : null;
  }

  /**
   * Takes the next line as a sector out of a torn record, whatever it looks like.
   *
   * @param line The line; its bytes are only looked at during the call.
   * @param reason Why.
   * @returns The damaged line.
   */
  takeDamaged(line: ScannedLine, reason: string): DamagedLine {
    const bytes = line.bytes;
    if (bytes === null) return this.#takeUnread(line);
    this.#splitSequence = null;
    // Recovery overwrites the first byte of such a sector, and nobody behind it may be shifted by that.
    const damaged = this.#takeBroken(line, bytes, reason, undefined, endsInBrace(bytes));
    this.#splitSequence = null;
    return damaged;
  }

  /** A record that recovery made harmless moves the chain on as it did before, so that nobody behind it is shifted. */
  #takeDead(line: ScannedLine, bytes: Uint8Array): DamagedLine {
    const revived = bytes.slice();
    revived[0] = braceOpen;
    const verdict = readMark(revived);
    if (verdict.kind !== "marked") return this.#takeBroken(line, bytes, "not a JSON object");
    const { sequence } = this.#takeMarked(line, revived, verdict.mark);
    const { offset, length, rawIndex } = line;
    return { kind: "damaged", offset, length, sequence, rawIndex, reason: "it was never acknowledged", dead: true };
  }

  /** What recovery leaves of a sector lies on sectors; anything else that begins so is somebody's. */
  #takeFragment(line: ScannedLine): DamagedLine {
    const damaged = this.takeDamaged(line, "a sector of a torn record");
    const onSectors = line.offset % 512 === 0 && (line.offset + line.length) % 512 === 0;
    return onSectors ? { ...damaged, dead: true } : damaged;
  }

  #takeBroken(
    line: ScannedLine,
    bytes: Uint8Array,
    reason: string,
    mark?: Mark,
    hasPlace = mark !== undefined || mayBeRecord(bytes),
  ): DamagedLine {
    const computed = mark === undefined
      ? foreignChecksum(bytes, this.checksum)
      : lineChecksum(bytes, mark, this.checksum);
    this.#seeds = mark === undefined ? [computed] : [mark.checksum, computed];
    this.#before = "broken";
    const sequence = this.#placeOfBroken(bytes, mark, hasPlace);
    return { kind: "damaged", offset: line.offset, length: line.length, sequence, rawIndex: line.rawIndex, reason };
  }

  /** A line that was split keeps one place, lines that were joined keep theirs, and nobody behind is shifted (A6). */
  #placeOfBroken(bytes: Uint8Array, mark: Mark | undefined, hasPlace: boolean): number {
    const split = this.#splitSequence;
    const isWhole = bytes[bytes.length - 1] === braceClose;
    if (split !== null && mark === undefined && bytes[0] !== braceOpen) {
      if (isWhole) this.#splitSequence = null;
      return split;
    }
    const sequence = this.#sequenceNext;
    if (!hasPlace) {
      this.#placeless++;
      return sequence;
    }
    const claimed = mark?.sequence ?? -1;
    const isRest = claimed > this.#recordSequenceLast && claimed < sequence;
    this.#sequenceNext = isRest ? claimed + 1 : sequence + joinedLines(bytes);
    this.#splitSequence = isWhole || bytes[0] !== braceOpen ? null : sequence;
    return isRest ? claimed : sequence;
  }

  /** A line beyond the limit was not held, so it is left out of the chain. */
  #takeUnread(line: ScannedLine): DamagedLine {
    this.#before = "broken";
    this.#splitSequence = null;
    const reason = "longer than 10 MiB";
    const sequence = this.#sequenceNext++;
    return { kind: "damaged", offset: line.offset, length: line.length, sequence, rawIndex: line.rawIndex, reason };
  }

  /**
   * Takes back that the line just taken is a record: it turned out not to be one when it was parsed.
   *
   * @param line The line that was taken last.
   * @param reason Why.
   * @returns The damaged line in its place.
   */
  reject(line: ForeignLine | OwnLine, reason: string): DamagedLine {
    this.#recordSequenceLast = this.#recordBefore.sequence;
    this.#recordEnd = this.#recordBefore.end;
    const { offset, length, sequence, rawIndex } = line;
    return { kind: "damaged", offset, length, sequence, rawIndex, reason };
  }
}

/** A record's text and value. */
export interface RecordJson {
  /** The record as its author gave it, without the mark. */
  text: string;
  /** The same, parsed. */
  value: JsonObject;
  /** Which of its values are blobs, and only previews here, as `readReferences` takes it; absent: none. */
  blobs?: string;
}

/**
 * Reads the record in a line of ours or a foreign one.
 *
 * @param bytes The line without its end.
 * @param bodyLength What comes before the mark; undefined for a foreign line.
 * @returns The record, or null if the line is none.
 */
export function readJson(bytes: Uint8Array, bodyLength: number | undefined): RecordJson | null {
  try {
    const parts: LineParts = bodyLength === undefined
      ? { text: textDecoder.decode(bytes).trim() }
      : splitLine(bodyText(bytes, bodyLength));
    const value: unknown = JSON.parse(parts.text);
    if (!isJsonObject(value)) return null;
    // A mark with a flipped byte in its value: what was ours must not pass as somebody else's.
    if (bodyLength === undefined && Object.keys(value).at(-1) === "#") return null;
    const { text, blobs } = parts;
    // Written out: to copy objects costs more than all the rest here.
    return blobs === undefined ? { text, value } : { text, value, blobs };
  } catch {
    return null;
  }
}

/**
 * The object in a line of ours without its mark. Its closing brace stands behind the mark: it is lent to the place
 * where the mark begins, as to join two texts costs as much as to decode them.
 */
function bodyText(bytes: Uint8Array, bodyLength: number): string {
  const lent = bytes[bodyLength] ?? braceClose;
  bytes[bodyLength] = braceClose;
  try {
    return textDecoder.decode(bytes.subarray(0, bodyLength + 1));
  } finally {
    bytes[bodyLength] = lent;
  }
}

/**
 * Whether a line is one for picoclaw's count only.
 *
 * @param bytes The line without its end.
 * @returns True if it holds white space alone.
 */
export function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  }
  return true;
}

/** Cheap, before any parsing: only what starts with `{` and ends with `}` can be an object. */
function looksLikeObject(bytes: Uint8Array): boolean {
  let start = 0;
  let end = bytes.length - 1;
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) start = 3;
  while (bytes[start] === 0x20 || bytes[start] === 0x09) start++;
  while (bytes[end] === 0x20 || bytes[end] === 0x09 || bytes[end] === 0x0d) end--;
  return bytes[start] === braceOpen && bytes[end] === braceClose;
}

/**
 * Whether a broken line may be what is left of a record. One whose both ends are lost is more likely damage to blank
 * bytes: to keep a place for that would leave none for the record behind it.
 */
function mayBeRecord(bytes: Uint8Array): boolean {
  return bytes[0] === braceOpen || bytes[0] === harmlessByte || endsInBrace(bytes);
}

function endsInBrace(bytes: Uint8Array): boolean {
  let end = bytes.length - 1;
  while (bytes[end] === 0x20 || bytes[end] === 0x09 || bytes[end] === 0x0d) end--;
  return end > 0 && bytes[end] === braceClose;
}

/** What one flipped bit makes of an LF. */
const flippedFeeds: ReadonlySet<number> = new Set([0x02, 0x08, 0x0b, 0x0e, 0x1a, 0x2a, 0x4a, 0x8a]);

/** How many lines stand in one if it is damaged: `}` and `{` with a flipped LF between them are the end of one. */
function joinedLines(bytes: Uint8Array): number {
  let lines = 1;
  for (let index = bytes.indexOf(braceOpen, 2); index > 0; index = bytes.indexOf(braceOpen, index + 1)) {
    if (bytes[index - 2] === braceClose && flippedFeeds.has(bytes[index - 1] ?? 0)) lines++;
  }
  return lines;
}

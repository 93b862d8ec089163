/**
 * The verdict on the end of a log: up to where everything was durable, what is kept behind that, and what a power cut
 * has torn. Reads only; recovery acts on it, and readers without the lock apply it in memory.
 *
 * The last record without `~` says that all in front of it was durable when it was written. From it on, records are
 * kept up to the first break, whole batches only; what is ours behind the break is a torn group that was never
 * acknowledged, what is foreign was appended later by somebody else and is kept. The work is bounded by what can ever
 * be unsynced, not by the log.
 *
 * @module
 */

import type { ReadableFile } from "../fs/filesystem.ts";
import { findAnchor } from "./chain_anchor.ts";
import { type ScannedLine, scannerBytesInitial } from "./line_scanner.ts";
import { LogLines } from "./log_lines.ts";
import { type ChainPosition, type LineVerdict, type OwnLine, readJson, RecordChain } from "./record_chain.ts";
import { fragmentByte, lineChecksum, lineFeed, type Mark, nul, readMark } from "./record_format.ts";

/** A line behind the break that could pass for a record later. */
export interface TornLine {
  /** Where its first byte is, in bytes. */
  offset: number;
  /** Its length in bytes without its end. */
  length: number;
  /** Whether it is no line of its own, but a sector out of a torn record. */
  isFragment: boolean;
}

/** The end of a log. */
export interface UnsealedTail {
  /** Where the last record without `~` starts, or the seal ends: everything in front was durable. */
  durableOffset: number;
  /** Whether a record of ours starts there: if not, nothing of ours can be unsynced. */
  hasOwn: boolean;
  /** What follows the last line that is kept; its offset is behind that line's end. */
  kept: ChainPosition;
  /** Whether an LF or NUL ends the last line that is kept; false means that one must be written. */
  keptTerminated: boolean;
  /** Lines of ours in front of `kept.offset` that were never acknowledged, in order; no records, whatever they seem. */
  torn: TornLine[];
  /** Behind the last byte that is not blank, where that is behind `kept.offset`: what is between is torn. */
  tornEnd: number;
  /** Whether a line that somebody glued to a fragment is among what is kept: what follows it may change that. */
  keptGlued: boolean;
  /** How many of the lines that were looked at, from the anchor on, are damaged or torn. */
  breaks: number;
  /** The file's size when it was read, in bytes. */
  size: number;
}

/**
 * Reads the end of a log.
 *
 * @param handle The open log.
 * @param floor The seal, or the start of the log.
 * @param size How much of the file is looked at, in bytes.
 * @param scanBytesMax No more than this is read from the floor on without looking for a nearer place first.
 * @returns The verdict.
 */
export async function readUnsealedTail(
  handle: ReadableFile,
  floor: ChainPosition,
  size: number,
  scanBytesMax: number = scannerBytesInitial,
): Promise<UnsealedTail> {
  const isShort = size - floor.offset <= scanBytesMax;
  const anchor = isShort ? floor : await findAnchor(handle, floor, size, 0);
  const scan = new TailScan(anchor);
  const lines = new LogLines(handle, anchor.offset, size);
  while (await lines.fill()) {
    for (let line = lines.next(); line !== null; line = lines.next()) {
      const isFragment = mayBeFragment(line) && await isBlankFrom(handle, line.offset + line.length, size);
      const glued = scan.take(line, isFragment, anchor.rawCount === null ? null : anchor.rawCount + lines.rawCount);
      if (glued === null) continue;
      // Behind what was torn out of a record of ours is what it was written over: blank. A glued line ends the file.
      const behind = line.offset + line.length + 1;
      scan.takeGlued(line, glued, behind === size || !await isBlankFrom(handle, behind, size));
    }
  }
  return { ...scan.finish(), size };
}

/**
 * A sector out of the middle of a torn record can look like a record of its own; our own lines follow each other
 * without a gap, and the fill never ends on a multiple of 512.
 */
function mayBeFragment(line: ScannedLine): boolean {
  return line.gapBefore && line.offset % 512 === 0 && (line.offset + line.length) % 512 === 0;
}

/** Whether the two bytes from an offset on are blank or behind the end of the file. */
async function isBlankFrom(handle: ReadableFile, end: number, size: number): Promise<boolean> {
  const bytes = new Uint8Array(2).fill(lineFeed);
  const room = Math.max(0, Math.min(2, size - end));
  await handle.read(bytes.subarray(0, room), end);
  return bytes.every((byte) => byte === lineFeed || byte === nul);
}

/** Takes the lines of the end of a log in order; knows only what it needs since the last record without `~`. */
class TailScan {
  #chain: RecordChain;
  /** The mark of the line before, whatever else that is. */
  #markBefore: Mark | null = null;
  /** The number of the last record of ours. */
  #ownSequenceLast = -1;
  #durableOffset: number;
  #kept: ChainPosition;
  #keptTerminated = true;
  /** What follows the last line, whatever it is. */
  #next: ChainPosition;
  #hasOwn = false;
  #broken = false;
  #torn: TornLine[] = [];
  /** Torn lines behind the last one that is kept. */
  #tornSince: TornLine[] = [];
  #tornEnd: number;
  #keptGlued = false;
  #breaks = 0;
  /** The members so far of a batch whose last one has not been seen. */
  #batch: TornLine[] = [];

  constructor(anchor: ChainPosition) {
    this.#chain = new RecordChain(anchor);
    this.#durableOffset = anchor.offset;
    this.#kept = anchor;
    this.#next = anchor;
    this.#tornEnd = anchor.offset;
  }

  /** Takes a line; its place is returned where it may be one that was glued together: see {@linkcode takeGlued}. */
  take(line: ScannedLine, isFragment: boolean, rawCount: number | null): TornLine | null {
    const verdict = isFragment ? this.#chain.takeDamaged(line, "a sector of a torn record") : this.#vouched(line);
    if (verdict === null) return null;
    if (verdict.kind === "own") this.#ownSequenceLast = verdict.sequence;
    this.#markBefore = verdict.kind === "own" ? verdict.mark : line.bytes === null ? null : markOf(line.bytes);
    const behindLast = this.#next;
    this.#next = {
      offset: line.offset + line.length + (line.terminated ? 1 : 0),
      checksum: this.#chain.checksum,
      sequence: this.#chain.sequenceNext,
      rawCount,
    };
    const place = { offset: line.offset, length: line.length, isFragment };
    this.#tornEnd = line.offset + line.length;
    if (verdict.kind === "own") {
      if (!verdict.mark.deferred) this.#beginAt(line.offset, { ...behindLast, sequence: verdict.sequence });
      if (this.#takesOwn(verdict)) {
        if (verdict.mark.batchContinues) this.#batch.push(place);
        else this.#keep(line);
        return null;
      }
    }
    this.#breakBatch();
    if (verdict.kind === "foreign") {
      if (line.bytes !== null && readJson(line.bytes, undefined) !== null) {
        this.#keep(line);
        return null;
      }
      this.#chain.reject(verdict, "not a JSON object");
    }
    this.#broken = true;
    this.#breaks++;
    if (!isFragment && verdict.kind !== "own" && endsInForeign(line)) return place;
    if (isFragment ? line.bytes?.[0] !== fragmentByte : mayVerifyLater(line)) this.#tornSince.push(place);
    return null;
  }

  /**
   * What the chain makes of a line; or, as where a search from the end begins, a record without `~` that the mark of
   * the line before vouches for: its number is out of order only because damaged lines were counted in front of it.
   */
  #vouched(line: ScannedLine): LineVerdict | null {
    const verdict = this.#chain.take(line);
    const before = this.#markBefore;
    if (verdict?.kind !== "damaged" || line.bytes === null || before === null) return verdict;
    const mark = markOf(line.bytes);
    if (mark === null || mark.deferred || mark.sequence <= this.#ownSequenceLast) return verdict;
    if (lineChecksum(line.bytes, mark, before.checksum) !== mark.checksum) return verdict;
    const { offset } = line;
    this.#chain = new RecordChain({ offset, checksum: before.checksum, sequence: mark.sequence, rawCount: null });
    return this.#chain.take(line);
  }

  /** Keeps a line that somebody glued to a fragment; what only looks like one is torn. */
  takeGlued(line: ScannedLine, place: TornLine, isGlued: boolean): void {
    if (isGlued) {
      this.#keep(line);
      this.#keptGlued = true;
    } else if (mayVerifyLater(line)) this.#tornSince.push(place);
  }

  finish(): Omit<UnsealedTail, "size"> {
    return {
      durableOffset: this.#durableOffset,
      hasOwn: this.#hasOwn,
      kept: this.#kept,
      keptTerminated: this.#keptTerminated,
      torn: this.#torn,
      tornEnd: Math.max(this.#tornEnd, this.#kept.offset),
      keptGlued: this.#keptGlued,
      breaks: this.#breaks,
    };
  }

  /**
   * A record without `~`, whose number was the next one: what was thought torn in front of it is corruption, and not
   * for us to judge.
   */
  #beginAt(offset: number, behindLast: ChainPosition): void {
    this.#durableOffset = offset;
    this.#hasOwn = true;
    this.#kept = behindLast;
    this.#keptTerminated = true;
    this.#keptGlued = false;
    this.#broken = false;
    this.#torn = [];
    this.#tornSince = [];
    this.#batch = [];
  }

  #takesOwn(verdict: OwnLine): boolean {
    return !this.#broken && (verdict.verified || verdict.offset === this.#durableOffset);
  }

  #keep(line: ScannedLine): void {
    this.#kept = this.#next;
    this.#keptTerminated = line.terminated;
    this.#torn.push(...this.#tornSince);
    this.#tornSince = [];
    this.#batch = [];
  }

  /** A batch that goes no further was not committed. */
  #breakBatch(): void {
    if (this.#batch.length === 0) return;
    this.#tornSince.push(...this.#batch);
    this.#batch = [];
    this.#broken = true;
  }
}

function markOf(bytes: Uint8Array): Mark | null {
  const verdict = readMark(bytes);
  return verdict.kind === "marked" ? verdict.mark : null;
}

/** Whether a line carries a mark: with other neighbours its checksum might fit, or be taken on trust. */
function mayVerifyLater(line: ScannedLine): boolean {
  return line.bytes !== null && markOf(line.bytes) !== null;
}

/**
 * Whether a line that is no record ends in one that somebody glued to a fragment (W1): it stays where it is, for a
 * person to see. A line that ends with a sector was more likely torn there, and control characters come from no text,
 * but from bytes that were never written.
 */
function endsInForeign(line: ScannedLine): boolean {
  const bytes = line.bytes;
  if (!line.terminated) return false;
  if (bytes === null) return true;
  if (bytes[bytes.length - 1] !== 0x7d || (line.offset + line.length) % 512 === 0) return false;
  if (readMark(bytes).kind !== "unmarked" || bytes.some(isNoText)) return false;
  let from = 1;
  for (let tries = 0; tries < 64; tries++) {
    const start = bytes.indexOf(0x7b, from);
    if (start < 0) return false;
    if (readJson(bytes.subarray(start), undefined) !== null) return true;
    from = start + 1;
  }
  return false;
}

function isNoText(byte: number): boolean {
  return byte < 0x20 && byte !== 0x09 && byte !== 0x0d;
}

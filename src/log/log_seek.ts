/**
 * Finds the place of a record by its number, by halving: numbers stand in the lines and rise, so the log is its own
 * index. The cost grows with the logarithm of the log.
 *
 * Places that were found are remembered in memory, as byte offsets, and shorten the next search. They are derived: each
 * is checked against the line that stands there (number and checksum) before it is used, and all are forgotten when
 * one does not hold, because the log was rewritten. Nothing is ever written to remember them.
 *
 * @module
 */

import type { FileHandle } from "../fs/filesystem.ts";
import { readFully } from "./log_lines.ts";
import type { ChainPosition } from "./record_chain.ts";
import { lineBytesMax, lineChecksum, lineFeed, type Mark, nul, readMark } from "./record_format.ts";

/** How far in front of what is wanted a search may end, in bytes: less than what a read takes at once. */
const nearBytes = 16 * 1024;
/** What a probe reads at first, in bytes: two lines of most logs. */
const probeBytesInitial = 4 * 1024;
/** What a probe reads at once where there is nothing to be found for long, in bytes. */
const probeBytesMax = 64 * 1024;
/** How many probes guess by proportion; those behind them halve, so that the worst log costs no more. */
const guessesMax = 6;

/** A place from which a log can be read: a record without `~` whose checksum fits the line before it. */
interface Anchor extends ChainPosition {
  checksum: number;
  /** Behind its first line, in bytes: where the next probe may start. */
  lineEnd: number;
}

/** Byte offsets of records of one log, few and in order. */
export class LogPlaces {
  readonly #placesMax: number;
  #places: ChainPosition[] = [];

  /**
   * Knows nothing yet.
   *
   * @param placesMax How many places are remembered at the most.
   */
  constructor(placesMax: number = 1024) {
    this.#placesMax = placesMax;
  }

  /** How many places are known. */
  get size(): number {
    return this.#places.length;
  }

  /** Forgets all. */
  clear(): void {
    this.#places = [];
  }

  /**
   * Remembers a place.
   *
   * @param place A place that was found in the log.
   */
  add(place: ChainPosition): void {
    if (place.checksum === null || place.offset === 0) return;
    const index = this.#indexBehind(place.sequence);
    if (this.#places[index - 1]?.sequence === place.sequence) this.#places[index - 1] = place;
    else this.#places.splice(index, 0, place);
    // Every other one is as good an index as all of them.
    if (this.#places.length > this.#placesMax) this.#places = this.#places.filter((_, at) => at % 2 === 0);
  }

  /**
   * The places around a number.
   *
   * @param sequence The number.
   * @returns The nearest one that is not behind it, and the nearest one that is; null where none is known.
   */
  around(sequence: number): { before: ChainPosition | null; behind: ChainPosition | null } {
    const index = this.#indexBehind(sequence);
    return { before: this.#places[index - 1] ?? null, behind: this.#places[index] ?? null };
  }

  #indexBehind(sequence: number): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#places[middle]?.sequence ?? Infinity) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What is searched. */
export interface SeekRange {
  /** The start of the log. */
  start: ChainPosition;
  /** Behind the last line that counts: its offset, and the number that comes next. */
  end: Pick<ChainPosition, "offset" | "sequence">;
}

/**
 * Finds a place from which a record can be reached by reading forwards.
 *
 * @param handle The open log.
 * @param range What is searched.
 * @param sequence The record's number.
 * @param places What is known of the log; what is found is added.
 * @returns A place at or in front of the record, near it where the lines there are whole and ours; else the nearest
 * one that is sure.
 */
export async function seekSequence(
  handle: FileHandle,
  range: SeekRange,
  sequence: number,
  places: LogPlaces,
): Promise<ChainPosition> {
  let low = range.start;
  let high = range.end;
  const known = places.around(sequence);
  for (const [side, place] of [["before", known.before], ["behind", known.behind]] as const) {
    if (place === null) continue;
    if (place.offset >= range.end.offset || !await isStillThere(handle, place, range.end.offset)) {
      places.clear();
      low = range.start;
      high = range.end;
      break;
    }
    if (side === "before") low = place;
    else high = place;
  }
  for (let probe = 0; high.offset - low.offset > nearBytes && low.sequence < sequence; probe++) {
    const from = probe < guessesMax ? guess(low, high, sequence) : (low.offset + high.offset) >>> 1;
    const anchor = await firstAnchor(handle, from, high.offset);
    if (anchor === null || anchor.sequence > sequence) {
      // No place in between is at or in front of what is wanted.
      high = { offset: from, sequence: anchor?.sequence ?? high.sequence };
      continue;
    }
    // Two lines of one number cannot both be the record; a scan from a sure place tells which is.
    if (anchor.sequence < low.sequence) return low;
    low = { offset: anchor.offset, checksum: anchor.checksum, sequence: anchor.sequence, rawCount: null };
  }
  places.add(low);
  return low;
}

/** A little in front of where the record would be if all lines had the same length. */
function guess(low: ChainPosition, high: SeekRange["end"], sequence: number): number {
  const bytes = high.offset - low.offset;
  const share = (sequence - low.sequence) / Math.max(1, high.sequence - low.sequence);
  const wanted = low.offset + Math.floor(bytes * Math.min(1, share)) - nearBytes / 2;
  return Math.min(Math.max(wanted, low.offset + nearBytes / 4), high.offset - nearBytes / 4);
}

async function isStillThere(handle: FileHandle, place: ChainPosition, end: number): Promise<boolean> {
  const anchor = await firstAnchor(handle, Math.max(0, place.offset - 1), end, place.checksum);
  return anchor !== null && anchor.offset === place.offset && anchor.sequence === place.sequence;
}

/**
 * The first place at or behind an offset.
 *
 * @param handle The open log.
 * @param from Where to look from, in bytes; in the middle of a line it is the next line that counts.
 * @param end Where to stop.
 * @param seed What the line in front of the first whole one is said to have handed on; null: it must be seen.
 */
async function firstAnchor(
  handle: FileHandle,
  from: number,
  end: number,
  seed: number | null = null,
): Promise<Anchor | null> {
  let bytes = new Uint8Array(Math.min(probeBytesInitial, end - from));
  let length = await readFully(handle, bytes, from);
  let before: { mark: Mark; end: number } | null = null;
  let lineStart = -1;
  if (seed !== null && !isTerminator(bytes[0])) return null;
  for (let index = 0, base = from; base + index < end;) {
    if (index >= length) {
      // What is behind the last line's start is looked at again, with more behind it.
      const keptFrom = Math.max(lineStart, 0);
      const wanted = Math.max(Math.min(bytes.length * 2, probeBytesMax), (length - keptFrom) * 2);
      const grown = Math.min(wanted, end - base - keptFrom);
      if (grown <= length - keptFrom || grown > 2 * lineBytesMax) return null;
      const next = new Uint8Array(grown);
      next.set(bytes.subarray(keptFrom, length));
      const count = await readFully(handle, next.subarray(length - keptFrom), base + length);
      if (count === 0) return null;
      index -= keptFrom;
      length += count - keptFrom;
      base += keptFrom;
      if (lineStart >= 0) lineStart -= keptFrom;
      bytes = next;
    }
    if (!isTerminator(bytes[index])) {
      index++;
      continue;
    }
    const line = lineStart < 0 ? null : bytes.subarray(lineStart, index);
    const offset = base + lineStart;
    lineStart = ++index;
    if (line === null || line.length === 0) continue;
    const verdict = readMark(line);
    // What looks like a sector out of a torn record anchors nothing.
    const onSectors = offset % 512 === 0 && (offset + line.length) % 512 === 0;
    const mark = verdict.kind === "marked" && !onSectors ? verdict.mark : null;
    const handedOn: number | null = before?.mark.checksum ?? seed;
    if (mark !== null && handedOn !== null && !mark.deferred && lineChecksum(line, mark, handedOn) === mark.checksum) {
      // Behind the line before, as a scan would have it: what is blank between the two is left to the reader.
      const start: number = before?.end ?? from + 1;
      return { offset: start, checksum: handedOn, sequence: mark.sequence, rawCount: null, lineEnd: base + index };
    }
    before = mark === null ? null : { mark, end: base + index };
    seed = null;
  }
  return null;
}

function isTerminator(byte: number | undefined): boolean {
  return byte === lineFeed || byte === nul;
}

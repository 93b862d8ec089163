/**
 * Splits bytes into lines: on LF and NUL only, never on U+2028, with a buffer that starts small, grows as needed up to
 * the line limit, and never holds a line beyond it. Pure: the caller reads into the scanner and takes lines out.
 *
 * It exists because `TextLineStream` has no size limit and hands out a torn last line as if it were whole.
 *
 * @module
 */

import { assertInvariant } from "../errors.ts";
import { indexOfByte } from "../fs/runtime_search.ts";
import { lineBytesMax, lineFeed, nul } from "./record_format.ts";

/** How much a scanner holds at first, in bytes. */
export const scannerBytesInitial: number = 64 * 1024;

/** One line that is not empty. */
export interface ScannedLine {
  /** Where its first byte is in the file. */
  offset: number;
  /** Its length in bytes without its end. */
  length: number;
  /** Its bytes, valid until the next call on the scanner; null when it is longer than the limit and was not held. */
  bytes: Uint8Array | null;
  /** Whether an LF or a NUL ends it; false only for the last one of a file. */
  terminated: boolean;
  /** Whether at least one blank byte stands between the end of the line before (or the start of the scan) and this. */
  gapBefore: boolean;
  /**
   * Which of the lines that picoclaw would count this is, from 0: LF alone ends those, and all but empty ones count,
   * those of blanks or NULs too. Several of our lines share one where a NUL stands between them.
   */
  rawIndex: number;
}

/** Options of {@linkcode LineScanner}. */
export interface LineScannerOptions {
  /**
   * Where in the file the first byte stands.
   *
   * @default {0}
   */
  offset?: number;
  /**
   * The longest line with its end, in bytes; longer ones are reported without their bytes.
   *
   * @default {10485759}
   */
  lineBytesMax?: number;
  /**
   * How many bytes are expected at the least, where that is known: no more room is taken for fewer.
   *
   * @default {65536}
   */
  bytesExpected?: number;
}

/**
 * Splits bytes into lines.
 *
 * States: *feeding* (`reserve`, `commit`, `next` in turn) and, after `end`, *ended*.
 *
 * @example
 * ```ts ignore
 * const scanner = new LineScanner();
 * for (;;) {
 *   const count = await handle.read(scanner.reserve(), offset);
 *   if (count === 0) break;
 *   offset += count;
 *   scanner.commit(count);
 *   for (let line = scanner.next(); line !== null; line = scanner.next()) use(line);
 * }
 * const last = scanner.end();
 * ```
 */
export class LineScanner {
  readonly #lineBytesMax: number;
  #buffer: Uint8Array;
  /** File offset of the buffer's first byte. */
  #bufferOffset: number;
  #start = 0;
  #searched = 0;
  #end = 0;
  /** Where in the buffer the next NUL is; the buffer's end if there is none; -1 if unknown. */
  #nextNul = -1;
  /** How much room is kept between long lines. */
  #roomBytes = scannerBytesInitial;
  /** Of a line beyond the limit: bytes already dropped. */
  #droppedLength = 0;
  #droppedOffset = 0;
  #gap = false;
  #rawCount = 0;
  /** Whether the raw line that is being read already has a byte that counts; "carriage" while it is one CR. */
  #rawState: "empty" | "carriage" | "counted" = "empty";

  /** Creates a scanner. */
  constructor(options: LineScannerOptions = {}) {
    this.#bufferOffset = options.offset ?? 0;
    this.#lineBytesMax = options.lineBytesMax ?? lineBytesMax;
    // One more, so that the end is seen without room for more.
    const bytes = Math.min((options.bytesExpected ?? scannerBytesInitial) + 1, scannerBytesInitial);
    this.#buffer = new Uint8Array(Math.max(bytes, 256));
  }

  /** How many lines, as picoclaw counts, have been begun so far. */
  get rawCount(): number {
    return this.#rawCount;
  }

  /** How many bytes the scanner holds room for. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /**
   * Takes more room at once: a long scan is faster with fewer reads.
   *
   * @param roomBytes How much.
   */
  widen(roomBytes: number): void {
    this.#roomBytes = Math.max(this.#roomBytes, roomBytes);
    if (this.#buffer.length < this.#roomBytes) this.#grow(this.#roomBytes);
  }

  /**
   * Room to read into. All lines must have been taken out before.
   *
   * @returns A part of the scanner's own buffer, never empty.
   */
  reserve(): Uint8Array {
    if (this.#start > 0) this.#shift();
    if (this.#end === this.#buffer.length) {
      const held = this.#end;
      if (held >= this.#lineBytesMax) this.#drop();
      else this.#grow(Math.min(this.#buffer.length * 2, Math.max(this.#lineBytesMax, scannerBytesInitial)));
    }
    return this.#buffer.subarray(this.#end);
  }

  /**
   * Says how much of the reserved room was filled.
   *
   * @param count In bytes.
   */
  commit(count: number): void {
    assertInvariant(count >= 0 && this.#end + count <= this.#buffer.length, "no more is committed than was reserved");
    this.#end += count;
    this.#nextNul = -1;
  }

  /**
   * Takes out the next whole line.
   *
   * @returns The line, or null when more bytes are needed.
   */
  next(): ScannedLine | null {
    if (this.#droppedLength === 0 && this.#searched === this.#start) this.#skipBlank();
    const terminator = this.#findTerminator();
    if (terminator < 0) return null;
    const line = this.#take(terminator, true);
    this.#endRawLine(this.#buffer[terminator] === lineFeed);
    this.#start = terminator + 1;
    this.#searched = this.#start;
    return line;
  }

  /**
   * Takes out what stands behind the last line end; a torn line may look whole, so `terminated` is false.
   *
   * @returns The rest, or null if there is none.
   */
  end(): ScannedLine | null {
    if (this.#droppedLength === 0 && this.#start === this.#end) return null;
    const line = this.#take(this.#end, false);
    this.#start = this.#end;
    this.#searched = this.#end;
    return line;
  }

  #take(end: number, terminated: boolean): ScannedLine {
    const held = end - this.#start;
    const length = this.#droppedLength + held;
    // What was dropped is as long as that by itself.
    const tooLong = length + 1 > this.#lineBytesMax;
    const line: ScannedLine = {
      offset: this.#droppedLength > 0 ? this.#droppedOffset : this.#bufferOffset + this.#start,
      length,
      bytes: tooLong ? null : this.#buffer.subarray(this.#start, end),
      terminated,
      gapBefore: this.#gap,
      rawIndex: this.#beginRawLine(this.#buffer[this.#start], length),
    };
    this.#droppedLength = 0;
    this.#gap = false;
    return line;
  }

  /** Counts the raw line that holds a line of ours, once. */
  #beginRawLine(firstByte: number | undefined, length: number): number {
    if (this.#rawState === "empty" && length === 1 && firstByte === 0x0d) {
      this.#rawState = "carriage";
      return this.#rawCount;
    }
    this.#countRawLine();
    return this.#rawCount - 1;
  }

  #countRawLine(): void {
    if (this.#rawState !== "counted") this.#rawCount++;
    this.#rawState = "counted";
  }

  #endRawLine(isLineFeed: boolean): void {
    if (isLineFeed) this.#rawState = "empty";
    else this.#countRawLine();
  }

  #skipBlank(): void {
    let index = this.#start;
    for (; index < this.#end; index++) {
      const byte = this.#buffer[index];
      if (byte !== lineFeed && byte !== nul) break;
      this.#endRawLine(byte === lineFeed);
    }
    if (index === this.#start) return;
    this.#gap = true;
    this.#start = index;
    this.#searched = index;
  }

  #findTerminator(): number {
    // What stands behind the end is left over: a find there is none.
    if (this.#nextNul < this.#searched) {
      const found = indexOfByte(this.#buffer, nul, this.#searched);
      this.#nextNul = found < 0 ? this.#end : Math.min(found, this.#end);
    }
    const limit = this.#nextNul;
    const found = this.#searched < limit ? indexOfByte(this.#buffer, lineFeed, this.#searched) : -1;
    if (found >= 0 && found < limit) return found;
    if (limit < this.#end) return limit;
    this.#searched = this.#end;
    return -1;
  }

  #shift(): void {
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#bufferOffset += this.#start;
    this.#end -= this.#start;
    this.#searched -= this.#start;
    this.#start = 0;
    this.#nextNul = -1;
    // After one long line the room is given back, so that a scan's memory follows its lines.
    if (this.#buffer.length > 16 * scannerBytesInitial && this.#end <= this.#roomBytes / 2) {
      this.#grow(this.#roomBytes);
    }
  }

  #grow(capacity: number): void {
    const grown = new Uint8Array(capacity);
    grown.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = grown;
  }

  #drop(): void {
    if (this.#droppedLength === 0) this.#droppedOffset = this.#bufferOffset;
    this.#droppedLength += this.#end;
    this.#bufferOffset += this.#end;
    this.#end = 0;
    this.#searched = 0;
    this.#nextNul = -1;
    if (this.#buffer.length > scannerBytesInitial) this.#grow(scannerBytesInitial);
  }
}

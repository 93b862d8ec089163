/**
 * Reads the lines of an open log, forwards from a position or backwards from its end, with bounded memory.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import type { FileHandle, FileSystem, ReadableFile } from "../fs/filesystem.ts";
import { loadFastChecksum } from "./checksum.ts";
import { LineScanner, type ScannedLine, scannerBytesInitial } from "./line_scanner.ts";
import { lineBytesMax, lineFeed, nul } from "./record_format.ts";

/** After so many reads a scan is a long one, and reads `fillBytesMax` at once. */
const shortFills = 4;
/** No more is read at once, so that what is made of the lines of one `fill` stays small behind a long line, too. */
const fillBytesMax = 4 * scannerBytesInitial;

/**
 * Reads lines forwards: `while (await lines.fill()) for (let line; (line = lines.next()) !== null;) …`.
 */
export class LogLines {
  readonly #handle: ReadableFile;
  readonly #scanner: LineScanner;
  readonly #end: number;
  #offset: number;
  #fills = 0;
  #ended = false;
  #finished = false;

  /**
   * Creates a reader.
   *
   * @param handle The open log.
   * @param start Where to start, in bytes: the start of a line.
   * @param end Where to stop, in bytes; a file that grows meanwhile is read no further.
   */
  constructor(handle: ReadableFile, start: number, end: number) {
    this.#handle = handle;
    this.#scanner = new LineScanner({ offset: start, bytesExpected: end - start });
    this.#offset = start;
    this.#end = end;
  }

  /** How many lines, as picoclaw counts, have been begun so far. */
  get rawCount(): number {
    return this.#scanner.rawCount;
  }

  /**
   * Reads on. All lines must have been taken out before.
   *
   * @returns False when there is nothing more.
   */
  async fill(): Promise<boolean> {
    if (this.#ended) return false;
    if (++this.#fills === shortFills + 1) {
      this.#scanner.widen(fillBytesMax);
      await loadFastChecksum();
    }
    const room = this.#scanner.reserve();
    const wanted = Math.min(room.length, this.#end - this.#offset, fillBytesMax);
    const count = wanted > 0 ? await this.#handle.read(room.subarray(0, wanted), this.#offset) : 0;
    this.#offset += count;
    this.#scanner.commit(count);
    this.#ended = count === 0;
    return true;
  }

  /**
   * Takes out the next line.
   *
   * @returns The line, valid until the next call; null when `fill` must be called.
   */
  next(): ScannedLine | null {
    const line = this.#scanner.next();
    if (line !== null || !this.#ended || this.#finished) return line;
    this.#finished = true;
    return this.#scanner.end();
  }
}

/**
 * Reads the first line of a log.
 *
 * @param fileSystem The port.
 * @param path The log.
 * @returns Its bytes without its end; null if there is none, or it is too long to be one.
 */
export async function firstLine(fileSystem: FileSystem, path: string): Promise<Uint8Array | null | "no log"> {
  let handle: FileHandle;
  try {
    handle = await fileSystem.open(path, { access: "read" });
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return "no log";
    throw error;
  }
  try {
    const { size } = await handle.stat();
    return (await lineFrom(handle, 0, size))?.bytes?.slice() ?? null;
  } finally {
    await handle.close();
  }
}

/**
 * Reads one line.
 *
 * @param handle The open log.
 * @param start Where it starts, in bytes.
 * @param end Where to stop, in bytes.
 * @returns The line; null if there is none.
 */
export async function lineFrom(handle: ReadableFile, start: number, end: number): Promise<ScannedLine | null> {
  const lines = new LogLines(handle, start, end);
  while (await lines.fill()) {
    const line = lines.next();
    if (line !== null) return line;
  }
  return null;
}

/** A line read backwards. */
export type BackwardLine = Pick<ScannedLine, "offset" | "length" | "bytes" | "terminated">;

/**
 * Reads lines backwards.
 *
 * @param handle The open log.
 * @param start Where to stop, in bytes: the start of a line.
 * @param end Where to start, in bytes.
 * @returns The lines that are not empty, the last first; their bytes stay valid.
 */
export async function* linesFromEnd(handle: ReadableFile, start: number, end: number): AsyncGenerator<BackwardLine> {
  let carried: Uint8Array = new Uint8Array(0);
  let droppedLength = 0;
  let chunkBytes = scannerBytesInitial;
  let terminated = false;
  for (let offset = end; offset > start;) {
    const chunkStart = Math.max(start, offset - chunkBytes);
    const chunk = new Uint8Array(offset - chunkStart + carried.length);
    await readFully(handle, chunk.subarray(0, offset - chunkStart), chunkStart);
    chunk.set(carried, offset - chunkStart);
    // Only what is new can hold a line end.
    let searchEnd = offset - chunkStart;
    let partEnd = chunk.length;
    for (;;) {
      const found = lastTerminator(chunk, searchEnd);
      if (found < 0) break;
      if (partEnd > found + 1 || droppedLength > 0) {
        yield backwardLine(chunk.subarray(found + 1, partEnd), chunkStart + found + 1, droppedLength, terminated);
      }
      droppedLength = 0;
      terminated = true;
      partEnd = found;
      while (partEnd > 0 && isTerminator(chunk[partEnd - 1])) partEnd--;
      searchEnd = partEnd;
    }
    carried = chunk.subarray(0, partEnd);
    offset = chunkStart;
    if (carried.length > lineBytesMax) {
      droppedLength += carried.length;
      carried = new Uint8Array(0);
    }
    chunkBytes = carried.length > scannerBytesInitial ? Math.min(chunkBytes * 2, 4 * 1024 * 1024) : scannerBytesInitial;
  }
  if (carried.length + droppedLength > 0) yield backwardLine(carried, start, droppedLength, terminated);
}

/**
 * Reads until a buffer is full or the file ends.
 *
 * @param handle The open file.
 * @param buffer What to fill; the rest stays as it is where the file ends.
 * @param offset Where in the file.
 * @returns How many bytes were read.
 */
export async function readFully(handle: ReadableFile, buffer: Uint8Array, offset: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const count = await handle.read(buffer.subarray(filled), offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

function backwardLine(bytes: Uint8Array, offset: number, droppedLength: number, terminated: boolean): BackwardLine {
  const length = bytes.length + droppedLength;
  return { offset, length, bytes: length + 1 > lineBytesMax ? null : bytes, terminated };
}

function isTerminator(byte: number | undefined): boolean {
  return byte === lineFeed || byte === nul;
}

function lastTerminator(bytes: Uint8Array, end: number): number {
  if (end === 0) return -1;
  const searched = bytes.subarray(0, end);
  const feed = searched.lastIndexOf(lineFeed);
  const zero = searched.subarray(feed + 1).lastIndexOf(nul);
  return zero < 0 ? feed : feed + 1 + zero;
}

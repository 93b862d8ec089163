/**
 * Reads what somebody else appended to a log while it was open here: nobody may, but picoclaw knows no lock, and what
 * it wrote is acknowledged (A5).
 *
 * @module
 */

import type { FileHandle } from "../fs/filesystem.ts";
import { LineScanner, type ScannedLine } from "./line_scanner.ts";
import { type ChainPosition, RecordChain } from "./record_chain.ts";

/** What stands behind our last line. */
export interface ForeignAppend {
  /** Where the log goes on; its offset is where the reading ended. */
  position: ChainPosition;
  /** Whether a line's end, or nothing, stands there; false means that one must be written. */
  terminated: boolean;
}

/**
 * Reads from a position to a size.
 *
 * @param handle The open log.
 * @param position Behind our last line.
 * @param size Where to stop, in bytes.
 * @returns What was found.
 */
export async function readForeignAppend(
  handle: FileHandle,
  position: ChainPosition,
  size: number,
): Promise<ForeignAppend> {
  const reading = new Reading(position);
  while (reading.offset < size) {
    const room = reading.room(size);
    const count = await handle.read(room, reading.offset);
    if (count === 0) break;
    reading.take(count);
  }
  return reading.end();
}

/**
 * {@linkcode readForeignAppend} up to the end of the file, blocking; for `flushSync` only.
 *
 * @param handle The open log.
 * @param position Behind our last line.
 * @returns What was found.
 */
export function readForeignAppendSync(handle: FileHandle, position: ChainPosition): ForeignAppend {
  const reading = new Reading(position);
  for (;;) {
    const count = handle.readSync(reading.room(Number.POSITIVE_INFINITY), reading.offset);
    if (count === 0) return reading.end();
    reading.take(count);
  }
}

class Reading {
  offset: number;
  readonly #position: ChainPosition;
  readonly #chain: RecordChain;
  readonly #scanner: LineScanner;
  #terminated = true;

  constructor(position: ChainPosition) {
    this.offset = position.offset;
    this.#position = position;
    this.#chain = new RecordChain(position);
    this.#scanner = new LineScanner({ offset: position.offset });
  }

  room(size: number): Uint8Array {
    const room = this.#scanner.reserve();
    return room.subarray(0, Math.min(room.length, size - this.offset));
  }

  take(count: number): void {
    this.offset += count;
    this.#scanner.commit(count);
    for (let line = this.#scanner.next(); line !== null; line = this.#scanner.next()) this.#line(line);
  }

  end(): ForeignAppend {
    const last = this.#scanner.end();
    if (last !== null) this.#line(last);
    const { rawCount } = this.#position;
    const position = {
      offset: this.offset,
      checksum: this.#chain.checksum,
      sequence: Math.max(this.#position.sequence, this.#chain.sequenceNext),
      rawCount: rawCount === null ? null : rawCount + this.#scanner.rawCount,
    };
    return { position, terminated: this.#terminated };
  }

  #line(line: ScannedLine): void {
    this.#chain.take(line);
    this.#terminated = line.terminated;
  }
}

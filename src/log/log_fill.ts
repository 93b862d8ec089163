/**
 * Filling ahead: how far a log's file reaches beyond its last record. Overwriting blocks that were written before costs
 * one flush and no journal commit; growing the file costs both.
 *
 * The fill is LF, so that the file stays lines; it never ends on a multiple of 512, so that neither a line of ours nor
 * what somebody appends behind it can look like a sector out of a torn record; and it is grown by one `truncate` to its
 * new size before it is written, so that a power cut leaves blank bytes and nothing else (A2, C2, H13).
 *
 * @module
 */

import type { FileHandle } from "../fs/filesystem.ts";
import { readFully } from "./log_lines.ts";
import { lineFeed, nul } from "./record_format.ts";

/** Fill grows in whole blocks of this many bytes. */
const blockBytes = 4096;
/** No session owns more fill than this, in bytes; chosen with `bench/fill_sizes.ts`. */
export const fillBytesMax: number = 256 * 1024;
/**
 * A group of more bytes than this is appended plainly: writing its room twice would cost more than one commit. Groups
 * of 32 records of 1 KB are below it: they cost a fifth more bytes than without fill, and half the flushes.
 */
const groupBytesMax = 64 * 1024;

/** Decides how much room a log has. Knows how busy it is: a session with three messages must not own 256 KiB. */
export class FillPolicy {
  #enabled: boolean;
  #groups = 0;
  #appendedBytes = 0;

  /**
   * Creates a policy.
   *
   * @param enabled False: never fill ahead.
   */
  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  /** How many groups were written. */
  get groups(): number {
    return this.#groups;
  }

  /** Takes note of a group that was written. */
  wrote(bytes: number): void {
    this.#groups++;
    this.#appendedBytes += bytes;
  }

  /** No more filling ahead: space is short. */
  disable(): void {
    this.#enabled = false;
  }

  /**
   * The size that a file should have for a group.
   *
   * @param size What it has, in bytes.
   * @param end Where the group will end, in bytes.
   * @param groupBytes The group's length in bytes.
   * @returns The new size; `size` if the group fits, or if the file is to grow by the group alone.
   */
  sizeFor(size: number, end: number, groupBytes: number): number {
    // A program run that appends one record gets none (C13).
    if (!this.#enabled || end <= size || groupBytes > groupBytesMax || this.#groups === 0) return size;
    const wanted = Math.min(Math.max(this.#appendedBytes, blockBytes), fillBytesMax);
    return Math.ceil((end + wanted) / blockBytes) * blockBytes - 1;
  }
}

/**
 * A group with the fill that goes behind it, to be written at once.
 *
 * @param bytes The group.
 * @param length How long it is with its fill, in bytes.
 * @returns The group, LF behind it.
 */
export function withFill(bytes: Uint8Array, length: number): Uint8Array {
  const filled = new Uint8Array(length).fill(lineFeed, bytes.length);
  filled.set(bytes);
  return filled;
}

/**
 * Blank bytes.
 *
 * @param length How many.
 * @returns LF.
 */
export function blank(length: number): Uint8Array {
  return new Uint8Array(length).fill(lineFeed);
}

/**
 * Whether a range of a file is blank.
 *
 * @param handle The open file.
 * @param start Where it starts, in bytes.
 * @param end Where it ends, in bytes.
 * @returns True if it holds nothing but LF and NUL.
 */
export async function isBlankRange(handle: FileHandle, start: number, end: number): Promise<boolean> {
  const bytes = new Uint8Array(Math.min(end - start, 64 * 1024));
  for (let offset = start; offset < end; offset += bytes.length) {
    const part = bytes.subarray(0, Math.min(bytes.length, end - offset));
    const count = await readFully(handle, part, offset);
    if (!part.subarray(0, count).every((byte) => byte === lineFeed || byte === nul)) return false;
  }
  return true;
}

/**
 * Takes the fill away. The time of the last write stays: sessions are listed by it, and this is none.
 *
 * @param handle The log, open for writing.
 * @param size Behind the last record, in bytes.
 */
export async function cutFill(handle: FileHandle, size: number): Promise<void> {
  const { modifiedMs } = await handle.stat();
  await handle.truncate(size);
  await handle.setModified?.(modifiedMs).catch(() => undefined);
}

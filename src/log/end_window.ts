/**
 * Remembers the end of a file as it is read backwards, so that what is judged first and read then is read once. One
 * moment of the file: whoever wants to see it again takes a new one.
 *
 * @module
 */

import type { ReadableFile } from "../fs/filesystem.ts";

/** No more than this is remembered, in bytes: what can be unsynced without one large batch, and a read's excess. */
const windowBytesMax = 1536 * 1024;

/** A file whose end, as far as it was read backwards, is at hand. */
export class EndWindow implements ReadableFile {
  readonly #handle: ReadableFile;
  /** Parts that follow each other, the last of the file first. */
  readonly #parts: Uint8Array[] = [];
  readonly #end: number;
  #start: number;

  /**
   * Remembers nothing yet.
   *
   * @param handle The open file.
   * @param end Where the reading backwards starts, in bytes.
   */
  constructor(handle: ReadableFile, end: number) {
    this.#handle = handle;
    this.#end = end;
    this.#start = end;
  }

  /** {@inheritDoc FileHandle.read} */
  async read(buffer: Uint8Array, offset: number): Promise<number> {
    if (offset >= this.#start && offset < this.#end) return this.#copy(buffer, offset);
    // Up to what is at hand, and no further.
    const room = offset < this.#start && this.#start < this.#end
      ? buffer.subarray(0, Math.min(buffer.length, this.#start - offset))
      : buffer;
    const count = await this.#handle.read(room, offset);
    const isNext = count > 0 && offset + count === this.#start && this.#end - offset <= windowBytesMax;
    if (isNext) {
      this.#parts.push(room.slice(0, count));
      this.#start = offset;
    }
    return count;
  }

  #copy(buffer: Uint8Array, offset: number): number {
    let partStart = this.#end;
    for (const part of this.#parts) {
      partStart -= part.length;
      if (offset < partStart) continue;
      const found = part.subarray(offset - partStart, offset - partStart + buffer.length);
      buffer.set(found);
      return found.length;
    }
    return 0;
  }
}

/**
 * Writes that are durable when they return: a second descriptor of a file, opened with `O_DSYNC`.
 *
 * One trip to another thread instead of two: a small durable append spends a fifth of its time on such trips
 * (`bench/append_profile.ts`). What the kernel does is the same as for a write and an `fdatasync`, but for the written
 * pages only.
 *
 * @module
 */
import { close, constants, fstat, open, type Stats, write } from "node:fs";
import process from "node:process";
import { settled } from "./runtime_callback.ts";

/** A descriptor of an open file by which every write is durable when it returns. */
export class SynchronousWrites {
  readonly #descriptor: number;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /**
   * Opens the second descriptor. Never rejects: where there is none, the file is written and synced by the first one.
   *
   * @param path How the file was opened.
   * @param descriptor The first descriptor.
   * @returns Undefined off Linux, where other systems promise less by the same flag, or if the path leads to another
   * file by now, or if no descriptor is to be had.
   */
  static async open(path: string, descriptor: number): Promise<SynchronousWrites | undefined> {
    if (process.platform !== "linux") return undefined;
    const flags = constants.O_RDWR | constants.O_DSYNC | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    try {
      const second = await settled<number>((done) => open(path, flags, done));
      const [ours, theirs] = [await factsOf(descriptor), await factsOf(second)];
      if (ours.dev === theirs.dev && ours.ino === theirs.ino) return new SynchronousWrites(second);
      await settled((done) => close(second, done));
    } catch {
      // Nothing was written yet, and the first descriptor does it as well.
    }
    return undefined;
  }

  /**
   * Writes, and makes the written bytes durable.
   *
   * @param bytes What.
   * @param offset Where in the file.
   * @returns How many bytes were written.
   */
  async write(bytes: Uint8Array, offset: number): Promise<number> {
    return await settled<number>((done) => write(this.#descriptor, bytes, 0, bytes.length, offset, done));
  }

  /** Closes the descriptor. */
  async close(): Promise<void> {
    await settled((done) => close(this.#descriptor, done));
  }
}

async function factsOf(descriptor: number): Promise<Stats> {
  return await settled<Stats>((done) => fstat(descriptor, done));
}

/**
 * Whether a log's name still leads to the file that is open here. Nobody else may write the log, but picoclaw knows no
 * lock, and people have `mv` (H15).
 *
 * @module
 */

import { systemErrorCode, toHoldfastError } from "../errors.ts";
import type { FileHandle, FileStat, FileSystem } from "../fs/filesystem.ts";
import { statIfThere } from "./atomic_file.ts";

/** Enough to see that a file goes on. */
const oneByte = new Uint8Array(1);

/** What a look at a log's name showed: the file's size in bytes, or what became of it. */
export type LogSight = number | "removed" | "replaced";

/** The identity of an open log. */
export class LogIdentity {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #handle: FileHandle;
  #inode = -1;
  /** By which path the file was known when its name was last seen to lead to it. */
  #pathSeen: string | undefined;

  /**
   * Takes note of a log; nothing is looked at yet.
   *
   * @param fileSystem The port.
   * @param path The log's name.
   * @param handle The open log.
   */
  constructor(fileSystem: FileSystem, path: string, handle: FileHandle) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#handle = handle;
  }

  /**
   * Whether the file still ends where it did, at next to no cost, for an append that overwrites fill. A `stat` would
   * make the kernel give the write that follows a time of its own, through the journal. Nothing is read in front of the
   * end, where a page may have left the kernel's memory.
   *
   * @param size The size that the file had, in bytes.
   * @returns True: nobody has appended. False: that is unknown, and {@linkcode LogIdentity.look} tells.
   */
  endsAt(size: number): boolean {
    try {
      return this.#handle.pathSync !== undefined && this.#handle.readSync(oneByte, size) === 0;
    } catch {
      return false;
    }
  }

  /**
   * Whether the name surely leads to this file still, at next to no cost.
   *
   * @returns False: that is unknown, and {@linkcode LogIdentity.look} tells.
   */
  keepsName(): boolean {
    try {
      return this.#pathSeen !== undefined && this.#handle.pathSync?.() === this.#pathSeen;
    } catch {
      return false;
    }
  }

  /**
   * Looks at the name.
   *
   * @returns The size of the file, or what became of it.
   */
  async look(): Promise<LogSight> {
    try {
      if (this.#inode < 0) this.#inode = (await this.#handle.stat()).inode;
      // Before the name is looked at: if it is taken away in between, the path is another one from now on.
      const path = this.#handle.pathSync?.();
      const stat = await this.#stat();
      if (stat === null) return "removed";
      if (stat.inode !== this.#inode) return "replaced";
      this.#pathSeen = path;
      return stat.size;
    } catch (error) {
      throw toHoldfastError(error, "looking at the log", this.#path);
    }
  }

  /** On the append path: a look at what the kernel has in memory, not a trip to another thread. */
  async #stat(): Promise<FileStat | null> {
    if (this.#fileSystem.statSync === undefined) return await statIfThere(this.#fileSystem, this.#path);
    try {
      return this.#fileSystem.statSync(this.#path);
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return null;
      throw error;
    }
  }
}

/**
 * Whether a log's name still leads to the file that is open here. Nobody else may write the log, but picoclaw knows no
 * lock, and people have `mv` (H15).
 *
 * @module
 */

import { systemErrorCode, toHoldfastError } from "../errors.ts";
import type { FileHandle, FileStat, FileSystem } from "../fs/filesystem.ts";
import { statIfThere } from "./atomic_file.ts";

/** What a look at a log's name showed: the file's size in bytes, or what became of it. */
export type LogSight = number | "removed" | "replaced";

/** The identity of an open log. */
export class LogIdentity {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #handle: FileHandle;
  #inode = -1;

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
   * Looks at the name.
   *
   * @returns The size of the file, or what became of it.
   */
  async look(): Promise<LogSight> {
    try {
      if (this.#inode < 0) this.#inode = (await this.#handle.stat()).inode;
      const stat = await this.#stat();
      if (stat === null) return "removed";
      return stat.inode === this.#inode ? stat.size : "replaced";
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

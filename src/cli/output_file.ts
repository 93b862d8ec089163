/**
 * A file that appears whole or not at all: written under another name, synced, renamed.
 *
 * @module
 */

import { toHoldfastError } from "../errors.ts";
import type { FileHandle, FileSystem } from "../fs/filesystem.ts";

const bytesWaitingMax = 32 * 1024;

/**
 * A file under its temporary name.
 *
 * States: *open*; *done* after `commit` (the file has its name, durably) or `abandon` (nothing is left of it).
 */
export class OutputFile {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #temporaryPath: string;
  readonly #handle: FileHandle;
  #waiting: string[] = [];
  #waitingLength = 0;
  #offset = 0;

  private constructor(fileSystem: FileSystem, path: string, temporaryPath: string, handle: FileHandle) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#temporaryPath = temporaryPath;
    this.#handle = handle;
  }

  /**
   * Begins a file, readable by its owner only.
   *
   * @param fileSystem The port.
   * @param path Its name in the end.
   * @returns The file.
   */
  static async create(fileSystem: FileSystem, path: string): Promise<OutputFile> {
    const slash = path.lastIndexOf("/") + 1;
    const random = Math.floor(Math.random() * 0x1_0000_0000).toString(16).padStart(8, "0");
    const temporaryPath = `${path.slice(0, slash)}.${path.slice(slash)}.${random}.tmp`;
    try {
      const handle = await fileSystem.open(temporaryPath, { access: "write", create: "exclusive" });
      return new OutputFile(fileSystem, path, temporaryPath, handle);
    } catch (error) {
      throw toHoldfastError(error, "creating the output file", path);
    }
  }

  /**
   * Adds text.
   *
   * @param text Written as UTF-8.
   */
  async write(text: string): Promise<void> {
    this.#waiting.push(text);
    this.#waitingLength += text.length;
    if (this.#waitingLength >= bytesWaitingMax) await this.#writeWaiting();
  }

  /** Makes it durable and gives it its name. */
  async commit(): Promise<void> {
    await this.#writeWaiting();
    try {
      await this.#handle.syncData();
      await this.#handle.close();
      await this.#fileSystem.rename(this.#temporaryPath, this.#path);
      const slash = this.#path.lastIndexOf("/");
      await this.#fileSystem.syncDirectory(slash < 0 ? "." : this.#path.slice(0, slash) || "/");
    } catch (error) {
      throw toHoldfastError(error, "writing the output file", this.#path);
    }
  }

  /** Removes it. */
  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await this.#fileSystem.unlink(this.#temporaryPath).catch(() => {});
  }

  async #writeWaiting(): Promise<void> {
    let bytes = new TextEncoder().encode(this.#waiting.join(""));
    this.#waiting = [];
    this.#waitingLength = 0;
    try {
      while (bytes.length > 0) {
        const count = await this.#handle.write(bytes, this.#offset);
        this.#offset += count;
        bytes = bytes.subarray(count);
      }
    } catch (error) {
      throw toHoldfastError(error, "writing the output file", this.#path);
    }
  }
}

/**
 * Writes a file that appears whole or not at all.
 *
 * @param fileSystem The port.
 * @param path Its name.
 * @param fill Writes it.
 * @returns What `fill` returned, once the file is durable.
 */
export async function writeOutputFile<T>(
  fileSystem: FileSystem,
  path: string,
  fill: (file: OutputFile) => Promise<T>,
): Promise<T> {
  const file = await OutputFile.create(fileSystem, path);
  try {
    const result = await fill(file);
    await file.commit();
    return result;
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

/**
 * Puts the large values of a session's records into files of their own: `blobs/<sha256>`, whole and durable under their
 * names before the record that names them is written.
 *
 * A file that no record names is removed by `blob_collection.ts`, which must not take one that is about to be named. So
 * as long as an append with blobs is under way the session's intent file has an odd size. Whoever wants to remove files
 * gives them another name first, then waits for every append that was under way, then looks who names them. An append
 * that begins later finds its file gone, and makes it again. No clock is asked, nobody waits to append, and what a
 * killed program leaves is told by its session's lock.
 *
 * @module
 */

import { systemErrorCode, toHoldfastError } from "../errors.ts";
import type { FileHandle } from "../fs/filesystem.ts";
import { createTemporary, statIfThere, unlinkIfThere, writeFully } from "../log/atomic_file.ts";
import { blobDirectory, blobIntent, blobPath, blobTemporary, openBlobDirectory } from "./blob_files.ts";
import type { BlobValue } from "./blob_values.ts";
import type { SessionFiles } from "./session_name.ts";
import type { StoreContext } from "./store_context.ts";

/** How many values are remembered as durable, so that one that comes again and again is not looked at each time. */
const knownMax = 1024;
const compareBytes = 64 * 1024;

/** The blobs of a session that is open for writing; its lock's holder alone may have one. */
export class SessionBlobs {
  readonly #context: StoreContext;
  readonly #files: SessionFiles;
  readonly #known = new Set<string>();
  #generation = 0;
  #directoryDurable = false;

  /**
   * Creates one that has written nothing.
   *
   * @param context What the store shares.
   * @param files The session's paths.
   */
  constructor(context: StoreContext, files: SessionFiles) {
    this.#context = context;
    this.#files = files;
  }

  /**
   * Makes values durable, then runs what writes the records that name them. None of them is removed before that has
   * ended.
   *
   * @param values The values; without any, nothing is done but to run it.
   * @param write Writes the records.
   * @returns What `write` returned.
   * @throws What `write` throws; or a `HoldfastError`, and then it was not run.
   */
  async keep<T>(values: readonly BlobValue[], write: () => Promise<T>): Promise<T> {
    if (values.length === 0) return await write();
    return await this.during(async () => {
      await this.#orTyped(async () => await this.#store(values));
      return await write();
    });
  }

  /**
   * Runs something that reads records and writes them elsewhere: what they name is not removed meanwhile.
   *
   * @param step What to run.
   * @returns What it returned.
   */
  async during<T>(step: () => Promise<T>): Promise<T> {
    await this.#orTyped(async () => await this.#begin());
    try {
      return await step();
    } finally {
      this.#generation++;
      // If this fails, whoever wants to remove blobs waits for the next one, or for the end of the session.
      await this.#writeIntent().catch(() => undefined);
    }
  }

  /** Says that nothing is under way any more. */
  async close(): Promise<void> {
    if (this.#generation === 0) return;
    this.#generation = 0;
    await unlinkIfThere(this.#context.fileSystem, blobIntent(this.#context, this.#files)).catch(() => undefined);
  }

  async #orTyped(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      throw toHoldfastError(error, "writing a blob", blobDirectory(this.#context));
    }
  }

  async #begin(): Promise<void> {
    const { fileSystem, directory } = this.#context;
    if (!this.#directoryDurable) {
      await openBlobDirectory(this.#context);
      // Who made it may have been killed before its name was durable.
      await fileSystem.syncDirectory(directory);
      this.#directoryDurable = true;
    }
    // What somebody before us has left may be odd, and is not ours.
    const before = this.#generation === 0
      ? await statIfThere(fileSystem, blobIntent(this.#context, this.#files))
      : null;
    this.#generation = Math.max(this.#generation, before?.size ?? 0) + 1;
    if (this.#generation % 2 === 0) this.#generation++;
    await this.#writeIntent();
  }

  async #writeIntent(): Promise<void> {
    const path = blobIntent(this.#context, this.#files);
    const handle = await this.#context.fileSystem.open(path, { access: "write", create: "if-missing" });
    try {
      await handle.truncate(this.#generation);
    } finally {
      await handle.close();
    }
  }

  async #store(values: readonly BlobValue[]): Promise<void> {
    const { fileSystem, counters } = this.#context;
    let isNameNew = false;
    for (const { hash, bytes } of values) {
      const path = blobPath(this.#context, hash);
      if (this.#known.has(hash) && (await statIfThere(fileSystem, path))?.size === bytes.length) continue;
      isNameNew = true;
      if (await this.#isThere(path, bytes)) continue;
      await this.#write(path, bytes);
      counters.blobs++;
    }
    if (isNameNew) await fileSystem.syncDirectory(blobDirectory(this.#context));
    for (const { hash } of values) this.#remember(hash);
  }

  /** Whether the file holds what it should; then it is durable as well, whoever has made it. */
  async #isThere(path: string, bytes: Uint8Array): Promise<boolean> {
    let handle: FileHandle;
    try {
      handle = await this.#context.fileSystem.open(path, { access: "read" });
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return false;
      throw error;
    }
    try {
      if ((await handle.stat()).size !== bytes.length || !await holdsSame(handle, bytes)) return false;
      await handle.syncData();
      return true;
    } finally {
      await handle.close();
    }
  }

  /** Durable before it gets its name, so that a name is never that of a half-written file. */
  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const { fileSystem } = this.#context;
    const temporaryPath = blobTemporary(this.#context, this.#files);
    const handle = await createTemporary(fileSystem, temporaryPath, null);
    try {
      try {
        await writeFully(handle, bytes, 0);
        await handle.syncData();
      } finally {
        await handle.close();
      }
      await fileSystem.rename(temporaryPath, path);
    } catch (error) {
      await unlinkIfThere(fileSystem, temporaryPath).catch(() => undefined);
      throw error;
    }
  }

  #remember(hash: string): void {
    this.#known.delete(hash);
    this.#known.add(hash);
    if (this.#known.size <= knownMax) return;
    const oldest = this.#known.values().next();
    if (oldest.done !== true) this.#known.delete(oldest.value);
  }
}

async function holdsSame(handle: FileHandle, bytes: Uint8Array): Promise<boolean> {
  const chunk = new Uint8Array(Math.min(compareBytes, bytes.length));
  for (let offset = 0; offset < bytes.length;) {
    const count = await handle.read(chunk.subarray(0, Math.min(chunk.length, bytes.length - offset)), offset);
    if (count === 0) return false;
    for (let index = 0; index < count; index++) if (chunk[index] !== bytes[offset + index]) return false;
    offset += count;
  }
  return true;
}

/**
 * Removes the blobs that no record names any more.
 *
 * A blob must not go while an append may be about to name it (C9), in this process or another, and no record must ever
 * name one that has gone, not even after a power cut:
 *
 * 1. All files of the store are looked through. What none of them names gets another name, `<sha256>.unused`, durably;
 *    it can still be read there. An append that begins from now on does not find it, and makes it again.
 * 2. Every append that was under way is waited for: its session's intent file says so (`session_blobs.ts`).
 * 3. All files are looked through again. What is named now gets its name back; the rest is removed.
 *
 * Whatever a crash leaves is under one of its two names, and the next collection goes on with it. One collection at a
 * time: a lock sees to that. Names are looked for in every file of the store, hidden, damaged, archived and unfinished
 * lines included: to keep too much costs space, to keep too little costs a record.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { FileLock } from "../fs/filesystem.ts";
import { statIfThere, unlinkIfThere } from "../log/atomic_file.ts";
import {
  blobDirectory,
  blobDirectoryName,
  blobPath,
  hasBlobDirectory,
  intentSuffix,
  temporarySuffix,
  unusedSuffix,
} from "./blob_files.ts";
import { findBlobNames } from "./blob_names.ts";
import { sessionFiles } from "./session_name.ts";
import type { StoreContext } from "./store_context.ts";

/** What a collection did. */
export interface BlobCollection {
  /** Blobs that are named by a record, a quarantined or an archived line. */
  kept: number;
  /** Blobs that were removed. */
  removed: number;
  /** How many bytes these had. */
  bytesRemoved: number;
}

const blobName = /^[0-9a-f]{64}$/;
/** How often, a second each, an append that is under way is waited for. */
const waitsMax = 600;
const waitMs = 1000;

/**
 * Removes the blobs that nothing in the store names.
 *
 * @param context What the store shares.
 * @returns How much went.
 * @throws {HoldfastError} `locked` if another collection runs, or an append does not end; nothing was removed then.
 */
export async function collectBlobs(context: StoreContext): Promise<BlobCollection> {
  if (!await hasBlobDirectory(context)) return { kept: 0, removed: 0, bytesRemoved: 0 };
  const lock = await lockCollection(context);
  try {
    return await new Collector(context).run();
  } finally {
    await lock.release();
  }
}

async function lockCollection({ fileSystem, directory }: StoreContext): Promise<FileLock> {
  const path = `${directory}/${blobDirectoryName}/collect.lock`;
  const attempt = await fileSystem.lock(path, fileSystem.processName ?? "another process");
  if (attempt.acquired) return attempt.lock;
  throw new HoldfastError("locked", `Blobs are being collected by ${attempt.holder || "another process"}`, { path });
}

/** One collection. */
class Collector {
  readonly #context: StoreContext;
  readonly #result: BlobCollection = { kept: 0, removed: 0, bytesRemoved: 0 };

  constructor(context: StoreContext) {
    this.#context = context;
  }

  async run(): Promise<BlobCollection> {
    const named = await findBlobNames(this.#context);
    const unnamed: string[] = [];
    for (const hash of await this.#blobs()) {
      if (!named.has(hash)) unnamed.push(hash);
      else {
        this.#result.kept++;
        await this.#bringBack(hash);
      }
    }
    await this.#removeLeftovers();
    if (unnamed.length > 0) await this.#removeUnnamed(unnamed);
    return this.#result;
  }

  async #removeUnnamed(hashes: readonly string[]): Promise<void> {
    const { fileSystem } = this.#context;
    const directory = blobDirectory(this.#context);
    try {
      for (const hash of hashes) await this.#setAside(hash);
      await fileSystem.syncDirectory(directory);
      await this.#waitForAppends();
      const named = await findBlobNames(this.#context);
      for (const hash of hashes) if (!named.has(hash)) await this.#remove(hash);
    } finally {
      for (const hash of hashes) if (await this.#bringBack(hash)) this.#result.kept++;
      await fileSystem.syncDirectory(directory);
    }
  }

  /** The names of all blobs, those that were set aside included, each once. */
  async #blobs(): Promise<Set<string>> {
    const hashes = new Set<string>();
    for (const { name, kind } of await this.#context.fileSystem.readDirectory(blobDirectory(this.#context))) {
      const hash = name.endsWith(unusedSuffix) ? name.slice(0, -unusedSuffix.length) : name;
      if (kind === "file" && blobName.test(hash)) hashes.add(hash);
    }
    return hashes;
  }

  async #setAside(hash: string): Promise<void> {
    const path = blobPath(this.#context, hash);
    const { fileSystem } = this.#context;
    if (await statIfThere(fileSystem, path) !== null) await fileSystem.rename(path, path + unusedSuffix);
  }

  /** Gives a blob its name back; an append may have made it anew meanwhile, with the same bytes. */
  async #bringBack(hash: string): Promise<boolean> {
    const path = blobPath(this.#context, hash);
    const { fileSystem } = this.#context;
    if (await statIfThere(fileSystem, path + unusedSuffix) === null) return false;
    await fileSystem.rename(path + unusedSuffix, path);
    return true;
  }

  async #remove(hash: string): Promise<void> {
    const { fileSystem } = this.#context;
    const path = blobPath(this.#context, hash) + unusedSuffix;
    const stat = await statIfThere(fileSystem, path);
    if (stat === null || !await unlinkIfThere(fileSystem, path)) return;
    this.#result.removed++;
    this.#result.bytesRemoved += stat.size;
  }

  /** Every append that may have found a blob under its name before it was set aside. */
  async #waitForAppends(): Promise<void> {
    const { fileSystem } = this.#context;
    for (const session of await this.#sessionsWith(intentSuffix)) {
      const path = `${blobDirectory(this.#context)}/${session}${intentSuffix}`;
      const generation = (await statIfThere(fileSystem, path))?.size ?? 0;
      if (generation % 2 === 0) continue;
      for (let waits = 0; (await statIfThere(fileSystem, path))?.size === generation; waits++) {
        if (await this.#isLeftOver(session)) break;
        if (waits === waitsMax) {
          throw new HoldfastError("locked", `An append with blobs does not end; its session's file: ${path}`, { path });
        }
        await fileSystem.waitForChange(path, AbortSignal.timeout(waitMs));
      }
    }
  }

  /** What sessions have left that nobody writes: of a program that was killed. */
  async #removeLeftovers(): Promise<void> {
    const { fileSystem } = this.#context;
    for (const suffix of [intentSuffix, temporarySuffix]) {
      for (const session of await this.#sessionsWith(suffix)) {
        const path = `${blobDirectory(this.#context)}/${session}${suffix}`;
        await this.#whileClosed(session, async () => void await unlinkIfThere(fileSystem, path));
      }
    }
  }

  async #isLeftOver(session: string): Promise<boolean> {
    return await this.#whileClosed(session, () => Promise.resolve());
  }

  /** Runs a step if nobody has the session open for writing. */
  async #whileClosed(session: string, step: () => Promise<void>): Promise<boolean> {
    const { fileSystem, directory } = this.#context;
    const path = sessionFiles(directory, session).lock;
    const attempt = await fileSystem.lock(path, fileSystem.processName ?? "another process, collecting blobs");
    if (!attempt.acquired) return false;
    try {
      await step();
    } finally {
      await attempt.lock.release();
    }
    return true;
  }

  async #sessionsWith(suffix: string): Promise<string[]> {
    const entries = await this.#context.fileSystem.readDirectory(blobDirectory(this.#context));
    return entries.filter(({ name, kind }) => kind === "file" && name.endsWith(suffix) && name.length > suffix.length)
      .map(({ name }) => name.slice(0, -suffix.length));
  }
}

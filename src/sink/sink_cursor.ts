/**
 * The sink's own memory of how far it has got: a small file beside the sessions, replaced as a whole. It may be behind
 * the bucket, never ahead of it: what was sent after it was written is found in the bucket again, and compared.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import type { FileLock, FileSystem } from "../fs/filesystem.ts";
import { HoldfastError, toHoldfastError } from "../errors.ts";
import { readWhole, replaceFile } from "../log/atomic_file.ts";
import { isJsonObject, parseObject } from "../log/json_text.ts";
import { makeOwnDirectory } from "../log/side_directory.ts";
import { isSessionId } from "./object_names.ts";

/** How far the sink has got with one session. */
export interface SessionProgress {
  /** The session's id. */
  id: string;
  /** The session's key. */
  key: string;
  /** The epoch that this device writes in; 0: it has not claimed the session yet. */
  epoch: number;
  /** All records below this number are in the bucket. */
  next: number;
  /** What seeds the next line there. */
  checksum: number;
  /** The CRC-32 of the manifest that was written last; 0: none. */
  manifest: number;
}

/** How far the sink has got with one bucket. */
export interface BucketProgress {
  /** Which bucket; null: one that does not say. */
  place: string | null;
  /** Progress by session id. */
  sessions: Map<string, SessionProgress>;
}

/** What a cursor says. */
export interface ReadCursor {
  /** This device's id. */
  device: string;
  /** The buckets that were sent to, the latest first. */
  buckets: BucketProgress[];
}

/** Progress with so many buckets is kept; of one that was left before those, what it has is compared again. */
const bucketsMax = 4;

/** The name of the sink's directory in the store's. */
export const sinkDirectoryName = ".sink";
const cursorBytesMax = 64 * 1024 * 1024;

/** The open cursor of a store. One sink at a time has it. */
export class SinkCursor {
  /** This device's id. */
  readonly device: string;
  /** Progress by session id, with the bucket that it was opened for. */
  readonly sessions: Map<string, SessionProgress>;
  readonly #buckets: readonly BucketProgress[];
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #lock: FileLock;
  #written: string;

  private constructor(
    fileSystem: FileSystem,
    directory: string,
    lock: FileLock,
    device: string,
    own: BucketProgress,
    others: readonly BucketProgress[],
    isWritten: boolean,
  ) {
    this.#fileSystem = fileSystem;
    this.#directory = directory;
    this.#lock = lock;
    this.device = device;
    this.sessions = own.sessions;
    this.#buckets = [own, ...others].slice(0, bucketsMax);
    this.#written = isWritten ? this.#text() : "";
  }

  /**
   * Opens the cursor of a store, and makes its directory.
   *
   * @param fileSystem The port.
   * @param storeDirectory The store's directory.
   * @param place Which bucket it is for: what was sent to another one does not count.
   * @param createId Makes the device's id, if it has none.
   * @returns The cursor; an empty one where there was none, or none that can be read.
   * @throws {HoldfastError} `locked` if another sink has it.
   */
  static async open(
    fileSystem: FileSystem,
    storeDirectory: string,
    place: string | null,
    createId: () => string = randomUUID,
  ): Promise<SinkCursor> {
    const directory = sinkDirectory(storeDirectory);
    await makeOwnDirectory(fileSystem, directory);
    const path = `${directory}/lock`;
    const attempt = await fileSystem.lock(path, fileSystem.processName ?? "another process");
    if (!attempt.acquired) {
      const message = `Another sink is at work on this store: ${attempt.holder || "it has not said which"}`;
      throw new HoldfastError("locked", message, { path });
    }
    try {
      const read = await readCursor(fileSystem, storeDirectory);
      const { device, buckets } = read ?? { device: createId(), buckets: [] };
      const own = buckets.find((bucket) => bucket.place === place) ?? { place, sessions: new Map() };
      const others = buckets.filter((bucket) => bucket !== own);
      return new SinkCursor(fileSystem, directory, attempt.lock, device, own, others, buckets[0] === own);
    } catch (error) {
      await attempt.lock.release();
      throw error;
    }
  }

  /** Writes what has changed, durably; nothing if nothing has. */
  async save(): Promise<void> {
    const text = this.#text();
    if (text === this.#written) return;
    const bytes = new TextEncoder().encode(text);
    const path = cursorPath(this.#directory);
    try {
      await replaceFile(this.#fileSystem, path, `${this.#directory}/cursor.tmp`, bytes);
    } catch (error) {
      throw toHoldfastError(error, "writing the sink's cursor", path);
    }
    this.#written = text;
  }

  /** Gives it to the next one. Writes nothing. */
  async release(): Promise<void> {
    await this.#lock.release();
  }

  #text(): string {
    const buckets = this.#buckets.map(({ place, sessions }) => ({ place, sessions: [...sessions.values()] }));
    return JSON.stringify({ format: 1, device: this.device, buckets }) + "\n";
  }
}

/**
 * The sink's directory.
 *
 * @param storeDirectory The store's directory.
 * @returns Its path.
 */
export function sinkDirectory(storeDirectory: string): string {
  return `${storeDirectory}/${sinkDirectoryName}`;
}

/**
 * Reads the cursor of a store without taking it.
 *
 * @param fileSystem The port.
 * @param storeDirectory The store's directory.
 * @returns What it says; null if there is none that can be read.
 */
export async function readCursor(
  fileSystem: FileSystem,
  storeDirectory: string,
): Promise<ReadCursor | null> {
  const bytes = await readWhole(fileSystem, cursorPath(sinkDirectory(storeDirectory)), cursorBytesMax);
  if (bytes === null) return null;
  const parsed = parseObject(new TextDecoder().decode(bytes));
  if (!("value" in parsed)) return null;
  const { format, device, buckets } = parsed.value;
  if (format !== 1 || typeof device !== "string" || !Array.isArray(buckets)) return null;
  return { device, buckets: buckets.map(readBucketProgress).filter((bucket) => bucket !== null) };
}

function readBucketProgress(value: unknown): BucketProgress | null {
  if (!isJsonObject(value)) return null;
  const { place, sessions } = value;
  if ((place !== null && typeof place !== "string") || !Array.isArray(sessions)) return null;
  const found = sessions.map(readProgress).filter((progress) => progress !== null);
  return { place, sessions: new Map(found.map((progress) => [progress.id, progress])) };
}

function readProgress(value: unknown): SessionProgress | null {
  if (!isJsonObject(value)) return null;
  const { id, key, epoch, next, checksum, manifest } = value;
  if (!isSessionId(id) || typeof key !== "string" || key === "") return null;
  if (!isCount(epoch) || !isCount(next) || !isCount(checksum) || !isCount(manifest)) return null;
  return { id, key, epoch, next, checksum, manifest };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function cursorPath(directory: string): string {
  return `${directory}/cursor.json`;
}

/**
 * The names in `blobs/`, and how a blob is read.
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import { readWhole, statIfThere } from "../log/atomic_file.ts";
import { loadFastHash } from "../log/sha256.ts";
import { blobHash } from "./blob_values.ts";
import type { SessionFiles } from "./session_name.ts";
import type { StoreContext } from "./store_context.ts";

/** The name of the directory of blobs in the store's. */
export const blobDirectoryName = "blobs";
/** Behind the name of a blob that is about to be removed; it still counts. */
export const unusedSuffix = ".unused";
/** Behind the name of a session: an append with blobs is under way while the file's size is odd. */
export const intentSuffix = ".intent";
/** Behind the name of a session: a blob on its way; only the session's lock's holder uses it. */
export const temporarySuffix = ".tmp";

/** The parts of a store that its blobs need. */
export type BlobPlace = Pick<StoreContext, "fileSystem" | "directory">;

/** The directory of blobs. */
export function blobDirectory({ directory }: BlobPlace): string {
  return `${directory}/${blobDirectoryName}`;
}

/** The path of a blob. */
export function blobPath(place: BlobPlace, hash: string): string {
  return `${blobDirectory(place)}/${hash}`;
}

/** The path of a session's intent file. */
export function blobIntent(place: BlobPlace, { name }: Pick<SessionFiles, "name">): string {
  return `${blobDirectory(place)}/${name}${intentSuffix}`;
}

/** The path of a session's blob on its way. */
export function blobTemporary(place: BlobPlace, { name }: Pick<SessionFiles, "name">): string {
  return `${blobDirectory(place)}/${name}${temporarySuffix}`;
}

/**
 * Makes the directory of blobs, if it is not there; its name is not durable yet.
 *
 * @param place The store.
 */
export async function openBlobDirectory(place: BlobPlace): Promise<void> {
  const path = blobDirectory(place);
  if (await hasBlobDirectory(place)) return;
  try {
    await place.fileSystem.makeDirectory(path, 0o700);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  }
}

/**
 * Whether the store has a directory of blobs.
 *
 * @param place The store.
 * @returns False if there is none.
 * @throws {HoldfastError} `io` if something else has the name: a symbolic link would lead our files somewhere else.
 */
export async function hasBlobDirectory(place: BlobPlace): Promise<boolean> {
  const path = blobDirectory(place);
  const stat = await statIfThere(place.fileSystem, path);
  if (stat === null) return false;
  if (stat.kind === "directory") return true;
  throw new HoldfastError("io", `Not a directory: ${path}`, { path });
}

/** What there is of a blob. */
export type BlobReading = { bytes: Uint8Array } | { reason: string };

/**
 * Reads a blob and checks it against its name.
 *
 * @param place The store.
 * @param reference Its name and its size.
 * @returns Its bytes, or why it cannot be used.
 */
export async function readBlob(
  place: BlobPlace,
  { hash, bytes: size }: { hash: string; bytes: number },
): Promise<BlobReading> {
  const path = blobPath(place, hash);
  // One that is about to be removed has another name for a moment, and may get its own again.
  for (const name of [path, path + unusedSuffix, path]) {
    const bytes = await readUpTo(place, name, size);
    if (bytes === null) continue;
    if (bytes === "too long" || bytes.length !== size) return { reason: `it has not the ${size} bytes that it had` };
    await loadFastHash();
    return blobHash(bytes) === hash ? { bytes } : { reason: "its bytes are not those that were written" };
  }
  return { reason: "it is missing" };
}

async function readUpTo(
  { fileSystem }: BlobPlace,
  path: string,
  size: number,
): Promise<Uint8Array | "too long" | null> {
  try {
    return await readWhole(fileSystem, path, size);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "corrupt") return "too long";
    throw error;
  }
}

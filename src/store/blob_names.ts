/**
 * Finds every blob that anything in a store names: logs, logs on their way, archives, quarantines, and files that
 * somebody else has put there. Lines are not checked: what is damaged or torn names its blobs as well.
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import { readFully } from "../log/log_lines.ts";
import { blobDirectoryName } from "./blob_files.ts";
import type { StoreContext } from "./store_context.ts";

/** How often files may come, go and be replaced while they are looked through before that is called an error. */
const attemptsMax = 100;
const chunkBytes = 256 * 1024;
/** Room for a hash that lies across two chunks. */
const overlapBytes = 64;

const decoder = new TextDecoder("latin1");
const hashes = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g;

/**
 * Looks through all files of a store.
 *
 * @param context What the store shares.
 * @returns Whatever may be the name of a blob.
 */
export async function findBlobNames(context: StoreContext): Promise<Set<string>> {
  const found = new Set<string>();
  let before = await listFiles(context, context.directory);
  // What moves from one file to another could be missed in both: the files must be the same ones before and after.
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    for (const { path } of before.values()) await readNames(context, path, found);
    const after = await listFiles(context, context.directory);
    if (after.size === before.size && [...after.keys()].every((file) => before.has(file))) return found;
    before = after;
  }
  const message = "Files come and go all the time while blobs are looked for";
  throw new HoldfastError("io", message, { path: context.directory });
}

/** All files in a directory and below, but for blobs and locks; named by path and inode. */
async function listFiles(context: StoreContext, directory: string): Promise<Map<string, { path: string }>> {
  const { fileSystem } = context;
  const files = new Map<string, { path: string }>();
  for (const { name, kind } of await fileSystem.readDirectory(directory)) {
    const path = `${directory}/${name}`;
    if (path === `${context.directory}/${blobDirectoryName}` || name.endsWith(".lock")) continue;
    try {
      if (kind === "directory") {
        for (const [file, inner] of await listFiles(context, path)) files.set(file, inner);
      } else if (kind === "file") {
        files.set(`${(await fileSystem.stat(path)).inode} ${path}`, { path });
      }
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
  }
  return files;
}

async function readNames({ fileSystem }: StoreContext, path: string, found: Set<string>): Promise<void> {
  let handle;
  try {
    handle = await fileSystem.open(path, { access: "read" });
  } catch (error) {
    // Gone meanwhile; then the list of files is another one, too.
    if (systemErrorCode(error) === "ENOENT") return;
    throw error;
  }
  try {
    const chunk = new Uint8Array(overlapBytes + chunkBytes);
    for (let offset = 0;;) {
      const count = await readFully(handle, chunk.subarray(overlapBytes), offset);
      if (count === 0) return;
      for (const [hash] of decoder.decode(chunk.subarray(0, overlapBytes + count)).matchAll(hashes)) found.add(hash);
      chunk.copyWithin(0, count, overlapBytes + count);
      offset += count;
    }
  } finally {
    await handle.close();
  }
}

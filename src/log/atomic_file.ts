/**
 * Replacing a small file in one step: temporary file, sync, rename, directory sync. Costs 72 KiB of flash and four
 * flushes on ext4, so it is never on the append path.
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import type { FileHandle, FileStat, FileSystem } from "../fs/filesystem.ts";
import { readFully } from "./log_lines.ts";

/**
 * The directory part of a path.
 *
 * @param path A path with `/`.
 * @returns What is in front of the last `/`; `.` if there is none.
 */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return ".";
  return slash === 0 ? "/" : path.slice(0, slash);
}

/**
 * Writes all bytes at an offset; a short write is carried on once more so that the error behind it shows.
 *
 * @param handle The open file.
 * @param bytes What to write.
 * @param offset Where in the file.
 * @throws What the file system throws; a part of the bytes may then be in the file.
 */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const count = await handle.write(bytes.subarray(written), offset + written);
    if (count === 0) throw new HoldfastError("disk-full", "Nothing was written, and no error given");
    written += count;
  }
}

/**
 * {@linkcode writeFully}, blocking; for `flushSync` only.
 *
 * @param handle The open file.
 * @param bytes What to write.
 * @param offset Where in the file.
 * @throws What the file system throws; a part of the bytes may then be in the file.
 */
export function writeFullySync(handle: FileHandle, bytes: Uint8Array, offset: number): void {
  for (let written = 0; written < bytes.length;) {
    const count = handle.writeSync(bytes.subarray(written), offset + written);
    if (count === 0) throw new HoldfastError("disk-full", "Nothing was written, and no error given");
    written += count;
  }
}

/**
 * Writes a range of a file again with the bytes that it has, so that it is surely part of the next sync; blocking.
 *
 * @param handle The open file.
 * @param start Where the range starts, in bytes.
 * @param end Where it ends, in bytes.
 */
export function writeAgainSync(handle: FileHandle, start: number, end: number): void {
  if (end <= start) return;
  const bytes = new Uint8Array(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const count = handle.readSync(bytes.subarray(filled), start + filled);
    if (count === 0) break;
    filled += count;
  }
  writeFullySync(handle, bytes.subarray(0, filled), start);
}

/**
 * Makes a new file under a temporary name that only the holder of the session's lock uses; what a crash left there
 * goes.
 *
 * @param fileSystem The port.
 * @param path The temporary name.
 * @param like The file that it will replace, whose mode and owner it takes; null for a new one (0600).
 * @returns The open, empty file.
 */
export async function createTemporary(
  fileSystem: FileSystem,
  path: string,
  like: FileStat | null,
): Promise<FileHandle> {
  await unlinkIfThere(fileSystem, path);
  const handle = await fileSystem.open(path, { access: "write", create: "exclusive", mode: like?.mode ?? 0o600 });
  try {
    if (like !== null) await takeOwner(handle, like);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlinkIfThere(fileSystem, path).catch(() => undefined);
    throw error;
  }
  return handle;
}

/**
 * Replaces a file by new content. When it resolves, the new content is durable under the name; when it rejects, the
 * old one is, unless the code is `failed`: then it is one of the two.
 *
 * @param fileSystem The port.
 * @param path The file.
 * @param temporaryPath A name beside it that nobody else uses.
 * @param bytes The new content.
 */
export async function replaceFile(
  fileSystem: FileSystem,
  path: string,
  temporaryPath: string,
  bytes: Uint8Array,
): Promise<void> {
  const handle = await createTemporary(fileSystem, temporaryPath, await statIfThere(fileSystem, path));
  try {
    await writeFully(handle, bytes, 0);
    await handle.syncData();
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlinkIfThere(fileSystem, temporaryPath).catch(() => undefined);
    throw error;
  }
  await handle.close();
  await renameDurably(fileSystem, temporaryPath, path);
}

/**
 * Renames a file over another and makes that durable.
 *
 * @param fileSystem The port.
 * @param from The name that it has.
 * @param to The name that it gets, in the same directory.
 * @throws {HoldfastError} `failed`: which of the two files has the name, now or after a power cut, is unknown.
 */
export async function renameDurably(fileSystem: FileSystem, from: string, to: string): Promise<void> {
  try {
    await fileSystem.rename(from, to);
    await fileSystem.syncDirectory(directoryOf(to));
  } catch (error) {
    throw new HoldfastError("failed", `Outcome of replacing a file is unknown: ${to}`, { path: to, cause: error });
  }
}

/**
 * Reads a small file whole.
 *
 * @param fileSystem The port.
 * @param path The file.
 * @param sizeMax The largest size that is read, in bytes.
 * @returns Its bytes, or null if there is none.
 * @throws {HoldfastError} `corrupt` if it is larger.
 */
export async function readWhole(fileSystem: FileSystem, path: string, sizeMax: number): Promise<Uint8Array | null> {
  let handle: FileHandle;
  try {
    handle = await fileSystem.open(path, { access: "read" });
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
  try {
    const { size } = await handle.stat();
    if (size > sizeMax) {
      throw new HoldfastError("corrupt", `File of ${size} bytes is larger than ${sizeMax}: ${path}`, { path });
    }
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, await readFully(handle, bytes, 0));
  } finally {
    await handle.close();
  }
}

/**
 * What a name leads to, if anything.
 *
 * @param fileSystem The port.
 * @param path The name.
 * @returns Null if there is nothing.
 */
export async function statIfThere(fileSystem: FileSystem, path: string): Promise<FileStat | null> {
  try {
    return await fileSystem.stat(path);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/**
 * Removes a name, if it is there.
 *
 * @param fileSystem The port.
 * @param path The name.
 * @returns Whether it was there.
 */
export async function unlinkIfThere(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    await fileSystem.unlink(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

async function takeOwner(handle: FileHandle, like: FileStat): Promise<void> {
  const own = await handle.stat();
  if (own.userId === like.userId && own.groupId === like.groupId) return;
  try {
    await handle.setOwner(like.userId, like.groupId);
  } catch (error) {
    // Only the privileged may give a file away; whoever may replace the file owns it or its directory.
    if (systemErrorCode(error) !== "EPERM") throw error;
  }
}

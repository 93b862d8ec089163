/**
 * Copies the beginning of a log into a new one: its bytes are shared where the file system can (a reflink: nothing is
 * written), else streamed.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import type { FileHandle, FileSystem } from "../fs/filesystem.ts";
import { createTemporary, statIfThere, unlinkIfThere, writeFully } from "./atomic_file.ts";
import { readFully } from "./log_lines.ts";

/** What is copied. */
export interface CopySource {
  /** The log's name; it may lead to another file by now. */
  path: string;
  /** The log, open. */
  handle: FileHandle;
  /** How much of it, in bytes; durable, and not changed any more. */
  bytes: number;
  /** What follows instead of what follows there. */
  end: Uint8Array;
  /** Told how much is copied, in bytes, where bytes are not shared; what it throws ends the copy. */
  onCopied?: (bytes: number) => void;
}

/** A copy that no name leads to yet but a temporary one. */
export interface LogCopy {
  /** The copy, open for writing; durable, but for its name. */
  handle: FileHandle;
  /** Its size in bytes. */
  bytes: number;
  /** How many of them are the source's own, on flash only once. */
  sharedBytes: number;
}

const copyBytes = 256 * 1024;

/**
 * Copies the beginning of a log; durable when it resolves, but for its name.
 *
 * @param fileSystem The port.
 * @param source What is copied.
 * @param temporaryPath The copy's temporary name; taken away again if anything fails.
 * @returns The copy.
 */
export async function copyLog(
  fileSystem: FileSystem,
  source: CopySource,
  temporaryPath: string,
): Promise<LogCopy> {
  const clone = await cloneLog(fileSystem, source, temporaryPath);
  const handle = clone ?? await createTemporary(fileSystem, temporaryPath, null);
  try {
    if (clone === null) await streamBytes(source, handle);
    else await clone.truncate(source.bytes);
    await writeFully(handle, source.end, source.bytes);
    await handle.syncData();
    return { handle, bytes: source.bytes + source.end.length, sharedBytes: clone === null ? 0 : source.bytes };
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlinkIfThere(fileSystem, temporaryPath).catch(() => undefined);
    throw error;
  }
}

/** Shares the whole file; null where that cannot be, or is not worth it. */
async function cloneLog(fileSystem: FileSystem, source: CopySource, path: string): Promise<FileHandle | null> {
  if (fileSystem.cloneFile === undefined || source.bytes === 0) return null;
  const { inode } = await source.handle.stat();
  const leadsThere = async (): Promise<boolean> => (await statIfThere(fileSystem, source.path))?.inode === inode;
  if (!await leadsThere()) return null;
  await unlinkIfThere(fileSystem, path);
  try {
    await fileSystem.cloneFile(source.path, path);
  } catch (error) {
    // ENOENT: the log was renamed away meanwhile; its open handle still reads.
    const code = systemErrorCode(error);
    if (code === "ENOTSUP" || code === "ENOENT") return null;
    throw error;
  }
  let handle: FileHandle | null = null;
  let keep = false;
  try {
    handle = await fileSystem.open(path, { access: "write" });
    keep = await leadsThere();
    if (keep) await handle.setMode(0o600);
    return keep ? handle : null;
  } catch (error) {
    keep = false;
    throw error;
  } finally {
    if (!keep) {
      await handle?.close().catch(() => undefined);
      await unlinkIfThere(fileSystem, path).catch(() => undefined);
    }
  }
}

async function streamBytes(source: CopySource, target: FileHandle): Promise<void> {
  const buffer = new Uint8Array(Math.min(copyBytes, source.bytes));
  for (let offset = 0; offset < source.bytes;) {
    const part = buffer.subarray(0, Math.min(buffer.length, source.bytes - offset));
    const count = await readFully(source.handle, part, offset);
    if (count < part.length) throw new Error(`Log ended at ${offset + count}, in front of ${source.bytes}`);
    await writeFully(target, part, offset);
    offset += count;
    source.onCopied?.(offset);
  }
}

/**
 * Bytes that are taken out of a log are set aside, never thrown away: in `<name>.quarantine/`, under a quota.
 *
 * A file's name is what it holds: kind, offset in the log, checksum. So a crash between setting aside and taking out
 * leaves no second copy (B9).
 *
 * @module
 */

import { crc32 } from "./checksum.ts";
import { HoldfastError, systemErrorCode } from "../errors.ts";
import type { FileHandle, FileSystem } from "../fs/filesystem.ts";
import { createTemporary, directoryOf, statIfThere, unlinkIfThere, writeFully } from "./atomic_file.ts";
import { readFully } from "./log_lines.ts";
import { checksumText, fragmentByte, harmlessByte, lineFeed } from "./record_format.ts";

/** How much a session's quarantine may hold, in bytes; the oldest files make room. */
export const quarantineBytesMax: number = 16 * 1024 * 1024;

/** Why bytes were set aside. */
export type QuarantineKind = "torn" | "damaged" | "meta";

/** A piece of a log to be set aside. */
export interface QuarantinePiece {
  /** Why. */
  kind: QuarantineKind;
  /** Where it starts in the log, in bytes. */
  offset: number;
  /** How long it is, in bytes; more than the quota is cut. */
  length: number;
}

/** Matches the names that this room gives; nothing else in the directory is touched (I16). */
const namePattern = /^(torn|damaged|meta)-(\d{1,16})-([0-9a-f]{8})$/;
/** Under which a copy of each kind is made; a crash may leave it. */
const temporaryNames: Readonly<Record<QuarantineKind, string>> = {
  torn: "torn.tmp",
  damaged: "damaged.tmp",
  meta: "meta.tmp",
};
/** Names of copies that a crash has left unfinished. */
export const quarantineTemporaryNames: readonly string[] = Object.values(temporaryNames);
const copyBytes = 64 * 1024;

/**
 * Sets a piece of a log aside; durable when it resolves.
 *
 * @param fileSystem The port.
 * @param directory The session's quarantine directory; made if need be.
 * @param source The open log.
 * @param piece Which bytes.
 * @returns The name of the file that holds them.
 */
export async function setAside(
  fileSystem: FileSystem,
  directory: string,
  source: FileHandle,
  piece: QuarantinePiece,
): Promise<string> {
  const length = Math.min(piece.length, quarantineBytesMax);
  const files = await quarantineFiles(fileSystem, directory);
  for (const file of files) {
    if (file.kind !== piece.kind || file.offset !== piece.offset || file.size < length) continue;
    if (!await holdsSame(fileSystem, `${directory}/${file.name}`, source, piece.offset, length)) continue;
    // Who set it aside may have been killed before its names were durable.
    await fileSystem.syncDirectory(directory);
    await fileSystem.syncDirectory(directoryOf(directory));
    return file.name;
  }
  if (files === noFiles) await makeDirectory(fileSystem, directory);
  else await fileSystem.syncDirectory(directoryOf(directory));
  await makeRoom(fileSystem, directory, files, length);
  return await copyPiece(fileSystem, directory, source, piece, length);
}

/** One file of a quarantine. */
export interface QuarantineFile {
  /** Its name in the directory. */
  name: string;
  /** Why it is there. */
  kind: QuarantineKind;
  /** Where in the log it was. */
  offset: number;
  /** Its size in bytes. */
  size: number;
  /** When it was set aside, as the file system saw it. */
  modifiedMs: number;
}

const noFiles: QuarantineFile[] = [];

/**
 * What a quarantine holds.
 *
 * @param fileSystem The port.
 * @param directory The session's quarantine directory.
 * @returns Its files, in no order; none if there is no such directory.
 */
export async function quarantineFiles(fileSystem: FileSystem, directory: string): Promise<QuarantineFile[]> {
  const stat = await statIfThere(fileSystem, directory);
  if (stat === null) return noFiles;
  // A symbolic link would lead our bytes, and our removals, somewhere else (I16).
  if (stat.kind !== "directory") throw new HoldfastError("io", `Not a directory: ${directory}`, { path: directory });
  const entries = await fileSystem.readDirectory(directory);
  const files: QuarantineFile[] = [];
  for (const { name, kind } of entries) {
    const match = namePattern.exec(name);
    const fileKind = match?.[1];
    if (kind !== "file" || (fileKind !== "torn" && fileKind !== "damaged" && fileKind !== "meta")) continue;
    const stat = await statIfThere(fileSystem, `${directory}/${name}`);
    if (stat === null) continue;
    files.push({ name, kind: fileKind, offset: Number(match?.[2]), size: stat.size, modifiedMs: stat.modifiedMs });
  }
  return files;
}

async function copyPiece(
  fileSystem: FileSystem,
  directory: string,
  source: FileHandle,
  piece: QuarantinePiece,
  length: number,
): Promise<string> {
  const temporaryPath = `${directory}/${temporaryNames[piece.kind]}`;
  const target = await createTemporary(fileSystem, temporaryPath, null);
  let checksum = 0;
  try {
    for (let copied = 0; copied < length;) {
      const chunk = new Uint8Array(Math.min(copyBytes, length - copied));
      const count = await readFully(source, chunk, piece.offset + copied);
      if (count === 0) break;
      checksum = crc32(chunk.subarray(0, count), checksum);
      await writeFully(target, chunk.subarray(0, count), copied);
      copied += count;
    }
    await target.syncData();
  } catch (error) {
    await target.close().catch(() => undefined);
    await unlinkIfThere(fileSystem, temporaryPath).catch(() => undefined);
    throw error;
  }
  await target.close();
  const name = `${piece.kind}-${piece.offset}-${checksumText(checksum)}`;
  await fileSystem.rename(temporaryPath, `${directory}/${name}`);
  await fileSystem.syncDirectory(directory);
  return name;
}

async function makeDirectory(fileSystem: FileSystem, directory: string): Promise<void> {
  try {
    await fileSystem.makeDirectory(directory, 0o700);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  }
  await fileSystem.syncDirectory(directoryOf(directory));
}

async function makeRoom(
  fileSystem: FileSystem,
  directory: string,
  files: QuarantineFile[],
  wanted: number,
): Promise<void> {
  let held = files.reduce((sum, file) => sum + file.size, 0);
  const oldestFirst = [...files].sort((one, other) => one.modifiedMs - other.modifiedMs || one.offset - other.offset);
  for (const file of oldestFirst) {
    if (held + wanted <= quarantineBytesMax) return;
    await unlinkIfThere(fileSystem, `${directory}/${file.name}`);
    held -= file.size;
  }
}

/** Whether a file holds what the log holds, but for bytes that recovery has already made harmless. */
async function holdsSame(
  fileSystem: FileSystem,
  path: string,
  source: FileHandle,
  offset: number,
  length: number,
): Promise<boolean> {
  const file = await fileSystem.open(path, { access: "read" });
  try {
    const saved = new Uint8Array(copyBytes);
    const current = new Uint8Array(copyBytes);
    for (let compared = 0; compared < length; compared += copyBytes) {
      const count = Math.min(copyBytes, length - compared);
      const savedCount = await readFully(file, saved.subarray(0, count), compared);
      const currentCount = await readFully(source, current.subarray(0, count), offset + compared);
      if (savedCount !== currentCount) return false;
      for (let index = 0; index < savedCount; index++) {
        const byte = current[index];
        if (byte !== saved[index] && byte !== lineFeed && byte !== harmlessByte && byte !== fragmentByte) return false;
      }
    }
    return true;
  } finally {
    await file.close();
  }
}

/**
 * Finds the files of a key: which of the names that it may have is its own is said by the meta file, and where that is
 * lost, by the seed of the log's first checksum (B8).
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";
import { readWhole } from "../log/atomic_file.ts";
import { firstLine } from "../log/log_lines.ts";
import { keyChecksum, lineChecksum, readMark } from "../log/record_format.ts";
import { parseMeta, type SessionMeta } from "./session_meta.ts";
import { fittingOrigin } from "./session_origin.ts";
import { isNameOf, picoclawName, type SessionFiles, sessionFiles, sessionNames } from "./session_name.ts";

/** No meta file of ours or picoclaw's comes near; it is read whole. */
const metaBytesMax = 16 * 1024 * 1024;
/** Names with more `_` are not searched for the key that they stand for. */
const separatorsMax = 6;

/** What a meta file's place holds. */
export type MetaState =
  | { state: "ok"; meta: SessionMeta }
  | { state: "missing" }
  | { state: "damaged"; reason: string };

/** The files of a key, and what its meta file says. */
export interface SessionLocation {
  /** Its paths. */
  files: SessionFiles;
  /** Its meta file. */
  meta: MetaState;
}

/**
 * Reads a meta file.
 *
 * @param fileSystem The port.
 * @param path The meta file.
 * @returns Its facts, or that it is missing or damaged.
 */
export async function readMeta(fileSystem: FileSystem, path: string): Promise<MetaState> {
  const bytes = await readWhole(fileSystem, path, metaBytesMax);
  if (bytes === null) return { state: "missing" };
  const parsed = parseMeta(bytes);
  return "meta" in parsed ? { state: "ok", meta: parsed.meta } : { state: "damaged", reason: parsed.reason };
}

/**
 * Reads the meta file of a session. A key in it that has no business under its name, nor with its log, is damage: the
 * key that the log is seeded with is put in its place, so that no flipped bit there takes a log from its session (I12).
 * A copy of both files under another name stays what it is, as its log fits.
 *
 * @param fileSystem The port.
 * @param files The paths.
 * @param asking The key that would have it; null: nobody asks.
 * @returns Its facts, or that it is missing or damaged.
 */
export async function readSessionMeta(
  fileSystem: FileSystem,
  files: SessionFiles,
  asking: string | null,
): Promise<MetaState> {
  const read = await readMeta(fileSystem, files.meta);
  if (read.state !== "ok" || read.meta.key === "" || read.meta.key === asking) return read;
  if (isNameOf(files.name, read.meta.key) || picoclawName(read.meta.key) === files.name) return read;
  const key = await keyOfLog(fileSystem, files, read.meta.key, asking);
  return key === null ? read : { state: "ok", meta: { ...read.meta, key } };
}

/** The key that a log is seeded with and that may have its name, if it is not the one that is doubted. */
async function keyOfLog(
  fileSystem: FileSystem,
  files: SessionFiles,
  doubted: string,
  asking: string | null,
): Promise<string | null> {
  const seed = await seedOfLog(fileSystem, files);
  if (typeof seed === "string" || seed.fits(doubted)) return null;
  const key = await seededKey(fileSystem, files, seed, asking);
  return key !== null && isNameOf(files.name, key) ? key : null;
}

/**
 * Finds the files of a key.
 *
 * @param fileSystem The port.
 * @param directory The store's directory.
 * @param key The session's key.
 * @returns Where they are, also if the session is deleted; null if there are none.
 */
export async function locateSession(
  fileSystem: FileSystem,
  directory: string,
  key: string,
): Promise<SessionLocation | null> {
  for (const name of sessionNames(key)) {
    const files = sessionFiles(directory, name);
    const meta = await readSessionMeta(fileSystem, files, key);
    const owner = meta.state === "ok" && meta.meta.key !== "" ? meta.meta.key : null;
    if (owner === key || (owner === null && await logOwner(fileSystem, files, key) === key)) return { files, meta };
  }
  const foreignName = picoclawName(key);
  if (foreignName === null) return null;
  const files = sessionFiles(directory, foreignName);
  const meta = await readMeta(fileSystem, files.meta);
  return meta.state === "ok" && meta.meta.key === key ? { files, meta } : null;
}

/**
 * Whose a log is that no meta file speaks for.
 *
 * @param fileSystem The port.
 * @param files The paths.
 * @param asking The key that would have it, or the name where nobody asks.
 * @returns The key, or null if there is no log or it belongs to another.
 */
export async function logOwner(fileSystem: FileSystem, files: SessionFiles, asking: string): Promise<string | null> {
  const seed = await seedOfLog(fileSystem, files);
  if (seed === "no log") return null;
  if (seed === "not ours") return asking;
  return await seededKey(fileSystem, files, seed, asking) ?? (asking === files.name ? asking : null);
}

/** What a log's first line says of the key that it is seeded with. */
interface LogSeed {
  fits(key: string): boolean;
}

async function seedOfLog(fileSystem: FileSystem, files: SessionFiles): Promise<LogSeed | "no log" | "not ours"> {
  const first = await firstLine(fileSystem, files.log);
  if (first === "no log") return first;
  const verdict = first === null ? null : readMark(first);
  if (first === null || verdict?.kind !== "marked") return "not ours";
  const { mark } = verdict;
  return { fits: (key) => lineChecksum(first, mark, keyChecksum(key)) === mark.checksum };
}

/** Whose the seed is: of who asks, of a fork whose origin is noted, of a key that the name stands for; else null. */
async function seededKey(
  fileSystem: FileSystem,
  files: SessionFiles,
  { fits }: LogSeed,
  asking: string | null,
): Promise<string | null> {
  if (asking !== null && fits(asking)) return asking;
  const origin = await fittingOrigin(fileSystem, files);
  return origin === null ? keysOf(files.name).find(fits) ?? null : origin.key;
}

/** The keys that picoclaw's mapping turns into a name. */
function keysOf(name: string): string[] {
  const parts = name.split("_");
  if (parts.length - 1 > separatorsMax) return [name];
  let keys = [parts[0] ?? ""];
  for (const part of parts.slice(1)) {
    keys = keys.flatMap((key) => ["_", ":", "/", "\\"].map((separator) => key + separator + part));
  }
  return keys;
}

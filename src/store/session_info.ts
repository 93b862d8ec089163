/**
 * What `list` shows of a session: from its meta file and, of a log that is not sealed at its size, the last 64 KiB; the
 * numbers stand in the lines. Nothing is written.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import type { FileHandle } from "../fs/filesystem.ts";
import { statIfThere } from "../log/atomic_file.ts";
import { scannerBytesInitial } from "../log/line_scanner.ts";
import { lineFrom, linesFromEnd, LogLines } from "../log/log_lines.ts";
import { chainStart } from "../log/record_chain.ts";
import { readMark } from "../log/record_format.ts";
import { findSeal } from "../log/seal.ts";
import { locateSession, type SessionLocation } from "./session_location.ts";
import type { SessionMeta, SessionParent } from "./session_meta.ts";
import type { StoreContext } from "./store_context.ts";

/** A session in a list. */
export interface SessionInfo {
  /** The session's key. */
  key: string;
  /** How many records its log holds, hidden ones too; damaged lines are not told apart. */
  records: number;
  /** How many of them are active. */
  active: number;
  /** The log's size in bytes. */
  bytes: number;
  /** The summary of what is not in the active records. */
  summary: string;
  /** A title for people. */
  title: string | null;
  /** The workspace that it belongs to. */
  workspace: string | null;
  /** Where it branches off from another session; null: it does not. */
  parent: SessionParent | null;
  /** When it was created, RFC 3339, as its meta file says; null if that is unknown. */
  createdAt: string | null;
  /** When its log was last written, as the file system saw it, RFC 3339; null if it has none. */
  updatedAt: string | null;
}

/** A session in a list, and what the list is ordered by. */
export interface RankedInfo extends SessionInfo {
  /** Last write as the file system saw it, in milliseconds. */
  modifiedMs: number;
}

/**
 * Describes a session.
 *
 * @param context What the store shares.
 * @param key The session's key.
 * @returns What is known of it; null if there is no such session.
 */
export async function describeSession(context: StoreContext, key: string): Promise<SessionInfo | null> {
  const location = await locateSession(context.fileSystem, context.directory, key);
  const ranked = location === null ? null : await describeLocation(context, location, key);
  if (ranked === null) return null;
  const { modifiedMs: _, ...info } = ranked;
  return info;
}

/**
 * Describes the session at a place.
 *
 * @param context What the store shares.
 * @param location Its files and what its meta file says.
 * @param key The session's key.
 * @returns What is known of it; null if it is deleted.
 */
export async function describeLocation(
  context: StoreContext,
  location: SessionLocation,
  key: string,
): Promise<RankedInfo | null> {
  const { fileSystem } = context;
  const { files } = location;
  const meta = location.meta.state === "ok" ? location.meta.meta : null;
  if (meta?.deleted === true) return null;
  const counts = { records: 0, active: 0, bytes: 0 };
  const stat = await statIfThere(fileSystem, files.log) ?? await statIfThere(fileSystem, files.meta);
  try {
    const handle = await fileSystem.open(files.log, { access: "read" });
    try {
      Object.assign(counts, await countRecords(handle, meta, key));
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
  const modifiedMs = stat?.modifiedMs ?? 0;
  return {
    key,
    ...counts,
    summary: meta?.summary ?? "",
    title: meta?.title ?? null,
    workspace: meta?.workspace ?? null,
    parent: meta?.parent ?? null,
    createdAt: meta?.createdAt || null,
    updatedAt: stat === null ? null : new Date(modifiedMs).toISOString(),
    modifiedMs,
  };
}

async function countRecords(
  handle: FileHandle,
  meta: SessionMeta | null,
  key: string,
): Promise<Pick<SessionInfo, "records" | "active" | "bytes">> {
  const { size: bytes } = await handle.stat();
  const seal = meta?.sealed === undefined ? null : await findSeal(handle, meta.sealed, bytes);
  const first = await firstNumber(handle, bytes, key);
  const next = seal !== null && seal.offset === bytes ? seal.sequence : await lastNumber(handle, bytes);
  if (next === null) {
    // No line of ours near the end: lines of picoclaw's, which are counted where that is cheap.
    const records = bytes <= scannerBytesInitial || meta === null ? await countLines(handle, bytes) : meta.count;
    return { records, active: Math.max(0, records - Math.min(meta?.skip ?? 0, records)), bytes };
  }
  // Picoclaw says in lines what is hidden; they have the numbers from the first one's on.
  const active = Math.max(0, next - Math.max(meta?.first ?? first + (meta?.skip ?? 0), first));
  return { records: Math.max(0, next - first), active, bytes };
}

const headBytes = 1024;

/** The number of the first line: 0 unless a compaction or a replace began the log with another. */
async function firstNumber(handle: FileHandle, size: number, key: string): Promise<number> {
  // Mostly it is short.
  for (const bound of [headBytes, scannerBytesInitial]) {
    const line = await lineFrom(handle, 0, Math.min(size, bound));
    if (line === null) continue;
    if (!line.terminated && bound < Math.min(size, scannerBytesInitial)) continue;
    const verdict = line.bytes === null ? null : readMark(line.bytes);
    return verdict?.kind === "marked" ? verdict.mark.sequence : chainStart(key).sequence;
  }
  return 0;
}

/** One past the number of the last line that says one, plus the lines behind it; null if none does near the end. */
async function lastNumber(handle: FileHandle, size: number): Promise<number | null> {
  let behind = 0;
  for await (const line of linesFromEnd(handle, Math.max(0, size - scannerBytesInitial), size)) {
    const verdict = line.bytes === null ? null : readMark(line.bytes);
    if (verdict?.kind === "marked") return verdict.mark.sequence + 1 + behind;
    if (line.terminated) behind++;
  }
  return null;
}

const braceClose = 0x7d;

async function countLines(handle: FileHandle, size: number): Promise<number> {
  const lines = new LogLines(handle, 0, size);
  let torn = 0;
  while (await lines.fill()) {
    for (let line = lines.next(); line !== null; line = lines.next()) {
      // What has lost its end is no record yet.
      if (!line.terminated && line.bytes?.at(-1) !== braceClose) torn++;
    }
  }
  return lines.rawCount - torn;
}

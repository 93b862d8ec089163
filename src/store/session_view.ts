/**
 * What a reader sees of a session, without the lock and without writing: one log, the meta that belongs to it, and the
 * verdict on the log's end, all of one moment (B4).
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import type { FileHandle, FileSystem } from "../fs/filesystem.ts";
import { directoryOf, statIfThere } from "../log/atomic_file.ts";
import { EndWindow } from "../log/end_window.ts";
import { lineFrom, LogLines } from "../log/log_lines.ts";
import { type ChainPosition, chainStartOn, RecordChain } from "../log/record_chain.ts";
import { checksumText, readMark } from "../log/record_format.ts";
import { findSeal } from "../log/seal.ts";
import { readUnsealedTail, type UnsealedTail } from "../log/unsealed_tail.ts";
import { lostOrigin, seedOf } from "./session_origin.ts";
import { locateSession, type MetaState, type SessionLocation } from "./session_location.ts";
import type { SessionMeta } from "./session_meta.ts";
import type { SessionFiles } from "./session_name.ts";

/** A log as a reader sees it. */
export interface LogView {
  /** Its path. */
  path: string;
  /** The log, open for reading. */
  handle: FileHandle;
  /** Its size at that moment, in bytes. */
  size: number;
  /** Its start. */
  start: ChainPosition;
  /** Where the seal ends, or its start. */
  floor: ChainPosition;
  /** The verdict on its end. */
  tail: UnsealedTail;
  /** The log, with what of its end was read for the verdict at hand. */
  window: EndWindow;
  /** The number of the first active record. */
  first: number;
}

/** A session as a reader sees it. */
export interface SessionView {
  /** Its paths. */
  files: SessionFiles;
  /** Its meta file. */
  meta: MetaState;
  /** Its log; null if it has none yet. */
  log: LogView | null;
  /** The summary that counts: a replace whose log is there brings its own. */
  summary: string;
}

/** What a reader in the writer's own process goes by: it shows nothing that a power cut could take (I6). */
export interface OwnWriter {
  /** Whether the log's name is going over to a new log at this moment. */
  readonly isSwitching: boolean;
  /** What the log holds from this offset on is not durable yet; `Infinity` if all is. */
  readonly durableEnd: number;
  /** Resolves when all that was called before is done and durable. */
  settled(): Promise<void>;
}

/** How often a log may be replaced under a reader's hands before that is called an error. */
const attemptsMax = 100;

/**
 * Opens a session for reading. {@linkcode closeView} gives it back.
 *
 * @param fileSystem The port.
 * @param directory The store's directory.
 * @param key The session's key.
 * @param writer Its writer, if that is in this process.
 * @returns The view; null if there is no such session.
 */
export async function openView(
  fileSystem: FileSystem,
  directory: string,
  key: string,
  writer: OwnWriter | null = null,
): Promise<SessionView | null> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const location = await locateSession(fileSystem, directory, key);
    if (location === null || (location.meta.state === "ok" && location.meta.meta.deleted)) return null;
    const view = await viewOnce(fileSystem, location, key, writer);
    if (view !== null) return view;
    if (writer?.isSwitching === true) await writer.settled();
  }
  throw new HoldfastError("io", `Log is being replaced all the time: ${key}`, { path: directory });
}

/**
 * Gives a view back.
 *
 * @param view The view; null is fine, and so is one that was given back.
 */
export async function closeView(view: SessionView | null): Promise<void> {
  const log = view?.log ?? null;
  if (view === null || log === null) return;
  view.log = null;
  // Nothing was written through it: what was read, or made of that, stands.
  await log.handle.close().catch(() => undefined);
}

/**
 * Reads the summary that counts, and no log unless a replace is pending.
 *
 * @param fileSystem The port.
 * @param directory The store's directory.
 * @param key The session's key.
 * @returns The summary; empty if there is no such session.
 */
export async function readSummary(fileSystem: FileSystem, directory: string, key: string): Promise<string> {
  const location = await locateSession(fileSystem, directory, key);
  const meta = location?.meta.state === "ok" ? location.meta.meta : null;
  if (meta === null || meta.deleted) return "";
  if (meta.replacing === undefined) return meta.summary;
  const view = await openView(fileSystem, directory, key);
  await closeView(view);
  return view?.summary ?? "";
}

/** Opens the log, then reads the meta, then looks whether the name still leads to the same file; null if not. */
async function viewOnce(
  fileSystem: FileSystem,
  before: SessionLocation,
  key: string,
  writer: OwnWriter | null,
): Promise<SessionView | null> {
  const { files } = before;
  let handle: FileHandle | null = null;
  try {
    handle = await fileSystem.open(files.log, { access: "read" });
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
  let keep = false;
  try {
    const after = await locateSession(fileSystem, directoryOf(files.log), key);
    const stat = await statIfThere(fileSystem, files.log);
    const opened = handle === null ? null : await handle.stat();
    if (after === null || after.files.name !== files.name || stat?.inode !== opened?.inode) return null;
    if (writer?.isSwitching === true) return null;
    const size = Math.min(opened?.size ?? 0, writer?.durableEnd ?? Infinity);
    const meta = after.meta.state === "ok" ? after.meta.meta : null;
    if (meta?.deleted === true) return null;
    const seed = seedOf(key, { seed: meta?.seed, ...await lostOrigin(fileSystem, files, key, meta) });
    const log = handle === null || opened === null ? null : await viewLog(files.log, handle, size, meta, seed);
    const summary = await effectiveSummary(handle, meta);
    keep = true;
    return { files, meta: after.meta, log, summary };
  } finally {
    if (!keep) await handle?.close();
  }
}

/** How often the end of a log is read, at the most, before what is broken there is believed. */
const looksMax = 5;

async function viewLog(
  path: string,
  handle: FileHandle,
  size: number,
  meta: SessionMeta | null,
  seed: number,
): Promise<LogView> {
  const start = chainStartOn(seed);
  const floor = meta?.sealed === undefined ? start : await findSeal(handle, meta.sealed, size) ?? start;
  let window = new EndWindow(handle, size);
  let tail = await readUnsealedTail(window, floor, size);
  // While somebody writes, a page that was read early can be older than the one behind it, as if it had broken off.
  for (let looks = 1; tail.breaks > 0 && looks < looksMax; looks++) {
    const { breaks, kept: { offset } } = tail;
    window = new EndWindow(handle, size);
    tail = await readUnsealedTail(window, floor, size);
    // What is really damaged stays.
    if (tail.breaks === breaks && tail.kept.offset === offset) break;
  }
  const first = await firstActive(handle, start, tail.kept.offset, meta);
  return { path, handle, size, start, floor, tail, window, first };
}

/**
 * The number of the first active record. Picoclaw says it in lines only.
 *
 * @param handle The open log.
 * @param start Its start.
 * @param end Behind its last line that counts.
 * @param meta What the meta file says; null: nothing is hidden.
 * @returns The number.
 */
export async function firstActive(
  handle: FileHandle,
  start: ChainPosition,
  end: number,
  meta: SessionMeta | null,
): Promise<number> {
  if (meta === null) return 0;
  if (meta.first !== undefined) return meta.first;
  if (meta.skip === 0) return 0;
  const chain = new RecordChain(start);
  const lines = new LogLines(handle, start.offset, end);
  while (await lines.fill()) {
    for (let line = lines.next(); line !== null; line = lines.next()) {
      const verdict = chain.take(line);
      if (verdict !== null && verdict.rawIndex >= meta.skip) return verdict.sequence;
    }
  }
  return chain.sequenceNext;
}

/**
 * Whether a replace that the meta file tells of has happened: its log is there.
 *
 * @param handle The open log; null if there is none.
 * @param meta What the meta file says.
 * @returns True if the replace counts.
 */
export async function hasReplaced(handle: FileHandle | null, meta: SessionMeta | null): Promise<boolean> {
  const replacing = meta?.replacing;
  if (replacing === undefined || handle === null) return false;
  const { size } = await handle.stat();
  const bytes = (await lineFrom(handle, 0, size))?.bytes ?? null;
  const verdict = bytes === null ? null : readMark(bytes);
  return verdict?.kind === "marked" && verdict.mark.sequence === replacing.first &&
    checksumText(verdict.mark.checksum) === replacing.checksum;
}

async function effectiveSummary(handle: FileHandle | null, meta: SessionMeta | null): Promise<string> {
  const replaced = await hasReplaced(handle, meta);
  return (replaced ? meta?.replacing?.summary : undefined) ?? meta?.summary ?? "";
}

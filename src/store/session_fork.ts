/**
 * Forks a session: another one that begins with the same records, bytes, numbers and ids, and goes on by itself. It
 * outlives its source, and the source knows nothing of it.
 *
 * All or nothing: while the fork is made, its meta file says that it is deleted, so no reader sees it, and what a crash
 * leaves of it is removed like the rest of a deleted session. The meta file that says what it is, is the commit.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { FileHandle, FileSystem } from "../fs/filesystem.ts";
import { archiveSegments, linkSegment, recordsUpTo, segmentPlan, writeSegment } from "../log/archive.ts";
import { replaceFile, statIfThere, unlinkIfThere } from "../log/atomic_file.ts";
import { findForkPoint, type ForkPoint } from "../log/fork_point.ts";
import { copyLog } from "../log/log_copy.ts";
import { type ReadPlan, readRecords } from "../log/log_reader.ts";
import { LogPlaces, seekSequence } from "../log/log_seek.ts";
import { checksumText, keyChecksum } from "../log/record_format.ts";
import { makeSeal } from "../log/seal.ts";
import { hasBlobDirectory } from "./blob_files.ts";
import { countRange } from "./line_count.ts";
import { SessionBlobs } from "./session_blobs.ts";
import { removeSessionFiles } from "./session_files.ts";
import { claimSession, type SessionClaim } from "./session_lock.ts";
import { encodeMeta, newMeta, type SessionMeta, type SessionParent } from "./session_meta.ts";
import type { SessionFiles } from "./session_name.ts";
import { writeOrigin } from "./session_origin.ts";
import { notFound, planOf, type ReadTarget, withView } from "./session_reading.ts";
import type { LogView, SessionView } from "./session_view.ts";
import { type StoreContext, timestamp } from "./store_context.ts";

/** Options of `SessionStore.fork`. */
export interface ForkOptions {
  /**
   * The number of the last record that the fork begins with; it may be hidden, or in the archive.
   *
   * @default {the last record}
   */
  at?: number;
  /**
   * Told how far it is, where bytes cannot be shared and must be copied. What it throws ends the fork: there is none
   * then.
   *
   * @default {nobody is told}
   */
  onProgress?: (progress: ForkProgress) => void;
}

/** How far a fork is. */
export interface ForkProgress {
  /** How many bytes are copied. */
  copiedBytes: number;
  /** How many there are to copy. */
  bytes: number;
}

/** What a fork was made of. */
export interface ForkResult {
  /** The fork's key. */
  key: string;
  /** The number of the last record that it begins with; null: it has none. */
  sequence: number | null;
  /** Its log's size in bytes. */
  bytes: number;
  /** How many of them are on flash only once, shared with the source. */
  sharedBytes: number;
}

/** A fork that was made, and what it shows. */
export interface MadeFork {
  /** What it was made of. */
  result: ForkResult;
  /** Its summary. */
  summary: string;
}

/** Where a log, or a file of the archive, is cut. */
interface Cut {
  path: string;
  handle: FileHandle;
  plan: ReadPlan;
  point: ForkPoint;
  /** Up to where the lines of it are counted. */
  counted: { bytes: number; count: number };
  /** Whether hidden records stay hidden: not where the fork would show nothing else. */
  keepsHidden: boolean;
  /** Told how far it is. */
  onProgress?: (progress: ForkProgress) => void;
}

/**
 * Forks a session. All that is written is the target's; the source need not be idle.
 *
 * @param source The session that is forked; everything that its writer here has appended is durable.
 * @param to The fork's key.
 * @param at The number of the last record that the fork begins with; null: the last one.
 * @param onProgress Told how far it is.
 * @returns What it was made of, and what it shows.
 * @throws {HoldfastError} `exists` if there is a session `to`, `not-found` if there is no source or no such record,
 * `locked` if somebody else writes `to`.
 */
export async function forkSession(
  source: ReadTarget,
  to: string,
  at: number | null,
  onProgress: ForkOptions["onProgress"],
): Promise<MadeFork> {
  for (;;) {
    const made = await withView(source, async (view) => {
      if (view === null) throw notFound(source.key);
      return await withCut(source, view, at, async (found) => {
        const cut = found === null || onProgress === undefined ? found : { ...found, onProgress };
        return await claimAndFork(source, view, cut, to);
      });
    });
    if (made !== null) return made;
  }
}

/** Null: the source's log was replaced meanwhile, and what it named may have been collected. */
async function claimAndFork(
  source: ReadTarget,
  view: SessionView,
  cut: Cut | null,
  to: string,
): Promise<MadeFork | null> {
  const { context } = source;
  const claim = await claimSession(context, to);
  try {
    await assertFree(context, claim, to);
    const make = async (): Promise<MadeFork> => await makeFork(source, view, cut, claim.files, to);
    if (cut === null || !await hasBlobDirectory(context)) return await make();
    const blobs = new SessionBlobs(context, claim.files);
    try {
      // From here on no blob is removed; up to here, none that the source still names.
      return await blobs.during(async () => await isStillThere(context.fileSystem, cut) ? await make() : null);
    } finally {
      await blobs.close();
    }
  } finally {
    await claim.lock.release();
  }
}

async function isStillThere(fileSystem: FileSystem, { path, handle }: Cut): Promise<boolean> {
  return (await statIfThere(fileSystem, path))?.inode === (await handle.stat()).inode;
}

/** Under the lock: what a crash left is taken away, what is somebody's is refused. */
async function assertFree(context: StoreContext, { files, meta }: SessionClaim, key: string): Promise<void> {
  const { fileSystem } = context;
  const isRest = meta.state === "ok" && meta.meta.deleted;
  if (!isRest && (meta.state !== "missing" || await statIfThere(fileSystem, files.log) !== null)) {
    throw new HoldfastError(
      "exists",
      `There is a session ${JSON.stringify(key)} already; remove it, or take another key`,
      {
        path: files.meta,
      },
    );
  }
  if (!isRest) {
    for (const path of [files.logTemporary, files.metaTemporary, files.origin]) await unlinkIfThere(fileSystem, path);
    return;
  }
  await removeSessionFiles(fileSystem, files);
  context.report({ type: "delete-finished", key, path: files.meta, message: "Removed the rest of a deleted session" });
}

async function withCut<T>(
  source: ReadTarget,
  view: SessionView,
  at: number | null,
  use: (cut: Cut | null) => Promise<T>,
): Promise<T> {
  const { log } = view;
  const cut = log === null ? null : await cutLog(source, log, at);
  if (cut !== null || at === null) return await use(cut);
  const { fileSystem } = source.context;
  const seed = log?.start.checksum ?? keyChecksum(source.key);
  for (const { path, first, last, size } of await archiveSegments(fileSystem, view.files.archive)) {
    if (at < first || at > last) continue;
    const handle = await fileSystem.open(path, { access: "read" });
    try {
      const plan = segmentPlan(size, seed);
      const point = await findForkPoint(handle, plan, plan.start, at);
      if (point === null) continue;
      return await use({ path, handle, plan, point, counted: { bytes: 0, count: 0 }, keepsHidden: false });
    } finally {
      await handle.close();
    }
  }
  const message = `Session ${JSON.stringify(source.key)} has no record ${at}, or no longer`;
  throw new HoldfastError("not-found", message);
}

async function cutLog(source: ReadTarget, log: LogView, at: number | null): Promise<Cut | null> {
  const { path, handle, start, floor, first } = log;
  const { kept, hasOwn } = log.tail;
  const plan = { ...planOf(source, log), sequenceMin: 0 };
  const near = at === null || !hasOwn
    ? start
    : await seekSequence(handle, { start, end: kept }, at, source.places ?? new LogPlaces());
  const point = await findForkPoint(handle, plan, at !== null && near.sequence <= at ? near : start, at);
  if (point === null) return null;
  const isCounted = floor.rawCount !== null && floor.offset <= point.bytes;
  const counted = isCounted ? { bytes: floor.offset, count: floor.rawCount ?? 0 } : { bytes: 0, count: 0 };
  const keepsHidden = at === null || point.sequence >= first || point.sequence + 1 === kept.sequence;
  return { path, handle, plan, point, counted, keepsHidden };
}

async function makeFork(
  source: ReadTarget,
  view: SessionView,
  cut: Cut | null,
  files: SessionFiles,
  to: string,
): Promise<MadeFork> {
  const { context, key } = source;
  const { fileSystem } = context;
  const write = async (meta: SessionMeta): Promise<void> => {
    await replaceFile(fileSystem, files.meta, files.metaTemporary, encodeMeta(meta));
    context.counters.metaWrites++;
  };
  const parent = { key, sequence: cut?.point.sequence ?? null };
  const facts = factsOf(view, to, parent, cut?.keepsHidden ?? true);
  let result = { key: to, sequence: parent.sequence, bytes: 0, sharedBytes: 0 };
  let meta = facts;
  try {
    if (cut !== null) {
      await write({ ...newMeta(to, facts.createdAt), deleted: true });
      const made = await makeFiles(source, view, cut, files, facts);
      meta = made.meta;
      result = { ...result, bytes: made.bytes, sharedBytes: made.sharedBytes };
    }
  } catch (error) {
    await takenBack(fileSystem, files);
    throw nothingHappened(error, files);
  }
  try {
    await write(meta);
  } catch (error) {
    const isUnknown = error instanceof HoldfastError && error.code === "failed";
    if (!isUnknown) await takenBack(fileSystem, files);
    throw error;
  }
  await context.workspaces.touch({ key: to, files }, meta.workspace);
  return { result, summary: meta.summary };
}

/** Everything but the meta file; durable when it resolves. */
async function makeFiles(
  source: ReadTarget,
  view: SessionView,
  cut: Cut,
  files: SessionFiles,
  facts: SessionMeta,
): Promise<{ meta: SessionMeta; bytes: number; sharedBytes: number }> {
  const { fileSystem, directory } = source.context;
  const { path, handle, point, plan } = cut;
  const onCopied = (copiedBytes: number): void => cut.onProgress?.({ copiedBytes, bytes: point.bytes });
  const copied = { path, handle, bytes: point.bytes, end: point.end, onCopied };
  const copy = await copyLog(fileSystem, copied, files.logTemporary);
  try {
    await fileSystem.rename(files.logTemporary, files.log);
    const seed = plan.start.checksum ?? keyChecksum(source.key);
    await writeOrigin(fileSystem, files, { key: facts.key, seed, parent: facts.parent });
    const firstSequence = await firstNumber(cut);
    await forkArchive(source, view, files, seed, firstSequence);
    // The names must be there before the meta file says that the session is.
    await fileSystem.syncDirectory(directory);
    const { bytes, count } = cut.counted;
    const lines = count + await countRange(copy.handle, bytes, copy.bytes);
    const first = cut.keepsHidden ? Math.max(facts.first ?? 0, firstSequence) : firstSequence;
    const skip = first > firstSequence ? await linesBefore(cut, first, lines) : 0;
    const sealed = await makeSeal(copy.handle, point.position, lines) ?? undefined;
    const meta = { ...facts, seed: checksumText(seed), first, skip, count: lines, sealed };
    return { meta, bytes: copy.bytes, sharedBytes: copy.sharedBytes };
  } finally {
    await copy.handle.close();
  }
}

/** What the fork takes over beside records. Aliases lead to the source; times in records stay, this is a new session. */
function factsOf(view: SessionView, to: string, parent: SessionParent, keepsHidden: boolean): SessionMeta {
  const facts = newMeta(to, timestamp());
  const source = view.meta.state === "ok" ? view.meta.meta : facts;
  const { title, workspace, scope } = source;
  const first = view.log?.first ?? source.first ?? 0;
  return { ...facts, title, workspace, scope, first, parent, summary: keepsHidden ? view.summary : "" };
}

/** The number of the first record that is taken over. */
async function firstNumber({ handle, plan, point }: Cut): Promise<number> {
  for await (const records of readRecords(handle, { ...plan, withContent: false })) {
    for (const { sequence } of records) return sequence;
  }
  return point.sequence;
}

/** How many lines, as picoclaw counts, stand in front of a record. */
async function linesBefore({ handle, plan, point }: Cut, first: number, lines: number): Promise<number> {
  for await (const records of readRecords(handle, { ...plan, withContent: false })) {
    for (const { sequence, rawIndex } of records) {
      if (sequence > point.sequence) return lines;
      if (sequence >= first) return rawIndex ?? 0;
    }
  }
  return lines;
}

/** The archive's files never change, so they only get one more name each. */
async function forkArchive(
  source: ReadTarget,
  view: SessionView,
  files: SessionFiles,
  seed: number,
  firstSequence: number,
): Promise<void> {
  const { fileSystem } = source.context;
  const inode = (await view.log?.handle.stat())?.inode;
  for (const segment of await archiveSegments(fileSystem, view.files.archive)) {
    if (segment.first >= firstSequence || segment.inode === inode) continue;
    const range = { first: segment.first, last: Math.min(segment.last, firstSequence - 1) };
    if (await linkSegment(fileSystem, files.archive, segment.path, range)) continue;
    const handle = await fileSystem.open(segment.path, { access: "read" });
    try {
      const groups = readRecords(handle, segmentPlan(segment.size, seed));
      await writeSegment(fileSystem, files.archive, range, seed, recordsUpTo(groups, range.last));
    } finally {
      await handle.close();
    }
  }
}

/** What is left if this fails, too, is no session, and goes when the key is next written. */
async function takenBack(fileSystem: FileSystem, files: SessionFiles): Promise<void> {
  await removeSessionFiles(fileSystem, files).catch(() => undefined);
}

/** Until the commit no outcome is unknown: there is no fork. */
function nothingHappened(error: unknown, files: SessionFiles): unknown {
  if (!(error instanceof HoldfastError) || error.code !== "failed") return error;
  return new HoldfastError("io", `Fork could not be made: ${error.message}`, { path: files.meta, cause: error });
}

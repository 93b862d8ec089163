/**
 * What changes a session's history: logical truncation, replace, compaction. None of them loses a record that was not
 * meant, and none brings one back: see `FORMAT.md`, "Which log is there".
 *
 * All of them run on an open session whose queue is theirs.
 *
 * @module
 */

import { type RewrittenLog, type RewrittenRecord, writeNewLog } from "../log/compaction.ts";
import { renameDurably, statIfThere, unlinkIfThere } from "../log/atomic_file.ts";
import { splitLine } from "../log/blob_member.ts";
import { LogLines } from "../log/log_lines.ts";
import { type ReadPlan, readRecords } from "../log/log_reader.ts";
import { readLastRecords } from "../log/log_tail.ts";
import type { LogWriter } from "../log/log_writer.ts";
import { setAside } from "../log/quarantine.ts";
import { chainStartOn, type DamagedLine } from "../log/record_chain.ts";
import { checksumText, lineBytesBound } from "../log/record_format.ts";
import { makeSeal } from "../log/seal.ts";
import { keepRemoved, type RemovedRecords, sweepUnfinished } from "./history_archive.ts";
import type { OpenSession } from "./open_session.ts";
import { beyondLimit } from "./session_limit.ts";
import type { SessionMeta } from "./session_meta.ts";

/** Options of `Session.compact`. */
export interface CompactionOptions {
  /**
   * Whether the records that are removed from the log are kept in `<name>.archive/`, where no bytes are copied if the
   * file system can give a file a second name.
   *
   * @default {what the store's `archive` says}
   */
  archive?: boolean;
}

/** What a compaction did. */
export interface CompactionResult {
  /** How many lines went: hidden records and damaged lines. */
  removed: number;
  /** The log's size before, in bytes. */
  bytesBefore: number;
  /** The log's size after, in bytes. */
  bytesAfter: number;
  /** How many of the records that went are in the archive. */
  archived: number;
}

/** Options of {@linkcode truncateHistory}. */
export interface TruncateOptions {
  /** The summary of what is hidden, set in the same commit; absent: it stays as it is. */
  summary?: string;
  /**
   * The number of the last record that counts among those to keep; later ones, which came while a summary was being
   * made, are kept as well.
   *
   * @default {the last record}
   */
  asOf?: number;
}

/**
 * Hides all but the last records, in one commit with the summary.
 *
 * @param session The open session.
 * @param keep How many to keep.
 * @param options Summary, and up to which record is counted.
 */
export async function truncateHistory(session: OpenSession, keep: number, options: TruncateOptions): Promise<void> {
  await session.guard("truncating", async () => {
    await session.lookAtLog();
    await session.sync();
    const change: Partial<SessionMeta> = {};
    const { writer } = session;
    const kept = writer === null ? null : await firstKept(session, writer, keep, options.asOf);
    if (kept !== null && kept.first > session.first) {
      change.first = kept.first;
      change.skip = await session.countLines() - kept.linesFrom;
    }
    if (options.summary !== undefined && options.summary !== session.meta.summary) change.summary = options.summary;
    if (Object.keys(change).length > 0) await session.writeMeta(change);
  });
}

/**
 * Replaces the whole history. Old or new after a crash, never a mix: the rename is the only commit point.
 *
 * @param session The open session.
 * @param texts The new records, each as one line without the mark; at least one. Their blobs are durable.
 * @param summary The summary that comes with it; absent: it stays as it is.
 */
export async function replaceHistory(session: OpenSession, texts: readonly string[], summary?: string): Promise<void> {
  await session.guard("replacing the history", async () => {
    const { fileSystem, sessionBytesMax: bytesMax } = session.context;
    const bytes = bytesMax === Infinity ? 0 : texts.reduce((sum, text) => sum + lineBytesBound(text), 0);
    if (bytes > bytesMax) throw beyondLimit({ path: session.files.log, offset: 0, bytesMax }, bytes);
    await session.lookAtLog();
    await session.noteWrite();
    await session.sync();
    const { files, sequenceNext } = session;
    const records = texts.map((text, index): RewrittenRecord => ({
      sequence: sequenceNext + index,
      ...splitLine(text),
      trust: "verified",
    }));
    const log = await writeNewLog(
      fileSystem,
      files.logTemporary,
      await statIfThere(fileSystem, files.log),
      session.seed,
      groupsOf([records]),
    );
    await orTakenBack(session, log, async () => {
      const first = { first: sequenceNext, checksum: checksumText(log.first?.checksum ?? 0) };
      await session.writeMeta({ replacing: summary === undefined ? first : { ...first, summary } });
    });
    await putInPlace(session, log, sequenceNext);
    await session.settleReplace(summary);
  });
}

/**
 * Removes hidden records and damaged lines from the log. The result is equivalent at every crash point: the meta file
 * says first how much of the new log is hidden, and the numbers in the lines tell the two logs apart.
 *
 * @param session The open session.
 * @param keepHidden Whether hidden records stay, so that damaged lines alone go: a repair removes nothing else.
 * @param archive Whether the records that go are kept beside the log.
 * @returns What went.
 */
export async function compactHistory(
  session: OpenSession,
  keepHidden: boolean = false,
  archive: boolean = false,
): Promise<CompactionResult> {
  return await session.guard("compacting", async () => {
    await session.lookAtLog();
    const { writer } = session;
    if (writer === null) return { removed: 0, bytesBefore: 0, bytesAfter: 0, archived: 0 };
    await session.sync();
    const bytesBefore = writer.tailOffset;
    const survey = await surveyLog(session, writer, keepHidden);
    if (survey.isCompact) return { removed: 0, bytesBefore, bytesAfter: bytesBefore, archived: 0 };
    await sweepUnfinished(session, writer);
    const { fileSystem } = session.context;
    const { files } = session;
    const old = await writer.handle.stat();
    const plan = durablePlan(session, writer, survey.keepFrom);
    const log = await writeNewLog(fileSystem, files.logTemporary, old, session.seed, readRecords(writer.handle, plan));
    // Sessions are listed by the time of their last write, and this is none.
    await log.handle.setModified?.(old.modifiedMs).catch(() => undefined);
    const count = log.position.rawCount ?? 0;
    const position = { ...log.position, sequence: Math.max(log.position.sequence, writer.sequenceNext) };
    await orTakenBack(session, log, async () => {
      const sealed = await makeSeal(log.handle, position, count) ?? undefined;
      if (archive) await keepRemoved(session, writer, durablePlan(session, writer, 0), survey);
      await session.writeMeta({ skip: survey.hidden, count, sealed });
    });
    await putInPlace(session, log, writer.sequenceNext);
    const archived = archive ? survey.removed : 0;
    return { removed: survey.lines - count, bytesBefore, bytesAfter: log.position.offset, archived };
  });
}

/** Meta says what will be in the new log; now its name leads to it. */
async function putInPlace(session: OpenSession, log: RewrittenLog, sequenceMin: number): Promise<void> {
  const { files, context } = session;
  session.switching = true;
  try {
    await renameDurably(context.fileSystem, files.logTemporary, files.log).catch(async (error: unknown) => {
      await log.handle.close();
      throw error;
    });
    context.counters.rewrites++;
    await session.rewritten({ ...log, path: files.log, sequenceMin: Math.max(sequenceMin, session.first) });
  } finally {
    session.switching = false;
  }
}

async function orTakenBack(session: OpenSession, log: RewrittenLog, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    await log.handle.close();
    await unlinkIfThere(session.context.fileSystem, session.files.logTemporary).catch(() => undefined);
    throw error;
  }
}

/** A log of which everything is durable, as reading wants it. */
function durablePlan(session: OpenSession, writer: LogWriter, sequenceMin: number): ReadPlan {
  const kept = writer.position;
  const tail = {
    durableOffset: kept.offset,
    kept,
    keptTerminated: true,
    torn: [],
    tornEnd: kept.offset,
    hasOwn: false,
    keptGlued: false,
    breaks: 0,
    size: kept.offset,
  };
  return { start: chainStartOn(session.seed), tail, sequenceMin, onDamage: () => undefined };
}

async function firstKept(
  session: OpenSession,
  writer: LogWriter,
  keep: number,
  asOf: number | undefined,
): Promise<{ first: number; linesFrom: number }> {
  const end = Math.min(writer.sequenceNext, asOf === undefined ? writer.sequenceNext : asOf + 1);
  const later = writer.sequenceNext - end;
  const plan = { ...durablePlan(session, writer, session.first), withContent: false };
  const last = await readLastRecords(writer.handle, plan, keep + later);
  const counted = last.filter((record) => record.sequence < end);
  const firstRecord = keep > 0 ? counted.at(-keep) ?? counted[0] : undefined;
  const from = firstRecord ?? last.find((record) => record.sequence >= end);
  if (from === undefined) return { first: end, linesFrom: 0 };
  const lines = new LogLines(writer.handle, from.offset, writer.tailOffset);
  while (await lines.fill()) while (lines.next() !== null);
  return { first: Math.max(session.first, from.sequence), linesFrom: lines.rawCount };
}

/** What a compaction would find. */
interface LogSurvey extends RemovedRecords {
  /** The number of the first record that stays. */
  keepFrom: number;
  /** How many of those that stay are hidden. */
  hidden: number;
  /** How many lines there are, damaged ones too. */
  lines: number;
  /** How many records go. */
  removed: number;
  /** Whether there is nothing to remove. */
  isCompact: boolean;
}

/** The last record always stays, hidden if need be: its number must not be used again (B1). */
async function surveyLog(session: OpenSession, writer: LogWriter, keepHidden: boolean): Promise<LogSurvey> {
  const damaged: DamagedLine[] = [];
  const plan = { ...durablePlan(session, writer, 0), withContent: false };
  let lines = 0;
  let bytes = 0;
  let hiddenLines = 0;
  let firstSequence = Infinity;
  let lastSequence = -1;
  let lastRemoved = -1;
  plan.onDamage = (line) => {
    lines++;
    // What recovery made harmless was set aside then.
    if (line.dead !== true) addRange(damaged, line);
  };
  for await (const records of readRecords(writer.handle, plan)) {
    for (const { sequence, length } of records) {
      lines++;
      bytes += length + 1;
      if (sequence < session.first) hiddenLines++;
      firstSequence = Math.min(firstSequence, sequence);
      if (lastSequence < session.first) lastRemoved = lastSequence;
      lastSequence = sequence;
    }
  }
  for (const line of damaged) await setDamagedAside(session, writer, line);
  const keepFrom = keepHidden ? 0 : Math.min(session.first, Math.max(lastSequence, 0));
  const hidden = keepHidden ? hiddenLines : keepFrom < session.first ? 1 : 0;
  const isCompact = damaged.length === 0 && bytes === writer.tailOffset && (firstSequence >= keepFrom);
  const removed = keepHidden ? 0 : Math.max(0, hiddenLines - hidden);
  const range = removed === 0 ? null : { first: firstSequence, last: lastRemoved };
  return { keepFrom, hidden, lines, isCompact, removed, range, withDamage: damaged.length > 0 };
}

/** Damaged lines that follow each other are one piece. */
function addRange(damaged: DamagedLine[], line: DamagedLine): void {
  const last = damaged.at(-1);
  if (last !== undefined && last.offset + last.length + 1 === line.offset) {
    last.length = line.offset + line.length - last.offset;
  } else {
    damaged.push({ ...line });
  }
}

async function setDamagedAside(session: OpenSession, writer: LogWriter, line: DamagedLine): Promise<void> {
  const { offset, length, reason } = line;
  const piece = { kind: "damaged" as const, offset, length };
  const name = await setAside(session.context.fileSystem, session.files.quarantine, writer.handle, piece);
  const message = `Damaged line (${reason}) was set aside as ${name}`;
  session.report({ type: "quarantined", path: session.files.log, offset, length, message });
}

// deno-lint-ignore require-await -- what is at hand already is given out as what is read would be
async function* groupsOf(groups: readonly (readonly RewrittenRecord[])[]): AsyncGenerator<readonly RewrittenRecord[]> {
  yield* groups;
}

/**
 * Reads a session without the lock and without writing: records, the tail, what verification finds, what `list` shows.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { findAnchor } from "../log/chain_anchor.ts";
import type { JsonObject } from "../log/json_text.ts";
import { type LogRecord, type ReadPlan, readRecords } from "../log/log_reader.ts";
import { readLastRecords } from "../log/log_tail.ts";
import { quarantineFiles } from "../log/quarantine.ts";
import type { ChainPosition, DamagedLine } from "../log/record_chain.ts";
import { findSeal, makeSeal, type Seal } from "../log/seal.ts";
import { closeView, type LogView, openView, type OwnWriter, type SessionView } from "./session_view.ts";
import type { StoreContext } from "./store_context.ts";

/** The last records of a session. */
export interface SessionTail {
  /** The records, in order. */
  records: JsonObject[];
  /** How many active records stand in front of them. */
  dropped: number;
  /** The log's size in bytes. */
  bytes: number;
  /** The number of the first of them; null if there are none. */
  firstSequence: number | null;
}

/** What verification found; nothing of it is repaired by looking. */
export interface VerifyReport {
  /** The session's key. */
  key: string;
  /** Whether nothing is damaged, torn or missing. */
  ok: boolean;
  /** Records that can be read, hidden ones too. */
  records: number;
  /** Of these, those whose checksum fits. */
  verified: number;
  /** Of these, those that came without a checksum, from picoclaw or by hand. */
  foreign: number;
  /** Of these, those that stand behind a broken line that cannot vouch for them. */
  unverified: number;
  /** Lines that are no record and that no power cut explains; they are skipped. */
  damaged: { offset: number; length: number; reason: string }[];
  /** What a power cut tore at the end, never acknowledged; it goes to quarantine at the next write. */
  tornTail: { offset: number; length: number } | null;
  /** Numbers of records that were durable, as the meta file knows, and that the log ends before; absent: none. */
  missing?: { from: number; to: number };
  /** The state of the meta file. */
  meta: "ok" | "missing" | "damaged";
  /** Why the meta file is damaged. */
  metaReason?: string;
}

/** How much a session holds, in records and bytes. */
export interface SessionStats {
  /** The session's key. */
  key: string;
  /** Records that can be read, hidden ones too. */
  records: number;
  /** Lines that a compaction would remove: hidden and damaged ones. */
  dead: number;
  /** The log's size in bytes. */
  bytes: number;
  /** Of it, blank bytes behind the last record. */
  fillBytes: number;
  /** Bytes that were set aside. */
  quarantineBytes: number;
  /** Bytes of records that compaction removed and kept. */
  archiveBytes: number;
}

/** A reader's name for one session. */
export interface ReadTarget {
  /** What the store shares. */
  context: StoreContext;
  /** The session's key. */
  key: string;
  /** Whether damage is an error rather than an event. */
  strict: boolean;
  /** Its writer, if that is in this process. */
  writer?: OwnWriter;
}

/**
 * Reads with a view that is given back whatever happens.
 *
 * @param target Which session.
 * @param read What to do with the view; null if there is no such session.
 * @returns What `read` returned.
 */
export async function withView<T>(target: ReadTarget, read: (view: SessionView | null) => Promise<T>): Promise<T> {
  const view = await openTarget(target);
  try {
    return await read(view);
  } finally {
    await closeView(view);
  }
}

/**
 * Opens a view, which the caller gives back.
 *
 * @param target Which session.
 * @returns The view; null if there is no such session.
 */
export async function openTarget(target: ReadTarget): Promise<SessionView | null> {
  const { fileSystem, directory } = target.context;
  return await openView(fileSystem, directory, target.key, target.writer ?? null);
}

/** Where a read of records goes on. */
export interface ReadCursor {
  /** The inode of the log that it was in. */
  inode: number;
  /** Where in it. */
  position: ChainPosition;
  /** What stands in front of that: a later log can have the inode of one that is gone. Null: nothing to know it by. */
  seal: Seal | null;
}

/** Which records are read. */
export interface ReadRange {
  /** The lowest number. */
  from: number;
  /** Hidden ones too. */
  all: boolean;
  /** Where the last read ended, if it was in the same log. */
  cursor: ReadCursor | null;
}

/**
 * Reads the records of a view, in groups.
 *
 * @param target Which session.
 * @param log Its log.
 * @param range Which records.
 * @returns The records; at the end, where to go on.
 */
export async function* readView(
  target: ReadTarget,
  log: LogView,
  range: ReadRange,
): AsyncGenerator<LogRecord[], ReadCursor> {
  const { inode } = await log.handle.stat();
  const { cursor } = range;
  const resumed = cursor !== null && cursor.seal !== null && cursor.inode === inode &&
    cursor.position.offset <= log.tail.kept.offset && await findSeal(log.handle, cursor.seal, log.size) !== null;
  const sequenceMin = Math.max(range.from, range.all ? 0 : log.first);
  const start = resumed ? cursor.position : await startFor(log, sequenceMin);
  const plan = { start, tail: log.tail, sequenceMin, onDamage: damageHandler(target, log) };
  const position = yield* readRecords(log.handle, plan);
  return { inode, position, seal: await makeSeal(log.handle, position, 0) };
}

/** Where what is wanted is nearer to the log's end than to its start, it is looked for from there. */
async function startFor(log: LogView, sequenceMin: number): Promise<ChainPosition> {
  const { kept, hasOwn } = log.tail;
  const wanted = kept.sequence - sequenceMin;
  if (!hasOwn || sequenceMin === 0 || wanted > kept.sequence / 2) return log.start;
  const anchor = await findAnchor(log.handle, log.start, kept.offset, Math.max(wanted, 0) + 1);
  return anchor.sequence <= sequenceMin ? anchor : log.start;
}

/**
 * Reads the last active records.
 *
 * @param target Which session.
 * @param count How many at the most.
 * @returns The records and what is in front of them.
 */
export async function readTail(target: ReadTarget, count: number): Promise<SessionTail> {
  return await withView(target, async (view) => {
    const log = view?.log ?? null;
    if (log === null) return { records: [], dropped: 0, bytes: 0, firstSequence: null };
    const last = await readLastRecords(log.handle, planOf(target, log), count);
    const firstSequence = last[0]?.sequence ?? null;
    const dropped = Math.max(0, (firstSequence ?? log.tail.kept.sequence) - log.first);
    return { records: last.map((record) => record.value), dropped, bytes: log.size, firstSequence };
  });
}

/**
 * Looks at every line of a session and at its meta file.
 *
 * @param target Which session.
 * @returns What was found.
 * @throws {HoldfastError} `not-found` if there is no such session.
 */
export async function verifySession(target: ReadTarget): Promise<VerifyReport> {
  return await withView(target, async (view) => {
    if (view === null) throw notFound(target.key);
    const { log, meta } = view;
    const report: VerifyReport = {
      key: target.key,
      ok: true,
      records: 0,
      verified: 0,
      foreign: 0,
      unverified: 0,
      damaged: [],
      tornTail: null,
      meta: meta.state,
      ...(meta.state === "damaged" ? { metaReason: meta.reason } : {}),
    };
    if (log !== null) {
      const onDamage = ({ offset, length, reason, dead }: DamagedLine) => {
        if (dead !== true) report.damaged.push({ offset, length, reason });
      };
      const plan = { ...planOf(target, log), sequenceMin: 0, withContent: false, onDamage };
      for await (const records of readRecords(log.handle, plan)) {
        for (const record of records) countTrust(report, record);
      }
      const { kept, tornEnd } = log.tail;
      if (tornEnd > kept.offset && await isStillTorn(target, log)) {
        report.tornTail = { offset: kept.offset, length: tornEnd - kept.offset };
      }
    }
    const durableNext = meta.state === "ok" ? meta.meta.sealed?.next ?? 0 : 0;
    const from = log?.tail.kept.sequence ?? 0;
    if (from < durableNext) report.missing = { from, to: durableNext - 1 };
    const isWhole = report.damaged.length === 0 && report.tornTail === null && report.missing === undefined;
    report.ok = isWhole && meta.state === "ok";
    return report;
  });
}

/** A torn end that has changed by the time of a second look is a writer in mid-write (H11). */
async function isStillTorn(target: ReadTarget, log: LogView): Promise<boolean> {
  return await withView(target, (view) => {
    const again = view?.log?.tail;
    return Promise.resolve(again?.kept.offset === log.tail.kept.offset && again.tornEnd === log.tail.tornEnd);
  });
}

/**
 * Measures a session.
 *
 * @param target Which session.
 * @returns Records and bytes.
 * @throws {HoldfastError} `not-found` if there is no such session.
 */
export async function measureSession(target: ReadTarget): Promise<SessionStats> {
  return await withView(target, async (view) => {
    if (view === null) throw notFound(target.key);
    const { log, files } = view;
    const quarantined = await quarantineFiles(target.context.fileSystem, files.quarantine);
    const quarantineBytes = quarantined.reduce((sum, file) => sum + file.size, 0);
    const stats = { key: target.key, records: 0, dead: 0, bytes: 0, fillBytes: 0, quarantineBytes, archiveBytes: 0 };
    if (log === null) return stats;
    const onDamage = () => stats.dead++;
    const plan = { ...planOf(target, log), sequenceMin: 0, withContent: false, onDamage };
    for await (const records of readRecords(log.handle, plan)) {
      stats.records += records.length;
      stats.dead += records.filter((record) => record.sequence < log.first).length;
    }
    return { ...stats, bytes: log.size, fillBytes: Math.max(0, log.size - log.tail.tornEnd) };
  });
}

/**
 * The plan of a read of all active records.
 *
 * @param target Which session.
 * @param log Its log.
 * @returns The plan.
 */
export function planOf(target: ReadTarget, log: LogView): ReadPlan {
  return { start: log.start, tail: log.tail, sequenceMin: log.first, onDamage: damageHandler(target, log) };
}

/**
 * What a missing session is answered with.
 *
 * @param key The session's key.
 * @returns The error.
 */
export function notFound(key: string): HoldfastError {
  return new HoldfastError("not-found", `No such session: ${JSON.stringify(key)}`);
}

function damageHandler(target: ReadTarget, log: LogView): (line: DamagedLine) => void {
  return ({ offset, length, reason, dead }) => {
    if (dead === true) return;
    const message = `Skipped ${length} bytes at ${offset} (${reason}) of session ${JSON.stringify(target.key)}`;
    if (target.strict) throw new HoldfastError("corrupt", message, { path: log.path, offset });
    target.context.report({ type: "damaged-line", key: target.key, path: log.path, offset, length, message });
  };
}

function countTrust(report: VerifyReport, record: LogRecord): void {
  report.records++;
  if (record.trust === "verified") report.verified++;
  else if (record.trust === "unverified") report.unverified++;
  else report.foreign++;
}

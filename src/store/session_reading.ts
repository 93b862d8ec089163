/**
 * Reads a session without the lock and without writing: records, and the tail.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { JsonObject } from "../log/json_text.ts";
import { type LogRecord, type ReadPlan, readRecords } from "../log/log_reader.ts";
import { LogPlaces, seekSequence } from "../log/log_seek.ts";
import { readLastRecords } from "../log/log_tail.ts";
import type { ChainPosition, DamagedLine } from "../log/record_chain.ts";
import { findSeal, makeSeal, type Seal } from "../log/seal.ts";
import { wholeRecord } from "./blob_reading.ts";
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
  /** What is known of where its records are; found anew where there is nothing. */
  places?: LogPlaces;
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
  const start = resumed ? cursor.position : await startFor(target, log, sequenceMin);
  const plan = { start, tail: log.tail, sequenceMin, onDamage: damageHandler(target, log.path) };
  const position = yield* readRecords(log.window, plan);
  return { inode, position, seal: await makeSeal(log.handle, position, 0) };
}

/**
 * Whether numbers stand in a log's lines, as far as that can be told: picoclaw's have none, but a seal is ours.
 *
 * @param log The log.
 * @returns False where all is to be read from the start.
 */
export function mayHaveNumbers({ tail, floor, start }: LogView): boolean {
  return tail.hasOwn || floor.offset > start.offset;
}

/** Numbers stand in the lines, so what is wanted is found without reading what is in front of it. */
async function startFor(target: ReadTarget, log: LogView, sequenceMin: number): Promise<ChainPosition> {
  const { kept } = log.tail;
  if (!mayHaveNumbers(log) || sequenceMin === 0) return log.start;
  const places = target.places ?? new LogPlaces();
  const place = await seekSequence(log.handle, { start: log.start, end: kept }, sequenceMin, places);
  return place.sequence <= sequenceMin ? place : log.start;
}

/**
 * Reads the last active records.
 *
 * @param target Which session.
 * @param count How many at the most.
 * @param previews Whether large values stay as previews.
 * @returns The records and what is in front of them.
 */
export async function readTail(target: ReadTarget, count: number, previews: boolean = false): Promise<SessionTail> {
  return await withView(target, async (view) => {
    const log = view?.log ?? null;
    if (log === null) return { records: [], dropped: 0, bytes: 0, firstSequence: null };
    const last = await readLastRecords(log.window, planOf(target, log), count);
    const firstSequence = last[0]?.sequence ?? null;
    const dropped = Math.max(0, (firstSequence ?? log.tail.kept.sequence) - log.first);
    const records: JsonObject[] = [];
    for (const record of last) records.push((previews ? record : await wholeRecord(target, record)).value);
    return { records, dropped, bytes: log.size, firstSequence };
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
  return { start: log.start, tail: log.tail, sequenceMin: log.first, onDamage: damageHandler(target, log.path) };
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

/**
 * What to do about a damaged line: an event, or in a `strict` store an error.
 *
 * @param target Which session.
 * @param path The file that it is in.
 * @returns The function to call.
 */
export function damageHandler(target: ReadTarget, path: string): (line: DamagedLine) => void {
  return ({ offset, length, reason, dead }) => {
    if (dead === true) return;
    const message = `Skipped ${length} bytes at ${offset} (${reason}) of session ${JSON.stringify(target.key)}`;
    if (target.strict) throw new HoldfastError("corrupt", message, { path, offset });
    target.context.report({ type: "damaged-line", key: target.key, path, offset, length, message });
  };
}

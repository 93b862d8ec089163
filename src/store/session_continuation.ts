/**
 * New sessions that begin with what another one holds: a continuation takes the tail of a long session and leaves it
 * whole; a promotion takes all of a session that was kept under another name, once.
 *
 * The records are put in place by one rename: a crash leaves the new session without records, or with all of them. Two
 * sessions are never held at a time, so nobody can wait for anybody in a circle (W8).
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { replaceHistory } from "./history_edits.ts";
import type { OpenSession } from "./open_session.ts";
import { blobsOf, type EncodedRecord, encodeText } from "./record_input.ts";
import { SessionReader } from "./session_reader.ts";
import { newMeta, type SessionMeta } from "./session_meta.ts";
import { notFound, withView } from "./session_reading.ts";
import type { SessionWorker } from "./session_worker.ts";

/** Options of `SessionStore.continueAs`. */
export interface ContinuationOptions {
  /**
   * How many of the newest active records the new session begins with.
   *
   * @default {1000}
   */
  tail?: number;
  /**
   * The new session's title.
   *
   * @default {the other's, or its key, and "(continued)"}
   */
  title?: string;
}

/** What `SessionStore.continueAs` did. */
export interface Continuation {
  /** Whether the new session was made by this call; false: it was there, and is as it was. */
  created: boolean;
  /** How many records were taken over. */
  records: number;
  /** How many active records of the other stand in front of them. */
  dropped: number;
}

/** By default a continuation begins with as many records. */
export const continuationTailDefault = 1000;

/** Records of another session, as they were given to it. */
interface CopiedTail {
  records: EncodedRecord[];
  dropped: number;
  lastSequence: number | null;
}

/**
 * Begins a session with the tail of another, whose summary and workspace it takes over and which it names as its
 * parent. The other stays as it is. Doing it again, after a crash perhaps, changes nothing.
 *
 * @param from The other.
 * @param to The new one.
 * @param options How much of it.
 * @returns What it begins with.
 * @throws {HoldfastError} `not-found` if there is no other, `exists` if the new one has records already, and not those.
 */
export async function continueSession(
  from: SessionWorker,
  to: SessionWorker,
  options: ContinuationOptions,
): Promise<Continuation> {
  const facts = await factsOf(from);
  if (facts === null) throw notFound(from.key);
  const copy = await copyTail(from, to, options.tail ?? continuationTailDefault);
  const change: Partial<SessionMeta> = {
    title: options.title ?? `${facts.title ?? from.key} (continued)`,
    workspace: facts.workspace,
    scope: facts.scope,
    parent: { key: from.key, sequence: copy.lastSequence },
  };
  const created = await to.edit(async (session) => {
    if (session.sequenceNext > 0) {
      if (isContinuation(session, from.key)) return false;
      const message = `Session ${JSON.stringify(to.key)} has records already; continue under another key`;
      throw new HoldfastError("exists", message, { path: session.files.log });
    }
    await session.writeMeta(change);
    await begin(to, session, copy.records, facts.summary);
    return true;
  });
  return created
    ? { created, records: copy.records.length, dropped: copy.dropped }
    : { created, records: 0, dropped: 0 };
}

function isContinuation(session: OpenSession, from: string): boolean {
  return session.meta.parent?.key === from && session.meta.seed === undefined;
}

/**
 * Gives a session that never had a record all active records and the summary of another, of which it takes the place.
 * It happens once: the other's meta file says for whom, durably, before anything is copied. A session that was emptied,
 * or deleted and made anew, gets nothing, and neither does a second one.
 *
 * @param from The other; it stays as it is.
 * @param to The new one.
 * @returns Whether anything was taken over.
 */
export async function promoteSession(from: SessionWorker, to: SessionWorker): Promise<boolean> {
  if (from.key === to.key) return false;
  const old = await factsOf(from);
  if (old === null || old.deleted || (old.promoted !== undefined && old.promoted.to !== to.key)) return false;
  if (old.promoted?.done === true) return false;
  if (!await isNew(to)) return await settle(from, to);
  if (old.summary.trim() === "" && (await new SessionReader(from).tail(1)).records.length === 0) return false;
  const isOurs = await from.edit(async (session) => {
    const { promoted } = session.meta;
    if (promoted === undefined) await session.writeMeta({ promoted: { to: to.key, done: false } });
    return promoted === undefined || (promoted.to === to.key && !promoted.done);
  });
  if (!isOurs) return false;
  const copy = await copyTail(from, to, Number.MAX_SAFE_INTEGER);
  const promoted = await to.edit(async (session) => {
    if (hasHistory(session)) return false;
    await begin(to, session, copy.records, old.summary);
    return true;
  });
  // It has happened, or not: the last word is no reason to say otherwise, and the next call has it again.
  await finish(from, to, promoted).catch(() => undefined);
  return promoted;
}

/** After a crash behind the copy, only the last word is missing. */
async function settle(from: SessionWorker, to: SessionWorker): Promise<false> {
  const facts = await factsOf(from);
  if (facts?.promoted?.to === to.key && !facts.promoted.done) await finish(from, to, true);
  return false;
}

async function finish(from: SessionWorker, to: SessionWorker, done: boolean): Promise<void> {
  await from.edit(async (session) => {
    if (session.meta.promoted?.to !== to.key) return;
    await session.writeMeta({ promoted: done ? { to: to.key, done } : undefined });
  });
}

async function isNew(to: SessionWorker): Promise<boolean> {
  const facts = await factsOf(to);
  if (facts === null || facts.deleted) return true;
  if (facts.summary.trim() !== "" || (facts.first ?? 0) > 0 || facts.skip > 0) return false;
  return (await new SessionReader(to).tail(1)).firstSequence === null;
}

function hasHistory(session: OpenSession): boolean {
  return session.sequenceNext > 0 || session.meta.summary.trim() !== "";
}

/** What a meta file says of a session; null if there is no such session. */
async function factsOf(worker: SessionWorker): Promise<SessionMeta | null> {
  await worker.beforeRead();
  return await withView(worker.target, async (view) => {
    if (view === null) return null;
    const meta = view.meta.state === "ok" ? view.meta.meta : newMeta(worker.key, "");
    return { ...meta, summary: view.summary };
  });
}

async function copyTail(from: SessionWorker, to: SessionWorker, count: number): Promise<CopiedTail> {
  const reader = new SessionReader(from);
  const records: EncodedRecord[] = [];
  let lastSequence: number | null = null;
  const all = count === Number.MAX_SAFE_INTEGER;
  const tail = all ? null : await reader.tail(count, { previews: true });
  if (tail !== null && tail.firstSequence === null) return { records, dropped: tail.dropped, lastSequence };
  const range = tail === null ? {} : { from: tail.firstSequence ?? 0, limit: tail.records.length };
  for await (const { sequence, text } of reader.texts(range)) {
    records.push(encodeText(text, to.host.options));
    lastSequence = sequence;
  }
  return { records, dropped: tail?.dropped ?? 0, lastSequence };
}

async function begin(
  worker: SessionWorker,
  session: OpenSession,
  records: readonly EncodedRecord[],
  summary: string,
): Promise<void> {
  const lines = records.map((record) => record.extracted?.line ?? record.text);
  if (lines.length === 0) await session.writeMeta({ summary });
  else await session.blobs.keep(blobsOf(records), async () => await replaceHistory(session, lines, summary));
  await worker.loadIds();
}

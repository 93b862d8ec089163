/**
 * The sessions of a store as a sink sees them: which of them have changed since it last looked, and which id each has.
 *
 * @module
 */

import { HoldfastError, toHoldfastError } from "../errors.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { statIfThere } from "../log/atomic_file.ts";
import type { Session } from "../store/session.ts";
import type { DirectoryContext } from "../store/store_context.ts";
import { sessionAt } from "../store/session_list.ts";
import { sessionFiles } from "../store/session_name.ts";
import type { SessionStore } from "../store/session_store.ts";
import { sessionNamesIn } from "../store/session_times.ts";
import { createStoreCounters } from "../store/store_counters.ts";
import { assertSameSession, readSessionId } from "./increment.ts";
import { firstPosition } from "./record_lines.ts";
import {
  BucketUnreachable,
  markDeleted,
  SessionDiverged,
  type UploadContext,
  uploadSession,
} from "./session_upload.ts";
import { readCursor, type SessionProgress, type SinkCursor } from "./sink_cursor.ts";
import type { SinkSessionStatus } from "./sink_report.ts";

/** What is known of the files of a name. */
interface Watched {
  /** How they looked when they were read last. */
  look: string;
  /** Whether they were read when they had looked so before: a time stamp cannot tell two writes of one moment apart. */
  settled: boolean;
  /** The session's id; null: they are no session's. */
  id: string | null;
}

/** The sessions of a store, and how far each is. */
export class SinkSessions {
  readonly #store: SessionStore;
  readonly #context: UploadContext;
  readonly #cursor: SinkCursor;
  readonly #directoryContext: DirectoryContext;
  readonly #watched = new Map<string, Watched>();
  /** Where the next round begins: behind the one that failed, so that it keeps nobody waiting for ever. */
  #startBehind = "";

  /**
   * For the sink.
   *
   * @param store The store.
   * @param context What uploads work with.
   * @param cursor How far it has got.
   */
  constructor(store: SessionStore, context: UploadContext, cursor: SinkCursor) {
    this.#store = store;
    this.#context = context;
    this.#cursor = cursor;
    const { fileSystem, directory } = context;
    this.#directoryContext = { fileSystem, directory, counters: createStoreCounters(), report: () => undefined };
  }

  /**
   * Sends what is new of all sessions that have changed since the last round.
   *
   * @param everything Whether those that have not changed are looked at as well.
   * @param onSession Told of each session that is being sent.
   * @returns The keys of sessions that could not be sent, each with the error.
   * @throws {BucketUnreachable} If the bucket cannot be reached.
   */
  async round(
    everything: boolean,
    onSession: (key: string, index: number, count: number) => void = () => undefined,
  ): Promise<Map<string, HoldfastError>> {
    const names = [...(await sessionNamesIn(this.#directoryContext)).keys()].sort();
    const behind = names.findIndex((name) => name > this.#startBehind);
    const ordered = behind <= 0 ? names : [...names.slice(behind), ...names.slice(0, behind)];
    for (const name of this.#watched.keys()) if (!names.includes(name)) this.#watched.delete(name);
    const failed = new Map<string, HoldfastError>();
    let hasClaimed = false;
    for (const [index, name] of ordered.entries()) {
      if (this.#context.isStopping()) return failed;
      const look = await this.#look(name);
      const before = this.#watched.get(name);
      if (!everything && before?.look === look && before.settled) continue;
      const outcome = await this.#send(name, (key) => onSession(key, index, ordered.length));
      if ("error" in outcome) {
        failed.set(outcome.key, outcome.error);
        continue;
      }
      hasClaimed ||= outcome.claimed;
      this.#watched.set(name, { look, settled: before?.look === look, id: outcome.id });
    }
    if (failed.size === 0 && !this.#context.isStopping()) await this.#sendDeletions();
    if (hasClaimed) await this.#cursor.save();
    return failed;
  }

  /**
   * How far each session is.
   *
   * @returns The sessions, by key.
   */
  async status(): Promise<SinkSessionStatus[]> {
    return await sinkStatus(this.#store, this.#directoryContext, this.#cursor.sessions);
  }

  async #look(name: string): Promise<string> {
    const { fileSystem, directory } = this.#context;
    const files = sessionFiles(directory, name);
    const looks: string[] = [];
    for (const path of [files.log, files.meta]) {
      const stat = await statIfThere(fileSystem, path);
      looks.push(stat === null ? "-" : `${stat.inode} ${stat.size} ${stat.modifiedMs}`);
    }
    return looks.join("|");
  }

  async #send(
    name: string,
    onSession: (key: string) => void,
  ): Promise<{ id: string | null; claimed: boolean } | { key: string; error: HoldfastError }> {
    let key = name;
    try {
      const found = await sessionAt(this.#directoryContext, name);
      const meta = found?.location.meta;
      if (found === null || (meta?.state === "ok" && meta.meta.deleted)) return { id: null, claimed: false };
      key = found.key;
      if (await statIfThere(this.#context.fileSystem, found.location.files.log) === null) {
        return { id: null, claimed: false };
      }
      onSession(key);
      return await this.#sendSession(name, await this.#store.session(key));
    } catch (error) {
      if (error instanceof BucketUnreachable) {
        this.#startBehind = name;
        throw error;
      }
      const typed = toHoldfastError(error, "sending the session", this.#context.directory);
      if (typed.code === "closed") throw typed;
      this.#context.counters.failures++;
      this.#context.report({ type: "session-failed", key, message: `${key}: ${typed.message}` });
      return { key, error: typed };
    }
  }

  async #sendSession(name: string, session: Session): Promise<{ id: string; claimed: boolean }> {
    const { key } = session;
    for (let attempt = 0;; attempt++) {
      const id = await this.#idOf(name, session);
      const known = this.#cursor.sessions.get(id);
      const progress: SessionProgress = known ?? { id, key, epoch: 0, manifest: 0, ...firstPosition(key) };
      const claimed = progress.epoch === 0;
      try {
        if (progress.key !== key) throw new SessionDiverged("another session had the id");
        await uploadSession(this.#context, session, progress);
        return { id, claimed };
      } catch (error) {
        if (!(error instanceof SessionDiverged)) throw error;
        if (attempt > 0) throw new HoldfastError("failed", `The bucket has another history: ${error.message}`);
        await this.#giveNewId(session, id);
        if (progress.key === key) this.#cursor.sessions.delete(id);
        const message = `Session ${JSON.stringify(key)} is sent anew under a new id: ${error.message}`;
        this.#context.report({ type: "session-renamed", key, message });
      } finally {
        if (progress.epoch > 0 && progress.key === key) this.#cursor.sessions.set(progress.id, progress);
      }
    }
  }

  /** A session that no sink has taken gets its id under its lock: no other process can give it one meanwhile. */
  async #idOf(name: string, session: Session): Promise<string> {
    const known = await readSessionId(this.#context, session.key);
    const isTwice = known !== null &&
      [...this.#watched].some(([other, { id }]) => other !== name && id === known);
    if (known !== null && !isTwice) return known;
    const hold = await session.hold({ mustExist: true });
    try {
      const meanwhile = await readSessionId(this.#context, session.key);
      if (meanwhile !== null && meanwhile !== known) return meanwhile;
      const id = this.#context.createId();
      await session.update({ id });
      return id;
    } finally {
      hold.release();
    }
  }

  /** One that was deleted meanwhile has no records either, and is not to come back under a new id. */
  async #giveNewId(session: Session, id: string): Promise<void> {
    const hold = await session.hold({ mustExist: true });
    try {
      await assertSameSession(this.#context, { id, key: session.key });
      await session.update({ id: this.#context.createId() });
    } finally {
      hold.release();
    }
  }

  async #sendDeletions(): Promise<void> {
    const present = new Set([...this.#watched.values()].map(({ id }) => id));
    for (const progress of [...this.#cursor.sessions.values()]) {
      if (present.has(progress.id) || await readSessionId(this.#context, progress.key) === progress.id) continue;
      await markDeleted(this.#context, progress);
      this.#cursor.sessions.delete(progress.id);
    }
  }
}

/**
 * How far the bucket that was sent to last is behind, by the cursor that the last sink wrote. Sends nothing, and writes
 * nothing.
 *
 * @param store The store.
 * @param fileSystem The port that the store was opened with; by default the runtime's.
 * @returns The sessions, by key.
 */
export async function readSinkStatus(
  store: SessionStore,
  fileSystem: FileSystem = runtimeFileSystem,
): Promise<SinkSessionStatus[]> {
  const { directory } = store;
  const cursor = await readCursor(fileSystem, directory);
  const context = { fileSystem, directory, counters: createStoreCounters(), report: () => undefined };
  return await sinkStatus(store, context, cursor?.buckets[0]?.sessions ?? new Map());
}

/**
 * How far a sink is with each session of a store.
 *
 * @param store The store.
 * @param context The store's files.
 * @param progress How far it has got, by session id.
 * @returns The sessions, by key.
 */
async function sinkStatus(
  store: SessionStore,
  context: DirectoryContext,
  progress: ReadonlyMap<string, SessionProgress>,
): Promise<SinkSessionStatus[]> {
  const found: SinkSessionStatus[] = [];
  for (const name of [...(await sessionNamesIn(context)).keys()].sort()) {
    const at = await sessionAt(context, name);
    const meta = at?.location.meta.state === "ok" ? at.location.meta.meta : null;
    if (at === null || meta?.deleted === true) continue;
    const id = meta?.id ?? null;
    const known = id === null ? undefined : progress.get(id);
    const next = await nextNumber(await store.session(at.key));
    found.push({ key: at.key, id, epoch: known?.epoch ?? 0, uploaded: known?.next ?? 0, next });
  }
  return found.sort((one, other) => one.key < other.key ? -1 : 1);
}

async function nextNumber(session: Session): Promise<number> {
  for await (const { sequence } of session.recordsBack({ limit: 1, all: true })) return sequence + 1;
  return 0;
}

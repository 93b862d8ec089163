/**
 * A session that is open for writing: the lock, the recovered log, the meta. Its owner queues the calls: they must not
 * overlap.
 *
 * States: *open*; *failed* for good after an unknown outcome (only `close` works); *closed*.
 *
 * Nothing is acknowledged before what it stands on is durable: the directory is synced on every open (a rename may have
 * been left unsynced by a process that was killed, H10), the meta file before the first record of a new session.
 *
 * @module
 */

import { type HoldfastError, systemErrorCode, toHoldfastError } from "../errors.ts";
import type { Batch, LogWriter, WritableLog } from "../log/log_writer.ts";
import { FailureGuard, type GuardedSession } from "./failure_guard.ts";
import { MetaKeeper } from "./meta_keeper.ts";
import { SessionBlobs } from "./session_blobs.ts";
import { claimSession, type SessionClaim } from "./session_lock.ts";
import type { SessionMeta } from "./session_meta.ts";
import type { SessionFiles } from "./session_name.ts";
import { createLog, findSession, type FoundSession, openWriter } from "./session_opening.ts";
import { seedOf } from "./session_origin.ts";
import { openLog } from "./session_recovery.ts";
import type { StoreContext } from "./store_context.ts";
import type { StoreEvent } from "./store_event.ts";

/** At close, this much appended since the last seal is worth the write of the meta file; in bytes. */
export const sealBytesMin: number = 64 * 1024;

/** A session that is open for writing. */
export class OpenSession implements GuardedSession {
  /** What the store shares. */
  readonly context: StoreContext;
  /** The session's key. */
  readonly key: string;
  /** Its paths. */
  readonly files: SessionFiles;
  readonly #claim: SessionClaim;
  readonly #metaKeeper: MetaKeeper;
  #writer: LogWriter | null = null;
  readonly #guard: FailureGuard;
  /** Its large values. */
  readonly blobs: SessionBlobs;
  /** Whether the log's name is going over to a new log, and that is not durable yet. */
  switching = false;

  private constructor(context: StoreContext, key: string, claim: SessionClaim, found: FoundSession) {
    this.context = context;
    this.key = key;
    this.files = claim.files;
    this.blobs = new SessionBlobs(context, claim.files);
    this.#claim = claim;
    this.#metaKeeper = new MetaKeeper(context, claim.files, found.meta, !found.isNew);
    this.#guard = new FailureGuard(this);
  }

  /**
   * Claims a session, recovers its log and makes what is found durable.
   *
   * @param context What the store shares.
   * @param key The session's key.
   * @returns The open session; it may have no files yet.
   * @throws {HoldfastError} `locked` if somebody else writes it.
   */
  static async open(context: StoreContext, key: string): Promise<OpenSession> {
    const claim = await claimSession(context, key);
    let session: OpenSession | null = null;
    try {
      const found = await findSession(context, key, claim);
      session = new OpenSession(context, key, claim, found);
      context.counters.sessionsOpened++;
      await session.#begin(found);
      return session;
    } catch (error) {
      await session?.closeLog().catch(() => undefined);
      await claim.lock.release();
      throw toHoldfastError(error, "opening the session", claim.files.log);
    }
  }

  /** What the meta file says, or will say when it is first written. */
  get meta(): SessionMeta {
    return this.#metaKeeper.meta;
  }

  /** Whether the session has any file yet. */
  get exists(): boolean {
    return this.#metaKeeper.written || this.#writer !== null;
  }

  /** The open log; null while the session has none. */
  get writer(): LogWriter | null {
    return this.#writer;
  }

  /** Why nothing can be written any more; null while open. */
  get failure(): HoldfastError | null {
    return this.#guard.failure;
  }

  /** The number of the first active record. */
  get first(): number {
    return this.meta.first ?? 0;
  }

  /** What seeds the first line of its log. */
  get seed(): number {
    return seedOf(this.key, this.meta);
  }

  /** The number that the next record gets. */
  get sequenceNext(): number {
    return this.#writer?.sequenceNext ?? this.first;
  }

  /**
   * Appends batches, each all or nothing, in order.
   *
   * @param batches What to append.
   * @param durable Whether they are to be durable when it resolves.
   * @param begin Asked once, when nothing can come in between any more; false: a blocking flush has done it meanwhile.
   * @returns The number of the first record; -1 if `begin` said no.
   */
  async append(batches: readonly Batch[], durable: boolean, begin: () => boolean): Promise<number> {
    return await this.guard("appending", async () => {
      const writer = this.#writer ?? await this.#createLog();
      const noted = this.noteWrite();
      if (noted !== null) await noted;
      const first = await writer.append(batches, durable, begin);
      this.context.counters.groups++;
      return first;
    });
  }

  /**
   * Tells the index of workspaces that records are about to be written.
   *
   * @returns What to wait for before they are acknowledged; null if there is nothing.
   */
  noteWrite(): Promise<void> | null {
    return this.context.workspaces.touch(this, this.meta.workspace);
  }

  /** Makes everything that was appended durable. */
  async sync(): Promise<void> {
    await this.guard("making records durable", async () => await this.#writer?.sync());
  }

  /**
   * Changes facts of the session, durably, in one commit; also renews counts and seal. Everything that was appended is
   * made durable first.
   *
   * @param change What changes.
   */
  async writeMeta(change: Partial<SessionMeta>): Promise<void> {
    await this.guard("writing the meta file", async () => {
      await this.#writer?.sync();
      await this.#metaKeeper.write(change, this.#writer);
    });
  }

  /**
   * Goes on in a log that has been put in place of the old one, or as the first.
   *
   * @param log The new log, durable under its name.
   */
  async rewritten(log: WritableLog): Promise<void> {
    this.#metaKeeper.logReplaced(log.position.offset);
    if (this.#writer === null) this.#writer = openWriter(this.context, this.key, log);
    else await this.#writer.rewritten(log);
  }

  /**
   * Finishes a replace whose log is in place. It has happened, whether or not the meta file can be written now.
   *
   * @param summary The summary that came with it; undefined: it stays as it is.
   */
  async settleReplace(summary: string | undefined): Promise<void> {
    this.#metaKeeper.note({ replacing: undefined, skip: 0, ...(summary === undefined ? {} : { summary }) });
    try {
      await this.writeMeta({});
    } catch (error) {
      if (this.failure !== null) throw error;
      // The next write of the meta file says it; until then the log and the pending replace do.
      const message = "Replace has happened, but the meta file could not be written yet";
      this.report({ type: "replace-pending", path: this.files.meta, message });
    }
  }

  /** Looks whether the log is still ours alone; for use before history is changed. */
  async lookAtLog(): Promise<void> {
    if (this.#writer === null) await this.#findLog();
    else await this.#writer.lookAtFile();
  }

  /** Makes sure that there is a log to append to. */
  async ensureLog(): Promise<void> {
    await this.guard("making the log", async () => this.#writer ?? await this.#createLog());
  }

  /** Makes sure that the session's key is durable in its meta file. */
  async ensureMeta(): Promise<void> {
    if (!this.#metaKeeper.written) await this.writeMeta({});
  }

  /**
   * Ends the session: seals the log if that is worth it, gives back files and lock; of a failed one, only the latter.
   */
  async close(): Promise<void> {
    try {
      if (this.failure === null && this.#writer !== null) {
        await this.sync();
        if (this.#writer.tailOffset - this.#metaKeeper.sealedOffset >= sealBytesMin) await this.#seal();
        await this.guard("taking the fill away", async () => await this.#writer?.trim());
      }
    } finally {
      await this.release();
    }
  }

  /** All is durable without a seal: where there is no space for one, the next open has more to read. */
  async #seal(): Promise<void> {
    try {
      await this.writeMeta({ updatedAt: this.meta.updatedAt });
    } catch (error) {
      if (this.failure !== null) throw error;
    }
  }

  /** Gives back the log; for use before it is removed. */
  async closeLog(): Promise<void> {
    const writer = this.#writer;
    this.#writer = null;
    await writer?.close();
  }

  /** Gives back files and lock, and nothing else. */
  async release(): Promise<void> {
    await this.blobs.close();
    await this.closeLog().finally(async () => await this.#claim.lock.release());
  }

  /**
   * Tells an event of this session.
   *
   * @param event All but the key.
   */
  report(event: Omit<StoreEvent, "key">): void {
    this.context.report({ ...event, key: this.key });
  }

  /**
   * Runs a step that writes; an error whose outcome is unknown makes the session fail.
   *
   * @param doing What is being done, as a gerund phrase.
   * @param step The step.
   * @returns What the step returned.
   */
  async guard<T>(doing: string, step: () => Promise<T>): Promise<T> {
    return await this.#guard.run(doing, step);
  }

  /** Tells, once, if nothing more will be written. */
  reportFailure(): void {
    this.#guard.report();
  }

  /** {@inheritDoc GuardedSession.failed} */
  failed(failure: HoldfastError): void {
    this.report({ type: "session-failed", path: this.files.log, message: failure.message });
  }

  async #begin({ log, isNew }: FoundSession): Promise<void> {
    const { fileSystem, directory } = this.context;
    if (log !== null) {
      this.#writer = openWriter(this.context, this.key, { ...log, path: this.files.log, sequenceMin: this.first });
      this.#metaKeeper.sealedOffset = log.sealedOffset;
    }
    await fileSystem.syncDirectory(directory);
    if (log !== null && isNew) {
      const message = "Meta file was missing or damaged, and was rebuilt from the log; summary and title are gone";
      this.report({ type: "meta-rebuilt", path: this.files.meta, message });
    }
    if (log !== null && (isNew || log.metaStale)) await this.writeMeta({});
  }

  /**
   * A new log: the key is durable before it. A meta file that speaks of another log must not hide its records, nor lend
   * it a summary (H12).
   */
  async #createLog(): Promise<LogWriter> {
    const { first, skip, replacing } = this.meta;
    if (first === undefined || skip > 0 || replacing !== undefined) {
      await this.writeMeta({ first: this.first, skip: 0, replacing: undefined });
    }
    await this.ensureMeta();
    try {
      const log = await createLog(this.context, this.files, this.seed, this.first);
      return this.#writer = openWriter(this.context, this.key, log);
    } catch (error) {
      const found = systemErrorCode(error) === "EEXIST" ? await this.#findLog() : null;
      if (found === null) throw error;
      return found;
    }
  }

  /** Picoclaw knows no lock: a log that it began while we had the session open without one is gone on with (A5). */
  async #findLog(): Promise<LogWriter | null> {
    const opened = await openLog(this.context, this.key, this.files, this.meta);
    if (opened === null) return null;
    this.#metaKeeper.note(opened.meta);
    this.#writer = openWriter(this.context, this.key, { ...opened, path: this.files.log, sequenceMin: this.first });
    await this.context.fileSystem.syncDirectory(this.context.directory);
    const message = "Somebody else began the log while the session was open; our records go on behind";
    this.report({ type: "foreign-appended", path: this.files.log, offset: 0, message });
    return this.#writer;
  }

  /**
   * Counts the log's lines as picoclaw does, from the last place where the count is known.
   *
   * @returns The count.
   */
  async countLines(): Promise<number> {
    return await this.#metaKeeper.countLines(this.#writer);
  }
}

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

import { HoldfastError, systemErrorCode, toHoldfastError } from "../errors.ts";
import type { FileHandle } from "../fs/filesystem.ts";
import { replaceFile, unlinkIfThere } from "../log/atomic_file.ts";
import { LogLines } from "../log/log_lines.ts";
import { type Batch, LogWriter, type WritableLog } from "../log/log_writer.ts";
import { chainStart } from "../log/record_chain.ts";
import { makeSeal } from "../log/seal.ts";
import { removeSessionFiles } from "./session_files.ts";
import { claimSession, type SessionClaim } from "./session_lock.ts";
import { encodeMeta, newMeta, type SessionMeta } from "./session_meta.ts";
import type { SessionFiles } from "./session_name.ts";
import { type OpenedLog, openLog, setMetaAside } from "./session_recovery.ts";
import { type StoreContext, timestamp } from "./store_context.ts";
import type { StoreEvent } from "./store_event.ts";

/** At close, this much appended since the last seal is worth the write of the meta file; in bytes. */
export const sealBytesMin: number = 64 * 1024;

/** A session that is open for writing. */
export class OpenSession {
  /** What the store shares. */
  readonly context: StoreContext;
  /** The session's key. */
  readonly key: string;
  /** Its paths. */
  readonly files: SessionFiles;
  readonly #claim: SessionClaim;
  #meta: SessionMeta;
  /** Whether the meta file says what `#meta` says. */
  #metaWritten: boolean;
  #writer: LogWriter | null = null;
  #failure: HoldfastError | null = null;
  #sealedOffset = 0;
  /** Whether the log's name is going over to a new log, and that is not durable yet. */
  switching = false;

  private constructor(context: StoreContext, key: string, claim: SessionClaim, meta: SessionMeta, written: boolean) {
    this.context = context;
    this.key = key;
    this.files = claim.files;
    this.#claim = claim;
    this.#meta = meta;
    this.#metaWritten = written;
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
    try {
      return await OpenSession.#openClaimed(context, key, claim);
    } catch (error) {
      await claim.lock.release();
      throw toHoldfastError(error, "opening the session", claim.files.log);
    }
  }

  static async #openClaimed(context: StoreContext, key: string, claim: SessionClaim): Promise<OpenSession> {
    const { fileSystem } = context;
    const { files } = claim;
    let meta = claim.meta.state === "ok" ? claim.meta.meta : null;
    if (meta?.deleted === true) {
      await removeSessionFiles(fileSystem, files);
      context.report({
        type: "delete-finished",
        key,
        path: files.meta,
        message: "Removed the rest of a deleted session",
      });
      meta = null;
    }
    if (claim.meta.state === "damaged") await setMetaAside(context, key, files, claim.meta.reason);
    await unlinkIfThere(fileSystem, files.metaTemporary);
    await unlinkIfThere(fileSystem, files.logTemporary);
    const opened = await openLog(context, key, files, meta);
    const session = new OpenSession(
      context,
      key,
      claim,
      opened?.meta ?? meta ?? newMeta(key, timestamp()),
      meta !== null,
    );
    if (meta !== null && meta.key === "") session.#meta = { ...session.#meta, key };
    context.counters.sessionsOpened++;
    try {
      await session.#begin(opened, meta === null);
    } catch (error) {
      await session.#writer?.close();
      throw error;
    }
    return session;
  }

  /** What the meta file says, or will say when it is first written. */
  get meta(): SessionMeta {
    return this.#meta;
  }

  /** Whether the session has any file yet. */
  get exists(): boolean {
    return this.#metaWritten || this.#writer !== null;
  }

  /** The open log; null while the session has none. */
  get writer(): LogWriter | null {
    return this.#writer;
  }

  /** Why nothing can be written any more; null while open. */
  get failure(): HoldfastError | null {
    return this.#failure ?? this.#writer?.failure ?? null;
  }

  /** The number of the first active record. */
  get first(): number {
    return this.#meta.first ?? 0;
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
      const first = await writer.append(batches, durable, begin);
      this.context.counters.groups++;
      return first;
    });
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
      const meta = { ...this.#meta, ...await this.#countAndSeal(), updatedAt: timestamp(), ...change };
      await replaceFile(this.context.fileSystem, this.files.meta, this.files.metaTemporary, encodeMeta(meta));
      this.context.counters.metaWrites++;
      this.#meta = meta;
      this.#metaWritten = true;
      this.#sealedOffset = meta.sealed?.bytes ?? 0;
    });
  }

  /**
   * Goes on in a log that has been put in place of the old one, or as the first.
   *
   * @param log The new log, durable under its name.
   */
  async rewritten(log: WritableLog): Promise<void> {
    const { sealed } = this.#meta;
    this.#sealedOffset = sealed?.bytes === log.position.offset ? sealed.bytes : 0;
    if (this.#writer === null) this.#writer = this.#writerOn(log);
    else await this.#writer.rewritten(log);
  }

  /**
   * Finishes a replace whose log is in place. It has happened, whether or not the meta file can be written now.
   *
   * @param summary The summary that came with it; undefined: it stays as it is.
   */
  async settleReplace(summary: string | undefined): Promise<void> {
    const settled = { replacing: undefined, skip: 0, ...(summary === undefined ? {} : { summary }) };
    this.#meta = { ...this.#meta, ...settled };
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

  /** Makes sure that the session's key is durable in its meta file. */
  async ensureMeta(): Promise<void> {
    if (!this.#metaWritten) await this.writeMeta({});
  }

  /**
   * Ends the session: seals the log if that is worth it, gives back files and lock; of a failed one, only the latter.
   */
  async close(): Promise<void> {
    try {
      if (this.failure === null && this.#writer !== null) {
        await this.sync();
        if (this.#writer.tailOffset - this.#sealedOffset >= sealBytesMin) await this.#seal();
        await this.guard("taking the fill away", async () => await this.#writer?.trim());
      }
    } finally {
      await this.release();
    }
  }

  /** All is durable without a seal: where there is no space for one, the next open has more to read. */
  async #seal(): Promise<void> {
    try {
      await this.writeMeta({ updatedAt: this.#meta.updatedAt });
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
    if (this.failure !== null) throw this.failure;
    try {
      return await step();
    } catch (error) {
      const typed = toHoldfastError(error, doing, this.files.log);
      if (typed.code !== "failed") throw typed;
      this.#writer?.fail("an outcome is unknown", typed);
      this.reportFailure(typed);
      throw typed;
    }
  }

  /**
   * Tells, once, that nothing more will be written; nothing if that is not so.
   *
   * @param failure Why.
   */
  reportFailure(failure: HoldfastError | null = this.failure): void {
    if (this.#failure !== null || failure === null) return;
    this.#failure = failure;
    this.report({ type: "session-failed", path: this.files.log, message: failure.message });
  }

  async #begin(opened: OpenedLog | null, isNew: boolean): Promise<void> {
    const { fileSystem, directory } = this.context;
    if (opened !== null) {
      this.#writer = this.#writerOn({ ...opened, path: this.files.log, sequenceMin: this.first });
      this.#sealedOffset = opened.sealedOffset;
    }
    await fileSystem.syncDirectory(directory);
    if (opened !== null && isNew) {
      const message = "Meta file was missing or damaged, and was rebuilt from the log; summary and title are gone";
      this.report({ type: "meta-rebuilt", path: this.files.meta, message });
    }
    if (opened !== null && (isNew || opened.metaStale)) await this.writeMeta({});
  }

  #writerOn(log: WritableLog): LogWriter {
    return new LogWriter(
      this.context.fileSystem,
      log,
      (offset, length) => {
        const message = "Somebody else appended while the session was open; our records go on behind";
        this.report({ type: "foreign-appended", path: this.files.log, offset, length, message });
      },
      this.context.fillAhead,
    );
  }

  /**
   * A new log: the key is durable before it, its name before the first acknowledgement (C11). A meta file that speaks
   * of another log must not hide its records, nor lend it a summary (H12).
   */
  async #createLog(): Promise<LogWriter> {
    const { first, skip, replacing } = this.#meta;
    if (first === undefined || skip > 0 || replacing !== undefined) {
      await this.writeMeta({ first: this.first, skip: 0, replacing: undefined });
    }
    await this.ensureMeta();
    const { fileSystem, directory } = this.context;
    let handle: FileHandle;
    try {
      handle = await fileSystem.open(this.files.log, { access: "write", create: "exclusive" });
    } catch (error) {
      const found = systemErrorCode(error) === "EEXIST" ? await this.#findLog() : null;
      if (found === null) throw error;
      return found;
    }
    try {
      await fileSystem.syncDirectory(directory);
    } catch (error) {
      await handle.close();
      throw new HoldfastError("failed", `New log's name may not be durable: ${this.files.log}`, { cause: error });
    }
    this.#writer = this.#writerOn({
      handle,
      path: this.files.log,
      position: chainStart(this.key),
      sequenceMin: this.first,
    });
    return this.#writer;
  }

  /** Picoclaw knows no lock: a log that it began while we had the session open without one is gone on with (A5). */
  async #findLog(): Promise<LogWriter | null> {
    const opened = await openLog(this.context, this.key, this.files, this.#meta);
    if (opened === null) return null;
    this.#meta = opened.meta;
    this.#writer = this.#writerOn({ ...opened, path: this.files.log, sequenceMin: this.first });
    await this.context.fileSystem.syncDirectory(this.context.directory);
    const message = "Somebody else began the log while the session was open; our records go on behind";
    this.report({ type: "foreign-appended", path: this.files.log, offset: 0, message });
    return this.#writer;
  }

  async #countAndSeal(): Promise<Pick<SessionMeta, "count" | "sealed">> {
    const writer = this.#writer;
    if (writer === null) return { count: 0, sealed: undefined };
    const count = await this.countLines();
    return { count, sealed: await makeSeal(writer.handle, writer.position, count) ?? undefined };
  }

  /**
   * Counts the log's lines as picoclaw does, from the last place where the count is known.
   *
   * @returns The count.
   */
  async countLines(): Promise<number> {
    const writer = this.#writer;
    if (writer === null) return 0;
    const known = writer.position.rawCount;
    if (known !== null) return known;
    const { sealed } = this.#meta;
    const from = sealed !== undefined && sealed.bytes === this.#sealedOffset ? sealed : { bytes: 0, count: 0 };
    const lines = new LogLines(writer.handle, from.bytes, writer.tailOffset);
    while (await lines.fill()) while (lines.next() !== null);
    const count = from.count + lines.rawCount;
    writer.setRawCount(count);
    return count;
  }
}

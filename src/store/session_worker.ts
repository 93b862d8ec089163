/**
 * What stands behind a session: its queue, the open log while there is one, and its state. Internal; `session.ts` is
 * what users hold.
 *
 * @module
 */

import { HoldfastError, toHoldfastError } from "../errors.ts";
import { LogPlaces } from "../log/log_seek.ts";
import { contentOf } from "./append_backlog.ts";
import { AppendQueue, type OpenedForWriting, type QueueOwner } from "./append_queue.ts";
import type { AppendReceipt } from "./group_plan.ts";
import { BackgroundSync, type BackgroundSyncOwner } from "./background_sync.ts";
import { OpenSession } from "./open_session.ts";
import { assertBatchSize, type EncodedRecord } from "./record_input.ts";
import { readRecordIds } from "./record_ids_reading.ts";
import type { SessionHost, SessionStatus } from "./session_host.ts";
import { notFound, type ReadTarget } from "./session_reading.ts";
import { removeSession } from "./session_removal.ts";
import type { OwnWriter } from "./session_view.ts";
import { assertDurability, type DurabilityMode } from "./store_options.ts";

/** One session's queue and state. */
export class SessionWorker implements OwnWriter, QueueOwner, BackgroundSyncOwner {
  /** The session's key. */
  readonly key: string;
  /** The store. */
  readonly host: SessionHost;
  readonly #queue: AppendQueue;
  readonly #backgroundSync: BackgroundSync;
  readonly #waiting = new Set<() => void>();
  #opened: OpenedForWriting | null = null;
  #summary: string;
  #failure: HoldfastError | null = null;
  #closed = false;
  /** How many want it to stay open while nothing is written. */
  #holds = 0;
  readonly #places = new LogPlaces();

  /** Creates an idle one. */
  constructor(host: SessionHost, key: string, summary: string) {
    this.key = key;
    this.host = host;
    this.#summary = summary;
    this.#queue = new AppendQueue(this);
    this.#backgroundSync = new BackgroundSync(this, host.context.fileSystem, host.options.syncIntervalMs);
  }

  /** Where it stands. */
  get status(): SessionStatus {
    if (this.#closed) return "closed";
    if (this.#noteFailure() !== null) return "failed";
    return this.#opened === null ? "idle" : "open";
  }

  /** The summary as last read or written. */
  get summary(): string {
    return this.#opened?.session.meta.summary ?? this.#summary;
  }

  /** Takes note of a summary that was read. */
  set summary(summary: string) {
    this.#summary = summary;
  }

  /** Whether nothing is under way or waiting, and nobody holds it. */
  get idle(): boolean {
    return this.#holds === 0 && this.#queue.idle;
  }

  /** Its name for readers. */
  get target(): ReadTarget {
    const { context, options } = this.host;
    return { context, key: this.key, strict: options.strict, writer: this, places: this.#places };
  }

  /** {@inheritDoc OwnWriter.isSwitching} */
  get isSwitching(): boolean {
    return this.#opened?.session.switching ?? false;
  }

  /** {@inheritDoc OwnWriter.durableEnd} */
  get durableEnd(): number {
    const writer = this.#opened?.session.writer ?? null;
    return writer === null || writer.syncedOffset === writer.tailOffset ? Infinity : writer.syncedOffset;
  }

  /** {@inheritDoc BackgroundSyncOwner.hasUnsynced} */
  get hasUnsynced(): boolean {
    return this.durableEnd !== Infinity && this.status === "open";
  }

  /** {@inheritDoc OwnWriter.settled} */
  async settled(): Promise<void> {
    await this.flush().catch(() => undefined);
  }

  /**
   * Appends records, all or nothing.
   *
   * @param encode Gives the records; called once during the call, and again where too much waits to hold them.
   * @param durability When it resolves; undefined: as the store says of the records.
   * @param settled Told of the outcome at the moment at which it is known.
   * @returns One receipt per record.
   */
  append(
    encode: () => readonly EncodedRecord[],
    durability: DurabilityMode | undefined,
    settled?: (error: unknown) => void,
  ): Promise<AppendReceipt[]> {
    // Not async: nothing of the records is kept here while the append waits.
    const records = encode();
    this.assertWritable();
    const mode = durability === undefined ? null : assertDurability(durability);
    if (records.length === 0) return Promise.resolve([]);
    assertBatchSize(records);
    return this.#queue.append({
      ...contentOf(records),
      durable: records.some((record) => (mode ?? record.durability) === "durable"),
      encodeAgain: () => contentOf(encode()),
      ...(settled === undefined ? {} : { settled }),
    });
  }

  /**
   * Runs a step that has the session to itself.
   *
   * @param step The step.
   * @returns What it returned.
   */
  async edit<T>(step: (session: OpenSession) => Promise<T>): Promise<T> {
    this.assertWritable();
    return await this.#queue.run(async () => {
      const { session } = await this.open();
      try {
        return await step(session);
      } finally {
        this.#wake();
      }
    }, true);
  }

  /**
   * Runs a step that has the session to itself, unless there is nothing to do; then nothing is opened for it.
   *
   * @param isDone Whether there is nothing to do; is given the session if it is open already.
   * @param step The step.
   */
  async editUnless(
    isDone: (opened: OpenSession | null) => Promise<boolean>,
    step: (session: OpenSession) => Promise<void>,
  ): Promise<void> {
    this.assertWritable();
    await this.#queue.run(async () => {
      const isThere = await isDone(this.#opened?.session ?? null).catch((error: unknown) => {
        throw toHoldfastError(error, "reading the session", this.host.context.directory);
      });
      if (isThere) return;
      const { session } = await this.open();
      try {
        await step(session);
      } finally {
        this.#wake();
      }
    }, true);
  }

  /**
   * Runs a step that makes the session's files, with nothing of it open here.
   *
   * @param step The step; claims the session by itself.
   * @returns What it returned.
   */
  async create<T>(step: () => Promise<T>): Promise<T> {
    this.assertWritable();
    return await this.#queue.run(async () => {
      const session = this.#opened?.session;
      if (session?.exists === true) {
        const message = `There is a session ${JSON.stringify(this.key)} already, and it is open`;
        throw new HoldfastError("exists", message, { path: session.files.log });
      }
      if (session !== undefined) {
        this.#forget(session);
        await session.release();
      }
      try {
        return await step();
      } finally {
        this.#wake();
      }
    }, true);
  }

  /** Opens it, with a log, and keeps it open until {@linkcode SessionWorker.letGo}. */
  async hold(mustExist: boolean): Promise<void> {
    await this.edit(async (session) => {
      if (mustExist && !session.exists) throw notFound(this.key);
      await session.ensureLog();
      this.#holds++;
    });
  }

  /** Ends one {@linkcode SessionWorker.hold}. */
  letGo(): void {
    if (--this.#holds === 0) this.host.idle(this);
  }

  /** Makes everything that was appended so far durable. */
  async flush(): Promise<void> {
    this.#assertNotFailed();
    if (this.#queue.idle && this.#opened === null) return;
    await this.#queue.run(async () => {
      await this.#opened?.session.sync();
    }, false);
    this.#wake();
  }

  /** The same, blocking. */
  flushSync(): void {
    this.#assertNotFailed();
    try {
      this.#queue.flushSync();
    } finally {
      if (this.#noteFailure() !== null) this.#opened?.session.reportFailure();
    }
  }

  /**
   * Appends records, blocking, behind all that waits; also what waits is durable then.
   *
   * @param records The records.
   * @returns One receipt per record.
   */
  appendSync(records: readonly EncodedRecord[]): AppendReceipt[] {
    this.assertWritable();
    assertBatchSize(records);
    const batch = { texts: records.map(({ text }) => text), ids: records.map(({ id }) => id), durable: true };
    try {
      return this.#queue.appendSync(batch);
    } finally {
      if (this.#noteFailure() !== null) this.#opened?.session.reportFailure();
    }
  }

  /** What a session that is open for writing shows must survive (I6). */
  async beforeRead(): Promise<void> {
    this.host.assertOpen();
    if (this.status === "open" || !this.#queue.idle) await this.settled();
  }

  /**
   * Calls back whenever something was committed, or nothing more will be.
   *
   * @param wake What is called.
   * @returns Ends it.
   */
  whenCommitted(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  /** Reads the ids of the newest records anew. */
  async loadIds(): Promise<void> {
    const ids = await readRecordIds(this.target, this.host.options);
    if (this.#opened !== null) this.#opened.ids = ids;
  }

  /** Gives back file and lock after all that waits; the session can be used again. */
  async release(): Promise<void> {
    await this.#queue.run(async () => await this.#giveBack(), true);
  }

  /**
   * Runs a step that takes the session's files away by itself, with nothing of it open here.
   *
   * @param step The step; calls back when it is committed.
   * @returns What it returned.
   */
  async putAway<T>(step: (onCommitted: () => void) => Promise<T>): Promise<T> {
    this.assertWritable();
    return await this.#queue.run(async () => {
      await this.#giveBack();
      // Once it is committed nothing may be appended any more: not even if the rest fails.
      return await step(() => this.#closed = true).finally(() => this.#wake());
    }, true);
  }

  /** Gives everything back for good. */
  async close(): Promise<void> {
    try {
      await this.release();
    } finally {
      this.#closed = true;
      this.#wake();
    }
  }

  /** Deletes the session, committed by its meta file (B3); false if there was none. */
  async remove(): Promise<boolean> {
    this.assertWritable();
    return await this.#queue.run(async () => {
      const { session } = await this.open();
      // Once it is committed nothing may be appended any more: not even if the rest fails.
      try {
        return await removeSession(session, () => this.#closed = true);
      } finally {
        this.#noteFailure();
        this.#forget(session);
        await session.release();
        this.#wake();
      }
    }, true);
  }

  /** {@inheritDoc QueueOwner.opened} */
  get opened(): OpenedForWriting | null {
    return this.#opened;
  }

  /** {@inheritDoc QueueOwner.open} */
  async open(): Promise<OpenedForWriting> {
    // What was called before the store was closed is still done.
    this.#assertUsable();
    if (this.#opened !== null) {
      this.host.used(this);
      return this.#opened;
    }
    const session = await OpenSession.open(this.host.context, this.key);
    try {
      // Not shown as open before its ids are known: a blocking flush must not append twice.
      this.#opened = { session, ids: await readRecordIds(this.target, this.host.options) };
    } catch (error) {
      await session.release();
      throw error;
    }
    this.host.used(this);
    return this.#opened;
  }

  /** {@inheritDoc QueueOwner.committed} */
  committed(): void {
    this.#backgroundSync.look();
    this.#wake();
  }

  /** {@inheritDoc QueueOwner.drained} */
  drained(): void {
    this.#backgroundSync.look();
    this.host.idle(this);
  }

  /** Throws if nothing may be written. */
  assertWritable(): void {
    this.host.assertOpen();
    this.#assertUsable();
    if (this.host.options.readOnly) {
      throw new HoldfastError("read-only", "Store was opened readOnly", { path: this.host.context.directory });
    }
  }

  async #giveBack(): Promise<void> {
    const opened = this.#opened;
    if (opened === null) return;
    const { session } = opened;
    try {
      // Until all is durable a blocking flush must find it.
      if (this.#noteFailure() === null) await session.sync();
    } finally {
      this.#forget(session);
      // Buffered records may be lost if this fails: whoever flushes must learn of it.
      await session.close().finally(() => this.#failure ??= session.failure);
    }
  }

  #assertNotFailed(): void {
    const failure = this.#noteFailure();
    if (failure !== null) throw failure;
  }

  #assertUsable(): void {
    this.#assertNotFailed();
    if (!this.#closed) return;
    throw new HoldfastError("closed", `Session was deleted, or its store closed: ${JSON.stringify(this.key)}`);
  }

  #noteFailure(): HoldfastError | null {
    this.#failure ??= this.#opened?.session.failure ?? null;
    return this.#failure;
  }

  #forget(session: OpenSession): void {
    this.#summary = session.meta.summary;
    this.#opened = null;
  }

  #wake(): void {
    this.#noteFailure();
    for (const wake of [...this.#waiting]) wake();
  }
}

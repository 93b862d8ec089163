/**
 * A session as its user holds it.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { JsonObject } from "../log/json_text.ts";
import type { AppendReceipt } from "./group_plan.ts";
import {
  compactHistory,
  type CompactionOptions,
  type CompactionResult,
  replaceHistory,
  truncateHistory,
  type TruncateOptions,
} from "./history_edits.ts";
import type { OpenSession } from "./open_session.ts";
import { blobsOf, type EncodedRecord, encodeRecord, encodeText } from "./record_input.ts";
import { assertText, factsToMeta, isUnchanged, type SessionFacts } from "./session_facts.ts";
import type { SessionMeta } from "./session_meta.ts";
import { compactIfDue } from "./self_compaction.ts";
import { SessionHold } from "./session_hold.ts";
import { SessionReader } from "./session_reader.ts";
import type { VerifyReport } from "./session_verification.ts";
import type { SessionWorker } from "./session_worker.ts";
import { assertBoolean, type DurabilityMode, wholeNumber } from "./store_options.ts";
import { holdsFacts, holdsHistory } from "./write_elision.ts";

/** Options of an append. */
export interface AppendOptions {
  /**
   * When it resolves.
   *
   * @default {what the store's `durability` says of the record}
   */
  durability?: DurabilityMode;
  /**
   * Called with the outcome at the moment at which it is known, and before the promise says so: null, or the error. It
   * must not throw. For those who have to know in an exit handler: when `flushSync` returns, it was called for each
   * append that was called before and was not refused at once.
   *
   * @default {nobody is told}
   */
  onSettled?: (error: unknown) => void;
}

/** Options of {@linkcode Session.hold}. */
export interface HoldOptions {
  /**
   * Whether a session that has no files is refused rather than made: one that another process deletes meanwhile does
   * not come back empty.
   *
   * @default {false}
   */
  mustExist?: boolean;
}

/** What a repair did. */
export interface RepairReport {
  /** What was found before anything was done. */
  before: VerifyReport;
  /** What is there now. */
  after: VerifyReport;
  /** How many lines were removed from the log and set aside. */
  removed: number;
}

/**
 * One conversation: a log of records and the facts about it. Made by `SessionStore.session`.
 *
 * States, in {@linkcode Session.status}: *idle* (nothing is held; reads take what they need for their own time), *open*
 * (the lock is held, from the first write until the store closes the session), *failed* (an outcome is unknown; every
 * write rejects; ask the store for the session again), *closed* (the store is closed or the session deleted).
 */
export class Session extends SessionReader {
  readonly #worker: SessionWorker;

  /**
   * For the store.
   *
   * @param worker What stands behind it.
   */
  constructor(worker: SessionWorker) {
    super(worker);
    this.#worker = worker;
  }

  /**
   * Appends a record.
   *
   * It is encoded during the call, by the rules of `JSON.stringify`: later changes to the object have no effect. Behind
   * more than 4 Mi characters of records that wait, its text is not held: it is encoded again when its turn comes, and
   * refused with a `TypeError` if it was changed since. Whoever waits for each append never gets there.
   *
   * @param record A JSON object.
   * @param options When it resolves.
   * @returns The record's number, when it is durable (or, `buffered`, when the kernel has it).
   * @throws {TypeError} If it is not an object.
   * @throws {HoldfastError} `too-large`, `locked`, `disk-full`, `read-only`, `closed` or `io`: nothing of it is in the
   * log. `failed`: that is unknown, and this session writes no more.
   *
   * @example
   * ```ts
   * import { openStore } from "holdfast";
   *
   * await using store = await openStore("/tmp/holdfast-example");
   * const chat = await store.session("telegram:123");
   * const { sequence } = await chat.append({ role: "user", content: "hi" });
   * console.log(`record ${sequence} is on the card`);
   * ```
   */
  async append(record: JsonObject, options: AppendOptions = {}): Promise<AppendReceipt> {
    return await this.#appendOne(() => [encodeRecord(record, this.#worker.host.options)], options);
  }

  /**
   * Appends records that belong together, such as a tool call and its result: all or nothing, with one sync.
   *
   * Of records with an id, those that are in the log already are not appended again; the others are one batch.
   *
   * @param records JSON objects; at most 16 MiB encoded.
   * @param options When it resolves.
   * @returns One receipt per record.
   * @throws As {@linkcode Session.append}.
   */
  async appendAll(records: readonly JsonObject[], options: AppendOptions = {}): Promise<AppendReceipt[]> {
    const { options: storeOptions } = this.#worker.host;
    const given = [...records];
    const encode = () => given.map((record) => encodeRecord(record, storeOptions));
    return await this.#worker.append(encode, options.durability, options.onSettled);
  }

  /**
   * Appends a JSON object that is given as text, and keeps it as it is written: numbers beyond 2^53, spelling, order.
   *
   * @param text A JSON object; white space around it is dropped, line ends in it become blanks.
   * @param options When it resolves.
   * @returns The record's number.
   * @throws {TypeError} If it is not a JSON object.
   * @throws As {@linkcode Session.append}.
   */
  async appendText(text: string, options: AppendOptions = {}): Promise<AppendReceipt> {
    return await this.#appendOne(() => [encodeText(text, this.#worker.host.options)], options);
  }

  /**
   * {@linkcode Session.appendText} for a batch: all or nothing.
   *
   * @param texts JSON objects; at most 16 MiB encoded.
   * @param options When it resolves.
   * @returns One receipt per record.
   */
  async appendTextAll(texts: readonly string[], options: AppendOptions = {}): Promise<AppendReceipt[]> {
    const { options: storeOptions } = this.#worker.host;
    const given = [...texts];
    const encode = () => given.map((text) => encodeText(text, storeOptions));
    return await this.#worker.append(encode, options.durability, options.onSettled);
  }

  /** Makes everything that was appended so far durable; the end of a turn. */
  async flush(): Promise<void> {
    this.#worker.host.assertOpen();
    await this.#worker.flush();
  }

  /**
   * {@linkcode Session.flush}, blocking: for an exit handler. Also writes what other calls are writing at this moment.
   *
   * @throws {HoldfastError} `io` if the session is just being opened or rewritten, or if records wait for a session
   * that is not open: {@linkcode Session.hold} keeps it open.
   */
  flushSync(): void {
    this.#worker.host.assertOpen();
    this.#worker.flushSync();
  }

  /**
   * {@linkcode Session.appendTextAll}, blocking: for an exit handler. What other calls are writing at this moment goes
   * in front of it; all of it is durable when the call returns.
   *
   * @param texts JSON objects; at most 16 MiB encoded.
   * @returns One receipt per record.
   * @throws As {@linkcode Session.append}; `io` as {@linkcode Session.flushSync}: nothing of it is in the log.
   */
  appendTextAllSync(texts: readonly string[]): AppendReceipt[] {
    const { options: storeOptions } = this.#worker.host;
    return this.#worker.appendSync(texts.map((text) => encodeText(text, storeOptions)));
  }

  /**
   * Opens the session for writing, makes its log if there is none, and keeps it open until it is released, whatever
   * `openSessionsMax` says. An append then never has to open anything, and {@linkcode Session.flushSync} can write.
   *
   * @param options Whether it is made.
   * @returns What releases it.
   * @throws {HoldfastError} As {@linkcode Session.append}; `not-found` with `mustExist` if there is no such session.
   *
   * @example
   * ```ts
   * import { openStore } from "holdfast";
   *
   * await using store = await openStore("/tmp/holdfast-example");
   * const chat = await store.session("telegram:123");
   * using _ = await chat.hold();
   * const saving = chat.append({ role: "user", content: "hi" });
   * chat.flushSync(); // in an exit handler, where nothing can be awaited any more
   * await saving;
   * ```
   */
  async hold(options: HoldOptions = {}): Promise<SessionHold> {
    await this.#worker.hold(assertBoolean("mustExist", options.mustExist ?? false));
    return new SessionHold(this.#worker);
  }

  /**
   * Hides all but the last records, in one commit with the summary that stands for them. Nothing is removed from the
   * log: that is {@linkcode Session.compact}'s.
   *
   * Making a summary takes time, in which records arrive. Give the number of the last one that the summary knows as
   * `asOf`: what came later is kept as well.
   *
   * @param keep How many to keep; 0 hides all.
   * @param options Summary, and up to which record is counted.
   */
  async truncate(keep: number, options: TruncateOptions = {}): Promise<void> {
    wholeNumber("keep", keep, 0);
    if (options.asOf !== undefined) wholeNumber("asOf", options.asOf, -1);
    if (options.summary !== undefined) assertText("summary", options.summary);
    await this.#worker.edit(async (session) => {
      await truncateHistory(session, keep, options);
      await compactIfDue(session, this.#worker.host.options);
    });
  }

  /**
   * Sets the summary.
   *
   * @param summary Any text.
   */
  async setSummary(summary: string): Promise<void> {
    assertText("summary", summary);
    await this.#change({ summary });
  }

  /**
   * Puts new records in place of the whole history, with new numbers: after a crash it is the old one or the new one.
   * Nothing is written if they are the active ones, and the summary is the same. The archive stays as it is.
   *
   * @param records JSON objects; none at all hides everything.
   * @param options The summary that comes with them, in the same commit; absent: it stays.
   */
  async replace(records: readonly JsonObject[], options: { summary?: string } = {}): Promise<void> {
    const { summary } = options;
    if (summary !== undefined) assertText("summary", summary);
    const encoded = records.map((record) => encodeRecord(record, this.#worker.host.options));
    const lines = encoded.map((record) => record.extracted?.line ?? record.text);
    const isDone = async (opened: OpenSession | null) => {
      await opened?.sync();
      return await holdsHistory(this.#worker.target, lines, summary);
    };
    await this.#worker.editUnless(isDone, async (session) => {
      const replace = async () => await replaceHistory(session, lines, summary);
      if (lines.length > 0) await session.blobs.keep(blobsOf(encoded), replace);
      else await truncateHistory(session, 0, summary === undefined ? {} : { summary });
      await this.#worker.loadIds();
    });
  }

  /**
   * Removes hidden records and damaged lines from the log; damaged bytes go to quarantine. With `archive` the records
   * are kept beside the log: `records({ all: true })` reads through them.
   *
   * @param options Whether what is removed is kept.
   * @returns How much went.
   */
  async compact(options: CompactionOptions = {}): Promise<CompactionResult> {
    const archive = assertBoolean("archive", options.archive ?? this.#worker.host.options.archive);
    return await this.#worker.edit(async (session) => await compactHistory(session, false, archive));
  }

  /**
   * Sets facts of the session, in one commit. Nothing is written if nothing changes. Without any facts it only opens
   * the session for writing, and so recovers it.
   *
   * @param facts What to set; what is absent stays.
   */
  async update(facts: SessionFacts): Promise<void> {
    await this.#change(factsToMeta(facts));
  }

  /**
   * Repairs what {@linkcode Session.verify} finds: a torn end and damaged lines go to quarantine, a meta file that is
   * missing or damaged is rebuilt. No record goes, hidden or not.
   *
   * @returns What was found, and what is there now.
   * @throws {HoldfastError} `not-found` if there is no such session.
   */
  async repair(): Promise<RepairReport> {
    const before = await this.verify();
    const removed = await this.#worker.edit(async (session) => {
      // Says from now on what the log has, and no more what it had.
      if (before.missing === undefined) await session.ensureMeta();
      else await session.writeMeta({});
      return before.damaged.length === 0 ? 0 : (await compactHistory(session, true)).removed;
    });
    return { before, after: await this.verify(), removed };
  }

  async #appendOne(encode: () => EncodedRecord[], options: AppendOptions): Promise<AppendReceipt> {
    const [receipt] = await this.#worker.append(encode, options.durability, options.onSettled);
    if (receipt === undefined) throw new HoldfastError("failed", "Append returned no receipt");
    return receipt;
  }

  async #change(change: Partial<SessionMeta>): Promise<void> {
    const isDone = async (opened: OpenSession | null) => {
      return opened === null && await holdsFacts(this.#worker.target, change);
    };
    await this.#worker.editUnless(isDone, async (session) => {
      if (session.exists && isUnchanged(session.meta, change)) return;
      await session.writeMeta(change);
      if (typeof change.workspace === "string") await session.noteWrite();
    });
  }
}

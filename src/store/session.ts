/**
 * A session as its user holds it.
 *
 * @module
 */

import { HoldfastError, systemErrorCode, toHoldfastError } from "../errors.ts";
import type { JsonObject } from "../log/json_text.ts";
import type { LogRecord } from "../log/log_reader.ts";
import type { AppendReceipt } from "./append_queue.ts";
import {
  compactHistory,
  type CompactionResult,
  replaceHistory,
  truncateHistory,
  type TruncateOptions,
} from "./history_edits.ts";
import { type EncodedRecord, encodeRecord, encodeText } from "./record_input.ts";
import { assertText, factsToMeta, isUnchanged, type SessionFacts } from "./session_facts.ts";
import { describeSession, type SessionInfo } from "./session_info.ts";
import type { SessionMeta } from "./session_meta.ts";
import {
  measureSession,
  notFound,
  readTail,
  type SessionStats,
  type SessionTail,
  type VerifyReport,
  verifySession,
} from "./session_reading.ts";
import { followRecords, readAllRecords, type RecordsOptions } from "./session_records.ts";
import type { SessionStatus, SessionWorker } from "./session_worker.ts";
import { type DurabilityMode, wholeNumber } from "./store_options.ts";

/** A record and its number. */
export interface RecordEntry {
  /** The record's number: from 0, rising by one, never used twice. */
  sequence: number;
  /** The record. */
  record: JsonObject;
}

/** A record's text and its number. */
export interface TextEntry {
  /** The record's number. */
  sequence: number;
  /** The record as it was given to `appendText`, or as `JSON.stringify` wrote it. */
  text: string;
}

/** Options of an append. */
export interface AppendOptions {
  /**
   * When it resolves.
   *
   * @default {what the store's `durability` says of the record}
   */
  durability?: DurabilityMode;
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
export class Session {
  /** The session's key. */
  readonly key: string;
  readonly #worker: SessionWorker;

  /**
   * For the store.
   *
   * @param worker What stands behind it.
   */
  constructor(worker: SessionWorker) {
    this.key = worker.key;
    this.#worker = worker;
  }

  /** What can be done with it; see {@linkcode Session}. */
  get status(): SessionStatus {
    return this.#worker.status;
  }

  /** The summary of what is not in the active records, as last read or written through this store. */
  get summary(): string {
    return this.#worker.summary;
  }

  /**
   * Appends a record.
   *
   * It is encoded during the call, by the rules of `JSON.stringify`: later changes to the object have no effect.
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
    return await this.#appendOne(encodeRecord(record, this.#worker.host.options), options);
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
    const encoded = records.map((record) => encodeRecord(record, storeOptions));
    return await this.#worker.append(encoded, options.durability);
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
    return await this.#appendOne(encodeText(text, this.#worker.host.options), options);
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
    return await this.#worker.append(texts.map((text) => encodeText(text, storeOptions)), options.durability);
  }

  /** Makes everything that was appended so far durable; the end of a turn. */
  async flush(): Promise<void> {
    this.#worker.host.assertOpen();
    await this.#worker.flush();
  }

  /**
   * Reads records in order, with bounded memory. Without `follow` the records of one moment; a session that this store
   * has open for writing makes what it shows durable first.
   *
   * @param options Which, and whether to wait for more.
   * @returns The records with their numbers.
   * @throws {HoldfastError} `corrupt` where a line is damaged and the store is `strict`.
   *
   * @example
   * ```ts
   * import { openStore } from "holdfast";
   *
   * await using store = await openStore("/tmp/holdfast-example");
   * const chat = await store.session("telegram:123");
   * for await (const { sequence, record } of chat.records({ limit: 10 })) console.log(sequence, record);
   * ```
   */
  async *records(options: RecordsOptions = {}): AsyncGenerator<RecordEntry, void> {
    for await (const { sequence, value } of this.#read(options)) yield { sequence, record: value };
  }

  /**
   * {@linkcode Session.records}, as texts: each as it was given to {@linkcode Session.appendText}.
   *
   * @param options Which, and whether to wait for more.
   * @returns The texts with their numbers.
   */
  async *texts(options: RecordsOptions = {}): AsyncGenerator<TextEntry, void> {
    for await (const { sequence, text } of this.#read(options)) yield { sequence, text };
  }

  /**
   * The last active records. The cost does not grow with the log.
   *
   * @param count How many at the most.
   * @returns The records, how many were left out in front of them, and the log's size.
   */
  async tail(count: number): Promise<SessionTail> {
    wholeNumber("count", count, 0);
    return await this.#reading(async () => await readTail(this.#worker.target, count));
  }

  /**
   * Every active record.
   *
   * @returns The records in order; none if there is no such session.
   */
  async history(): Promise<JsonObject[]> {
    const history: JsonObject[] = [];
    for await (const { value } of this.#read({})) history.push(value);
    return history;
  }

  /**
   * What `list` says of it.
   *
   * @returns Counts, size, dates and facts.
   * @throws {HoldfastError} `not-found` if there is no such session.
   */
  async info(): Promise<SessionInfo> {
    const info = await this.#reading(async () => await describeSession(this.#worker.host.context, this.key));
    if (info === null) throw notFound(this.key);
    return info;
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
    await this.#worker.edit(async (session) => await truncateHistory(session, keep, options));
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
   *
   * @param records JSON objects; none at all hides everything.
   * @param options The summary that comes with them, in the same commit; absent: it stays.
   */
  async replace(records: readonly JsonObject[], options: { summary?: string } = {}): Promise<void> {
    const { summary } = options;
    if (summary !== undefined) assertText("summary", summary);
    const texts = records.map((record) => encodeRecord(record, this.#worker.host.options).text);
    await this.#worker.edit(async (session) => {
      if (texts.length > 0) await replaceHistory(session, texts, summary);
      else await truncateHistory(session, 0, summary === undefined ? {} : { summary });
      await this.#worker.loadIds();
    });
  }

  /**
   * Removes hidden records and damaged lines from the log; damaged bytes go to quarantine.
   *
   * @returns How much went.
   */
  async compact(): Promise<CompactionResult> {
    return await this.#worker.edit(async (session) => await compactHistory(session));
  }

  /**
   * Sets facts of the session, in one commit. Nothing is written if nothing changes.
   *
   * @param facts What to set; what is absent stays.
   */
  async update(facts: SessionFacts): Promise<void> {
    await this.#change(factsToMeta(facts));
  }

  /**
   * Looks at every line and at the meta file; repairs nothing.
   *
   * @returns What is intact, foreign and damaged, with offsets.
   * @throws {HoldfastError} `not-found` if there is no such session.
   */
  async verify(): Promise<VerifyReport> {
    return await this.#reading(async () => await verifySession({ ...this.#worker.target, strict: false }));
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

  /**
   * Measures it.
   *
   * @returns Records and bytes, live and dead.
   * @throws {HoldfastError} `not-found` if there is no such session.
   */
  async stats(): Promise<SessionStats> {
    return await this.#reading(async () => await measureSession(this.#worker.target));
  }

  async #appendOne(record: EncodedRecord, options: AppendOptions): Promise<AppendReceipt> {
    const [receipt] = await this.#worker.append([record], options.durability);
    if (receipt === undefined) throw new HoldfastError("failed", "Append returned no receipt");
    return receipt;
  }

  async #change(change: Partial<SessionMeta>): Promise<void> {
    await this.#worker.edit(async (session) => {
      if (!session.exists || !isUnchanged(session.meta, change)) await session.writeMeta(change);
    });
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    await this.#worker.beforeRead();
    try {
      return await read();
    } catch (error) {
      throw this.#readError(error);
    }
  }

  async *#read(options: RecordsOptions): AsyncGenerator<LogRecord, void> {
    this.#worker.host.assertOpen();
    if (options.follow !== true) await this.#worker.beforeRead();
    try {
      yield* options.follow === true
        ? followRecords(this.#worker, options)
        : readAllRecords(this.#worker.target, options);
    } catch (error) {
      throw this.#readError(error);
    }
  }

  /** What the operating system says becomes ours; what is wrong with an argument, or with us, stays as it is. */
  #readError(error: unknown): unknown {
    if (systemErrorCode(error) === undefined || error instanceof TypeError) return error;
    return toHoldfastError(error, "reading the session", this.#worker.host.context.directory);
  }
}

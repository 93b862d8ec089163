/**
 * What can be read of a session.
 *
 * @module
 */

import { systemErrorCode, toHoldfastError } from "../errors.ts";
import { type BlobReference, readReferences } from "../log/blob_member.ts";
import type { JsonObject } from "../log/json_text.ts";
import type { LogRecord } from "../log/log_reader.ts";
import { wholeRecord } from "./blob_reading.ts";
import { factsOf, type KnownFacts } from "./session_facts.ts";
import { describeSession, type SessionInfo } from "./session_info.ts";
import { readRecordsBack, type RecordsBackOptions } from "./records_back.ts";
import { notFound, readTail, type SessionTail, withView } from "./session_reading.ts";
import { RecordStream } from "./record_stream.ts";
import { followRecords, readAllRecords, type RecordsOptions } from "./session_records.ts";
import { measureSession, type SessionStats, type VerifyReport, verifySession } from "./session_verification.ts";
import type { SessionStatus } from "./session_host.ts";
import type { SessionWorker } from "./session_worker.ts";
import { wholeNumber } from "./store_options.ts";

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
  /** With `previews`: which of its values are previews, and the blobs that hold them; absent: none. */
  blobs?: readonly BlobReference[];
}

/** The reading half of a session: needs no lock, and writes nothing. */
export class SessionReader {
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

  /** What can be done with it; see `Session`. */
  get status(): SessionStatus {
    return this.#worker.status;
  }

  /** The summary of what is not in the active records, as last read or written through this store. */
  get summary(): string {
    return this.#worker.summary;
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
  records(options: RecordsOptions = {}): AsyncGenerator<RecordEntry, void> {
    const entryOf = ({ sequence, value }: LogRecord): RecordEntry => ({ sequence, record: value });
    return new RecordStream(this.#read(options), entryOf, options.signal);
  }

  /**
   * {@linkcode SessionReader.records}, as texts: each as it was given to `Session.appendText`.
   *
   * @param options Which, and whether to wait for more.
   * @returns The texts with their numbers.
   */
  texts(options: RecordsOptions = {}): AsyncGenerator<TextEntry, void> {
    const entryOf = ({ sequence, text, blobs }: LogRecord): TextEntry => {
      return blobs === undefined ? { sequence, text } : { sequence, text, blobs: readReferences(blobs) };
    };
    return new RecordStream(this.#read(options), entryOf, options.signal);
  }

  /**
   * Reads records from the newest to the oldest, with bounded memory; the cost is that of what is taken. The records of
   * one moment, as {@linkcode SessionReader.records}.
   *
   * @param options Which.
   * @returns The records with their numbers, which fall.
   *
   * @example
   * ```ts
   * import { openStore } from "holdfast";
   *
   * await using store = await openStore("/tmp/holdfast-example");
   * const chat = await store.session("telegram:123");
   * for await (const { sequence, record } of chat.recordsBack({ limit: 10 })) console.log(sequence, record);
   * ```
   */
  async *recordsBack(options: RecordsBackOptions = {}): AsyncGenerator<RecordEntry, void> {
    await this.#worker.beforeRead();
    try {
      for await (const { sequence, value } of readRecordsBack(this.#worker.target, options)) {
        yield { sequence, record: value };
      }
    } catch (error) {
      throw this.#readError(error);
    }
  }

  /**
   * The last active records. The cost does not grow with the log.
   *
   * @param count How many at the most.
   * @param options Whether large values stay as previews.
   * @returns The records, how many were left out in front of them, and the log's size.
   */
  async tail(count: number, options: Pick<RecordsOptions, "previews"> = {}): Promise<SessionTail> {
    wholeNumber("count", count, 0);
    return await this.#reading(async () => await readTail(this.#worker.target, count, options.previews));
  }

  /**
   * Every active record.
   *
   * @param options Whether large values stay as previews.
   * @returns The records in order; none if there is no such session.
   */
  async history(options: Pick<RecordsOptions, "previews"> = {}): Promise<JsonObject[]> {
    const { previews = false } = options;
    const history: JsonObject[] = [];
    for await (const records of this.#read({ previews })) for (const { value } of records) history.push(value);
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
   * The facts that `Session.update` sets, and where it comes from.
   *
   * @returns Them; none if there is no such session.
   */
  async facts(): Promise<KnownFacts> {
    return await this.#reading(async () =>
      await withView(this.#worker.target, (view) => {
        return Promise.resolve(factsOf(view?.meta.state === "ok" ? view.meta.meta : null));
      })
    );
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
   * Measures it.
   *
   * @returns Records and bytes, live and dead.
   * @throws {HoldfastError} `not-found` if there is no such session.
   */
  async stats(): Promise<SessionStats> {
    return await this.#reading(async () => await measureSession(this.#worker.target));
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    await this.#worker.beforeRead();
    try {
      return await read();
    } catch (error) {
      throw this.#readError(error);
    }
  }

  async *#read(options: RecordsOptions): AsyncGenerator<readonly LogRecord[], void> {
    this.#worker.host.assertOpen();
    if (options.follow !== true && options.durable !== true) await this.#worker.beforeRead();
    try {
      const { target } = this.#worker;
      const groups = options.follow === true ? followRecords(this.#worker, options) : readAllRecords(target, options);
      for await (const records of groups) {
        if (options.previews === true || records.every(({ blobs }) => blobs === undefined)) yield records;
        // One at a time: large values are held no longer than each is used.
        else for (const record of records) yield [await wholeRecord(target, record)];
      }
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

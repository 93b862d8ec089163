/**
 * Follows the sessions of a store and sends what is new and durable to a bucket, in the background: one object at a
 * time; whatever arrives meanwhile goes with the next one. Nothing of it is on the path of an append.
 *
 * @module
 */

import { HoldfastError, toHoldfastError } from "../errors.ts";
import type { SessionStore } from "../store/session_store.ts";
import { BucketUnreachable, type UploadContext } from "./session_upload.ts";
import type { SinkCursor } from "./sink_cursor.ts";
import type { SinkCounters, SinkSessionStatus } from "./sink_report.ts";
import type { SinkSchedule } from "./sink_schedule.ts";
import { SinkSessions } from "./sink_sessions.ts";

/** What a sink is put together from; made by `openSink`. */
export interface SinkParts {
  /** The store. */
  store: SessionStore;
  /** What uploads work with. */
  context: Omit<UploadContext, "isStopping">;
  /** How far it has got. */
  cursor: SinkCursor;
  /** When it works. */
  schedule: SinkSchedule;
  /** How often the cursor is written, in milliseconds. */
  cursorIntervalMs: number;
}

/** Options of {@linkcode Sink.flush}. */
export interface SinkFlushOptions {
  /** Told of each session that is being sent, and how many there are to look at. */
  onSession?: (key: string, index: number, count: number) => void;
}

/**
 * A sink at work. Made by `openSink`.
 *
 * What it needs in memory does not depend on how long the bucket is away: one object at a time, and a few words for
 * each session.
 */
export class Sink {
  readonly #parts: SinkParts;
  readonly #sessions: SinkSessions;
  #closing: Promise<void> | null = null;
  #rounds: Promise<unknown> = Promise.resolve();
  #loop: Promise<void> = Promise.resolve();
  #unsavedMs = 0;

  /**
   * For `openSink`.
   *
   * @param parts What it is put together from.
   */
  constructor(parts: SinkParts) {
    this.#parts = parts;
    const context = { ...parts.context, isStopping: () => this.#closing !== null };
    this.#sessions = new SinkSessions(parts.store, context, parts.cursor);
  }

  /** What it has done since it was opened. */
  get counters(): Readonly<SinkCounters> {
    return this.#parts.context.counters;
  }

  /** Begins to work in the background. */
  start(): void {
    this.#loop = this.#work();
  }

  /**
   * Sends everything that is durable now. Does not wait for a time to come, and tries once.
   *
   * @param options Who is told how far it is.
   * @returns The keys of sessions that could not be sent, each with the error.
   * @throws {HoldfastError} `io` if the bucket cannot be reached, or as the store does if its directory cannot be read
   * or the cursor not be written; the next call goes on from there.
   */
  async flush(options: SinkFlushOptions = {}): Promise<Map<string, HoldfastError>> {
    if (this.#closing !== null) throw new HoldfastError("closed", "The sink is closed");
    return await this.#inTurn(async () => {
      try {
        const failed = await this.#sessions.round(true, options.onSession);
        await this.#parts.cursor.save();
        return failed;
      } catch (error) {
        throw toHoldfastError(error, "sending the sessions", this.#parts.context.directory);
      }
    });
  }

  /**
   * How far it is with each session. Reads the sessions, sends nothing.
   *
   * @returns The sessions by key.
   */
  async status(): Promise<SinkSessionStatus[]> {
    return await this.#sessions.status();
  }

  /**
   * Ends it. A request under way is given up: what it may have done is found by the next sink.
   */
  async close(): Promise<void> {
    this.#closing ??= this.#end();
    await this.#closing;
  }

  /** {@linkcode Sink.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #end(): Promise<void> {
    const { schedule, context, cursor } = this.#parts;
    schedule.cancel();
    // Those who wait for it see that it is closing only when this function has returned its promise.
    await Promise.resolve();
    context.objects.abort?.();
    await this.#loop;
    await this.#rounds;
    try {
      await this.#save();
    } finally {
      await cursor.release();
    }
  }

  async #work(): Promise<void> {
    const { schedule, cursorIntervalMs } = this.#parts;
    while (this.#closing === null) {
      const hasFailed = await this.#inTurn(async () => await this.#try());
      if (this.#closing !== null) return;
      const delayMs = schedule.next(hasFailed);
      this.#unsavedMs += delayMs;
      if (this.#unsavedMs >= cursorIntervalMs) await this.#save();
      await schedule.wait(delayMs);
    }
  }

  async #try(): Promise<boolean> {
    const { counters, report } = this.#parts.context;
    try {
      await this.#sessions.round(false);
      return false;
    } catch (error) {
      if (this.#closing !== null || (error instanceof HoldfastError && error.code === "closed")) return true;
      counters.failures++;
      const message = error instanceof Error ? error.message : String(error);
      report({ type: error instanceof BucketUnreachable ? "bucket-unreachable" : "session-failed", message });
      return true;
    }
  }

  async #save(): Promise<void> {
    this.#unsavedMs = 0;
    try {
      await this.#parts.cursor.save();
    } catch (error) {
      const message = `The sink's cursor could not be written: ${error instanceof Error ? error.message : error}`;
      this.#parts.context.report({ type: "cursor-unwritten", message });
    }
  }

  /** One round at a time. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#rounds.then(work);
    this.#rounds = turn.catch(() => undefined);
    return await turn;
  }
}

/**
 * A directory of sessions.
 *
 * @module
 */

import { HoldfastError, toHoldfastError } from "../errors.ts";
import { type BlobCollection, collectBlobs } from "./blob_collection.ts";
import { findLatest } from "./latest_session.ts";
import type { RetentionOptions, RetentionStep } from "./retention.ts";
import { Session } from "./session.ts";
import { assertText } from "./session_facts.ts";
import type { SessionInfo } from "./session_info.ts";
import { isSession, type ListOptions, listSessions, resolveAlias, type ResolveOptions } from "./session_list.ts";
import {
  type Continuation,
  type ContinuationOptions,
  continuationTailDefault,
  continueSession,
  promoteSession,
} from "./session_continuation.ts";
import { locateSession } from "./session_location.ts";
import { assertKey } from "./session_name.ts";
import { type ForkOptions, type ForkResult, forkSession } from "./session_fork.ts";
import { SessionPool } from "./session_pool.ts";
import type { SessionWorker } from "./session_worker.ts";
import type { StoreContext } from "./store_context.ts";
import type { StoreCounters } from "./store_counters.ts";
import { type ResolvedOptions, wholeNumber } from "./store_options.ts";
import { StoreHousekeeping } from "./store_housekeeping.ts";
import { listTrash, type TrashEntry } from "./trash_items.ts";

/**
 * A directory of sessions. Made by `openStore`.
 *
 * States: *open*, and after {@linkcode SessionStore.close} *closed*: every call rejects with `closed`.
 */
export class SessionStore {
  readonly #context: StoreContext;
  readonly #options: ResolvedOptions;
  readonly #pool: SessionPool;
  readonly #housekeeping: StoreHousekeeping;
  #closed: Promise<void> | null = null;

  /**
   * For `openStore`.
   *
   * @param context What all parts share.
   * @param options The checked options.
   */
  constructor(context: StoreContext, options: ResolvedOptions) {
    this.#context = context;
    this.#options = options;
    this.#pool = new SessionPool(context, options, () => this.#assertOpen());
    this.#housekeeping = new StoreHousekeeping(context, options, this.#pool);
  }

  /** The directory, absolute. */
  get directory(): string {
    return this.#context.directory;
  }

  /** What the store has cost its flash since it was opened. */
  get counters(): Readonly<StoreCounters> {
    return this.#context.counters;
  }

  /**
   * A session, by its key. No file is made before the first write. A session that has *failed* is given anew, and
   * recovers from what is on the disk.
   *
   * @param key Any string of 1 to 1,024 bytes.
   * @returns The session; the same queue stands behind every object for one key.
   * @throws {TypeError} or {RangeError} If it is no key.
   */
  async session(key: string): Promise<Session> {
    assertKey(key);
    this.#assertOpen();
    return new Session(await this.#pool.worker(key));
  }

  /**
   * Lists sessions, newest first by the last write as the file system saw it. Reads no log whole.
   *
   * @param options Which.
   * @returns What is known of each.
   * @throws {RangeError} If `after` is none of them.
   */
  async list(options: ListOptions = {}): Promise<SessionInfo[]> {
    this.#assertOpen();
    return await this.#typed("listing sessions", async () => await listSessions(this.#context, options));
  }

  /**
   * The session that was written to last. Of a workspace, by the store's index, which asks no clock; of all, or where
   * the index does not know, by the times of the files. No log is read.
   *
   * @param options Of which workspace; without, of all.
   * @returns Its key; null if there is none.
   */
  async latest(options: { workspace?: string } = {}): Promise<string | null> {
    this.#assertOpen();
    const { workspace } = options;
    if (workspace !== undefined) assertText("workspace", workspace);
    return await this.#typed("looking for the latest session", async () => {
      if (workspace === undefined) return await findLatest(this.#context, null);
      return await this.#context.workspaces.latest(workspace);
    });
  }

  /**
   * Whether there is a session.
   *
   * @param key The session's key.
   * @returns True if it has a file that is not deleted.
   */
  async has(key: string): Promise<boolean> {
    assertKey(key);
    this.#assertOpen();
    return await this.#typed("looking for the session", async () => await isSession(this.#context, key));
  }

  /**
   * Deletes a session with everything that belongs to it. Committed by its meta file: after a crash the rest is removed
   * when the key is next written, and read by nobody.
   *
   * @param key The session's key.
   * @returns False if there was none.
   * @throws {HoldfastError} `locked` if somebody else writes it.
   */
  async delete(key: string): Promise<boolean> {
    this.#assertOpen();
    assertKey(key);
    const worker = await this.#pool.worker(key);
    worker.assertWritable();
    if (await this.#isAbsent(key) && worker.status === "idle") return false;
    try {
      return await worker.remove();
    } finally {
      this.#pool.forget(worker);
    }
  }

  /**
   * Puts a session into the trash, with everything that belongs to it: it is in the store no more, and
   * {@linkcode SessionStore.restore} brings it back. No record is copied. Committed as a deletion is.
   *
   * @param key The session's key.
   * @returns Its name in the trash; null if there was no such session.
   * @throws {HoldfastError} `locked` if somebody else writes it.
   */
  async moveToTrash(key: string): Promise<string | null> {
    this.#assertOpen();
    return await this.#typed("putting a session into the trash", async () => await this.#housekeeping.trash(key));
  }

  /**
   * Lists the trash.
   *
   * @returns What is there, the newest first.
   */
  async trash(): Promise<TrashEntry[]> {
    this.#assertOpen();
    return await this.#typed("looking into the trash", async () => {
      return (await listTrash(this.#context)).map(({ modifiedMs: _, ...entry }) => entry);
    });
  }

  /**
   * Brings a session back from the trash: as it was, and under its key.
   *
   * @param key Its key, or its name in the trash; of several with one key, the one that went there last.
   * @returns Its key.
   * @throws {HoldfastError} `not-found` if it is not in the trash, `exists` if there is a session of its key again,
   * `locked` if somebody is writing one.
   */
  async restore(key: string): Promise<string> {
    this.#assertOpen();
    return await this.#typed("bringing a session back", async () => await this.#housekeeping.restore(key));
  }

  /**
   * Keeps house: sessions that are too old, too many or too large go to the trash; what was in the trash for long
   * enough, and what crashes have left, goes for good. Each step is given when it is done; whoever stops in between,
   * stops it. Sessions that are being written, here or elsewhere, are passed over and told of.
   *
   * @param options The limits; without one no session goes.
   * @returns What was done, step by step.
   *
   * @example
   * ```ts
   * import { openStore } from "holdfast";
   *
   * await using store = await openStore("/tmp/holdfast-example");
   * for await (const step of store.retain({ ageMsMax: 90 * 86_400_000, sessionsMax: 1000, dryRun: true })) {
   *   console.log(step.action, step.key, step.reason, step.bytes);
   * }
   * ```
   */
  async *retain(options: RetentionOptions = {}): AsyncGenerator<RetentionStep> {
    this.#assertOpen();
    yield* this.#housekeeping.retain(options);
  }

  /**
   * Begins a session with the tail of another, which stays whole: to go on with a conversation that has become too long
   * to be read in full. It takes over summary, workspace and scope, and names the other as its parent. Nothing of it is
   * there before all of it is; doing it again changes nothing.
   *
   * @param from The key of the other.
   * @param to The key of the new one.
   * @param options How much of it.
   * @returns How many records the new one begins with, and how many it does not have.
   * @throws {HoldfastError} `not-found` if there is no other, `exists` if the new one has records already.
   *
   * @example
   * ```ts
   * import { openStore } from "holdfast";
   *
   * await using store = await openStore("/tmp/holdfast-example");
   * await (await store.session("garden")).append({ role: "user", content: "hi" });
   * const { dropped } = await store.continueAs("garden", "garden-2", { tail: 1000 });
   * console.log(`${dropped} older records are in "garden" only`);
   * ```
   */
  async continueAs(from: string, to: string, options: ContinuationOptions = {}): Promise<Continuation> {
    const { tail = continuationTailDefault, title } = options;
    wholeNumber("tail", tail, 0);
    if (title !== undefined) assertText("title", title);
    return await this.#typed("continuing a session", async () => {
      const [source, target] = await this.#pair(from, to);
      return await continueSession(source, target, options);
    });
  }

  /**
   * Gives a session that never had a record the active records and the summary of another, of which it takes the place:
   * of an alias, say, under which the conversation was kept before. It happens once for each of the two, whatever
   * crashes; the other stays as it is.
   *
   * @param from The key of the other.
   * @param to The key of the new one.
   * @returns Whether anything was taken over.
   */
  async promote(from: string, to: string): Promise<boolean> {
    return await this.#typed("promoting a session", async () => {
      const [source, target] = await this.#pair(from, to);
      return await promoteSession(source, target);
    });
  }

  /**
   * Makes another session that begins with the same records: same bytes, numbers, ids and times. Where the file system
   * can share bytes (btrfs, XFS), they are on flash once. The fork goes on by itself and outlives its source; `info()`
   * says where it branches off, and `list({ parent })` finds it.
   *
   * The source need not be idle: what it has acknowledged is in the fork. At a hidden record the fork shows what was
   * there before it was hidden, and has no summary. After a crash there is a whole fork, or none.
   *
   * @param from The source's key.
   * @param to The fork's key; there is no such session yet.
   * @param options Up to which record.
   * @returns What the fork was made of.
   * @throws {HoldfastError} `not-found` if there is no source or no such record, `exists` if there is a session `to`,
   * `locked` if somebody else is writing it.
   *
   * @example
   * ```ts
   * import { openStore } from "holdfast";
   *
   * await using store = await openStore("/tmp/holdfast-example-fork");
   * await store.delete("attempt:2");
   * const chat = await store.session("attempt:1");
   * const { sequence } = await chat.append({ role: "user", content: "Try the other way." });
   * await store.fork("attempt:1", "attempt:2", { at: sequence });
   * ```
   */
  async fork(from: string, to: string, options: ForkOptions = {}): Promise<ForkResult> {
    this.#assertOpen();
    assertKey(from);
    assertKey(to);
    if (from === to) throw new RangeError("A session cannot be forked to itself");
    const at = options.at === undefined ? null : wholeNumber("at", options.at, 0);
    const { onProgress } = options;
    if (onProgress !== undefined && typeof onProgress !== "function") {
      throw new TypeError("onProgress must be a function");
    }
    const [source, target] = [await this.#pool.worker(from), await this.#pool.worker(to)];
    target.assertWritable();
    await source.beforeRead();
    return await this.#typed("forking the session", async () => {
      const { result, summary } = await target.create(async () => await forkSession(source.target, to, at, onProgress));
      target.summary = summary;
      return result;
    });
  }

  /**
   * Finds the session that an alias stands for.
   *
   * @param alias An alias, or a key.
   * @param options Which comes first, where the name is both; by default the session that has it as its key.
   * @returns The key; null if nothing has that name.
   */
  async resolve(alias: string, options: ResolveOptions = {}): Promise<string | null> {
    this.#assertOpen();
    if (typeof alias !== "string") throw new TypeError("alias must be a string");
    return await this.#typed("resolving an alias", async () => await resolveAlias(this.#context, alias, options));
  }

  /**
   * Removes the large values that no record names any more: deleting, replacing and compacting leave them there. Every
   * file of the store is read, once or twice; sessions can be written meanwhile, also by other processes.
   *
   * @returns How much went.
   * @throws {HoldfastError} `locked` if another process collects.
   */
  async collectBlobs(): Promise<BlobCollection> {
    this.#assertOpen();
    if (this.#options.readOnly) {
      throw new HoldfastError("read-only", "Store was opened readOnly", { path: this.directory });
    }
    return await this.#typed("collecting blobs", async () => await collectBlobs(this.#context));
  }

  /** Makes everything that was appended so far, in any session, durable. */
  async flush(): Promise<void> {
    this.#assertOpen();
    await this.#pool.flush();
  }

  /**
   * {@linkcode SessionStore.flush}, blocking: for an exit handler.
   *
   * @throws {HoldfastError} `io` if a session is just being opened or rewritten; the others are flushed all the same.
   */
  flushSync(): void {
    this.#assertOpen();
    this.#pool.flushSync();
  }

  /** Makes everything durable, gives back all files and locks, and ends the store. A second call waits for the first. */
  async close(): Promise<void> {
    // What went wrong is the first caller's to know.
    if (this.#closed !== null) return await this.#closed.catch(() => undefined);
    this.#closed = this.#pool.close();
    await this.#closed;
  }

  /** {@linkcode SessionStore.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #pair(from: string, to: string): Promise<[SessionWorker, SessionWorker]> {
    assertKey(from);
    assertKey(to);
    this.#assertOpen();
    const pair: [SessionWorker, SessionWorker] = [await this.#pool.worker(from), await this.#pool.worker(to)];
    pair[1].assertWritable();
    return pair;
  }

  async #isAbsent(key: string): Promise<boolean> {
    const { fileSystem, directory } = this.#context;
    return await this.#typed("looking for the session", async () => await locateSession(fileSystem, directory, key)) ===
      null;
  }

  async #typed<T>(doing: string, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      if (error instanceof RangeError || error instanceof TypeError) throw error;
      throw toHoldfastError(error, doing, this.directory);
    }
  }

  #assertOpen(): void {
    if (this.#closed !== null) throw new HoldfastError("closed", "Store is closed", { path: this.directory });
  }
}

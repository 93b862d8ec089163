/**
 * Sessions that are saved in the background: an agent holds its own state and tells what it does; the pool appends it
 * to the sessions' logs, in intervals, in batches, a few sessions at a time, and never on the agent's path.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { type BackgroundPoolOptions, type ResolvedPoolOptions, resolvePoolOptions } from "./background_options.ts";
import { PooledSession, type PoolTarget, SharedSession } from "./pooled_session.ts";

export type { BackgroundPoolOptions } from "./background_options.ts";

/** What a pool needs of a store; `SessionStore` has it. */
export interface PoolStore {
  /** Gives a session by its key. */
  session(key: string): Promise<PoolTarget>;
}

/**
 * A pool of sessions that are saved in the background.
 *
 * States: *open*; after {@linkcode BackgroundPool.close} *closed*. The store stays its owner's: it is closed behind the
 * pool.
 *
 * @example
 * ```ts
 * import { openStore } from "holdfast";
 * import { BackgroundPool } from "holdfast/transcript";
 *
 * await using store = await openStore("/tmp/holdfast-example-pool");
 * await using pool = new BackgroundPool(store, { saveIntervalMs: 1000 });
 * const state = { steps: 0 };
 * using agent = await pool.session("agent:1", { snapshot: () => state });
 * agent.record({ type: "step", n: ++state.steps }); // costs its encoding, and waits for nothing
 * agent.touch(); // the state goes with the next save
 * await agent.forceSave();
 * console.log(await agent.metadata());
 * ```
 */
export class BackgroundPool {
  readonly #store: PoolStore;
  readonly #options: ResolvedPoolOptions;
  readonly #startTimer: FileSystem["startTimer"];
  /** The least recently used first. */
  readonly #sessions = new Map<string, Promise<SharedSession>>();
  /** The same, as far as they are open: what a blocking flush can reach. */
  readonly #opened = new Map<string, SharedSession>();
  #cancelTimer: (() => void) | null = null;
  #saving: Promise<void> | null = null;
  #evicting: Promise<void> | null = null;
  /** The last save in the background met an error: the next one waits for the timer. */
  #failing = false;
  #closing = false;
  #closed = false;

  /**
   * Opens nothing yet.
   *
   * @param store The store.
   * @param options How it behaves.
   * @throws {TypeError} or {RangeError} If an option is wrong.
   */
  constructor(store: PoolStore, options: BackgroundPoolOptions = {}) {
    this.#store = store;
    this.#options = resolvePoolOptions(options);
    const clock = options.clock ?? runtimeFileSystem;
    this.#startTimer = clock.startTimer?.bind(clock);
  }

  /** How many sessions the pool holds open. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Whether anything is not durable yet. */
  get isDirty(): boolean {
    return [...this.#opened.values()].some(({ saver }) => saver.isDirty);
  }

  /**
   * Loads a session, or makes it. It is the caller's until released; then the pool may give it back to the store, the
   * least recently used first, when it holds more than `maxCachedSessions`.
   *
   * @param key The session's key, as for `SessionStore.session`: it never leads out of the directory (O9).
   * @param options How its state is had.
   * @returns The session.
   * @throws {HoldfastError} `locked` if somebody else writes it; `closed`.
   */
  async session(key: string, options: { snapshot?: () => unknown } = {}): Promise<PooledSession> {
    this.#assertOpen();
    const known = this.#sessions.get(key);
    const opening = known ?? this.#open(key);
    this.#sessions.delete(key);
    this.#sessions.set(key, opening);
    const shared = await opening;
    // It was given back to the store while we waited: begin again.
    if (shared.isEnded) return await this.session(key, options);
    const session = new PooledSession(shared, () => this.#makeRoom());
    try {
      if (options.snapshot !== undefined) await shared.setSnapshot(options.snapshot);
    } catch (error) {
      session.release();
      throw error;
    }
    this.#makeRoom();
    return session;
  }

  #open(key: string): Promise<SharedSession> {
    const opening = SharedSession.open(key, {
      open: async () => await this.#store.session(key),
      recordBytesMax: this.#options.recordBytesMax,
      unsavedBytesMax: this.#options.unsavedBytesMax,
      now: this.#options.now,
      changed: (shared) => this.#noteChange(shared),
    }).then((shared) => {
      this.#opened.set(key, shared);
      return shared;
    });
    opening.catch(() => {
      if (this.#sessions.get(key) === opening) this.#sessions.delete(key);
    });
    return opening;
  }

  /** A clean pool sets no timer: an idle board is never woken. */
  #noteChange(shared: SharedSession): void {
    const { saveIntervalMs, saveBytesMin } = this.#options;
    if (shared.saver.unsavedBytes >= saveBytesMin && !this.#failing) void this.#saveInBackground();
    else if (saveIntervalMs !== Infinity && !this.#closed) {
      this.#cancelTimer ??= this.#startTimer?.(saveIntervalMs, () => {
        this.#cancelTimer = null;
        void this.#saveInBackground();
      }) ?? null;
    }
  }

  async #saveInBackground(): Promise<void> {
    if (this.#saving !== null) return;
    this.#saving = this.#saveDirty((shared) => shared.saver.save());
    try {
      await this.#saving;
      this.#failing = false;
    } catch {
      // Each was told to `onSaveError`; the next interval tries again.
      this.#failing = true;
    } finally {
      this.#saving = null;
    }
    for (const shared of this.#opened.values()) if (shared.saver.isDirty) return this.#noteChange(shared);
  }

  /** A few at a time: a card that is asked for much at once does each thing later. */
  async #saveDirty(save: (shared: SharedSession) => Promise<void>): Promise<void> {
    const dirty = [...this.#opened.values()].filter(({ saver }) => saver.isDirty);
    const errors: unknown[] = [];
    const work = async (): Promise<void> => {
      for (let shared = dirty.shift(); shared !== undefined; shared = dirty.shift()) {
        try {
          await save(shared);
        } catch (error) {
          errors.push(error);
          this.#tellError(shared.key, error);
        }
      }
    };
    await Promise.all(Array.from({ length: this.#options.savesAtOnce }, work));
    throwAll(errors);
  }

  #tellError(key: string, error: unknown): void {
    try {
      this.#options.onSaveError({ key, error });
    } catch {
      // A listener's mistake must not stop a save half-way.
    }
  }

  /** Makes all changes up to now durable, in all sessions. */
  async forceSave(): Promise<void> {
    await this.#saveDirty((shared) => shared.saver.forceSave());
  }

  /**
   * {@linkcode BackgroundPool.forceSave}, blocking: for an exit handler. Also what is being saved at this moment, and
   * what has changed since that began.
   *
   * @throws {HoldfastError} If a session could not be saved; the others are all the same.
   */
  flushSync(): void {
    const errors: unknown[] = [];
    for (const shared of this.#opened.values()) {
      try {
        shared.saver.flushSync();
      } catch (error) {
        errors.push(error);
        this.#tellError(shared.key, error);
      }
    }
    throwAll(errors);
  }

  /** Gives sessions back that nobody uses, the least recently used first. */
  #makeRoom(): void {
    this.#evicting ??= this.#evict().finally(() => this.#evicting = null);
  }

  async #evict(): Promise<void> {
    await Promise.resolve();
    for (const key of [...this.#sessions.keys()]) {
      if (this.#sessions.size <= this.#options.maxCachedSessions) return;
      const shared = this.#opened.get(key);
      if (shared === undefined || shared.uses > 0) continue;
      try {
        await shared.saver.forceSave();
      } catch (error) {
        // What cannot be saved is kept.
        this.#tellError(key, error);
        continue;
      }
      if (shared.uses > 0 || shared.saver.isDirty) continue;
      shared.end();
      this.#opened.delete(key);
      this.#sessions.delete(key);
    }
  }

  /**
   * Saves everything, also what changes meanwhile, and gives all sessions back. If a save fails the pool stays open,
   * and nothing is forgotten: make room, say, and close it again.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    // Sessions that are held may still change; no more are opened.
    this.#closing = true;
    try {
      await Promise.allSettled(this.#sessions.values());
      while (this.isDirty) await this.forceSave();
    } catch (error) {
      this.#closing = false;
      throw error;
    }
    // Nothing can come in between: what is told from here on is refused.
    this.#closed = true;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    for (const shared of this.#opened.values()) shared.end();
    this.#opened.clear();
    this.#sessions.clear();
  }

  /** {@linkcode BackgroundPool.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #assertOpen(): void {
    if (this.#closing) throw new HoldfastError("closed", "Pool of sessions is closed");
  }
}

function throwAll(errors: readonly unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} sessions could not be saved`);
}

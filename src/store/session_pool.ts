/**
 * The sessions that a store knows: one worker per key, and at most so many of them open for writing.
 *
 * @module
 */

import { toHoldfastError } from "../errors.ts";
import { readSummary } from "./session_view.ts";
import { SessionWorker } from "./session_worker.ts";
import type { StoreContext } from "./store_context.ts";
import type { ResolvedOptions } from "./store_options.ts";

/** The sessions of one store. */
export class SessionPool {
  readonly #context: StoreContext;
  readonly #options: ResolvedOptions;
  readonly #assertOpen: () => void;
  /** Sessions that somebody may hold; one object per key, so that there is one queue per log. */
  readonly #workers = new Map<string, WeakRef<SessionWorker>>();
  /** Sessions that are open for writing, the least recently used first. */
  readonly #open = new Set<SessionWorker>();
  readonly #closing = new Set<Promise<void>>();
  readonly #forgotten: FinalizationRegistry<string>;

  /**
   * Creates an empty pool.
   *
   * @param context What all parts share.
   * @param options The store's options.
   * @param assertOpen Throws if the store is closed.
   */
  constructor(context: StoreContext, options: ResolvedOptions, assertOpen: () => void) {
    this.#context = context;
    this.#options = options;
    this.#assertOpen = assertOpen;
    this.#forgotten = new FinalizationRegistry((key) => {
      if (this.#workers.get(key)?.deref() === undefined) this.#workers.delete(key);
    });
  }

  /**
   * What stands behind a session. One that has failed is given anew.
   *
   * @param key The session's key.
   * @returns Its worker.
   */
  async worker(key: string): Promise<SessionWorker> {
    const known = this.#workers.get(key)?.deref();
    if (known !== undefined && known.status !== "failed" && known.status !== "closed") return known;
    if (known?.status === "failed") {
      await known.close();
      this.#open.delete(known);
    }
    const summary = await this.#summary(key);
    // Somebody else may have asked for the same key meanwhile.
    const raced = this.#workers.get(key)?.deref();
    if (raced !== undefined && raced !== known) return raced;
    this.#assertOpen();
    const worker = new SessionWorker(
      {
        context: this.#context,
        options: this.#options,
        assertOpen: this.#assertOpen,
        used: (used) => this.#makeRoom(used),
        idle: () => this.#makeRoom(null),
      },
      key,
      summary,
    );
    this.#workers.set(key, new WeakRef(worker));
    this.#forgotten.register(worker, key);
    return worker;
  }

  /**
   * Whether a session is in use here: open for writing, or about to be.
   *
   * @param key The session's key.
   * @returns False also for one that nobody has asked for.
   */
  isInUse(key: string): boolean {
    const known = this.#workers.get(key)?.deref();
    return known !== undefined && (known.status === "open" || !known.idle);
  }

  /**
   * Forgets a session that was deleted.
   *
   * @param worker What stands behind it.
   */
  forget(worker: SessionWorker): void {
    this.#open.delete(worker);
    // Somebody may have asked for the key again meanwhile.
    if (worker.status !== "closed" || this.#workers.get(worker.key)?.deref() !== worker) return;
    this.#workers.delete(worker.key);
  }

  /** Makes everything that was appended so far, in any session, durable. */
  async flush(): Promise<void> {
    await allOrThrow(this.#known().map(async (worker) => await worker.flush()));
  }

  /** The same, blocking; one that cannot be flushed does not keep the others from it. */
  flushSync(): void {
    const errors: unknown[] = [];
    for (const worker of this.#known()) {
      try {
        worker.flushSync();
      } catch (error) {
        errors.push(error);
      }
    }
    throwAll(errors);
  }

  /** Gives everything back for good. */
  async close(): Promise<void> {
    await allOrThrow([...this.#known().map(async (worker) => await worker.close()), ...this.#closing]);
    this.#open.clear();
    this.#workers.clear();
  }

  async #summary(key: string): Promise<string> {
    const { fileSystem, directory } = this.#context;
    try {
      return await readSummary(fileSystem, directory, key);
    } catch (error) {
      if (error instanceof RangeError || error instanceof TypeError) throw error;
      throw toHoldfastError(error, "reading the session", directory);
    }
  }

  /** Idle sessions beyond the bound are sealed and given back, the least recently used first. */
  #makeRoom(used: SessionWorker | null): void {
    if (used !== null) {
      this.#open.delete(used);
      this.#open.add(used);
    }
    for (const worker of this.#open) {
      if (this.#open.size <= this.#options.openSessionsMax) return;
      if (worker === used || !worker.idle) continue;
      this.#open.delete(worker);
      const closing: Promise<void> = worker.release().catch((error: unknown) => {
        const message = `Idle session could not be closed: ${error instanceof Error ? error.message : String(error)}`;
        this.#context.report({ type: "session-failed", key: worker.key, path: this.#context.directory, message });
      }).finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }
  }

  #known(): SessionWorker[] {
    const workers = new Set(this.#open);
    for (const reference of this.#workers.values()) {
      const worker = reference.deref();
      if (worker !== undefined) workers.add(worker);
    }
    return [...workers];
  }
}

async function allOrThrow(steps: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(steps);
  throwAll(results.flatMap((result) => result.status === "rejected" ? [result.reason] : []));
}

function throwAll(errors: unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} sessions could not be written`);
}

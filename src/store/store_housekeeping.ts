/**
 * What a store does around its sessions: the trash, and keeping house. The files are `session_trash.ts`'s and
 * `retention.ts`'s; this is where they meet the sessions that the store has open.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { retainSessions, type RetentionOptions, type RetentionStep } from "./retention.ts";
import { assertText } from "./session_facts.ts";
import { locateSession } from "./session_location.ts";
import { assertKey, type SessionFiles } from "./session_name.ts";
import type { SessionPool } from "./session_pool.ts";
import { trashSession } from "./session_trash.ts";
import type { StoreContext } from "./store_context.ts";
import { type ResolvedOptions, wholeNumber } from "./store_options.ts";
import { listTrash, restoreFromTrash } from "./trash_items.ts";

/** The housekeeping of one store. */
export class StoreHousekeeping {
  readonly #context: StoreContext;
  readonly #options: ResolvedOptions;
  readonly #pool: SessionPool;

  /**
   * For the store.
   *
   * @param context What all parts share.
   * @param options The store's options.
   * @param pool Its sessions.
   */
  constructor(context: StoreContext, options: ResolvedOptions, pool: SessionPool) {
    this.#context = context;
    this.#options = options;
    this.#pool = pool;
  }

  /**
   * Puts a session into the trash.
   *
   * @param key The session's key.
   * @param isUnchanged Asked under the lock: whether it may still go.
   * @returns Its name in the trash; null if there was none, or it may not go any more.
   */
  async trash(
    key: string,
    isUnchanged: (files: SessionFiles) => Promise<boolean> = () => Promise.resolve(true),
  ): Promise<string | null> {
    assertKey(key);
    const worker = await this.#pool.worker(key);
    worker.assertWritable();
    const { fileSystem, directory } = this.#context;
    if (worker.status === "idle" && await locateSession(fileSystem, directory, key) === null) return null;
    try {
      return await worker.putAway(async (onCommitted) => {
        return await trashSession(this.#context, key, isUnchanged, onCommitted);
      });
    } finally {
      this.#pool.forget(worker);
    }
  }

  /**
   * Brings a session back from the trash.
   *
   * @param wanted Its key, or its name in the trash.
   * @returns Its key.
   */
  async restore(wanted: string): Promise<string> {
    assertText("key", wanted);
    const entries = await listTrash(this.#context, true);
    const entry = entries.find(({ id }) => id === wanted) ?? entries.find(({ key }) => key === wanted);
    if (entry === undefined) {
      throw new HoldfastError("not-found", `There is no session ${JSON.stringify(wanted)} in the trash`);
    }
    const worker = await this.#pool.worker(entry.key);
    worker.assertWritable();
    worker.summary = await worker.create(async () => await restoreFromTrash(this.#context, entry));
    return entry.key;
  }

  /**
   * Keeps house.
   *
   * @param options The limits.
   * @returns What was done, step by step.
   */
  async *retain(options: RetentionOptions): AsyncGenerator<RetentionStep> {
    assertRetention(options);
    if (this.#options.readOnly && options.dryRun !== true) {
      throw new HoldfastError("read-only", "Store was opened readOnly", { path: this.#context.directory });
    }
    yield* retainSessions({
      context: this.#context,
      isInUse: (key) => this.#pool.isInUse(key),
      trash: this.trash.bind(this),
    }, options);
  }
}

const limitNames = [
  "ageMsMax",
  "sessionsMax",
  "bytesMax",
  "trashAgeMsMax",
  "trashBytesMax",
  "quarantineBytesMax",
] as const;

function assertRetention(options: RetentionOptions): void {
  if (typeof options !== "object" || options === null) throw new TypeError("Options of retain must be an object");
  for (const name of [...limitNames, "nowMs"] as const) {
    const value = options[name];
    if (value !== undefined && value !== Infinity) wholeNumber(name, value, 0);
  }
  const { dryRun = false, onProgress } = options;
  if (typeof dryRun !== "boolean") throw new TypeError("dryRun must be true or false");
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new TypeError("onProgress must be a function");
  }
}

/**
 * A directory of sessions.
 *
 * @module
 */

import { HoldfastError, systemErrorCode, toHoldfastError } from "../errors.ts";
import { countingFileSystem } from "../fs/counting_filesystem.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { directoryOf, statIfThere } from "../log/atomic_file.ts";
import { migrateLegacySessions } from "./migration.ts";
import { Session } from "./session.ts";
import { isSession, type ListOptions, listSessions, resolveAlias } from "./session_list.ts";
import { locateSession } from "./session_location.ts";
import { assertKey } from "./session_name.ts";
import { SessionWorker } from "./session_worker.ts";
import type { SessionInfo } from "./session_info.ts";
import { closeView, openView } from "./session_view.ts";
import type { StoreContext } from "./store_context.ts";
import { createStoreCounters, type StoreCounters } from "./store_counters.ts";
import type { StoreEvent } from "./store_event.ts";
import { type ResolvedOptions, resolveOptions, type StoreOptions } from "./store_options.ts";

/**
 * Opens a directory of sessions, and makes it, with its parents, unless `readOnly`. Old sessions of picoclaw's that lie
 * there as `.json` files are taken over.
 *
 * @param directory The directory.
 * @param options How it behaves.
 * @returns The store; close it, or declare it with `await using`.
 * @throws {TypeError} or {RangeError} If an option is wrong.
 * @throws {HoldfastError} `io` or `read-only` if the directory cannot be made or is none, `not-found` if it is not
 * there and the store is `readOnly`.
 *
 * @example
 * ```ts
 * import { openStore } from "holdfast";
 *
 * await using store = await openStore("/tmp/holdfast-example");
 * const chat = await store.session("telegram:123");
 * await chat.append({ role: "user", content: "hi" });
 * console.log(await chat.history());
 * ```
 */
export async function openStore(directory: string, options: StoreOptions = {}): Promise<SessionStore> {
  if (typeof directory !== "string" || directory === "") throw new TypeError("directory must be a path");
  const resolved = resolveOptions(options);
  const counters = createStoreCounters();
  const fileSystem = countingFileSystem(options.fileSystem ?? runtimeFileSystem, counters);
  const trimmed = directory.replace(/(?<=.)\/+$/, "");
  try {
    if (!resolved.readOnly) await makeDirectories(fileSystem, trimmed);
    else if (await statIfThere(fileSystem, trimmed) === null) throw missingDirectory(trimmed);
    const path = await fileSystem.realPath(trimmed);
    if ((await fileSystem.stat(path)).kind !== "directory") throw notADirectory(trimmed);
    const report = (event: StoreEvent): void => {
      try {
        options.onEvent?.(event);
      } catch {
        // A listener's mistake must not stop a recovery half-way.
      }
    };
    const fillAhead = resolved.preallocate && !resolved.readOnly &&
      await fileSystem.overwritesInPlace?.(path) !== false;
    const context: StoreContext = { fileSystem, directory: path, counters, fillAhead, report };
    if (!resolved.readOnly) await migrateLegacySessions(context);
    return new SessionStore(context, resolved);
  } catch (error) {
    throw toHoldfastError(error, "opening the store", trimmed);
  }
}

/**
 * A directory of sessions. Made by {@linkcode openStore}.
 *
 * States: *open*, and after {@linkcode SessionStore.close} *closed*: every call rejects with `closed`.
 */
export class SessionStore {
  readonly #context: StoreContext;
  readonly #options: ResolvedOptions;
  /** Sessions that somebody may hold; one object per key, so that there is one queue per log. */
  readonly #workers = new Map<string, WeakRef<SessionWorker>>();
  /** Sessions that are open for writing, the least recently used first. */
  readonly #open = new Set<SessionWorker>();
  readonly #closing = new Set<Promise<void>>();
  readonly #forgotten: FinalizationRegistry<string>;
  #closed: Promise<void> | null = null;

  /**
   * For {@linkcode openStore}.
   *
   * @param context What all parts share.
   * @param options The checked options.
   */
  constructor(context: StoreContext, options: ResolvedOptions) {
    this.#context = context;
    this.#options = options;
    this.#forgotten = new FinalizationRegistry((key) => {
      if (this.#workers.get(key)?.deref() === undefined) this.#workers.delete(key);
    });
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
    return new Session(await this.#worker(key));
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
   * The session that was written to last.
   *
   * @param options Of which workspace; without, of all.
   * @returns Its key; null if there is none.
   */
  async latest(options: { workspace?: string } = {}): Promise<string | null> {
    const [latest] = await this.list({ ...options, limit: 1 });
    return latest?.key ?? null;
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
    const worker = await this.#worker(key);
    worker.assertWritable();
    if (await this.#isAbsent(key) && worker.status === "idle") return false;
    try {
      return await worker.remove();
    } finally {
      this.#open.delete(worker);
      // Somebody may have asked for the key again meanwhile.
      if (worker.status === "closed" && this.#workers.get(key)?.deref() === worker) this.#workers.delete(key);
    }
  }

  /**
   * Finds the session that an alias stands for.
   *
   * @param alias An alias, or a key.
   * @returns The key; null if nothing has that name.
   */
  async resolve(alias: string): Promise<string | null> {
    this.#assertOpen();
    if (typeof alias !== "string") throw new TypeError("alias must be a string");
    return await this.#typed("resolving an alias", async () => await resolveAlias(this.#context, alias));
  }

  /** Makes everything that was appended so far, in any session, durable. */
  async flush(): Promise<void> {
    this.#assertOpen();
    await allOrThrow(this.#known().map(async (worker) => await worker.flush()));
  }

  /**
   * {@linkcode SessionStore.flush}, blocking: for an exit handler.
   *
   * @throws {HoldfastError} `io` if a session is just being opened or rewritten; the others are flushed all the same.
   */
  flushSync(): void {
    this.#assertOpen();
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

  /** Makes everything durable, gives back all files and locks, and ends the store. A second call waits for the first. */
  async close(): Promise<void> {
    // What went wrong is the first caller's to know.
    if (this.#closed !== null) return await this.#closed.catch(() => undefined);
    this.#closed = this.#closeAll();
    await this.#closed;
  }

  async #closeAll(): Promise<void> {
    await allOrThrow([...this.#known().map(async (worker) => await worker.close()), ...this.#closing]);
    this.#open.clear();
    this.#workers.clear();
  }

  /** {@linkcode SessionStore.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #worker(key: string): Promise<SessionWorker> {
    const known = this.#workers.get(key)?.deref();
    if (known !== undefined && known.status !== "failed" && known.status !== "closed") return known;
    if (known?.status === "failed") {
      await known.close();
      this.#open.delete(known);
    }
    const summary = await this.#typed("reading the session", async () => {
      const view = await openView(this.#context.fileSystem, this.#context.directory, key);
      await closeView(view);
      return view?.summary ?? "";
    });
    // Somebody else may have asked for the same key meanwhile.
    const raced = this.#workers.get(key)?.deref();
    if (raced !== undefined && raced !== known) return raced;
    this.#assertOpen();
    const worker = new SessionWorker(
      {
        context: this.#context,
        options: this.#options,
        assertOpen: () => this.#assertOpen(),
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
        this.#context.report({ type: "session-failed", key: worker.key, path: this.directory, message });
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

/** Each new directory is durable before anything is put into it (C11). */
async function makeDirectories(fileSystem: StoreContext["fileSystem"], directory: string): Promise<void> {
  const stat = await statIfThere(fileSystem, directory).catch((error: unknown) => {
    throw toHoldfastError(error, "making the directory", directory);
  });
  const parent = directoryOf(directory);
  if (stat !== null) {
    // Who made it may have been killed before its name was durable. Whoever may not read the parent did not make it.
    await fileSystem.syncDirectory(parent).catch((error: unknown) => {
      if (systemErrorCode(error) === "EIO") throw error;
    });
    return;
  }
  await makeDirectories(fileSystem, parent);
  try {
    await fileSystem.makeDirectory(directory, 0o700);
  } catch (error) {
    if (await statIfThere(fileSystem, directory) === null) throw error;
  }
  await fileSystem.syncDirectory(parent);
}

function missingDirectory(directory: string): HoldfastError {
  return new HoldfastError("not-found", `No such directory: ${directory}`, { path: directory });
}

function notADirectory(directory: string): HoldfastError {
  return new HoldfastError("io", `Not a directory: ${directory}`, { path: directory });
}

async function allOrThrow(steps: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(steps);
  throwAll(results.flatMap((result) => result.status === "rejected" ? [result.reason] : []));
}

function throwAll(errors: unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} sessions could not be written`);
}

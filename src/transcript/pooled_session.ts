/**
 * A session of a pool: what its users share, and what each of them holds.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { JsonObject } from "../log/json_text.ts";
import { BackgroundSaver, type SaveTarget } from "./background_saver.ts";
import { checkpointRecord, readCheckpoint } from "./checkpoint_record.ts";
import type { StateRecord } from "./unsaved_changes.ts";

/** What is known of a session. */
export interface SessionMetadata {
  /** The session's key. */
  key: string;
  /** When it was created, RFC 3339; null if that is unknown. */
  createdAt: string | null;
  /** When this pool was last asked for it, RFC 3339. No file says so: a look costs no write. */
  lastAccessedAt: string;
  /** How many records its log holds; what waits to be saved is not in it yet. */
  eventCount: number;
  /** How many checkpoints were made in it so far. */
  checkpointCount: number;
  /** The log's size in bytes. */
  bytes: number;
}

/** What a shared session needs of its session. */
export interface PoolTarget extends SaveTarget {
  /** What is known of it. */
  info(): Promise<{ createdAt: string | null; records: number; bytes: number }>;
}

/** What a pool gives its sessions. */
export interface SharedOptions {
  /** Gives the session of the store. */
  open: () => Promise<PoolTarget>;
  /** The largest record. */
  recordBytesMax: number;
  /** More than this is not taken. */
  unsavedBytesMax: number;
  /** The time. */
  now: () => Date;
  /** Called after each change. */
  changed: (shared: SharedSession) => void;
}

/** One session of a pool; there is one for each key. */
export class SharedSession {
  /** The session's key. */
  readonly key: string;
  /** How many hold it. */
  uses = 0;
  readonly #options: SharedOptions;
  #saver: BackgroundSaver | null = null;
  #snapshot: (() => unknown) | null = null;
  /** How many checkpoints there are; null: not looked up yet. */
  #checkpoints: number | null = null;
  /** Why the next state is saved, where somebody has said so, and how often anybody has. */
  #reason: string | null = null;
  #requests = 0;
  #requestsTaken = 0;
  #accessed: Date;
  #ended = false;

  private constructor(key: string, options: SharedOptions) {
    this.key = key;
    this.#options = options;
    this.#accessed = options.now();
  }

  /**
   * Opens it.
   *
   * @param key The session's key.
   * @param options What the pool gives it.
   * @returns It, held open.
   */
  static async open(key: string, options: SharedOptions): Promise<SharedSession> {
    const shared = new SharedSession(key, options);
    shared.#saver = await BackgroundSaver.open({
      open: options.open,
      recordBytesMax: options.recordBytesMax,
      stateRecord: () => shared.#stateRecord(),
      onSaved: ({ state }) => {
        if (state === null) return;
        if (shared.#checkpoints !== null) shared.#checkpoints++;
        if (shared.#requestsTaken === shared.#requests) shared.#reason = null;
      },
    });
    return shared;
  }

  /** What saves it. */
  get saver(): BackgroundSaver {
    if (this.#saver === null) throw new TypeError("Session is not open yet");
    return this.#saver;
  }

  /** Whether it was given back to the store. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** Somebody asked for it. */
  access(): void {
    this.#accessed = this.#options.now();
  }

  /**
   * Sets how the agent's state is had.
   *
   * @param snapshot Returns what JSON can hold; called when a save begins.
   */
  async setSnapshot(snapshot: () => unknown): Promise<void> {
    if (typeof snapshot !== "function") throw new TypeError("snapshot must be a function");
    // Known before the first state is saved: an exit handler cannot look it up.
    await this.countCheckpoints();
    this.#snapshot = snapshot;
  }

  /** How many checkpoints were made so far. */
  async countCheckpoints(): Promise<number> {
    if (this.#checkpoints !== null) return this.#checkpoints;
    const target = await this.#options.open();
    let count = 0;
    for await (const { sequence, record } of target.recordsBack({ all: true })) {
      const found = readCheckpoint(record, sequence);
      if (found === null) continue;
      count = found.ordinal + 1;
      break;
    }
    return this.#checkpoints ??= count;
  }

  /** Takes an event. */
  record(event: JsonObject): void {
    this.#assertRoom();
    this.saver.record(event);
    this.#options.changed(this);
  }

  /** The agent's state has changed. */
  touch(reason?: string): void {
    if (this.#snapshot === null) {
      throw new TypeError("Nobody has said how the state is had: give pool.session() a snapshot function");
    }
    this.saver.touch();
    if (reason !== undefined) {
      this.#reason = reason;
      this.#requests++;
    }
    this.#options.changed(this);
  }

  /** What is known of it. */
  async metadata(): Promise<SessionMetadata> {
    const info = await (await this.#options.open()).info();
    return {
      key: this.key,
      createdAt: info.createdAt,
      lastAccessedAt: this.#accessed.toISOString(),
      eventCount: info.records,
      checkpointCount: await this.countCheckpoints(),
      bytes: info.bytes,
    };
  }

  /** Gives it back to the store; everything must have been saved. */
  end(): void {
    this.saver.end();
    this.#ended = true;
  }

  #stateRecord(): ReturnType<StateRecord> {
    const state: string | undefined = JSON.stringify(this.#snapshot?.());
    if (state === undefined) throw new TypeError("snapshot must return something that JSON can hold");
    const record = checkpointRecord(this.#checkpoints ?? 0, this.#reason ?? "background", JSON.parse(state));
    this.#requestsTaken = this.#requests;
    return { record: JSON.stringify(record), state, isForced: this.#reason !== null };
  }

  #assertRoom(): void {
    const { unsavedBytes } = this.saver;
    if (unsavedBytes < this.#options.unsavedBytesMax) return;
    const message = `Session ${JSON.stringify(this.key)} has ${unsavedBytes} bytes that could not be saved yet: ` +
      "await forceSave(), which says why";
    throw new HoldfastError("io", message);
  }
}

/** A session of a pool, as one user holds it. Made by `BackgroundPool.session`; `using` releases it. */
export class PooledSession {
  /** The session's key. */
  readonly key: string;
  #shared: SharedSession | null;
  readonly #released: () => void;

  /**
   * For the pool.
   *
   * @param shared What all users of the session share.
   * @param released Called when it is given back.
   */
  constructor(shared: SharedSession, released: () => void) {
    this.key = shared.key;
    this.#shared = shared;
    this.#released = released;
    shared.uses++;
    shared.access();
  }

  /** Whether anything is not durable yet. */
  get isDirty(): boolean {
    return this.#use().saver.isDirty;
  }

  /**
   * Takes an event: it will be a record of the session. Costs its encoding, and waits for nothing.
   *
   * @param event A JSON object; later changes to it have no effect.
   * @throws {TypeError} If it is none.
   * @throws {HoldfastError} `too-large`; `io` if too much could not be saved yet; `closed` after the release.
   */
  record(event: JsonObject): void {
    this.#use().record(event);
  }

  /** Says that the agent's state has changed: the next save takes it, as a checkpoint, behind the events so far. */
  touch(): void {
    this.#use().touch();
  }

  /**
   * Makes all changes up to now durable, also what a save that is under way has not taken.
   *
   * @throws As `Session.append`; nothing is lost then, and the next save tries again.
   */
  async forceSave(): Promise<void> {
    await this.#use().saver.forceSave();
  }

  /**
   * Saves the state, changed or not, as a checkpoint.
   *
   * @param reason Why, in a word.
   */
  async checkpoint(reason: string): Promise<void> {
    if (typeof reason !== "string" || reason === "") throw new TypeError("reason must be a text that is not empty");
    const shared = this.#use();
    shared.touch(reason);
    await shared.saver.forceSave();
  }

  /**
   * What is known of the session.
   *
   * @returns When it was made and last asked for, and how much it holds.
   */
  async metadata(): Promise<SessionMetadata> {
    return await this.#use().metadata();
  }

  /** Gives it back to the pool, which saves what waits. A second call does nothing. */
  release(): void {
    const shared = this.#shared;
    if (shared === null) return;
    this.#shared = null;
    shared.uses--;
    this.#released();
  }

  /** {@linkcode PooledSession.release}, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }

  #use(): SharedSession {
    if (this.#shared === null || this.#shared.isEnded) {
      throw new HoldfastError(
        "closed",
        `Session ${JSON.stringify(this.key)} was given back: ask the pool for it again`,
      );
    }
    return this.#shared;
  }
}

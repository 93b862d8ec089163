/**
 * Saves one session off its agent's path: the agent tells what it did and goes on; one save at a time takes all that
 * waits and appends it as one batch, with one sync.
 *
 * Nothing is taken for saved before the log has said so. A save whose outcome is unknown is looked up in the log,
 * never repeated blindly, so nothing is there twice (O8).
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import type { JsonObject } from "../log/json_text.ts";
import { type ChangeBatch, type StateRecord, UnsavedChanges } from "./unsaved_changes.ts";

/** What a saver needs of a session; `Session` has it. */
export interface SaveTarget {
  /** Appends records, all or nothing. */
  appendTextAll(
    texts: readonly string[],
    options: { durability: "durable"; onSettled: (error: unknown) => void },
  ): Promise<{ sequence: number }[]>;
  /** Makes all that was appended durable, blocking. */
  flushSync(): void;
  /** Appends records, all or nothing, blocking. */
  appendTextAllSync(texts: readonly string[]): { sequence: number }[];
  /** Keeps the session open for writing. */
  hold(): Promise<{ release(): void }>;
  /** Reads records in order. */
  records(options: { from?: number; all?: boolean }): AsyncGenerator<{ sequence: number; record: JsonObject }, void>;
  /** Reads records, the newest first. */
  recordsBack(
    options: { limit?: number; all?: boolean },
  ): AsyncGenerator<{ sequence: number; record: JsonObject }, void>;
}

/** What a saver works on. */
export interface SaverOptions {
  /** Gives the session; asked again after it has failed. */
  open: () => Promise<SaveTarget>;
  /** Makes the record of the agent's state. */
  stateRecord: StateRecord;
  /** The largest record, in bytes of JSON. */
  recordBytesMax: number;
  /** Told of each batch that is durable. */
  onSaved?: (batch: ChangeBatch) => void;
}

/** Errors that say: nothing of it is in the log. */
const refusals: ReadonlySet<string> = new Set(["locked", "disk-full", "too-large", "read-only", "closed", "io"]);

/**
 * The saver of one session.
 *
 * States: *clean* (all is durable), *dirty* (something waits), *saving*, *in doubt* (a save has an unknown outcome; the
 * next one begins by looking it up), *ended*.
 */
export class BackgroundSaver {
  readonly #options: SaverOptions;
  readonly #changes: UnsavedChanges;
  readonly #inFlight = new Set<ChangeBatch>();
  #target: SaveTarget;
  #hold: { release(): void };
  #saving: Promise<void> | null = null;
  /** A batch that may or may not be in the log. */
  #doubtful: ChangeBatch | null = null;
  /** The last record that is known to be in the log: what is in doubt can only be behind it. */
  #sequenceLast: number;
  #ended = false;

  private constructor(options: SaverOptions, target: SaveTarget, hold: { release(): void }, sequenceLast: number) {
    this.#options = options;
    this.#changes = new UnsavedChanges(options.recordBytesMax);
    this.#target = target;
    this.#hold = hold;
    this.#sequenceLast = sequenceLast;
  }

  /**
   * Opens a session, and keeps it open, so that it can be saved at any moment, also by an exit handler. A session that
   * is not there yet is made; one that is there is gone on with (O1, O8: nothing is ever begun anew over it).
   *
   * @param options What it works on.
   * @returns The saver.
   */
  static async open(options: SaverOptions): Promise<BackgroundSaver> {
    const target = await options.open();
    const hold = await target.hold();
    try {
      return new BackgroundSaver(options, target, hold, await lastSequence(target));
    } catch (error) {
      hold.release();
      throw error;
    }
  }

  /** Whether anything is not durable yet. */
  get isDirty(): boolean {
    return this.#changes.isWaiting || this.#inFlight.size > 0 || this.#doubtful !== null;
  }

  /** About how many bytes wait in memory. */
  get unsavedBytes(): number {
    return this.#changes.bytes;
  }

  /**
   * Takes an event. Costs the encoding of it: nothing is written, nothing waited for.
   *
   * @param event A JSON object.
   * @throws {TypeError} If it is none.
   * @throws {HoldfastError} `too-large`; `closed`.
   */
  record(event: JsonObject): void {
    this.#assertNotEnded();
    this.#changes.addEvent(event);
  }

  /** The agent's state has changed: the next save asks for it. */
  touch(): void {
    this.#assertNotEnded();
    this.#changes.touch();
  }

  /**
   * Makes all changes up to now durable. A save that is under way is waited for, and what it did not take is saved
   * behind it (O8: it is never a no-op because a save is under way).
   *
   * @throws As `Session.append`; the changes wait for the next save then.
   */
  async forceSave(): Promise<void> {
    const target = this.#changes.revision;
    while (this.#changes.savedRevision < target) {
      const isOwn = this.#saving === null;
      try {
        await this.save();
      } catch (error) {
        // What a save that began earlier met, ours may not.
        if (isOwn && this.#changes.savedRevision < target) throw error;
      }
    }
  }

  /** Saves what waits; if a save is under way, waits for it and does no more. */
  async save(): Promise<void> {
    this.#saving ??= this.#saveOnce().finally(() => this.#saving = null);
    await this.#saving;
  }

  async #saveOnce(): Promise<void> {
    if (this.#doubtful !== null) await this.#settleDoubt(this.#doubtful);
    const batch = this.#take();
    if (batch === null) return;
    this.#inFlight.add(batch);
    // Promises tell later: a blocking flush in between would take what was refused for saved.
    const onSettled = (error: unknown): void => this.#settle(batch, error);
    try {
      this.#written(await this.#target.appendTextAll(batch.texts, { durability: "durable", onSettled }));
      this.#settle(batch, null);
    } catch (error) {
      // Refused before anybody could be told.
      this.#settle(batch, error);
      throw error;
    }
  }

  #settle(batch: ChangeBatch, error: unknown): void {
    if (!this.#inFlight.delete(batch)) return;
    if (error === null) this.#saved(batch);
    else this.#refused(batch, error);
  }

  #take(): ChangeBatch | null {
    return this.#changes.take(this.#options.stateRecord);
  }

  #written(receipts: readonly { sequence: number }[]): void {
    this.#sequenceLast = Math.max(this.#sequenceLast, receipts.at(-1)?.sequence ?? -1);
  }

  #saved(batch: ChangeBatch): void {
    this.#changes.saved(batch);
    this.#options.onSaved?.(batch);
  }

  /** Only where it is sure that nothing of it is in the log, it may be written again. */
  #refused(batch: ChangeBatch, error: unknown): void {
    if (refusals.has(systemErrorCode(error) ?? "")) this.#changes.putBack(batch);
    else this.#doubtful = batch;
  }

  /**
   * Opens the session again after an unknown outcome, and looks whether the batch is there: it is as a whole or not at
   * all, and only behind what is known to be there.
   */
  async #settleDoubt(batch: ChangeBatch): Promise<void> {
    const target = await this.#options.open();
    const hold = await target.hold();
    this.#hold.release();
    this.#target = target;
    this.#hold = hold;
    const isThere = await isInLog(target, this.#sequenceLast + 1, batch.texts);
    this.#doubtful = null;
    if (isThere) this.#saved(batch);
    else this.#changes.putBack(batch);
    this.#sequenceLast = Math.max(this.#sequenceLast, await lastSequence(target));
  }

  /**
   * Makes all changes durable, blocking: for an exit handler. Also what a save is writing at this moment, and what
   * arrived while it did; in the order in which it was told.
   *
   * @throws {HoldfastError} If that cannot be done; nothing is taken for saved then.
   */
  flushSync(): void {
    if (!this.isDirty) return;
    if (this.#doubtful !== null) {
      throw new HoldfastError("failed", "A save has an unknown outcome, which a blocking flush cannot look up");
    }
    // What is under way comes first: if that cannot be written now, nothing must overtake it. When the flush returns it
    // is settled, or was refused before it came into the queue.
    if (this.#inFlight.size > 0) this.#target.flushSync();
    for (const batch of [...this.#inFlight]) {
      this.#inFlight.delete(batch);
      this.#changes.putBack(batch);
    }
    for (let batch = this.#take(); batch !== null; batch = this.#take()) {
      try {
        this.#written(this.#target.appendTextAllSync(batch.texts));
      } catch (error) {
        this.#refused(batch, error);
        throw error;
      }
      this.#saved(batch);
    }
  }

  /**
   * Ends it; everything must have been saved.
   *
   * @throws {HoldfastError} `io` if something was not.
   */
  end(): void {
    if (this.#ended) return;
    if (this.isDirty) throw new HoldfastError("io", "Changes are not saved yet: await forceSave() first");
    this.#ended = true;
    this.#hold.release();
  }

  #assertNotEnded(): void {
    if (this.#ended) throw new HoldfastError("closed", "Session was given back to its pool: ask the pool for it again");
  }
}

async function lastSequence(target: SaveTarget): Promise<number> {
  for await (const { sequence } of target.recordsBack({ limit: 1, all: true })) return sequence;
  return -1;
}

/** Whether records stand in the log, one behind the other. */
async function isInLog(target: SaveTarget, from: number, texts: readonly string[]): Promise<boolean> {
  let window: string[] = [];
  for await (const { record } of target.records({ from, all: true })) {
    window.push(JSON.stringify(record));
    if (window.length > texts.length) window = window.slice(1);
    if (window.length === texts.length && window.every((text, index) => text === texts[index])) return true;
  }
  return false;
}

/**
 * What an agent has changed and nobody has saved yet: events as texts, in order, and whether its state has changed.
 * Pure: it writes nothing, and forgets nothing before it is told that it was saved.
 *
 * What is taken for a save is marked by a revision. What arrives while that save is under way has a higher one, and
 * stays (O8: a save never clears what came after it began).
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { JsonObject } from "../log/json_text.ts";

/** Changes on their way to the log: one batch, all or nothing. */
export interface ChangeBatch {
  /** The records, as texts. */
  readonly texts: readonly string[];
  /** Its events; a state may follow them. */
  readonly events: readonly UnsavedEvent[];
  /** When it is durable, all changes up to this one are. */
  readonly revision: number;
  /** The state that is in it; null: none. */
  readonly state: { readonly text: string; readonly touchedAt: number } | null;
}

/** An event that waits. */
export interface UnsavedEvent {
  /** The event, as text. */
  readonly text: string;
  /** Which change it is. */
  readonly revision: number;
}

/** Makes the record of the agent's state. */
export type StateRecord = () => {
  /** The record, as text. */
  record: string;
  /** The state alone, by which it is compared with the one that was saved last. */
  state: string;
  /** Whether it is saved even if it is the same. */
  isForced: boolean;
};

/** A batch has no more characters than this, but for a single larger record: a log takes it, whatever they are. */
const batchCharactersMax = 2 * 1024 * 1024;

/** The changes of one session that are not saved. */
export class UnsavedChanges {
  readonly #recordBytesMax: number;
  #events: UnsavedEvent[] = [];
  #characters = 0;
  /** The first change of the state that is not on its way; null: the state is as it was. */
  #touchedAt: number | null = null;
  /** The last state that was saved: the same one is not written again. */
  #savedState: string | null = null;
  #revision = 0;
  #savedRevision = 0;

  /**
   * Nothing has changed yet.
   *
   * @param recordBytesMax The largest event, in bytes of JSON: what is larger could never be saved.
   */
  constructor(recordBytesMax: number) {
    this.#recordBytesMax = recordBytesMax;
  }

  /** Counts changes. */
  get revision(): number {
    return this.#revision;
  }

  /** All changes up to this one are durable. */
  get savedRevision(): number {
    return this.#savedRevision;
  }

  /** Whether there is anything that is neither saved nor on its way. */
  get isWaiting(): boolean {
    return this.#events.length > 0 || this.#touchedAt !== null;
  }

  /** About how many bytes wait in memory. */
  get bytes(): number {
    return this.#characters * 2;
  }

  /**
   * Takes an event; it is encoded at once, so later changes to the object have no effect.
   *
   * @param event A JSON object.
   * @throws {TypeError} If it is none.
   * @throws {HoldfastError} `too-large` if no log would take it.
   */
  addEvent(event: JsonObject): void {
    const text: string | undefined = JSON.stringify(event);
    if (text === undefined || !text.startsWith("{")) throw new TypeError("event must be a JSON object");
    assertRecordSize("Event", text, this.#recordBytesMax);
    this.#events.push({ text, revision: ++this.#revision });
    this.#characters += text.length;
  }

  /** The agent's state has changed: the next save asks for it. */
  touch(): void {
    this.#revision++;
    this.#touchedAt ??= this.#revision;
  }

  /**
   * Takes what waits, for one save. What arrives from then on belongs to the next.
   *
   * @param stateRecord Asked for the state, if that has changed and all events go with it.
   * @returns The batch; null if there is nothing to write.
   * @throws What `stateRecord` throws, where nothing else can be saved.
   */
  take(stateRecord: StateRecord): ChangeBatch | null {
    const { count, characters } = this.#countForBatch();
    const events = this.#events.slice(0, count);
    let state: ReturnType<StateRecord> | null = null;
    if (count === this.#events.length && this.#touchedAt !== null) {
      try {
        state = stateRecord();
        assertRecordSize("State", state.record, this.#recordBytesMax);
      } catch (error) {
        // A state that cannot be had does not keep the events from being saved.
        if (count === 0) throw error;
        state = null;
      }
    }
    const isUnchanged = state !== null && !state.isForced && state.state === this.#savedState;
    // Both might be more than a log takes at once; the state goes behind its events then.
    const isTooMuch = state !== null && count > 0 && characters + state.record.length > batchCharactersMax;
    const withState = state !== null && !isUnchanged && !isTooMuch;
    this.#events = this.#events.slice(count);
    this.#characters -= characters;
    const touchedAt = this.#touchedAt;
    if (withState || isUnchanged) this.#touchedAt = null;
    const revision = Math.min(
      (this.#events[0]?.revision ?? Infinity) - 1,
      (this.#touchedAt ?? Infinity) - 1,
      this.#revision,
    );
    const texts = events.map(({ text }) => text);
    if (state === null || !withState || touchedAt === null) {
      if (texts.length > 0) return { texts, events, revision, state: null };
      this.#savedRevision = Math.max(this.#savedRevision, revision);
      return null;
    }
    texts.push(state.record);
    return { texts, events, revision, state: { text: state.state, touchedAt } };
  }

  #countForBatch(): { count: number; characters: number } {
    let count = 0;
    let characters = 0;
    for (const { text } of this.#events) {
      if (count > 0 && characters + text.length > batchCharactersMax) break;
      characters += text.length;
      count++;
    }
    return { count, characters };
  }

  /**
   * A batch is durable.
   *
   * @param batch The batch.
   */
  saved(batch: ChangeBatch): void {
    this.#savedRevision = Math.max(this.#savedRevision, batch.revision);
    if (batch.state !== null) this.#savedState = batch.state.text;
  }

  /**
   * A batch is surely not in the log: its events are in front of the others again, and the state is asked for anew.
   *
   * @param batch The batch.
   */
  putBack(batch: ChangeBatch): void {
    this.#events = [...batch.events, ...this.#events];
    for (const { text } of batch.events) this.#characters += text.length;
    if (batch.state !== null) this.#touchedAt = batch.state.touchedAt;
  }
}

function assertRecordSize(what: string, text: string, bytesMax: number): void {
  // No character has more than three bytes.
  if (text.length * 3 <= bytesMax || new TextEncoder().encode(text).length <= bytesMax) return;
  throw new HoldfastError("too-large", `${what} has more than ${bytesMax} bytes of JSON; make it smaller`);
}

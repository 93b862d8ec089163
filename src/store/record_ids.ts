/**
 * Idempotence: which of the newest records have which id. Bounded: an id is remembered for as many records as
 * `recordIdReach` says, and read from the log's end when the session is opened for writing.
 *
 * @module
 */

import type { JsonObject } from "../log/json_text.ts";

/** How many of the newest records are remembered, unless told otherwise. */
export const recordIdReachDefault = 1000;

/** Names a record; undefined: it has no id. */
export type RecordIdOf = (record: JsonObject) => string | undefined;

/** The ids of a session's newest records. */
export class RecordIds {
  readonly #reach: number;
  readonly #sequences = new Map<string, number>();
  /** For each remembered record its id, oldest first; undefined for one without. */
  #order: (string | undefined)[] = [];

  /**
   * Creates an empty index.
   *
   * @param reach How many records are remembered.
   */
  constructor(reach: number) {
    this.#reach = reach;
  }

  /**
   * Looks an id up.
   *
   * @param id The id.
   * @returns The sequence of the first record that has it, or undefined.
   */
  find(id: string): number | undefined {
    return this.#sequences.get(id);
  }

  /**
   * Remembers a record that is in the log, and forgets the oldest beyond the reach.
   *
   * @param id Its id.
   * @param sequence Its number.
   */
  add(id: string | undefined, sequence: number): void {
    if (id !== undefined && !this.#sequences.has(id)) this.#sequences.set(id, sequence);
    this.#order.push(id);
    // In steps, so that forgetting costs no move of the whole list each time.
    if (this.#order.length < this.#reach * 2) return;
    for (const old of this.#order.slice(0, -this.#reach)) if (old !== undefined) this.#sequences.delete(old);
    this.#order = this.#order.slice(-this.#reach);
  }
}

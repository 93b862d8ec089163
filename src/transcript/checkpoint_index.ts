/**
 * Where the checkpoints of a log are, as far as anybody has looked: derived from the log, held in memory, bounded.
 *
 * It costs the flash nothing: not a byte is written for it, and there is no file that could be torn, stale or from
 * another log. It knows numbers only; the byte offsets that belong to them are `log_seek.ts`'s, which checks each
 * against the line that stands there. An entry is checked too: whoever uses it reads the record, and drops it if that
 * is no checkpoint.
 *
 * @module
 */

interface IndexEntry {
  /** The number of a checkpoint's record. */
  sequence: number;
  /** From there up to this number, there is no other checkpoint. */
  clearTo: number;
}

/** What is known of where the nearest checkpoint is. */
export interface IndexAnswer {
  /** The last known checkpoint that is not behind the number asked for; null if none is known. */
  known: number | null;
  /** No checkpoint is between this number and `known`; what is behind it has to be looked at. */
  clearTo: number;
}

/** Where checkpoints are. */
export class CheckpointIndex {
  readonly #entriesMax: number;
  #entries: IndexEntry[] = [];
  /** Up to here, from the start of the log, there is no checkpoint. */
  #clearFromStart = -1;

  /**
   * Knows nothing yet.
   *
   * @param entriesMax How many are remembered at the most.
   */
  constructor(entriesMax: number = 16 * 1024) {
    this.#entriesMax = entriesMax;
  }

  /** How many checkpoints are known. */
  get size(): number {
    return this.#entries.length;
  }

  /** Forgets all. */
  clear(): void {
    this.#entries = [];
    this.#clearFromStart = -1;
  }

  /**
   * Takes note of a checkpoint.
   *
   * @param sequence Its number.
   * @param clearTo No other one stands between it and this number.
   */
  add(sequence: number, clearTo: number = sequence): void {
    const index = this.#indexBehind(sequence);
    const before = this.#entries[index - 1];
    if (before?.sequence === sequence) before.clearTo = Math.max(before.clearTo, clearTo);
    else this.#entries.splice(index, 0, { sequence, clearTo });
    // What is dropped is found again by reading; what it was said to be clear up to must go with it.
    if (this.#entries.length > this.#entriesMax) this.#entries = this.#entries.slice(this.#entriesMax >>> 1);
  }

  /**
   * Takes note that there is no checkpoint from the start of the log up to a number.
   *
   * @param sequence The number.
   */
  addClearStart(sequence: number): void {
    this.#clearFromStart = Math.max(this.#clearFromStart, sequence);
  }

  /**
   * What is known in front of a number.
   *
   * @param sequence The number.
   * @returns See {@linkcode IndexAnswer}.
   */
  before(sequence: number): IndexAnswer {
    const entry = this.#entries[this.#indexBehind(sequence) - 1];
    if (entry === undefined) return { known: null, clearTo: this.#clearFromStart };
    return { known: entry.sequence, clearTo: entry.clearTo };
  }

  #indexBehind(sequence: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.sequence ?? Infinity) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * Numbers that look random and are the same for the same seed, on every runtime.
 *
 * @module
 */

/** A small generator (mulberry32): fast, seeded, copied with the state that uses it. */
export class SeededRandom {
  #state: number;

  /**
   * Starts a sequence.
   *
   * @param seed Any integer.
   */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A generator that goes on from the same place without disturbing this one. */
  clone(): SeededRandom {
    return new SeededRandom(this.#state);
  }

  /** The next unsigned 32-bit integer. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /**
   * An integer from 0 up to, and without, a limit.
   *
   * @param limit At least 1.
   * @returns The integer.
   */
  below(limit: number): number {
    return this.next() % limit;
  }

  /**
   * True with a given chance.
   *
   * @param numerator How often …
   * @param denominator … out of how many.
   * @returns Whether it happened.
   */
  chance(numerator: number, denominator: number): boolean {
    return this.below(denominator) < numerator;
  }

  /**
   * Brings a list into another order, in place.
   *
   * @param list What to shuffle.
   * @returns The same list.
   */
  shuffle<T>(list: T[]): T[] {
    for (let last = list.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const kept = list[last] as T;
      list[last] = list[other] as T;
      list[other] = kept;
    }
    return list;
  }
}

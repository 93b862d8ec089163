/**
 * Random numbers that come again with the same seed (mulberry32).
 *
 * @module
 */

/** A source of random numbers. */
export interface SeededRandom {
  /** From 0 up to, but not including, 1. */
  fraction(): number;
  /** A whole number from 0 up to, but not including, the limit. */
  below(limit: number): number;
  /** One of several. */
  pick<T>(from: readonly [T, ...T[]]): T;
}

/**
 * Makes a source.
 *
 * @param seed Any whole number.
 * @returns The source.
 */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const below = (limit: number): number => Math.floor(fraction() * limit);
  return { fraction, below, pick: (from) => from[below(from.length)] ?? from[0] };
}

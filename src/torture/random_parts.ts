/**
 * What long runs are made of, beside their operations: sizes of records, and what survives a power cut.
 *
 * @module
 */

import type { SeededRandom } from "../testing/seeded_random.ts";
import type { RecordSize } from "./record_texts.ts";

const sizes: readonly RecordSize[] = ["small", "small", "small", "sector", "sector", "page", "crafted"];

/**
 * Sizes of records.
 *
 * @param random The source.
 * @param count How many.
 * @returns The sizes; small ones come more often.
 */
export function randomSizes(random: SeededRandom, count: number): RecordSize[] {
  return Array.from({ length: count }, () => sizes[random.below(sizes.length)] ?? "small");
}

/**
 * What survives a power cut, at random: all, nothing, or each by itself.
 *
 * @param random The source.
 * @param count For how many operations.
 * @returns The choices.
 */
export function randomChoices(random: SeededRandom, count: number): number[] {
  const fate = random.below(8);
  if (fate === 0) return new Array<number>(count).fill(-1);
  if (fate === 1) return [];
  return Array.from({ length: count }, () => {
    const third = random.below(3);
    return third === 0 ? -1 : third === 1 ? 0 : random.below(256);
  });
}

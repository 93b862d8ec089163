/**
 * Records for measuring: JSON of an exact size, no two alike, that no controller can compress to nothing.
 *
 * @module
 */

import { seededRandom } from "./seeded_random.ts";

/** The smallest record that can be asked for, in bytes of JSON. */
export const benchRecordBytesMin = 64;

const prefix = '{"role":"assistant","content":"';
const suffix = '"}';
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789   .,";
const poolLength = 1 << 16;

/**
 * Makes a source of records.
 *
 * @param bytes The size of each as JSON, at least {@linkcode benchRecordBytesMin}.
 * @returns Gives the text of the record of a number.
 */
export function benchRecords(bytes: number): (number: number) => string {
  const random = seededRandom(1);
  const pool = Array.from({ length: poolLength }, () => letters[random.below(letters.length)] ?? "a").join("");
  const contentLength = bytes - prefix.length - suffix.length;
  const filler = pool.repeat(Math.ceil(contentLength / poolLength) + 1);
  return (number) => {
    const head = `${number} `;
    const start = number * 997 % poolLength;
    return prefix + head + filler.slice(start, start + contentLength - head.length) + suffix;
  };
}

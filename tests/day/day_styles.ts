/**
 * What the agents of a day and those who check them have in common.
 *
 * @module
 */

import type { StoreOptions } from "../../mod.ts";

/** The five styles. */
export const dayStyles = ["picoclaw", "gencode", "omega", "background", "codetether"] as const;

/** One of them. */
export type DayStyle = (typeof dayStyles)[number];

/** Compacted records stay in the archive: they are counted, too. */
export const storeOptionsOf: StoreOptions = {
  archive: true,
  selfCompaction: { deadLinesMin: 40 },
  blobs: { valueBytesMin: 1024 },
};

/** What is written with an id; every seventh is large enough to be a blob. */
export function textOf(id: string): string {
  const number = Number(id.split("-").at(-1));
  return `<${id}>${"x".repeat(number % 7 === 0 ? 1500 : 60)}`;
}

/** The ids in a record. */
export function idsIn(text: string): string[] {
  return [...text.matchAll(/<([a-z]+-\d+-\d+)>/g)].flatMap((match) => match[1] ?? []);
}

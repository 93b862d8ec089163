/**
 * What of a group of appends is new, and what is answered with the receipt of a record that is in the log already.
 * Pure.
 *
 * @module
 */

import type { RecordIds } from "./record_ids.ts";

/** What an append resolves to. */
export interface AppendReceipt {
  /** The record's number. */
  sequence: number;
  /** Whether it was in the log already, by its id; then nothing was appended. */
  duplicate: boolean;
}

/** What is left of a group's entries when duplicates are taken out. */
export interface PlannedGroup {
  /** The new records, each batch all or nothing. */
  batches: (readonly string[])[];
  /** Gives the receipts, once the number of the first new record is known. */
  receipts: (first: number) => AppendReceipt[][];
  /** How many records are new. */
  records: number;
  /** How many are not. */
  duplicates: number;
  /** The ids of the new ones. */
  newIds: (string | undefined)[];
}

/**
 * Plans a group. An id that is in the log, or earlier in the same group, is not appended again.
 *
 * @param entries What is to be appended.
 * @param ids The ids of the records that are in the log; null if records have none.
 * @returns What is new, and how to answer.
 */
export function planGroup(
  entries: readonly { texts: readonly string[]; ids: readonly (string | undefined)[] }[],
  ids: RecordIds | null,
): PlannedGroup {
  const batches: (readonly string[])[] = [];
  const newIds: (string | undefined)[] = [];
  const inGroup = new Map<string, number>();
  const places: { offset: number | null; sequence: number; duplicate: boolean }[][] = [];
  let duplicates = 0;
  for (const { texts, ids: entryIds } of entries) {
    const batch: string[] = [];
    places.push(texts.map((text, index) => {
      const id = ids === null ? undefined : entryIds[index];
      const known = id === undefined ? undefined : ids?.find(id);
      const earlier = id === undefined ? undefined : inGroup.get(id);
      if (known !== undefined || earlier !== undefined) {
        duplicates++;
        return { offset: known === undefined ? earlier ?? null : null, sequence: known ?? 0, duplicate: true };
      }
      const offset = newIds.length;
      if (id !== undefined) inGroup.set(id, offset);
      newIds.push(id);
      batch.push(text);
      return { offset, sequence: 0, duplicate: false };
    }));
    if (batch.length > 0) batches.push(batch);
  }
  const receipts = (first: number): AppendReceipt[][] =>
    places.map((batch) =>
      batch.map(({ offset, sequence, duplicate }) => ({
        sequence: offset === null ? sequence : first + offset,
        duplicate,
      }))
    );
  return { batches, receipts, records: newIds.length, duplicates, newIds };
}

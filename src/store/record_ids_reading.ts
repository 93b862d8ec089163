/**
 * Reads the ids of a session's newest records from the log's end.
 *
 * @module
 */

import { readLastRecords } from "../log/log_tail.ts";
import { RecordIds } from "./record_ids.ts";
import { planOf, type ReadTarget, withView } from "./session_reading.ts";
import type { ResolvedOptions } from "./store_options.ts";

/**
 * Reads the ids of the newest records.
 *
 * @param target Which session.
 * @param options How a record is named, and how many are remembered.
 * @returns The ids; null if records have none.
 */
export async function readRecordIds(
  target: ReadTarget,
  options: Pick<ResolvedOptions, "recordId" | "recordIdReach">,
): Promise<RecordIds | null> {
  const { recordId, recordIdReach } = options;
  if (recordId === null) return null;
  const ids = new RecordIds(recordIdReach);
  await withView(target, async (view) => {
    const log = view?.log ?? null;
    if (log === null) return;
    const plan = { ...planOf(target, log), sequenceMin: 0, onDamage: () => undefined };
    const records = await readLastRecords(log.handle, plan, recordIdReach);
    for (const { value, sequence } of records) ids.add(recordId(value), sequence);
  });
  return ids;
}

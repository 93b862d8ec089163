/**
 * Reads the ids of a session's newest records from the log's end.
 *
 * @module
 */

import { readLastRecords } from "../log/log_tail.ts";
import type { LogRecord } from "../log/log_reader.ts";
import { wholeRecord } from "./blob_reading.ts";
import { watchPreviews } from "./blob_values.ts";
import { type RecordIdOf, RecordIds } from "./record_ids.ts";
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
    const records = await readLastRecords(log.window, plan, recordIdReach);
    for (const record of records) ids.add(await idOf(target, record, recordId), record.sequence);
  });
  return ids;
}

/** An id is that of the whole record; its blobs are read only if the id is made from one of them. */
async function idOf(target: ReadTarget, record: LogRecord, recordId: RecordIdOf): Promise<string | undefined> {
  if (record.blobs === undefined) return recordId(record.value);
  let hasLooked = false;
  watchPreviews(record.value, record.blobs, () => hasLooked = true);
  const id = recordId(record.value);
  return hasLooked ? recordId((await wholeRecord({ ...target, strict: false }, record)).value) : id;
}

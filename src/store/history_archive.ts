/**
 * Keeps the records that a compaction is about to remove from the log.
 *
 * Before the new log takes the old one's name, the old one gets a second name in the archive, durably: at each moment
 * every record has a name that leads to it. What a compaction that was not finished leaves there is the log itself
 * under a second name, which readers pass over and the next open for writing takes away.
 *
 * @module
 */

import { linkSegment, recordsUpTo, type RemovedRange, sweepArchive, writeSegment } from "../log/archive.ts";
import { type ReadPlan, readRecords } from "../log/log_reader.ts";
import type { LogWriter } from "../log/log_writer.ts";
import type { OpenSession } from "./open_session.ts";

/** What a compaction is about to remove. */
export interface RemovedRecords {
  /** Their numbers; null: there are none. */
  range: RemovedRange | null;
  /** Whether any line of the log is damaged: the archive is to hold whole records only. */
  withDamage: boolean;
}

/**
 * Keeps what is about to be removed; durable when it resolves.
 *
 * @param session The open session.
 * @param writer Its log, all of which is durable.
 * @param plan How the whole log is read.
 * @param removed What is about to be removed.
 */
export async function keepRemoved(
  session: OpenSession,
  writer: LogWriter,
  plan: ReadPlan,
  removed: RemovedRecords,
): Promise<void> {
  const { files, seed } = session;
  const { fileSystem } = session.context;
  const { range, withDamage } = removed;
  if (range === null) return;
  if (!withDamage && await linkSegment(fileSystem, files.archive, files.log, range)) return;
  const records = recordsUpTo(readRecords(writer.handle, plan), range.last);
  await writeSegment(fileSystem, files.archive, range, seed, records);
}

/**
 * Takes away what a compaction that was not finished left in the archive.
 *
 * @param session The open session.
 * @param writer Its log.
 */
export async function sweepUnfinished(session: OpenSession, writer: LogWriter): Promise<void> {
  await sweepArchive(session.context.fileSystem, session.files.archive, writer.handle);
}

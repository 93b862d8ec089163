/**
 * Reads the last records of a log from its end: the cost does not grow with the log.
 *
 * @module
 */

import type { ReadableFile } from "../fs/filesystem.ts";
import { findAnchor } from "./chain_anchor.ts";
import { type LogRecord, type ReadPlan, readRecords } from "./log_reader.ts";

/**
 * Reads the last records.
 *
 * @param handle The open log.
 * @param plan As for `readRecords`; its start is the start of the log.
 * @param count How many at the most.
 * @returns The last records, in order; fewer where there are no more.
 */
export async function readLastRecords(handle: ReadableFile, plan: ReadPlan, count: number): Promise<LogRecord[]> {
  if (count <= 0) return [];
  for (let linesMin = count + 1;; linesMin *= 2) {
    const start = await findAnchor(handle, plan.start, plan.tail.kept.offset, linesMin, true);
    let last: LogRecord[] = [];
    let damaged: Parameters<ReadPlan["onDamage"]>[0][] = [];
    const onDamage: ReadPlan["onDamage"] = (line) => damaged.push(line);
    for await (const records of readRecords(handle, { ...plan, start, onDamage })) {
      last = last.length === 0 ? records : last.concat(records);
      if (last.length > count) last = last.slice(-count);
    }
    // Damaged lines took the place of records, or the first active record is reached.
    const isAll = start.offset <= plan.start.offset || start.sequence <= plan.sequenceMin;
    if (last.length === count || isAll) {
      const from = last[0]?.offset ?? 0;
      damaged = damaged.filter((line) => isAll || line.offset >= from);
      for (const line of damaged) plan.onDamage(line);
      return last;
    }
  }
}

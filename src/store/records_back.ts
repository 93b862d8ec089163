/**
 * `Session.recordsBack`: records from the newest to the oldest, in windows that are read forwards and given out
 * backwards. Bounded memory, and the cost is that of what is taken: not of the log.
 *
 * @module
 */

import { archiveSegments, segmentPlan } from "../log/archive.ts";
import { findAnchor } from "../log/chain_anchor.ts";
import { type LogRecord, type ReadPlan, readRecords } from "../log/log_reader.ts";
import { LogPlaces, seekSequence } from "../log/log_seek.ts";
import { damageHandler, mayHaveNumbers, openTarget, planOf, type ReadTarget } from "./session_reading.ts";
import { closeView, type LogView, type SessionView } from "./session_view.ts";
import { wholeNumber } from "./store_options.ts";

/** Options of `Session.recordsBack`. */
export interface RecordsBackOptions {
  /**
   * Only records with lower numbers.
   *
   * @default {all}
   */
  before?: number;
  /**
   * How many at the most.
   *
   * @default {all}
   */
  limit?: number;
  /**
   * Hidden records too, as far as they are still in the log or in its archive.
   *
   * @default {false}
   */
  all?: boolean;
}

/** A window has about this many bytes; of a larger one only the end is held, and the rest read again. */
const windowBytes = 64 * 1024;

/**
 * Reads the records of one moment, the newest first.
 *
 * @param target Which session.
 * @param options Which records.
 * @returns The records.
 */
export async function* readRecordsBack(
  target: ReadTarget,
  options: RecordsBackOptions,
): AsyncGenerator<LogRecord, void> {
  const before = options.before === undefined ? Infinity : wholeNumber("before", options.before, 0);
  let left = options.limit === undefined ? Infinity : wholeNumber("limit", options.limit, 0);
  if (left === 0 || before === 0) return;
  const view = await openTarget(target);
  try {
    const log = view?.log ?? null;
    if (view === null || log === null) return;
    const plan = planOf(target, log);
    let lowest = before;
    for await (const window of allWindowsBack(view, log, plan, options.all === true, { before, limit: left, target })) {
      for (let record = window.pop(); record !== undefined; record = window.pop()) {
        // What is in the log is in the archive as well, where a compaction was not finished.
        if (record.sequence >= lowest) continue;
        lowest = record.sequence;
        yield record;
        if (--left <= 0) return;
      }
    }
  } finally {
    await closeView(view);
  }
}

async function* allWindowsBack(
  view: SessionView,
  log: LogView,
  plan: ReadPlan,
  all: boolean,
  { before, limit, target }: { before: number; limit: number; target: ReadTarget },
): AsyncGenerator<LogRecord[], void> {
  yield* windowsBack(log, { ...plan, sequenceMin: all ? 0 : log.first }, before, limit, target);
  if (!all) return;
  const { fileSystem } = target.context;
  for (const segment of (await archiveSegments(fileSystem, view.files.archive)).reverse()) {
    if (segment.first >= before) continue;
    const handle = await fileSystem.open(segment.path, { access: "read" });
    try {
      const whole = segmentPlan(segment.size, log.start.checksum ?? 0);
      // It may hold more than it stands for, which is passed over by its numbers.
      const tail = { ...whole.tail, hasOwn: true, kept: { ...whole.tail.kept, sequence: segment.last + 2 } };
      const part = { ...log, path: segment.path, handle, size: segment.size, floor: whole.start, tail };
      const onDamage = damageHandler(target, segment.path);
      const upper = Math.min(before, segment.last + 1);
      const { places: _, ...other } = target;
      yield* windowsBack(part, { ...whole, tail, onDamage }, upper, limit, other);
    } finally {
      await handle.close();
    }
  }
}

async function* windowsBack(
  log: LogView,
  plan: ReadPlan,
  before: number,
  limit: number,
  target: ReadTarget,
): AsyncGenerator<LogRecord[], void> {
  const { handle, tail } = log;
  let upper = before;
  let place = { ...tail.kept };
  let linesMin = Math.min(limit, 64);
  if (before < tail.kept.sequence && mayHaveNumbers(log)) {
    place = await seekSequence(handle, { start: plan.start, end: tail.kept }, before, target.places ?? new LogPlaces());
    const window = await readWindow(log, { ...plan, start: place }, upper);
    upper = window.lowest;
    if (window.records.length > 0) yield window.records;
    if (window.isCut) place = { ...place, offset: window.offset };
  }
  while (place.offset > plan.start.offset && upper > plan.sequenceMin) {
    const start = await findAnchor(handle, plan.start, place.offset, linesMin);
    const window = await readWindow(log, { ...plan, start }, upper);
    upper = Math.min(upper, window.lowest);
    if (window.records.length > 0) yield window.records;
    linesMin = window.isCut ? Math.max(1, linesMin >>> 2) : Math.min(4096, linesMin * 2);
    place = window.isCut ? { ...start, offset: window.offset } : start;
  }
}

/** Reads what is in front of a number; of more than a window, the end. */
async function readWindow(
  log: LogView,
  plan: ReadPlan,
  upper: number,
): Promise<{ records: LogRecord[]; lowest: number; offset: number; isCut: boolean }> {
  let records: LogRecord[] = [];
  let bytes = 0;
  let isCut = false;
  reading: for await (const group of readRecords(log.handle, plan)) {
    for (const record of group) {
      if (record.sequence >= upper) break reading;
      records.push(record);
      bytes += record.length;
    }
    if (bytes <= 4 * windowBytes) continue;
    let dropped = 0;
    while (bytes > windowBytes && dropped < records.length - 1) bytes -= records[dropped++]?.length ?? 0;
    isCut ||= dropped > 0;
    records = records.slice(dropped);
  }
  const [first] = records;
  return { records, lowest: first?.sequence ?? upper, offset: first?.offset ?? plan.start.offset, isCut };
}

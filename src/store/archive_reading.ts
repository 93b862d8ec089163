/**
 * Reads through the archive of a session: what compaction removed comes in front of what is in the log.
 *
 * The view of the log comes first, then the archive is looked at: a record that a compaction moves from the one to the
 * other meanwhile is in both, never in neither. Numbers tell which of the two is to give it: the log, if it has it.
 *
 * @module
 */

import { readArchive } from "../log/archive.ts";
import type { LogRecord } from "../log/log_reader.ts";
import { damageHandler, type ReadCursor, type ReadRange, type ReadTarget, readView } from "./session_reading.ts";
import type { LogView, SessionView } from "./session_view.ts";

/**
 * Reads the records of a view, in groups; if hidden ones are wanted, those of the archive first.
 *
 * @param target Which session.
 * @param view The view.
 * @param log Its log.
 * @param range Which records.
 * @returns The records; at the end, where to go on.
 */
export async function* readWithArchive(
  target: ReadTarget,
  view: SessionView,
  log: LogView,
  range: ReadRange,
): AsyncGenerator<LogRecord[], ReadCursor> {
  // Who goes on has read the archive before.
  if (!range.all || range.cursor !== null) return yield* readView(target, log, range);
  const groups = readView(target, log, range);
  try {
    let group = await groups.next();
    const below = group.done === true ? Infinity : group.value[0]?.sequence ?? Infinity;
    yield* readArchive(target.context.fileSystem, view.files.archive, {
      seed: log.start.checksum ?? 0,
      from: range.from,
      below,
      onDamage: (line, path) => damageHandler(target, path)(line),
    });
    for (; group.done !== true; group = await groups.next()) yield group.value;
    return group.value;
  } finally {
    await groups.return(noCursor);
  }
}

/** What a generator that is given up returns to nobody. */
const noCursor: ReadCursor = {
  inode: 0,
  position: { offset: 0, checksum: null, sequence: 0, rawCount: null },
  seal: null,
};

/**
 * Counts a log's lines as picoclaw counts them: every line that is not empty.
 *
 * @module
 */

import type { FileHandle } from "../fs/filesystem.ts";
import { LogLines } from "../log/log_lines.ts";
import type { LogWriter } from "../log/log_writer.ts";

/**
 * Counts the lines of a range.
 *
 * @param handle The open log.
 * @param start Where the range starts, in bytes.
 * @param end Where it ends, in bytes.
 * @returns How many lines there are.
 */
export async function countRange(handle: FileHandle, start: number, end: number): Promise<number> {
  const lines = new LogLines(handle, start, end);
  while (await lines.fill()) while (lines.next() !== null);
  return lines.rawCount;
}

/**
 * Counts the lines of an open log, unless its writer knows; it does afterwards.
 *
 * @param writer The open log.
 * @param known Up to where the count is known, in bytes, and what it is there.
 * @returns The count.
 */
export async function countLogLines(writer: LogWriter, known: { bytes: number; count: number }): Promise<number> {
  const { rawCount } = writer.position;
  if (rawCount !== null) return rawCount;
  const count = known.count + await countRange(writer.handle, known.bytes, writer.tailOffset);
  writer.setRawCount(count);
  return count;
}

/**
 * Finds a place in a log from which it can be read, going back from the end: the cost does not grow with the log.
 *
 * @module
 */

import type { ReadableFile } from "../fs/filesystem.ts";
import { linesFromEnd } from "./log_lines.ts";
import type { ChainPosition } from "./record_chain.ts";
import { lineChecksum, type Mark, readMark } from "./record_format.ts";

/**
 * Finds a record whose checksum fits the stored one of the line before it; where nothing is known of the log's end, one
 * without `~`, which says that all in front of it was durable.
 *
 * @param handle The open log.
 * @param floor Where the search ends: the start of the log, or a seal.
 * @param end Where the search starts, in bytes.
 * @param linesMin How many lines at least stand from the place on.
 * @param mayBeDeferred Whether one with `~` will do: the log's end has been judged, and the chain alone is wanted.
 * @returns The place; `floor` if there is none.
 */
export async function findAnchor(
  handle: ReadableFile,
  floor: ChainPosition,
  end: number,
  linesMin: number,
  mayBeDeferred: boolean = false,
): Promise<ChainPosition> {
  let later: { bytes: Uint8Array; offset: number; mark: Mark } | null = null;
  let lines = 0;
  for await (const { bytes, offset } of linesFromEnd(handle, floor.offset, end)) {
    const verdict = bytes === null ? null : readMark(bytes);
    const mark = verdict?.kind === "marked" ? verdict.mark : null;
    if (later !== null && mark !== null && lines >= linesMin && (mayBeDeferred || !later.mark.deferred)) {
      if (lineChecksum(later.bytes, later.mark, mark.checksum) === later.mark.checksum) {
        // Behind the line before, as a scan would have it: what is blank between the two is left to the reader.
        const start = offset + (bytes?.length ?? 0) + 1;
        return { offset: start, checksum: mark.checksum, sequence: later.mark.sequence, rawCount: null };
      }
    }
    lines++;
    // What looks like a sector out of a torn record anchors nothing.
    const onSectors = bytes !== null && offset % 512 === 0 && (offset + bytes.length) % 512 === 0;
    later = bytes !== null && mark !== null && !onSectors ? { bytes, offset, mark } : null;
  }
  return floor;
}

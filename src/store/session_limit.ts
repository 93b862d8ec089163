/**
 * How large a session's log may become: what would go beyond is refused when it is written, not when it is read.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { lineBytesBound } from "../log/record_format.ts";
import type { RecordIds } from "./record_ids.ts";

/** Where a log stands, and how far it may go. */
export interface LogLimit {
  /** Its path. */
  readonly path: string;
  /** Behind its last record, in bytes. */
  readonly offset: number;
  /** How large it may become, in bytes. */
  readonly bytesMax: number;
}

/** Records that are to be appended together. */
export interface LimitedBatch {
  /** Each as one line without the mark. */
  readonly texts: readonly string[];
  /** Each record's id, if it has one. */
  readonly ids: readonly (string | undefined)[];
}

/**
 * Says which batches go into a log, the first ones first.
 *
 * @param batches The batches, in order.
 * @param ids The ids that are in the log: a retry of what is there takes no room.
 * @param limit Where the log stands.
 * @returns For each batch the reason why it does not; null if it does.
 */
export function refusals(
  batches: readonly LimitedBatch[],
  ids: RecordIds | null,
  limit: LogLimit,
): (HoldfastError | null)[] {
  let { offset } = limit;
  return batches.map(({ texts, ids: own }) => {
    const added = texts.filter((_, index) => {
      const id = own[index];
      return id === undefined || ids?.find(id) === undefined;
    });
    const bytes = added.reduce((sum, text) => sum + lineBytesBound(text), 0);
    if (bytes === 0 || offset + bytes <= limit.bytesMax) {
      offset += bytes;
      return null;
    }
    return beyondLimit(limit, bytes);
  });
}

/**
 * The error for what has no room in a log.
 *
 * @param limit Where the log stands.
 * @param bytes How much was to be added.
 * @returns The error.
 */
export function beyondLimit({ path, offset, bytesMax }: LogLimit, bytes: number): HoldfastError {
  const message = `Session's log has ${offset} of at most ${bytesMax} bytes (sessionBytesMax), no room for ${bytes} ` +
    `more; truncate and compact it, or go on in another session (continueAs): ${path}`;
  return new HoldfastError("too-large", message, { path });
}

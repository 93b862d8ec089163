/**
 * A group of batches as the bytes of their lines, chained and flagged. Pure.
 *
 * @module
 */

import { encodeLine, markBytesMax } from "./record_format.ts";

/** Records that are committed together; each text as `toLineText` returns it. */
export type Batch = readonly string[];

/** What a group of batches becomes on its way to the log. */
export interface RecordGroup {
  /** Its lines. */
  bytes: Uint8Array;
  /** The checksum of its last line. */
  checksum: number;
  /** The number behind its last record's. */
  sequenceNext: number;
  /** How many lines picoclaw will count. */
  rawLines: number;
}

/**
 * Encodes batches that are written together.
 *
 * @param batches What is appended, each all or nothing.
 * @param sequence The first record's number.
 * @param seed The checksum of the line before.
 * @param deferred Whether anything in front of the group is not known to be durable: else its first record has no `~`.
 * @returns The group.
 */
export function encodeGroup(
  batches: readonly Batch[],
  sequence: number,
  seed: number,
  deferred: boolean,
): RecordGroup {
  const lines: Uint8Array[] = [];
  const group = { checksum: seed, sequenceNext: sequence, length: 0 };
  for (const batch of batches) {
    for (const [index, text] of batch.entries()) {
      const flags = {
        batchContinues: index < batch.length - 1,
        deferred: deferred || lines.length > 0,
        adopted: false,
      };
      const line = encodeLine(text, group.sequenceNext, flags, group.checksum);
      lines.push(line.bytes);
      group.length += line.bytes.length;
      group.checksum = line.checksum;
      group.sequenceNext++;
    }
  }
  const { checksum, sequenceNext, length } = group;
  return { bytes: concatenate(lines, length), checksum, sequenceNext, rawLines: lines.length };
}

/**
 * How many bytes a group has at the most, without encoding it.
 *
 * @param batches What is appended.
 * @returns An upper bound.
 */
export function groupBytesBound(batches: readonly Batch[]): number {
  let bytes = 0;
  for (const batch of batches) for (const text of batch) bytes += text.length * 3 + markBytesMax;
  return bytes;
}

function concatenate(parts: readonly Uint8Array[], length: number): Uint8Array {
  const only = parts[0];
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

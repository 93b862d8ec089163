/**
 * What waits to be appended, with bounded memory. A record is encoded, checked and measured during the call; as long as
 * there is room, what came of it is held until it is written. Beyond, only a checksum of it is: it is encoded again
 * from what the caller holds when its turn comes, and a record that was changed meanwhile is refused, not written.
 *
 * @module
 */

import { crc32 } from "../log/checksum.ts";
import type { QueuedBatch } from "./append_queue.ts";
import { blobsOf, type EncodedRecord } from "./record_input.ts";

/** How much a session's queue holds, in characters of records and bytes of large values; one batch it always takes. */
export const queueHeldMax: number = 4 * 1024 * 1024;

/** What of a batch goes to the log. */
export type BatchContent = Pick<QueuedBatch, "texts" | "ids" | "blobs">;

/** A batch that waits for its turn. */
export interface WaitingBatch {
  /** How long its texts are, in characters. */
  readonly characters: number;
  /** Whether it has large values. */
  readonly hasBlobs: boolean;
  /**
   * Gives what is to be appended, once.
   *
   * @throws {TypeError} If a record was changed since.
   */
  take(): BatchContent;
}

const encoder = new TextEncoder();

/** Counts what one session's queue holds. */
export class AppendBacklog {
  #held = 0;

  /** How much is held, as {@linkcode queueHeldMax} counts. */
  get held(): number {
    return this.#held;
  }

  /**
   * Takes a batch in.
   *
   * @param content The batch.
   * @param encodeAgain Gives the same again, from what the caller holds; without, it is held in any case.
   * @returns What waits.
   */
  add(content: BatchContent, encodeAgain: (() => BatchContent) | undefined): WaitingBatch {
    const characters = content.texts.reduce((sum, text) => sum + text.length, 0);
    const size = (content.blobs?.values ?? []).reduce((sum, { bytes }) => sum + bytes.length, characters);
    const hasBlobs = content.blobs !== undefined;
    // In functions of their own: what one closure refers to, its neighbours would hold too.
    const take = encodeAgain !== undefined && this.#held > 0 && this.#held + size > queueHeldMax
      ? encodingAgain(encodeAgain, checksumOf(content))
      : this.#holding(content, size);
    return { characters, hasBlobs, take };
  }

  #holding(content: BatchContent, size: number): () => BatchContent {
    this.#held += size;
    return () => {
      this.#held -= size;
      return content;
    };
  }
}

function encodingAgain(encodeAgain: () => BatchContent, checksum: number): () => BatchContent {
  return () => {
    const content = encodeAgain();
    if (checksumOf(content) === checksum) return content;
    throw new TypeError("A record was changed while its append waited behind others; wait for it, or append a copy");
  };
}

function checksumOf({ texts }: BatchContent): number {
  return texts.reduce((seed, text) => crc32(encoder.encode(`${text}\n`), seed), 0);
}

/**
 * Puts records as the queue wants them.
 *
 * @param records The records.
 * @returns What goes to the log.
 */
export function contentOf(records: readonly EncodedRecord[]): BatchContent {
  const values = blobsOf(records);
  const lines = records.map((record) => record.extracted?.line ?? record.text);
  return {
    texts: records.map((record) => record.text),
    ids: records.map((record) => record.id),
    ...(values.length === 0 ? {} : { blobs: { lines, values } }),
  };
}

/**
 * Puts large values back where a record has only previews of them.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { type BlobReference, readReferences } from "../log/blob_member.ts";
import { type JsonObject, parseObject } from "../log/json_text.ts";
import type { LogRecord } from "../log/log_reader.ts";
import { blobPath, readBlob } from "./blob_files.ts";
import { blobToken, restoreBlobs } from "./blob_values.ts";
import type { StoreContext } from "./store_context.ts";

/** Whose records they are. */
export interface BlobReader {
  /** What the store shares. */
  context: StoreContext;
  /** The session's key. */
  key: string;
  /** Whether a blob that is missing or damaged is an error rather than an event. */
  strict: boolean;
}

/** A blob that cannot be used. */
export interface BadBlob {
  /** Where in the record it belongs, as a JSON pointer. */
  pointer: string;
  /** Its name: the SHA-256 of what it should hold. */
  hash: string;
  /** What is wrong with it. */
  reason: string;
}

/**
 * A record as its author gave it. What is missing or damaged stays a preview, with an event.
 *
 * @param reader Whose record it is.
 * @param record The record as it stands in the log.
 * @returns The same without previews.
 * @throws {HoldfastError} `corrupt`, with `strict`, if a blob is missing or damaged.
 */
export async function wholeRecord(reader: BlobReader, record: LogRecord): Promise<LogRecord> {
  if (record.blobs === undefined) return record;
  const tokens = new Map<string, string>();
  for (const reference of readReferences(record.blobs)) {
    const found = await readToken(reader.context, reference);
    if ("token" in found) tokens.set(reference.pointer, found.token);
    else reportBad(reader, record, reference, found.reason);
  }
  const text = restoreBlobs(record.text, tokens);
  const parsed = parseObject(text);
  const { blobs: _, ...rest } = record;
  return { ...rest, text, value: "value" in parsed ? parsed.value : record.value };
}

/**
 * Looks at a record's blobs.
 *
 * @param context What the store shares.
 * @param blobs The record's references, as they stand in the log.
 * @returns Those that cannot be used.
 */
export async function checkBlobs(context: StoreContext, blobs: string): Promise<BadBlob[]> {
  const bad: BadBlob[] = [];
  for (const reference of readReferences(blobs)) {
    const found = await readToken(context, reference);
    const { pointer, hash } = reference;
    if ("reason" in found) bad.push({ pointer, hash, reason: found.reason });
  }
  return bad;
}

/**
 * The values of some records, whole, without a word about what is missing: for looking at ids.
 *
 * @param context What the store shares.
 * @param record The record as it stands in the log.
 * @returns Its value.
 */
export async function wholeValue(context: StoreContext, record: LogRecord): Promise<JsonObject> {
  const quiet = { ...context, report: () => undefined };
  return (await wholeRecord({ context: quiet, key: "", strict: false }, record)).value;
}

async function readToken(
  context: StoreContext,
  reference: BlobReference,
): Promise<{ token: string } | { reason: string }> {
  const found = await readBlob(context, reference);
  if ("reason" in found) return found;
  const token = blobToken(reference, found.bytes);
  return token === null ? { reason: "it is no text" } : { token };
}

function reportBad(reader: BlobReader, record: LogRecord, { pointer, hash }: BlobReference, reason: string): void {
  const { context, key, strict } = reader;
  const path = blobPath(context, hash);
  const message =
    `Blob of record ${record.sequence} at ${pointer} cannot be read: ${reason}; its preview stands for it`;
  if (strict) throw new HoldfastError("corrupt", message, { path });
  context.report({ type: "damaged-blob", key, path, message });
}

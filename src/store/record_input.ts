/**
 * From what a caller gives to what goes to the log: checked, encoded and measured during the call.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { isJsonObject, type JsonObject, parseObject, toLineText } from "../log/json_text.ts";
import { batchBytesMax, markBytesMax } from "../log/record_format.ts";
import { blobBytesMax, type BlobValue, extractBlobs, type ExtractedRecord } from "./blob_values.ts";
import type { DurabilityMode, ResolvedOptions } from "./store_options.ts";

/** A record, ready for the log. */
export interface EncodedRecord {
  /** As one line of JSON, without the mark. */
  text: string;
  /** How many bytes it has in the log at the most, mark included. */
  bytes: number;
  /** The same without its large values, if any are to be kept out of the log. */
  extracted?: ExtractedRecord;
  /** Its id, if it has one. */
  id: string | undefined;
  /** When its append resolves, as the store's options say. */
  durability: DurabilityMode;
}

/**
 * Encodes an object, by the rules of `JSON.stringify`.
 *
 * @param record A JSON object.
 * @param options The store's options.
 * @returns The record.
 * @throws {TypeError} If it is no object, or cannot be written as one.
 * @throws {HoldfastError} `too-large`.
 */
export function encodeRecord(record: unknown, options: ResolvedOptions): EncodedRecord {
  if (!isJsonObject(record)) throw new TypeError(`A record must be a JSON object, not ${nameOf(record)}`);
  const text: unknown = JSON.stringify(record);
  if (typeof text !== "string" || !text.startsWith("{")) {
    throw new TypeError("A record must be written as a JSON object; its toJSON returns something else");
  }
  // Its id must be the same when the record is read: not that of what its toJSON left out.
  return measured(toLineText(text), options.recordId === null ? record : JSON.parse(text), options);
}

/**
 * Encodes a JSON object that is given as text.
 *
 * @param text The text.
 * @param options The store's options.
 * @returns The record.
 * @throws {TypeError} If it is no JSON object.
 * @throws {HoldfastError} `too-large`.
 */
export function encodeText(text: unknown, options: ResolvedOptions): EncodedRecord {
  if (typeof text !== "string") throw new TypeError(`A record's text must be a string, not ${nameOf(text)}`);
  const parsed = parseObject(text);
  if ("reason" in parsed) throw new TypeError(`A record's text must be a JSON object; this is ${parsed.reason}`);
  return measured(toLineText(text), parsed.value, options);
}

/**
 * Checks that records fit into one batch, and their large values into memory.
 *
 * @param records The records.
 * @throws {HoldfastError} `too-large`.
 */
export function assertBatchSize(records: readonly EncodedRecord[]): void {
  const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
  if (bytes > batchBytesMax) {
    throw new HoldfastError(
      "too-large",
      `Batch of ${bytes} bytes is over the limit of ${batchBytesMax}; append it in parts`,
    );
  }
  const blobBytes = blobsOf(records).reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (blobBytes > blobBytesMax) {
    const message = `Large values of ${blobBytes} bytes are over the limit of ${blobBytesMax}; append them in parts`;
    throw new HoldfastError("too-large", message);
  }
}

/**
 * The large values of records.
 *
 * @param records The records.
 * @returns The values that are to be kept out of the log.
 */
export function blobsOf(records: readonly EncodedRecord[]): BlobValue[] {
  return records.flatMap(({ extracted }) => extracted === undefined ? [] : extracted.values);
}

function measured(text: string, record: JsonObject, options: ResolvedOptions): EncodedRecord {
  const extracted = options.blobs === null ? null : extractBlobs(text, options.blobs);
  const length = utf8Length(extracted?.line ?? text);
  if (length > options.recordBytesMax) {
    const message = `Record of ${length} bytes is over the limit of ${options.recordBytesMax}; ${wayOut(options)}`;
    throw new HoldfastError("too-large", message);
  }
  const id = options.recordId?.(record);
  if (id !== undefined && typeof id !== "string") throw new TypeError("recordId must return a string or undefined");
  const encoded = { text, bytes: length + markBytesMax, id, durability: options.durability(record) };
  return extracted === null ? encoded : { ...encoded, extracted };
}

function wayOut({ blobs }: ResolvedOptions): string {
  return blobs === null ? "the option blobs keeps large values out of it" : "only strings are kept out of it";
}

/** Without a copy of the text's bytes. */
function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // A surrogate pair is two units and four bytes.
    if (unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff)) length += 2;
    else if (unit >= 0x80) length += 1;
  }
  return length;
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value;
}

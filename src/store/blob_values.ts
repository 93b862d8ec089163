/**
 * From a record with large values to one with previews and references, and back. Pure text: numbers beyond 2^53,
 * doubled keys, order and spelling stay as they are.
 *
 * Only strings are taken out, wherever they stand: anything else would get another type for other readers of the file.
 *
 * @module
 */

import { type BlobReference, joinLine, readReferences, writeReferences } from "../log/blob_member.ts";
import { escapeForLine, fromLineText, toLineText } from "../log/json_text.ts";
import { stringValues } from "../log/json_strings.ts";
import { sha256 } from "../log/sha256.ts";

/** The blobs of one call have at most so many bytes together: they are held in memory until they are durable. */
export const blobBytesMax: number = 64 * 1024 * 1024;

/** What is large, and how much of it a reader of the file still sees. */
export interface BlobLimits {
  /** A string of at least so many bytes of UTF-8 is kept as a blob. */
  valueBytesMin: number;
  /** How many bytes of it stay in the record, at the most, in front of the note that says where the rest is. */
  previewBytesMax: number;
}

/** A value on its way into a file of its own. */
export interface BlobValue {
  /** The SHA-256 of its bytes, in lower-case hexadecimal digits. */
  hash: string;
  /** What the file is to hold. */
  bytes: Uint8Array;
}

/** A record without its large values. */
export interface ExtractedRecord {
  /** Its line, without the mark. */
  line: string;
  /** The values. */
  values: BlobValue[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The name of a blob.
 *
 * @param bytes What it holds.
 * @returns Their SHA-256, in lower-case hexadecimal digits.
 */
export function blobHash(bytes: Uint8Array): string {
  return sha256(bytes);
}

/**
 * Takes the large values out of a record.
 *
 * @param text The record as one line, as `toLineText` returns it.
 * @param limits What is large.
 * @returns The record without them; null if there are none.
 */
export function extractBlobs(text: string, limits: BlobLimits): ExtractedRecord | null {
  const { valueBytesMin, previewBytesMax } = limits;
  if (!hasLarge(text, valueBytesMin)) return null;
  const author = fromLineText(text);
  const references: BlobReference[] = [];
  const values = new Map<string, BlobValue>();
  let stored = "";
  let copied = 0;
  for (const { pointer, start, end } of lastOfEach(author)) {
    if (!mayBeLarge({ start, end }, valueBytesMin)) continue;
    const token = author.slice(start, end);
    const value = String(JSON.parse(token));
    // What is spelled in an uncommon way, or is no valid Unicode, is kept as it is spelled.
    const spelled = token !== tokenOf(value) || /[\ud800-\udfff]/u.test(value);
    const bytes = encoder.encode(spelled ? token : value);
    if (bytes.length < valueBytesMin) continue;
    const hash = blobHash(bytes);
    references.push({ pointer, hash, bytes: bytes.length, spelled });
    values.set(hash, { hash, bytes });
    stored += author.slice(copied, start) + tokenOf(previewOf(value, hash, bytes.length, previewBytesMax));
    copied = end;
  }
  if (references.length === 0) return null;
  const line = toLineText(stored + author.slice(copied));
  return { line: joinLine(line, writeReferences(references)), values: [...values.values()] };
}

/**
 * Puts values back into a record.
 *
 * @param text The record as its author gave it, with previews.
 * @param values What is put in place of each preview, by its pointer; what is not in it stays a preview.
 * @returns The record as its author gave it.
 */
export function restoreBlobs(text: string, values: ReadonlyMap<string, string>): string {
  let whole = "";
  let copied = 0;
  for (const { pointer, start, end } of lastOfEach(text)) {
    const token = values.get(pointer);
    if (token === undefined) continue;
    whole += text.slice(copied, start) + token;
    copied = end;
  }
  return whole + text.slice(copied);
}

/**
 * The JSON string that a blob stands for.
 *
 * @param reference The reference.
 * @param bytes What the blob holds.
 * @returns A JSON string, quotes included; null if these bytes are none, whatever their checksum says.
 */
export function blobToken(reference: BlobReference, bytes: Uint8Array): string | null {
  try {
    const text = decoder.decode(bytes);
    if (!reference.spelled) return tokenOf(text);
    return typeof JSON.parse(text) === "string" ? text : null;
  } catch {
    return null;
  }
}

/**
 * A record's parsed previews in such a form that it is known whether anybody has looked at one.
 *
 * @param value The record with previews; changed.
 * @param blobs Its references.
 * @param looked Called when a preview is looked at.
 */
export function watchPreviews(value: object, blobs: string, looked: () => void): void {
  for (const { pointer } of readReferences(blobs)) {
    const steps = pointer.slice(1).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = steps.pop() ?? "";
    let parent: unknown = value;
    for (const step of steps) parent = isObject(parent) ? parent[step] : undefined;
    if (!isObject(parent)) continue;
    const preview = parent[last];
    const get = (): unknown => {
      looked();
      return preview;
    };
    Object.defineProperty(parent, last, { get, enumerable: true, configurable: true });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** A string and its place. */
interface PlacedString {
  pointer: string;
  start: number;
  end: number;
}

/** Of several strings in the same place, as doubled keys allow, the last: the one that parsing leaves. */
function lastOfEach(text: string): PlacedString[] {
  const last = new Map<string, PlacedString>();
  for (const { start, end, pointer } of stringValues(text)) {
    const name = pointer();
    // Behind the others, so that what is left is in the order of the text.
    last.delete(name);
    last.set(name, { pointer: name, start, end });
  }
  return [...last.values()];
}

/** Whether a string may have so many bytes: none has more than three times its length. */
function mayBeLarge({ start, end }: { start: number; end: number }, bytesMin: number): boolean {
  return (end - start) * 3 >= bytesMin;
}

function hasLarge(text: string, bytesMin: number): boolean {
  if (text.length * 3 < bytesMin) return false;
  for (const value of stringValues(text)) if (mayBeLarge(value, bytesMin)) return true;
  return false;
}

/** As `JSON.stringify` and a line spell it. */
function tokenOf(text: string): string {
  return escapeForLine(JSON.stringify(text));
}

function previewOf(text: string, hash: string, bytes: number, previewBytesMax: number): string {
  // A character has one to four bytes; what is cut in two at the end goes whole, half a pair of the slice's end, too.
  const head = encoder.encode(text.slice(0, previewBytesMax));
  let end = Math.min(head.length, previewBytesMax);
  while (end > 0 && ((head[end] ?? 0) & 0xc0) === 0x80) end--;
  const preview = new TextDecoder("utf-8", { ignoreBOM: true }).decode(head.subarray(0, end));
  return `${preview}… [${bytes} bytes: blobs/${hash}]`;
}

/**
 * Side records: what other programs keep beside a session's records (a document's other members, an index, receipts, a
 * journal), as records of the session.
 *
 * ```
 * {"type":"holdfast.sidecar","format":"codetether","part":"session","name":"metadata","value":{…}}
 * ```
 *
 * The newest of a name counts. `value` is the source's own JSON text, so that a writer can give it back.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { memberText } from "../log/json_layout.ts";
import { isJsonObject } from "../log/json_text.ts";

const prefix = '{"type":"holdfast.sidecar","format":';

/** Which side record it is; of those that are equal in this the newest counts. */
export interface SideRecordName {
  /** The format's name. */
  format: string;
  /** The part of the format: which file. */
  part: string;
  /** What it is called in that part. */
  name: string;
}

/**
 * Writes a side record.
 *
 * @param name What it is.
 * @param valueText Its value: any JSON text on one line.
 * @returns The record.
 */
export function sideRecordText({ format, part, name }: SideRecordName, valueText: string): string {
  return `${prefix}${JSON.stringify(format)},"part":${JSON.stringify(part)},"name":${JSON.stringify(name)},` +
    `"value":${valueText}}`;
}

/**
 * Tells a side record from the others, cheaply.
 *
 * @param text A record.
 * @returns True for what {@linkcode sideRecordText} wrote.
 */
export function isSideRecord(text: string): boolean {
  return text.startsWith(prefix);
}

/**
 * Reads a side record.
 *
 * @param text A record.
 * @returns What it is, and its value as it was written; undefined for any other record.
 */
export function parseSideRecord(text: string): (SideRecordName & { valueText: string }) | undefined {
  if (!isSideRecord(text)) return undefined;
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) return undefined;
  const { format, part, name } = value;
  const valueText = memberText(text, "value");
  if (typeof format !== "string" || typeof part !== "string" || typeof name !== "string") return undefined;
  return valueText === undefined ? undefined : { format, part, name, valueText };
}

/**
 * The text by which side records of the same name are found, and a digest by which equal ones are told, so that a
 * session's side records can be compared without being held.
 *
 * @param text A side record.
 * @returns Both; undefined for any other record.
 */
export function sideRecordIdentity(text: string): { name: string; digest: string } | undefined {
  if (!isSideRecord(text)) return undefined;
  const end = text.indexOf(',"value":');
  if (end < 0) return undefined;
  return {
    name: text.slice(prefix.length, end),
    digest: createHash("sha256").update(text).digest("base64").slice(0, 22),
  };
}

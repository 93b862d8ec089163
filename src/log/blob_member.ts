/**
 * The member of a line that says which of the record's values are blobs: `"#blobs":{"/content":"<sha256> <bytes>"}`,
 * the last in front of the mark. Pure text.
 *
 * A name that an author gives to a member of his own can never be taken for it: `toLineText` lengthens it.
 *
 * @module
 */

import { escapeForLine, fromLineText } from "./json_text.ts";

/** A value of a record that is kept in a file of its own. */
export interface BlobReference {
  /** Where in the record it is: a JSON pointer. Of several values in the same place it is the last. */
  readonly pointer: string;
  /** The SHA-256 of the file, in lower-case hexadecimal digits, which is its name. */
  readonly hash: string;
  /** The file's size in bytes. */
  readonly bytes: number;
  /** Whether the file holds the string as its author spelled it in JSON, quotes included; else the text itself. */
  readonly spelled: boolean;
}

/** A record's line, without the mark, taken apart. */
export interface LineParts {
  /** The record as its author gave it, with previews in place of its blobs. */
  readonly text: string;
  /** The value of the member `#blobs`, as {@linkcode readReferences} takes it; undefined: there is none. */
  readonly blobs?: string;
}

const opening = '"#blobs":{';
const pointerPattern = '"[^"\\\\]*(?:\\\\.[^"\\\\]*)*"';
const referencePattern = `${pointerPattern}:"[0-9a-f]{64} \\d{1,15}(?: json)?"`;
const exactMember = new RegExp(`^\\{${referencePattern}(?:,${referencePattern})*\\}$`);
const exactValue = /^([0-9a-f]{64}) (\d{1,15})( json)?$/;

/**
 * Adds the member to a record with at least one member of its own.
 *
 * @param line The record as one line, as `toLineText` returns it, with previews in place of its blobs.
 * @param blobs The member's value, from {@linkcode writeReferences}.
 * @returns The line without the mark.
 */
export function joinLine(line: string, blobs: string): string {
  return `${line.slice(0, -1)},"#blobs":${blobs}}`;
}

/**
 * Takes a line apart.
 *
 * @param line The line without the mark.
 * @returns The author's text, and which of its values are blobs.
 */
export function splitLine(line: string): LineParts {
  if (!line.endsWith('"}}')) return { text: fromLineText(line) };
  const start = line.lastIndexOf(opening);
  const blobs = start < 0 ? "" : line.slice(start + opening.length - 1, -1);
  // A member of an author's own that is called so stands deeper, and so more than one brace follows it.
  if (line[start - 1] !== "," || !exactMember.test(blobs)) return { text: fromLineText(line) };
  return { text: fromLineText(`${line.slice(0, start - 1)}}`), blobs };
}

/**
 * Writes references as the member's value.
 *
 * @param references At least one; no two with the same pointer.
 * @returns JSON on one line.
 */
export function writeReferences(references: readonly BlobReference[]): string {
  const members = references.map(({ pointer, hash, bytes, spelled }) =>
    `${escapeForLine(JSON.stringify(pointer))}:"${hash} ${bytes}${spelled ? " json" : ""}"`
  );
  return `{${members.join(",")}}`;
}

/**
 * Reads the member's value.
 *
 * @param blobs From {@linkcode splitLine}.
 * @returns The references, in order.
 */
export function readReferences(blobs: string): BlobReference[] {
  const value: Record<string, unknown> = JSON.parse(blobs);
  return Object.entries(value).flatMap(([pointer, reference]) => {
    const match = exactValue.exec(String(reference));
    const hash = match?.[1];
    if (hash === undefined) return [];
    return [{ pointer, hash, bytes: Number(match?.[2]), spelled: match?.[3] !== undefined }];
  });
}

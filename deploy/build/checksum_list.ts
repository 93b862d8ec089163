/**
 * SHA-256 of streams, and the file `SHA256SUMS` that `sha256sum --check` reads.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** A file and its checksum. */
export interface ListedChecksum {
  /** The file's name, without a directory. */
  readonly name: string;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
}

/**
 * Sums up a stream.
 *
 * @param stream Its bytes, in any pieces.
 * @returns 64 lower-case hex digits.
 */
export async function checksumOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of stream) hash.update(bytes);
  return hash.digest("hex");
}

/**
 * Writes the list.
 *
 * @param entries The files.
 * @returns The text, sorted by name, as `sha256sum` writes it.
 */
export function writeChecksumList(entries: readonly ListedChecksum[]): string {
  const sorted = [...entries].sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
  return sorted.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("");
}

/**
 * Reads a list, so that a build of one target keeps the lines of the others.
 *
 * @param text The file's text.
 * @returns Its entries; lines that are none are left out.
 */
export function readChecksumList(text: string): ListedChecksum[] {
  const entries: ListedChecksum[] = [];
  for (const line of text.split("\n")) {
    const match = /^([0-9a-f]{64}) [ *](.+)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) entries.push({ name: match[2], sha256: match[1] });
  }
  return entries;
}

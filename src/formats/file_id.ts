/**
 * Names for files and sessions that every program can take: letters, digits, `-` and `_`.
 *
 * @module
 */
import { createHash } from "node:crypto";

const plain = /^[A-Za-z0-9_-]{1,128}$/;
const stemLengthMax = 96;

/**
 * A name for a session that can be a file name anywhere, and an id in other programs.
 *
 * @param key The session's key.
 * @returns The key itself where it is such a name; else a readable form of it with a hash: no two keys share one.
 */
export function fileIdOf(key: string): string {
  if (plain.test(key)) return key;
  const readable = key.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^-+|-+$/g, "").slice(0, stemLengthMax);
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 8);
  return readable === "" ? hash : `${readable}-${hash}`;
}

/**
 * Whether a text is a name that {@linkcode fileIdOf} leaves as it is.
 *
 * @param text Any text.
 * @returns True for such a name.
 */
export function isFileId(text: string): boolean {
  return plain.test(text);
}

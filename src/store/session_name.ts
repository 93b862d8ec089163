/**
 * From a session's key to the names of its files. Two keys never share a file, and no key leads out of the directory.
 *
 * The name is picoclaw's mapping where that is safe; where another key has it already, or it would be too long, hidden
 * or not plain, a hash of the key makes it distinct. Which key owns a name is said by the meta file, not by the name.
 *
 * @module
 */

import { sha256 } from "../log/sha256.ts";

/** The longest key, in bytes of UTF-8. */
export const keyBytesMax = 1024;
/** Room for the longest suffix in the 255 bytes that a name may have. */
const nameBytesMax = 200;
/** The same where picoclaw has chosen the name: `.quarantine` must still fit. */
const picoclawNameBytesMax = 244;

const encoder = new TextEncoder();
const hashedName = /-[0-9a-f]{32}$/;
// deno-lint-ignore no-control-regex -- that is what is being kept out of file names
const notPlain = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|[\ud800-\udfff]/u;

/** The paths of a session's files. */
export interface SessionFiles {
  /** What they have in common, without the directory. */
  name: string;
  /** The log. */
  log: string;
  /** The meta file. */
  meta: string;
  /** The lock, while a writer holds the session. */
  lock: string;
  /** The directory of bytes that were set aside. */
  quarantine: string;
  /** The directory of records that compaction removed. */
  archive: string;
  /** Where a fork comes from, for the case that the meta file does not say so any more. */
  origin: string;
  /** A new meta file before it is renamed into place; only the lock's holder uses it. */
  metaTemporary: string;
  /** A new log before it is renamed into place; only the lock's holder uses it. */
  logTemporary: string;
}

/**
 * Checks a key.
 *
 * @param key Anything.
 * @throws {TypeError} If it is not a string or is empty.
 * @throws {RangeError} If it has more than 1,024 bytes.
 */
export function assertKey(key: unknown): asserts key is string {
  if (typeof key !== "string") throw new TypeError(`A session key must be a string, not ${typeof key}`);
  if (key === "") throw new TypeError("A session key must not be empty");
  const bytes = encoder.encode(key).length;
  if (bytes > keyBytesMax) throw new RangeError(`A session key has at most ${keyBytesMax} bytes, not ${bytes}`);
}

/**
 * Whether a text can be a key.
 *
 * @param text Any text.
 * @returns False if it is empty or too long.
 */
export function isKey(text: string): boolean {
  return text !== "" && encoder.encode(text).length <= keyBytesMax;
}

/**
 * The names that a session may have, the preferred one first. The other costs a hash, which is worked out if it is
 * asked for.
 *
 * @param key The session's key.
 * @yields One or two names without directory and suffix.
 */
export function* sessionNames(key: string): Generator<string> {
  const plain = key.replace(/[:/\\]/g, "_");
  const isSafe = !plain.startsWith(".") && !notPlain.test(plain) && !hashedName.test(plain) &&
    encoder.encode(plain).length <= nameBytesMax;
  if (isSafe) yield plain;
  yield distinctName(key);
}

/**
 * The name that a session of picoclaw's has and that no session of ours would get: too long, hidden or not plain. It is
 * the session's if a meta file there says so, and is never given to a new one.
 *
 * @param key The session's key.
 * @returns The name without directory and suffix; null if it is one of {@linkcode sessionNames} or can be none.
 */
export function picoclawName(key: string): string | null {
  const plain = key.replace(/[:/\\]/g, "_");
  if (plain.includes("\0") || encoder.encode(plain).length > picoclawNameBytesMax) return null;
  return isNameOf(plain, key) ? null : plain;
}

/**
 * Whether a name is one of {@linkcode sessionNames}.
 *
 * @param name The name without directory and suffix.
 * @param key The session's key.
 * @returns Whether it is.
 */
export function isNameOf(name: string, key: string): boolean {
  for (const own of sessionNames(key)) {
    if (own === name) return true;
  }
  return false;
}

/**
 * The paths of a session's files.
 *
 * @param directory The store's directory.
 * @param name One of {@linkcode sessionNames}.
 * @returns The paths.
 */
export function sessionFiles(directory: string, name: string): SessionFiles {
  const stem = `${directory}/${name}`;
  return {
    name,
    log: `${stem}.jsonl`,
    meta: `${stem}.meta.json`,
    lock: `${stem}.lock`,
    quarantine: `${stem}.quarantine`,
    archive: `${stem}.archive`,
    origin: `${stem}.origin`,
    metaTemporary: `${stem}.meta.tmp`,
    logTemporary: `${stem}.log.tmp`,
  };
}

/**
 * The session's name in the name of one of its two main files.
 *
 * @param fileName The name of a file in the store's directory.
 * @returns The name and which file it is, or null for any other file.
 */
export function sessionNameOf(fileName: string): { name: string; file: "log" | "meta" } | null {
  const match = /^(.+?)\.(jsonl|meta\.json)$/s.exec(fileName);
  const name = match?.[1];
  return name === undefined ? null : { name, file: match?.[2] === "jsonl" ? "log" : "meta" };
}

/** JSON tells lone surrogates apart, which UTF-8 does not. */
function distinctName(key: string): string {
  let name = knownNames.get(key);
  if (name === undefined) {
    name = hashName(key);
    if (knownNames.size === knownNamesMax) knownNames.clear();
    knownNames.set(key, name);
  }
  return name;
}

/** A few sessions are looked for again and again before others are. */
const knownNames = new Map<string, string>();
const knownNamesMax = 8;

function hashName(key: string): string {
  const readable = key.replace(/[^A-Za-z0-9_.-]+/g, "_").replace(/^[.-]+/, "").slice(0, 40) || "session";
  return `${readable}-${sha256(encoder.encode(JSON.stringify(key))).slice(0, 32)}`;
}

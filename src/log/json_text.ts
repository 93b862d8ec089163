/**
 * JSON objects as text: what must be changed in a record's text so that it fits on one line of a log, without parsing
 * and printing it (which would lose numbers beyond 2^53, duplicate keys and the author's spelling).
 *
 * @module
 */

/** One top-level member of an object's text; all are string indexes, ends exclusive, quotes included. */
export interface JsonMember {
  /** Where the key's opening quote is. */
  keyStart: number;
  /** Behind the key's closing quote. */
  keyEnd: number;
  /** Where the value starts. */
  valueStart: number;
  /** Behind the value. */
  valueEnd: number;
}

/** A JSON object; what {@linkcode parseObject} returns. */
export type JsonObject = Record<string, unknown>;

/**
 * Parses a text that must be a JSON object.
 *
 * @param text The text.
 * @returns The object, or the reason why it is none.
 */
export function parseObject(text: string): { value: JsonObject } | { reason: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { reason: "not valid JSON" };
  }
  return isJsonObject(value) ? { value } : { reason: "valid JSON, but not an object" };
}

/**
 * Whether a value is a JSON object: no array, no null, no primitive.
 *
 * @param value Anything.
 * @returns True for an object.
 */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The top-level members of an object's text, in order, duplicates included.
 *
 * @param text A text that is known to be a valid JSON object.
 * @returns Where each key and value is.
 */
export function topLevelMembers(text: string): JsonMember[] {
  const members: JsonMember[] = [];
  let index = text.indexOf("{") + 1;
  for (;;) {
    index = skipUntil(text, index, (character) => character === '"' || character === "}");
    if (text[index] !== '"') return members;
    const keyStart = index;
    const keyEnd = stringEnd(text, index);
    const valueStart = skipSpace(text, text.indexOf(":", keyEnd) + 1);
    const valueEnd = skipValue(text, valueStart);
    members.push({ keyStart, keyEnd, valueStart, valueEnd });
    index = valueEnd;
  }
}

/**
 * Makes a JSON object's text fit for a line: outer white space goes, line ends between tokens become blanks, U+2028
 * and U+2029 and lone surrogates become escapes, and top-level keys that are reserved (`#` only, or `#blobs` and any
 * number of `#`) get one more `#` at their end.
 *
 * @param text A text that is known to be a valid JSON object.
 * @returns The same object as one line, without the mark.
 */
export function toLineText(text: string): string {
  let line = text.trim();
  if (/[\r\n]/.test(line)) line = line.replace(/[\r\n]+/g, " ");
  line = escapeForLine(line);
  return hasHashKeys(line) ? renameHashKeys(line, "add") : line;
}

/**
 * Escapes what must not stand in a line as it is: U+2028, U+2029 and lone surrogates.
 *
 * @param json JSON text.
 * @returns The same value.
 */
export function escapeForLine(json: string): string {
  if (!/[\u2028\u2029\ud800-\udfff]/u.test(json)) return json;
  return json.replace(/[\u2028\u2029\ud800-\udfff]/gu, escapeCharacter);
}

/**
 * The reverse of what {@linkcode toLineText} did to keys: what it added is gone.
 *
 * @param line The record's text as it stands in the log, without the mark.
 * @returns The record's text as its author gave it.
 */
export function fromLineText(line: string): string {
  return hasHashKeys(line) ? renameHashKeys(line, "remove") : line;
}

/** Whether there may be a reserved key; a value that begins with `#`, as headings do, costs no more than this look. */
function hasHashKeys(line: string): boolean {
  return (line.includes('"#') && /"#[^"\s]*"\s*:/.test(line)) || line.includes("\\u0023");
}

const reservedKey = /^(?:#+|#blobs#*)$/;
const lengthenedKey = /^(?:##+|#blobs#+)$/;

/** Keys keep their spelling: the extra `#` goes in front of the closing quote, and is taken from there. */
function renameHashKeys(text: string, change: "add" | "remove"): string {
  let result = "";
  let copied = 0;
  for (const { keyStart, keyEnd } of topLevelMembers(text)) {
    const key: unknown = JSON.parse(text.slice(keyStart, keyEnd));
    if (typeof key !== "string" || !(change === "add" ? reservedKey : lengthenedKey).test(key)) continue;
    const keep = keyEnd - (change === "add" ? 1 : 2);
    result += text.slice(copied, keep) + (change === "add" ? '#"' : '"');
    copied = keyEnd;
  }
  return copied === 0 ? text : result + text.slice(copied);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function skipUntil(text: string, from: number, wanted: (character: string) => boolean): number {
  let index = from;
  while (index < text.length && !wanted(text.charAt(index))) index++;
  return index;
}

function skipSpace(text: string, from: number): number {
  return skipUntil(text, from, (character) => !/[ \t\r\n]/.test(character));
}

function stringEnd(text: string, openingQuote: number): number {
  let index = openingQuote + 1;
  for (; text[index] !== '"'; index++) {
    if (text[index] === "\\") index++;
  }
  return index + 1;
}

function skipValue(text: string, from: number): number {
  let depth = 0;
  let index = from;
  while (index < text.length) {
    const character = text.charAt(index);
    if (character === '"') {
      index = stringEnd(text, index);
      if (depth === 0) return index;
      continue;
    }
    if (character === "{" || character === "[") depth++;
    if (character === "}" || character === "]") {
      if (depth === 0) return trimmedEnd(text, from, index);
      depth--;
      if (depth === 0) return index + 1;
    }
    if (character === "," && depth === 0) return trimmedEnd(text, from, index);
    index++;
  }
  return index;
}

function trimmedEnd(text: string, start: number, end: number): number {
  let index = end;
  while (index > start && /[ \t\r\n]/.test(text.charAt(index - 1))) index--;
  return index;
}

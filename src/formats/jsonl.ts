/**
 * Plain JSON Lines: one JSON object per line. A record keeps its text byte for byte, so numbers beyond 2^53, doubled
 * names, the order of members and every escape come through an import and an export as they were.
 *
 * Accepted: a byte-order mark, CRLF, blanks around the text, blank lines, a last line without a line feed. Not taken,
 * and named: what is not UTF-8, not JSON, or JSON but no object. What the format cannot hold: a summary, a title, and
 * what else belongs to the session and not to a record.
 *
 * @module
 */
import { compactJson, trimBlanks } from "../log/json_layout.ts";
import type { FileLayout, ReadLine, SessionFormat, WrittenRecord } from "./session_format.ts";

/** The size of the longest line that is taken, without its line feed: a log of ours could not hold a longer one. */
export const importLineBytesMax: number = 10 * 1024 * 1024 - 2;

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads one line of JSON Lines.
 *
 * @param bytes The line, with or without its line feed. It is not kept.
 * @param _lineNumber Its number from 1; no line is special in this format.
 * @returns The object's text, or that the line is blank, or why it is not taken.
 *
 * @example A number that JavaScript cannot hold
 * ```ts ignore
 * readJsonLine(new TextEncoder().encode('{"n":12345678901234567890}\r\n'), 1);
 * // { kind: "record", text: '{"n":12345678901234567890}' }
 * ```
 */
export function readJsonLine(bytes: Uint8Array, _lineNumber: number): ReadLine {
  if (lengthWithoutEnd(bytes) > importLineBytesMax) return damaged(`a line of more than ${importLineBytesMax} bytes`);
  let line: string;
  try {
    line = decoder.decode(bytes);
  } catch {
    return damaged("invalid UTF-8");
  }
  // A byte-order mark is not in the text any more: the decoder takes it off.
  const text = trimBlanks(line);
  if (text === "") return { kind: "blank" };
  try {
    JSON.parse(text);
  } catch {
    return damaged(text.includes("\0") ? "not JSON (NUL bytes)" : "not JSON");
  }
  if (!text.startsWith("{")) return damaged(`a JSON ${kindOf(text)}, not an object`);
  return { kind: "record", text };
}

/**
 * Writes a record as a line of JSON Lines.
 *
 * @param text The record: a JSON object as text. Line breaks between its members are taken out, nothing else.
 * @returns The text and a line feed.
 */
export function writeJsonLine(text: string): string {
  return `${/[\r\n]/.test(text) ? compactJson(text) : text}\n`;
}

/** Plain JSON Lines as a {@linkcode SessionFormat}. */
export const jsonl: SessionFormat = {
  name: "jsonl",
  /** Anything can be tried as JSON Lines: what does not fit is named line by line. */
  detect(): FileLayout {
    return "lines";
  },
  readLine: readJsonLine,
  writeRecord(text: string): WrittenRecord {
    return { kind: "line", text: writeJsonLine(text) };
  },
};

function lengthWithoutEnd(bytes: Uint8Array): number {
  let end = bytes.length;
  if (bytes[end - 1] === 0x0a) end--;
  if (bytes[end - 1] === 0x0d) end--;
  return end;
}

function damaged(reason: string): ReadLine {
  return { kind: "damaged", reason };
}

/** The kind of a JSON text that is not an object, by its first character. */
function kindOf(text: string): string {
  switch (text[0]) {
    case "[":
      return "array";
    case '"':
      return "string";
    case "n":
      return "null";
    case "t":
    case "f":
      return "boolean";
    default:
      return "number";
  }
}

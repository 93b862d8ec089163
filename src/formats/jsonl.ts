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
import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import type { FileHead } from "./file_head.ts";
import { nestingDepthMax } from "./json_pieces.ts";
import { LineReader } from "./line_reader.ts";
import { nestsDeeper } from "./nesting_depth.ts";
import type { FilePart, PartReader, ReadLine, SessionFormat } from "./session_format.ts";

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
  const line = parsedLine(bytes, Infinity);
  return line.kind === "record" ? { kind: "record", text: line.text } : line;
}

/** What {@linkcode parseJsonLine} makes of a line. */
export type ParsedLine =
  | Exclude<ReadLine, { kind: "record" }>
  | (ReadLine & { kind: "record" } & { value: JsonObject });

/**
 * Reads one line of another program's JSON Lines: as {@linkcode readJsonLine}, with the object decoded, and what is
 * nested thousands deep is not taken.
 *
 * @param bytes The line. It is not kept.
 * @returns The object and its text, or why there is none.
 */
export function parseJsonLine(bytes: Uint8Array): ParsedLine {
  return parsedLine(bytes, nestingDepthMax);
}

function parsedLine(bytes: Uint8Array, depthMax: number): ParsedLine {
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
  if (nestsDeeper(text, depthMax)) return damaged(`nested more than ${depthMax} deep`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return damaged(text.includes("\0") ? "not JSON (NUL bytes)" : "not JSON");
  }
  return isJsonObject(value) ? { kind: "record", text, value } : damaged(`a JSON ${kindOf(text)}, not an object`);
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

/** The one part of plain JSON Lines. */
export const jsonlLog: FilePart = { name: "log", layout: "lines", role: "session" };

/** Plain JSON Lines as a {@linkcode SessionFormat}. */
export const jsonl: SessionFormat = {
  name: "jsonl",
  title: "JSON Lines",
  /** Takes what no other format claims, where its first lines are objects more often than not. */
  detect({ lines, otherLines, brokenLines }: FileHead): FilePart | undefined {
    if (lines.length === 0 || lines.length < otherLines + brokenLines) return undefined;
    return jsonlLog;
  },
  reader(): PartReader {
    return new LineReader();
  },
  fallback: jsonlLog,
};

function lengthWithoutEnd(bytes: Uint8Array): number {
  let end = bytes.length;
  if (bytes[end - 1] === 0x0a) end--;
  if (bytes[end - 1] === 0x0d) end--;
  return end;
}

function damaged(reason: string): ReadLine & { kind: "damaged" } {
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

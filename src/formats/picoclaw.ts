/**
 * picoclaw's session files: a log of one message per line, its meta file, and the JSON file that older versions kept
 * for a whole session.
 *
 * What the format cannot hold: records that are no messages of picoclaw's types (named one by one on export), lines
 * over 10 MiB, and a title or workspace. Fields of a record that picoclaw does not know are written and stand in the
 * file until picoclaw compacts it.
 *
 * @module
 */
import { compactJson, indentJson, memberText } from "../log/json_layout.ts";
import { parseObject } from "../log/json_text.ts";
import { parseLegacySession } from "../store/legacy_session.ts";
import { isPicoclawMessage, isRfc3339, messageMisfit } from "../store/picoclaw_message.ts";
import { readJsonLine, writeJsonLine } from "./jsonl.ts";
import type { FileLayout, SessionDocument, SessionFacts, SessionFormat, WrittenRecord } from "./session_format.ts";

/** The largest line that picoclaw's scanner takes, with its line feed. */
const picoclawLineBytesMax = 10 * 1024 * 1024;

/** What Go writes for a time that was never set. */
const unsetTime = "0001-01-01T00:00:00Z";

/**
 * Reads a meta file.
 *
 * @param text The whole file.
 * @returns What it says; undefined where picoclaw could not read it either, or where it names no key.
 */
export function parsePicoclawMeta(text: string): SessionFacts | undefined {
  const parsed = parseObject(text);
  if ("reason" in parsed) return undefined;
  const { key, summary, aliases, skip, count, scope, created_at: createdAt, updated_at: updatedAt } = parsed.value;
  if (typeof key !== "string" || key === "") return undefined;
  if (!isAbsent(summary) && typeof summary !== "string") return undefined;
  if (!isAbsent(aliases) && !isTextList(aliases)) return undefined;
  if (!isCountOrAbsent(skip) || !isCountOrAbsent(count)) return undefined;
  const facts: SessionFacts = {
    key,
    summary: summary ?? "",
    skip: skip ?? 0,
    count: count ?? 0,
    aliases: aliases ?? [],
  };
  for (const [name, time] of [["createdAt", createdAt], ["updatedAt", updatedAt]] as const) {
    if (!isAbsent(time) && !isRfc3339(time)) return undefined;
    if (!isAbsent(time) && time !== unsetTime) facts[name] = time;
  }
  const scopeText = isAbsent(scope) ? undefined : memberText(text, "scope");
  if (scopeText !== undefined) facts.scope = compactJson(scopeText);
  return facts;
}

/**
 * Writes a meta file as picoclaw does: its order of fields, two spaces, no line feed at the end.
 *
 * @param facts What it is to say. An absent time becomes Go's zero time; `scope` and `aliases` are left out when empty.
 * @returns The whole file.
 * @throws {RangeError} Where a time is not RFC 3339: picoclaw could not read the file.
 */
export function writePicoclawMeta(facts: SessionFacts): string {
  const { createdAt = unsetTime, updatedAt = createdAt, aliases = [], scope } = facts;
  for (const time of [createdAt, updatedAt]) {
    if (!isRfc3339(time)) throw new RangeError(`A time must be RFC 3339, not ${JSON.stringify(time)}`);
  }
  const members = [
    `"key":${JSON.stringify(facts.key ?? "")}`,
    `"summary":${JSON.stringify(facts.summary ?? "")}`,
    `"skip":${facts.skip ?? 0}`,
    `"count":${facts.count ?? 0}`,
    `"created_at":${JSON.stringify(createdAt)}`,
    `"updated_at":${JSON.stringify(updatedAt)}`,
  ];
  if (scope !== undefined) members.push(`"scope":${scope}`);
  if (aliases.length > 0) members.push(`"aliases":${JSON.stringify(aliases)}`);
  return escapeAsGo(indentJson(`{${members.join(",")}}`));
}

/**
 * Writes a record as a line of picoclaw's log. Its text stays as it is, unknown fields included.
 *
 * @param text The record: a JSON object as text.
 * @returns The line, or why picoclaw could not read it.
 */
export function writePicoclawRecord(text: string): WrittenRecord {
  const reason = messageMisfit(JSON.parse(text));
  if (reason !== undefined) return { kind: "unfit", reason };
  const line = writeJsonLine(text);
  if (new TextEncoder().encode(line).length > picoclawLineBytesMax) {
    return { kind: "unfit", reason: "it is over 10 MiB" };
  }
  return { kind: "line", text: line };
}

/**
 * Recognises picoclaw's files: a log whose lines are all messages with picoclaw's fields and no others, or a legacy
 * session. (A chat of nothing but roles and contents is read the same way under any name.)
 *
 * @param head The beginning of the file; it may end anywhere.
 * @returns The layout, or undefined for something else.
 */
export function detectPicoclaw(head: string): FileLayout | undefined {
  const text = head.replace(/^\ufeff/, "");
  if (parseLegacySession(text) !== null) return "document";
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (parsedOrUndefined(lines[0] ?? "") === undefined) {
    // It may be a legacy session that goes on behind the head: nothing in it is whole, but its fields have an order.
    const legacyStart = /^\s*\{\s*"key"\s*:\s*"(?:[^"\\]|\\.)*"\s*,\s*"messages"\s*:\s*(?:\[|null)/;
    return legacyStart.test(text) ? "document" : undefined;
  }
  const records = lines.map(parsedOrUndefined).filter((value) => value !== undefined);
  return records.every(isPicoclawMessage) ? "lines" : undefined;
}

/** picoclaw as a {@linkcode SessionFormat}. */
export const picoclaw: SessionFormat = {
  name: "picoclaw",
  detect: detectPicoclaw,
  readLine: readJsonLine,
  readDocument(text: string): SessionDocument | undefined {
    const legacy = parseLegacySession(text.replace(/^\ufeff/, ""));
    if (legacy === null) return undefined;
    const { messages, ...facts } = legacy;
    return { facts, records: messages };
  },
  writeRecord: writePicoclawRecord,
  companion: { extension: ".meta.json", read: parsePicoclawMeta, write: writePicoclawMeta },
};

function parsedOrUndefined(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Go takes `null` for a field that is not there. */
function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isCountOrAbsent(value: unknown): value is number | null | undefined {
  return isAbsent(value) || (typeof value === "number" && Number.isSafeInteger(value) && value >= 0);
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** Go writes these characters as escapes; in JSON they only occur inside strings. */
function escapeAsGo(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

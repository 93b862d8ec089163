/**
 * The meta file: picoclaw's fields with picoclaw's meaning, everything of ours under `holdfast`, all else kept as it
 * stands. Pure: text to facts and back.
 *
 * @module
 */

import { compactJson, indentJson } from "../log/json_layout.ts";
import { isJsonObject, type JsonObject, parseObject, topLevelMembers } from "../log/json_text.ts";
import type { Seal } from "../log/seal.ts";
import { isRfc3339 } from "./picoclaw_message.ts";

/** What picoclaw writes where a time is not set. */
const timeUnset = "0001-01-01T00:00:00Z";
/** The format that this version writes. */
export const formatVersion = 1;

/** A replace that counts only with the log that it belongs to (H12). */
export interface PendingReplace {
  /** The number of that log's first record. */
  first: number;
  /** The stored checksum of that record, in hexadecimal. */
  checksum: string;
  /** The summary that comes with it; absent: it stays as it is. */
  summary?: string;
}

/** Where a session branches off from another. */
export interface SessionParent {
  /** The other's key. */
  key: string;
  /** The number of its last record that belongs to both; null: none does. */
  sequence: number | null;
}

/** Which session takes the place of another. */
export interface SessionPromotion {
  /** Its key. */
  to: string;
  /** Whether it has the other's records; then it never gets them again. */
  done: boolean;
}

/** What the meta file says of a session. */
export interface SessionMeta {
  /** The session's key; empty where the file has none. */
  key: string;
  /** The summary of what is not in the active records. */
  summary: string;
  /** How many lines are hidden, as picoclaw counts them. */
  skip: number;
  /** How many lines there were when it was written, as picoclaw counts them; may be stale. */
  count: number;
  /** RFC 3339, as it stands there; empty where it says no time. */
  createdAt: string;
  /** The same. */
  updatedAt: string;
  /** Picoclaw's scope as JSON text; undefined where there is none. */
  scope: string | undefined;
  /** Other keys by which the session is found. */
  aliases: string[];
  /** The number of the first active record; undefined where picoclaw wrote last. */
  first: number | undefined;
  /** A name that no other session ever has, by which it is known off the device; null: nobody has given it one. */
  id: string | null;
  /** The workspace that the session belongs to. */
  workspace: string | null;
  /** A title for people. */
  title: string | null;
  /** Up to where the log is durable and whole. */
  sealed: Seal | undefined;
  /** Whether the session is deleted, and only its files are still to be removed. */
  deleted: boolean;
  /** With `deleted`: the directory of the trash that its files go to; undefined: they are removed. */
  trash: string | undefined;
  /** A replace that may not have been finished. */
  replacing: PendingReplace | undefined;
  /** What seeds the log's first line, in hexadecimal; undefined: the checksum of the key. A fork has its origin's. */
  seed: string | undefined;
  /** Where the session branches off from another; null: it does not. */
  parent: SessionParent | null;
  /** Which session has taken its place, or is about to; undefined: none. */
  promoted: SessionPromotion | undefined;
  /** Members that are not ours to know, in order, as they stand there: picoclaw's level, then ours. */
  unknown: [key: string, value: string][];
  /** The same for members of `holdfast`. */
  unknownOwn: [key: string, value: string][];
}

/**
 * The facts of a session that has none yet.
 *
 * @param key Its key.
 * @param now The time of its creation, RFC 3339.
 * @returns The facts.
 */
export function newMeta(key: string, now: string): SessionMeta {
  return {
    key,
    summary: "",
    skip: 0,
    count: 0,
    createdAt: now,
    updatedAt: now,
    scope: undefined,
    aliases: [],
    first: 0,
    id: null,
    workspace: null,
    title: null,
    sealed: undefined,
    deleted: false,
    trash: undefined,
    replacing: undefined,
    seed: undefined,
    parent: null,
    promoted: undefined,
    unknown: [],
    unknownOwn: [],
  };
}

/**
 * Reads a meta file. A field of the wrong type counts as absent: no header may make a readable log unreadable (I12).
 *
 * @param bytes The file's bytes.
 * @returns The facts, or the reason why it says none.
 */
export function parseMeta(bytes: Uint8Array): { meta: SessionMeta } | { reason: string } {
  if (bytes.length === 0) return { reason: "empty" };
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return { reason: "not valid UTF-8" };
  }
  // To see one moment of a session, the same file is read before and after its log.
  if (text !== lastParsed.text) lastParsed = { text, result: parseMetaText(text) };
  const { result } = lastParsed;
  return "meta" in result ? { meta: { ...result.meta } } : result;
}

type ParsedMeta = ReturnType<typeof parseMeta>;
const decoder = new TextDecoder("utf-8", { fatal: true });
let lastParsed: { text: string; result: ParsedMeta } = { text: "", result: { reason: "empty" } };

function parseMetaText(text: string): ParsedMeta {
  const parsed = parseObject(text);
  if ("reason" in parsed) return parsed;
  const members = rawMembers(text);
  const own = members.get("holdfast");
  const ownParsed = own === undefined ? undefined : parseObject(own);
  const holdfast = ownParsed !== undefined && "value" in ownParsed ? ownParsed.value : undefined;
  return {
    meta: {
      ...picoclawFacts(parsed.value, members.get("scope")),
      ...ownFacts(holdfast),
      unknown: unknownMembers(members, picoclawFields),
      unknownOwn: holdfast === undefined || own === undefined ? [] : unknownMembers(rawMembers(own), ownFields),
    },
  };
}

/**
 * Writes a meta file as picoclaw does: two spaces a level, no line feed at the end.
 *
 * @param meta The facts.
 * @returns The file's bytes.
 */
export function encodeMeta(meta: SessionMeta): Uint8Array {
  const own: [string, string][] = [["format", String(formatVersion)]];
  const add = (key: string, value: unknown): void => {
    if (value !== undefined && value !== null) own.push([key, JSON.stringify(value)]);
  };
  add("first", meta.first);
  add("id", meta.id);
  add("workspace", meta.workspace);
  add("title", meta.title);
  add("sealed", meta.sealed);
  if (meta.deleted) add("deleted", true);
  add("trash", meta.trash);
  add("replacing", meta.replacing);
  add("seed", meta.seed);
  add("parent", meta.parent);
  add("promoted", meta.promoted);
  const members: [string, string][] = [
    ["key", JSON.stringify(meta.key)],
    ["summary", JSON.stringify(meta.summary)],
    ["skip", String(meta.skip)],
    ["count", String(meta.count)],
    ["created_at", JSON.stringify(meta.createdAt || timeUnset)],
    ["updated_at", JSON.stringify(meta.updatedAt || timeUnset)],
  ];
  if (meta.scope !== undefined) members.push(["scope", meta.scope]);
  if (meta.aliases.length > 0) members.push(["aliases", JSON.stringify(meta.aliases)]);
  members.push(...meta.unknown, ["holdfast", objectText([...own, ...meta.unknownOwn])]);
  return new TextEncoder().encode(indentJson(objectText(members)));
}

const picoclawFields = new Set(["key", "summary", "skip", "count", "created_at", "updated_at", "scope", "aliases"])
  .add("holdfast");
const ownFields = new Set([
  "format",
  "first",
  "id",
  "workspace",
  "title",
  "sealed",
  "deleted",
  "trash",
  "replacing",
  "seed",
  "parent",
  "promoted",
]);

type PicoclawFacts = Pick<
  SessionMeta,
  "key" | "summary" | "skip" | "count" | "createdAt" | "updatedAt" | "scope" | "aliases"
>;
type OwnFacts = Pick<
  SessionMeta,
  "first" | "id" | "workspace" | "title" | "sealed" | "deleted" | "trash" | "replacing" | "seed" | "parent" | "promoted"
>;

function picoclawFacts(value: JsonObject, scope: string | undefined): PicoclawFacts {
  const aliases = value["aliases"];
  return {
    key: textOr(value["key"], ""),
    summary: textOr(value["summary"], ""),
    skip: countOr(value["skip"], 0),
    count: countOr(value["count"], 0),
    createdAt: timeOf(value["created_at"]),
    updatedAt: timeOf(value["updated_at"]),
    scope: scope === undefined ? undefined : compactJson(scope),
    aliases: Array.isArray(aliases) ? aliases.filter((alias) => typeof alias === "string") : [],
  };
}

function ownFacts(holdfast: JsonObject | undefined): OwnFacts {
  const { first, id, workspace, title, sealed, deleted, trash, replacing, seed, parent, promoted } = holdfast ?? {};
  return {
    first: isCount(first) ? first : undefined,
    id: typeof id === "string" ? id : null,
    workspace: typeof workspace === "string" ? workspace : null,
    title: typeof title === "string" ? title : null,
    sealed: readSeal(sealed),
    deleted: deleted === true,
    trash: typeof trash === "string" ? trash : undefined,
    replacing: readReplacing(replacing),
    seed: isChecksum(seed) ? seed : undefined,
    parent: readParent(parent),
    promoted: readPromotion(promoted),
  };
}

function readSeal(value: unknown): Seal | undefined {
  if (!isJsonObject(value)) return undefined;
  const { bytes, checksum, count, next, line } = value;
  if (!isCount(bytes) || !isChecksum(checksum) || !isCount(count) || !isCount(next)) return undefined;
  const seal = { bytes, checksum, count, next };
  if (line === undefined) return seal;
  return isChecksum(line) ? { ...seal, line } : undefined;
}

function readReplacing(value: unknown): PendingReplace | undefined {
  if (!isJsonObject(value)) return undefined;
  const { first, checksum, summary } = value;
  if (!isCount(first) || !isChecksum(checksum)) return undefined;
  return typeof summary === "string" ? { first, checksum, summary } : { first, checksum };
}

/**
 * Reads where a session branches off from.
 *
 * @param value What stands there.
 * @returns The place; null if it is none.
 */
export function readParent(value: unknown): SessionParent | null {
  if (!isJsonObject(value)) return null;
  const { key, sequence } = value;
  if (typeof key !== "string" || key === "" || (sequence !== null && !isCount(sequence))) return null;
  return { key, sequence };
}

function readPromotion(value: unknown): SessionPromotion | undefined {
  if (!isJsonObject(value)) return undefined;
  const { to, done } = value;
  return typeof to === "string" && to !== "" ? { to, done: done === true } : undefined;
}

/** The last of members with the same key counts, as for every JSON reader. */
function rawMembers(text: string): Map<string, string> {
  const members = new Map<string, string>();
  for (const { keyStart, keyEnd, valueStart, valueEnd } of topLevelMembers(text)) {
    const key: unknown = JSON.parse(text.slice(keyStart, keyEnd));
    if (typeof key === "string") members.set(key, text.slice(valueStart, valueEnd));
  }
  return members;
}

function unknownMembers(members: Map<string, string>, known: ReadonlySet<string>): [string, string][] {
  return [...members].filter(([key]) => !known.has(key));
}

function objectText(members: readonly [key: string, value: string][]): string {
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`;
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

/** What picoclaw could not read as a time would keep it from reading the meta file. */
function timeOf(value: unknown): string {
  return isRfc3339(value) && value !== timeUnset ? value : "";
}

function countOr(value: unknown, otherwise: number): number {
  return isCount(value) ? value : otherwise;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isChecksum(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{8}$/.test(value);
}

/**
 * picoclaw's session files: a log of one message per line, its meta file, and the JSON file that older versions kept
 * for a whole session.
 *
 * What is written, and what the format cannot hold: see `picoclaw_writer.ts`.
 *
 * @module
 */
import { compactJson, indentJson, memberText } from "../log/json_layout.ts";
import { isJsonObject, parseObject } from "../log/json_text.ts";
import { isPicoclawMessage, isRfc3339, messageMisfit } from "../store/picoclaw_message.ts";
import { takeFacts, textOf } from "./fact_values.ts";
import type { FileHead } from "./file_head.ts";
import { writeJsonLine } from "./jsonl.ts";
import { LineReader } from "./line_reader.ts";
import type {
  FilePart,
  PartReader,
  SessionFacts,
  SessionFormat,
  SourcePiece,
  TakenPiece,
  WrittenRecord,
} from "./session_format.ts";

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
export function writePicoclawRecord(text: string): Exclude<WrittenRecord, { kind: "aside" }> {
  const reason = messageMisfit(JSON.parse(text));
  if (reason !== undefined) return { kind: "unfit", reason };
  const line = writeJsonLine(text);
  if (new TextEncoder().encode(line).length > picoclawLineBytesMax) {
    return { kind: "unfit", reason: "it is over 10 MiB" };
  }
  return { kind: "line", text: line };
}

const log: FilePart = { name: "log", layout: "lines", role: "session" };
const legacy: FilePart = { name: "legacy", layout: "document", role: "session" };
const meta: FilePart = { name: "meta", layout: "document", role: "sidecar" };

/**
 * Recognises picoclaw's files: a log whose lines are all messages with picoclaw's fields and no others, a legacy
 * session, or a meta file. (A chat of nothing but roles and contents is read the same way under any name.)
 *
 * @param head The beginning of the file.
 * @returns The part, or undefined for something else.
 */
export function detectPicoclaw({ lines, members, otherLines }: FileHead): FilePart | undefined {
  if (members.has("key") && members.has("skip") && members.has("count")) return meta;
  // Its fields have an order: what stands behind the messages may be out of sight.
  if (members.has("messages") && textOf(members.get("key")) !== undefined) return legacy;
  return lines.length > 0 && otherLines === 0 && lines.every(isPicoclawMessage) ? log : undefined;
}

/** Collects a meta file's members and reads them together, as picoclaw does. */
class MetaReader implements PartReader {
  readonly #members: string[] = [];

  get facts(): SessionFacts {
    return parsePicoclawMeta(`{${this.#members.join(",")}}`) ?? {};
  }

  take({ name, text }: SourcePiece): undefined {
    this.#members.push(`${JSON.stringify(name)}:${text}`);
  }
}

/** Reads a legacy session: its messages are the records, the rest is facts. */
class LegacyReader implements PartReader {
  readonly facts: SessionFacts = {};
  readonly open: ReadonlySet<string> = new Set(["messages"]);

  take({ name, key, text, value }: SourcePiece): TakenPiece | undefined {
    if (name === "messages" && key !== null) {
      return isJsonObject(value)
        ? { kind: "record", text }
        : { kind: "damaged", reason: `message ${key} is no object` };
    }
    if (name === "key") takeFacts(this.facts, { key: value }, false);
    if (name === "summary") this.facts.summary = textOf(value) ?? "";
    if (name === "created") takeFacts(this.facts, { createdAt: value }, false);
    if (name === "updated") takeFacts(this.facts, { updatedAt: value }, false);
    return undefined;
  }
}

/** picoclaw as a {@linkcode SessionFormat}. */
export const picoclaw: SessionFormat = {
  name: "picoclaw",
  title: "picoclaw's sessions",
  detect: detectPicoclaw,
  reader(part): PartReader {
    if (part.name === meta.name) return new MetaReader();
    return part.name === legacy.name ? new LegacyReader() : new LineReader();
  },
  fallback: log,
  sidecars: [{ part: meta, describes: true, paths: ({ stem }) => [`${stem}.meta.json`] }],
};

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

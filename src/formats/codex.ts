/**
 * Codex rollouts, in both layouts: lines of `{timestamp,type,payload}` behind a `session_meta`, and the older flat
 * ones, whose header is `{id,timestamp,instructions,git}` and whose lines are the model's items themselves. Titles are
 * in a `session_index.jsonl` in one of the directories above; the newest counts.
 *
 * Every line is a record as it stands.
 *
 * @module
 */
import type { JsonObject } from "../log/json_text.ts";
import { listOf, objectOf, takeFacts, textOf } from "./fact_values.ts";
import type { FileHead } from "./file_head.ts";
import { LineReader } from "./line_reader.ts";
import type { FilePart, PartReader, SessionFacts, SessionFormat } from "./session_format.ts";

const log: FilePart = { name: "log", layout: "lines", role: "session" };
const index: FilePart = { name: "index", layout: "lines", role: "sidecar" };

const lineTypes = new Set(["session_meta", "turn_context", "response_item", "event_msg", "compacted"]);
function isRolloutLine({ type, payload, timestamp }: JsonObject): boolean {
  return typeof type === "string" && lineTypes.has(type) && typeof payload === "object" && timestamp !== undefined;
}

function isFlatHeader({ id, timestamp, type, ...rest }: JsonObject): boolean {
  return type === undefined && textOf(id) !== undefined && textOf(timestamp) !== undefined &&
    ("instructions" in rest || "git" in rest);
}

function isIndexLine({ id, thread_name: name, updated_at: time }: JsonObject): boolean {
  return textOf(id) !== undefined && typeof name === "string" && time !== undefined;
}

function detect({ lines }: FileHead): FilePart | undefined {
  const [first] = lines;
  if (first === undefined) return undefined;
  if (lines.some(isRolloutLine) || isFlatHeader(first)) return log;
  return lines.every(isIndexLine) ? index : undefined;
}

function learn(facts: SessionFacts, line: JsonObject): void {
  const { type, payload, id, timestamp } = line;
  if (type === "session_meta") {
    const meta = objectOf(payload);
    takeFacts(facts, { key: meta["id"], workspace: meta["cwd"], createdAt: meta["timestamp"] ?? timestamp }, true);
  } else if (isFlatHeader(line)) {
    takeFacts(facts, { key: id, createdAt: timestamp }, true);
  } else if (type === "message" && facts.workspace === undefined) {
    for (const part of listOf(line["content"])) {
      const text = objectOf(part)["text"];
      if (typeof text === "string") takeFacts(facts, { workspace: workingDirectory(text) }, true);
    }
  }
  takeFacts(facts, { updatedAt: timestamp }, false);
}

/** By search and not by pattern: a text may be megabytes of opening tags. */
function workingDirectory(text: string): string | undefined {
  const context = text.indexOf("<environment_context>");
  const start = context < 0 ? -1 : text.indexOf("<cwd>", context);
  const end = start < 0 ? -1 : text.indexOf("</cwd>", start);
  return end < 0 ? undefined : text.slice(start + "<cwd>".length, end);
}

/** The title of one session: the one that was set last. */
function indexReader(key: string | undefined): PartReader {
  const facts: SessionFacts = {};
  let newest = "";
  return {
    facts,
    take({ value }): undefined {
      const { id, thread_name: title, updated_at: time } = objectOf(value);
      const rank = typeof time === "string" ? time : "";
      if (key === undefined || id !== key || rank < newest) return;
      newest = rank;
      takeFacts(facts, { title }, false);
    },
  };
}

/** Codex as a {@linkcode SessionFormat}. */
export const codex: SessionFormat = {
  name: "codex",
  title: "Codex rollouts",
  detect,
  reader: (part, { key }) => part.name === index.name ? indexReader(key) : new LineReader(learn),
  fallback: log,
  sidecars: [{
    part: index,
    describes: true,
    // The rollouts lie in sessions/YEAR/MONTH/DAY below the directory with the index.
    paths: () => [0, 1, 2, 3, 4].map((levels) => `${"../".repeat(levels)}session_index.jsonl`),
  }],
};

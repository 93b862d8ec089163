/**
 * OmegaLLM's session files: a log with a header line, its index with the states and receipts that stand nowhere else,
 * and the older store of the REPL (`repl-<name>.json`), which has settings and definitions and no conversation.
 *
 * Every line of the log is a record as it stands. Each state and each receipt of the index, and each member of a REPL
 * store, is a side record.
 *
 * @module
 */
import type { JsonObject } from "../log/json_text.ts";
import { takeFacts } from "./fact_values.ts";
import type { FileHead } from "./file_head.ts";
import { LineReader, sideMembers } from "./line_reader.ts";
import type { FilePart, PartReader, SessionFacts, SessionFormat } from "./session_format.ts";

const log: FilePart = { name: "log", layout: "lines", role: "session" };
const index: FilePart = { name: "index", layout: "document", role: "sidecar" };
const repl: FilePart = { name: "repl", layout: "document", role: "session" };

const eventTypes = new Set([
  "input",
  "step",
  "checkpoint",
  "llm_req",
  "llm_resp",
  "effect",
  "resume",
  "result",
  "error",
]);

/**
 * Whether a line is the header of a log.
 *
 * @param line The line, decoded.
 * @returns True for a header.
 */
export function isOmegaHeader({ type, version, id, created }: JsonObject): boolean {
  return type === "session" && typeof version === "number" && typeof id === "string" && typeof created === "string";
}

/**
 * Whether a line is one of Omega's events.
 *
 * @param line The line, decoded.
 * @returns True for an event.
 */
export function isOmegaEvent({ type, seq, ts }: JsonObject): boolean {
  return typeof seq === "number" && typeof ts === "number" && typeof type === "string" && eventTypes.has(type);
}

/** Recognises the log by its header, or, where that is lost, by its events. */
function detect({ lines, members }: FileHead): FilePart | undefined {
  const [first, second] = lines;
  if (
    first !== undefined &&
    (isOmegaHeader(first) || (isOmegaEvent(first) && (second === undefined || isOmegaEvent(second))))
  ) {
    return log;
  }
  if (members.has("sessionId") && members.has("eventCount") && members.has("checkpoints")) return index;
  return members.has("defs") && members.has("debugMode") && members.has("stepCount") ? repl : undefined;
}

function learn(facts: SessionFacts, line: JsonObject): void {
  if (!isOmegaHeader(line)) return;
  const { id, created } = line;
  takeFacts(facts, { key: id, createdAt: created }, true);
}

/** OmegaLLM as a {@linkcode SessionFormat}. */
export const omega: SessionFormat = {
  name: "omega",
  title: "OmegaLLM's sessions",
  detect,
  reader(part): PartReader {
    if (part.name === index.name) return sideMembers(["states", "receipts"]);
    return part.name === repl.name ? sideMembers() : new LineReader(learn);
  },
  fallback: log,
  sidecars: [{ part: index, paths: ({ stem }) => [`${stem}.index.json`] }],
};

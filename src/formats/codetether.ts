/**
 * codetether's sessions: one JSON document each, with a journal, a task log, a checkpoint, a recall file and a thread
 * log beside it.
 *
 * The messages are the records. Every other member of the document is a side record (each of `tool_uses` by itself),
 * and so is every line or member of the files beside it. The workspace index and the listing cache are made anew by
 * the program, and are not read.
 *
 * @module
 */
import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import { objectOf, takeFacts, textOf } from "./fact_values.ts";
import type { FileHead } from "./file_head.ts";
import { LineReader, sideLines, sideMembers } from "./line_reader.ts";
import type {
  FileName,
  FilePart,
  PartReader,
  SessionFacts,
  SessionFormat,
  SourcePiece,
  TakenPiece,
} from "./session_format.ts";

const session: FilePart = { name: "session", layout: "document", role: "session" };
const journal: FilePart = { name: "journal", layout: "lines", role: "sidecar" };
const tasks: FilePart = { name: "tasks", layout: "lines", role: "sidecar" };
const checkpoint: FilePart = { name: "checkpoint", layout: "document", role: "sidecar" };
const recall: FilePart = { name: "recall", layout: "document", role: "sidecar" };
/** A session of its own where the one that it belongs to is not there. */
const thread: FilePart = { name: "thread", layout: "lines", role: "session" };
const workspaces: FilePart = { name: "workspace index", layout: "document", role: "cache" };
const listing: FilePart = { name: "listing cache", layout: "document", role: "cache" };

/** Recognises sessions by the members that stand in front of the messages, and the files beside them. */
function detect({ lines, members }: FileHead): FilePart | undefined {
  const hasTimes = members.has("created_at") && members.has("metadata");
  if (typeof members.get("id") === "string" && (hasTimes || (members.has("messages") && members.has("agent")))) {
    return session;
  }
  const [first] = lines;
  if (first !== undefined && isThreadEvent(first)) return thread;
  if (first !== undefined && isJournalEntry(first)) return journal;
  return detectCache(members);
}

function isThreadEvent({ event_id: event, thread_id: id, timestamp_ms: time, kind }: JsonObject): boolean {
  return textOf(event) !== undefined && textOf(id) !== undefined && typeof time === "number" && kind !== undefined;
}

function isJournalEntry({ phase, txn, at }: JsonObject): boolean {
  return (phase === "staged" || phase === "committed" || phase === "rejected") && typeof txn === "number" &&
    at !== undefined;
}

/** Both have entries by path: of session ids, or of files with their times. */
function detectCache(members: ReadonlyMap<string, unknown>): FilePart | undefined {
  const entries = members.get("entries");
  if (members.size !== 1 || !isJsonObject(entries)) return undefined;
  const values = Object.values(entries);
  if (values.length === 0) return undefined;
  if (values.every((value) => typeof value === "string")) return workspaces;
  return values.every((value) => objectOf(value)["mtime_ns"] !== undefined) ? listing : undefined;
}

class SessionReader implements PartReader {
  readonly facts: SessionFacts = {};
  readonly open: ReadonlySet<string> = new Set(["messages", "tool_uses"]);

  take({ name, key, text, value }: SourcePiece): TakenPiece {
    if (name === "messages" && key !== null) {
      return isJsonObject(value)
        ? { kind: "record", text }
        : { kind: "damaged", reason: `message ${key} is no object` };
    }
    if (name === "id") takeFacts(this.facts, { key: value }, true);
    if (name === "title") takeFacts(this.facts, { title: value }, true);
    if (name === "created_at") takeFacts(this.facts, { createdAt: value }, true);
    if (name === "updated_at") takeFacts(this.facts, { updatedAt: value }, true);
    if (name === "metadata") takeFacts(this.facts, { workspace: objectOf(value)["directory"] }, true);
    return { kind: "side", name: key === null ? name : `${name}/${key}`, text };
  }
}

function learnThread(facts: SessionFacts, { thread_id: key }: JsonObject): void {
  takeFacts(facts, { key }, true);
}

/** codetether as a {@linkcode SessionFormat}. */
export const codetether: SessionFormat = {
  name: "codetether",
  title: "codetether's sessions",
  detect,
  reader(part, { key }): PartReader {
    if (part.name === session.name) return new SessionReader();
    if (part.name === thread.name) return key === undefined ? new LineReader(learnThread) : sideLines();
    return part.layout === "lines" ? sideLines() : sideMembers();
  },
  sidecars: [
    { part: journal, paths: ({ stem }: FileName) => [`${stem}.journal.jsonl`] },
    { part: tasks, paths: ({ stem }: FileName) => [`${stem}.tasks.jsonl`] },
    { part: checkpoint, paths: ({ stem }: FileName) => [`${stem}.checkpoint.json`] },
    { part: recall, paths: ({ stem }: FileName) => [`recall/sessions/${stem}.json`] },
    { part: thread, paths: ({ stem }: FileName) => [`../threads/${stem}.jsonl`] },
  ],
};

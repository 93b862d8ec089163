/**
 * gencode's transcripts: one event per line, in both vocabularies (`transcript.*` with `transcriptId` and `system`, and
 * the later `session.*` with `sessionId` and `session`), an index of the project, and large tool results in files.
 *
 * Every line is a record as it stands. A tool result that was moved to a file comes back into its record: the preview
 * and the marker give way to the whole output. Where the file is missing the record keeps both.
 *
 * @module
 */
import type { JsonObject } from "../log/json_text.ts";
import { listOf, objectOf, takeFacts, textOf } from "./fact_values.ts";
import type { FileHead } from "./file_head.ts";
import { LineReader } from "./line_reader.ts";
import type { BlobFiles, FilePart, PartReader, SessionFacts, SessionFormat } from "./session_format.ts";
import { replaceStrings } from "./string_literals.ts";

const log: FilePart = { name: "log", layout: "lines", role: "session" };
const index: FilePart = { name: "index", layout: "document", role: "sidecar" };

const eventType = /^(?:(?:transcript|session)\.(?:started|forked|compacted)|message\.appended|state\.patched)$/;
const blobMarker = /\n\n\[Full output persisted to (blobs\/tool-result\/([^/\]]+)\/([^/\]]+))\]$/;

/** Whether a line is one of gencode's events. */
function isEvent(line: JsonObject): boolean {
  const { type, transcriptId, sessionId } = line;
  return typeof type === "string" && eventType.test(type) && textOf(transcriptId ?? sessionId) !== undefined;
}

/** Recognises transcripts and the index. */
function detect({ lines, members }: FileHead): FilePart | undefined {
  if (lines.some(isEvent)) return log;
  const isIndex = members.has("version") && members.has("projectId") && members.has("entries");
  return isIndex ? index : undefined;
}

function logReader(): PartReader {
  let lastId: string | undefined;
  let branches = 0;
  const learn = (facts: SessionFacts, line: JsonObject): void => {
    const { transcriptId, sessionId, cwd, time, type, state, message, parentId } = line;
    takeFacts(facts, { key: transcriptId ?? sessionId, workspace: cwd, createdAt: time }, true);
    takeFacts(facts, { updatedAt: time }, false);
    if (type === "message.appended") {
      const id = textOf(objectOf(message)["messageId"]);
      if (textOf(parentId) !== undefined && lastId !== undefined && parentId !== lastId) branches++;
      lastId = id ?? lastId;
    }
    if (type !== "state.patched") return;
    for (const patch of listOf(objectOf(state)["ops"])) {
      const { path, value } = objectOf(patch);
      if (path === "title") takeFacts(facts, { title: value }, false);
    }
  };
  return new LineReader(learn, () => branches === 0 ? [] : [branchNote(branches)]);
}

/**
 * What is said of a conversation with branches.
 *
 * @param count In how many places it leaves its last record for an earlier one.
 * @returns One sentence.
 */
export function branchNote(count: number): string {
  return `the conversation branches in ${count} ${count === 1 ? "place" : "places"}; ` +
    "all branches are kept, in the order of the file";
}

/** Reads the entry of one session. */
function indexReader(key: string | undefined): PartReader {
  const facts: SessionFacts = {};
  return {
    facts,
    open: new Set(["entries"]),
    take({ name, key: element, value }): undefined {
      const entry = objectOf(value);
      if (name !== "entries" || element === null || entry["transcriptId"] !== key || key === undefined) return;
      const { title, createdAt, updatedAt } = entry;
      takeFacts(facts, { title, createdAt, updatedAt }, false);
    },
  };
}

/** Large tool results, which gencode keeps in `blobs/tool-result/<session>/<call>`. */
const blobs: BlobFiles = {
  bases: ["..", "."],
  directory: "blobs",
  find(value): string[] {
    const paths: string[] = [];
    for (const block of listOf(objectOf(value["message"])["content"])) {
      const { type, content } = objectOf(block);
      if (type !== "tool_result") continue;
      for (const part of listOf(content)) {
        const path = blobPath(objectOf(part)["text"]);
        if (path !== undefined) paths.push(path);
      }
    }
    return paths;
  },
  fill: (text, path, content) => replaceStrings(text, (string) => blobPath(string) === path ? content : undefined),
};

/** Only names that lead nowhere else. */
function blobPath(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  // The marker stands at the end: the rest may be megabytes.
  const [, path, session, call] = blobMarker.exec(text.slice(-2_100)) ?? [];
  const isPlain = (name: string | undefined): boolean =>
    name !== undefined && name !== "." && name !== ".." && !name.includes("\0") && name.length <= 255;
  return isPlain(session) && isPlain(call) ? path : undefined;
}

/** gencode as a {@linkcode SessionFormat}. */
export const gencode: SessionFormat = {
  name: "gencode",
  title: "gencode's transcripts",
  detect,
  reader: (part, { key }) => part.name === index.name ? indexReader(key) : logReader(),
  fallback: log,
  sidecars: [{ part: index, describes: true, paths: () => ["../transcripts-index.json", "transcripts-index.json"] }],
  blobs,
};

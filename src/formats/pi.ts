/**
 * pi's sessions, versions 1 to 3: a header line, then entries; from version 2 on each has an `id` and a `parentId`, so
 * that a session is a tree, whose active branch ends in the newest entry.
 *
 * Every line is a record as it stands, those of all branches in the order of the file.
 *
 * @module
 */
import type { JsonObject } from "../log/json_text.ts";
import { takeFacts, textOf } from "./fact_values.ts";
import type { FileHead } from "./file_head.ts";
import { branchNote } from "./gencode.ts";
import { LineReader } from "./line_reader.ts";
import type { FilePart, PartReader, SessionFacts, SessionFormat } from "./session_format.ts";

const log: FilePart = { name: "log", layout: "lines", role: "session" };

function isHeader({ type, timestamp, version, created }: JsonObject): boolean {
  return type === "session" && textOf(timestamp) !== undefined && created === undefined &&
    (version === undefined || typeof version === "number");
}

/** An entry of a tree; a file whose header is damaged is known by these. */
function isTreeEntry({ type, id, parentId, timestamp, message }: JsonObject): boolean {
  return type === "message" && textOf(id) !== undefined && parentId !== undefined && timestamp !== undefined &&
    typeof message === "object";
}

function detect({ lines }: FileHead): FilePart | undefined {
  const [first] = lines;
  return first !== undefined && (isHeader(first) || isTreeEntry(first)) ? log : undefined;
}

function logReader(): PartReader {
  let lastId: string | undefined;
  let branches = 0;
  const learn = (facts: SessionFacts, line: JsonObject): void => {
    const { type, id, cwd, timestamp, name, parentId } = line;
    if (isHeader(line)) return takeFacts(facts, { key: id, workspace: cwd, createdAt: timestamp }, true);
    takeFacts(facts, { updatedAt: timestamp }, false);
    if (type === "session_info") takeFacts(facts, { title: name }, false);
    if (textOf(id) === undefined) return;
    if (lastId !== undefined && parentId !== undefined && parentId !== lastId) branches++;
    lastId = textOf(id);
  };
  return new LineReader(learn, () => branches === 0 ? [] : [branchNote(branches)]);
}

/** pi as a {@linkcode SessionFormat}. */
export const pi: SessionFormat = {
  name: "pi",
  title: "pi's sessions, versions 1 to 3",
  detect,
  reader: logReader,
  fallback: log,
};

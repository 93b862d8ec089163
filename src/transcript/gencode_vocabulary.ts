/**
 * gencode's transcripts have had other words for the same things: before its append-only format, and after it. They
 * are understood here, at the edge, and never written.
 *
 * | gencode | here |
 * |---|---|
 * | `transcript.started`, `transcript.compacted`, `transcript.forked` | `session.…` |
 * | `transcriptId`, and `system` in those three | `sessionId`, `session` |
 * | `session.state.patched` | `state.patched` |
 * | `tool.added`, `tool.removed`, and `tool` in them | `tools.added`, `tools.removed`, `tools` |
 *
 * @module
 */

import type { JsonObject } from "../log/json_text.ts";

const renamedTypes: ReadonlyMap<string, string> = new Map([
  ["transcript.started", "session.started"],
  ["transcript.compacted", "session.compacted"],
  ["transcript.forked", "session.forked"],
  ["session.state.patched", "state.patched"],
  ["tool.added", "tools.added"],
  ["tool.removed", "tools.removed"],
]);

/** What holds the payload, by the beginning of the old type. */
const renamedPayloads: readonly (readonly [string, string, string])[] = [
  ["transcript.", "system", "session"],
  ["tool.", "tool", "tools"],
];

/**
 * Says a record in our words.
 *
 * @param record Any record; it is not changed.
 * @returns The same record, or a copy with other names; members that are not known stay.
 */
export function toOwnVocabulary(record: JsonObject): JsonObject {
  const type = record["type"];
  if (typeof type !== "string") return record;
  const ownType = renamedTypes.get(type);
  if (ownType === undefined && record["transcriptId"] === undefined) return record;
  const own: JsonObject = { ...record, type: ownType ?? type };
  rename(own, "transcriptId", "sessionId");
  for (const [prefix, from, to] of renamedPayloads) {
    if (ownType !== undefined && type.startsWith(prefix)) rename(own, from, to);
  }
  return own;
}

function rename(record: JsonObject, from: string, to: string): void {
  if (record[from] === undefined || record[to] !== undefined) return;
  record[to] = record[from];
  delete record[from];
}

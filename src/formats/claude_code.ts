/**
 * Claude Code's transcripts: a chain of `uuid` and `parentUuid`, with side chains (the conversations of subagents, in
 * the same file or in files of their own) and summaries (the titles of conversations, whose last message they name).
 *
 * Every line is a record as it stands. A file of one subagent's side chain is a session of its own,
 * `<session>/agent-<agent>`. Programs that took over the format are read the same way.
 *
 * @module
 */
import type { JsonObject } from "../log/json_text.ts";
import { isJsonObject } from "../log/json_text.ts";
import { takeFacts, textOf } from "./fact_values.ts";
import type { FileHead } from "./file_head.ts";
import { LineReader } from "./line_reader.ts";
import type { FilePart, PartReader, SessionFacts, SessionFormat } from "./session_format.ts";

const log: FilePart = { name: "log", layout: "lines", role: "session" };

/** How many messages back a summary's message may be, and how many summaries may stand before it. */
const reachMax = 1_000;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const otherTypes = new Set([
  "system",
  "attachment",
  "progress",
  "file-history-snapshot",
  "queue-operation",
  "custom-title",
  "ai-title",
]);

function isTranscriptLine({ type, message, leafUuid, sessionId, messageId }: JsonObject): boolean {
  if (type === "user" || type === "assistant") return isJsonObject(message);
  if (type === "summary") return textOf(leafUuid) !== undefined;
  return typeof type === "string" && otherTypes.has(type) && textOf(sessionId ?? messageId) !== undefined;
}

function detect({ lines }: FileHead): FilePart | undefined {
  return lines.some(isTranscriptLine) ? log : undefined;
}

/** A transcript is called as its session; its first lines may have been copied from the session that it goes on with. */
function logReader(stem: string): PartReader {
  const summaries = new Map<string, string>();
  const recent = new Set<string>();
  let sideChain = 0;
  const learn = (facts: SessionFacts, line: JsonObject): void => {
    const { type, sessionId, agentId, isSidechain, cwd, timestamp, uuid: id, summary, leafUuid, customTitle } = line;
    const isAgents = isSidechain === true && typeof sessionId === "string" && stem === `agent-${String(agentId)}`;
    if (isSidechain === true) sideChain++;
    takeFacts(facts, { workspace: cwd, createdAt: timestamp }, true);
    if (isAgents) takeFacts(facts, { key: `${sessionId}/${stem}` }, true);
    else if (textOf(sessionId) !== undefined) takeFacts(facts, { key: uuid.test(stem) ? stem : sessionId }, true);
    takeFacts(facts, { updatedAt: timestamp }, false);
    if (type === "custom-title") takeFacts(facts, { title: customTitle }, false);
    if (typeof id === "string") {
      const [oldest] = recent;
      if (oldest !== undefined && recent.size >= reachMax) recent.delete(oldest);
      recent.add(id);
      if (summaries.has(id)) takeFacts(facts, { title: summaries.get(id) }, false);
    }
    if (type !== "summary" || typeof summary !== "string" || typeof leafUuid !== "string") return;
    // It may be the summary of another session, whose messages are elsewhere.
    if (recent.has(leafUuid)) takeFacts(facts, { title: summary }, false);
    else if (summaries.size < reachMax) summaries.set(leafUuid, summary);
  };
  return new LineReader(learn, () =>
    sideChain === 0 ? [] : [
      `${sideChain} ${
        sideChain === 1 ? "line belongs" : "lines belong"
      } to side chains; they are kept where they stand`,
    ]);
}

/** Claude Code as a {@linkcode SessionFormat}. */
export const claudeCode: SessionFormat = {
  name: "claude-code",
  title: "Claude Code's transcripts",
  detect,
  reader: (_part, { stem }) => logReader(stem),
  fallback: log,
};

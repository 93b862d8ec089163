/**
 * The records of a transcript: their types, which of them are durable on their own, and how one is read. Reading is
 * total: any JSON object is some record, and what is not known is kept and passed over.
 *
 * @module
 */

import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import type { DurabilityMode } from "../store/store_options.ts";
import { toOwnVocabulary } from "./gencode_vocabulary.ts";
import { type PatchOperation, readOperations } from "./state_patch.ts";

/** The types of records that a transcript writes. Others are kept as they are. */
export type TranscriptRecordType =
  | "session.started"
  | "session.compacted"
  | "session.forked"
  | "message.appended"
  | "state.patched"
  | "inference.requested"
  | "inference.responded"
  | "system.section.added"
  | "system.section.removed"
  | "tools.added"
  | "tools.removed";

/** Appended singly, these ride along with the next durable record. Every other type, known or not, is durable. */
const bufferedTypes: ReadonlySet<string> = new Set<TranscriptRecordType>([
  "state.patched",
  "inference.requested",
  "system.section.added",
  "system.section.removed",
  "tools.added",
  "tools.removed",
]);

/**
 * When a record is to be durable that is appended singly. Messages, starts, boundaries, forks and a model's answers
 * are durable when their append resolves, and so is any type that is not known. State patches, requests to a model,
 * and changes of the system prompt and of the tools can be told again, and wait for the next durable record.
 *
 * Fits the option `durability` of `openStore`, for a store whose sessions are written without {@linkcode Transcript}.
 *
 * @param record A record of a transcript.
 * @returns The mode.
 */
export function transcriptDurability(record: JsonObject): DurabilityMode {
  const type = toOwnVocabulary(record)["type"];
  return typeof type === "string" && bufferedTypes.has(type) ? "buffered" : "durable";
}

/**
 * Names a record by its type and id. Fits the option `recordId` of `openStore`: the store then finds repeated appends
 * by itself, also those of another process that wrote the session before.
 *
 * @param record A record of a transcript.
 * @returns Its name; undefined if it has no id.
 */
export function transcriptRecordId(record: JsonObject): string | undefined {
  const own = toOwnVocabulary(record);
  const { type } = own;
  if (typeof type !== "string") return undefined;
  const id = type === "message.appended" ? messageIdOf(own) : textOf(own["id"]);
  return id === null ? undefined : recordName(type, id);
}

/**
 * The name under which a record's id is remembered: ids of messages and of other records do not meet.
 *
 * @param type The record's type.
 * @param id Its id.
 * @returns The name.
 */
export function recordName(type: string, id: string): string {
  return `${type} ${id}`;
}

/** A message's place: which chain it belongs to, and what it answers. */
export interface MessagePlace {
  /** The message's id. */
  id: string;
  /** The id of the message that it follows; null if it begins a conversation. */
  parentId: string | null;
  /** The agent whose side chain it belongs to; null in the main chain. */
  agentId: string | null;
}

/** What a record says, in our words. */
export type TranscriptFact =
  | { kind: "message"; place: MessagePlace; message: JsonObject }
  | { kind: "started"; isSidechain: boolean; agentId: string | null; session: JsonObject }
  | { kind: "compacted"; agentId: string | null; boundaryId: string | null }
  | { kind: "forked"; parentKey: string | null }
  | { kind: "patched"; operations: PatchOperation[] }
  | { kind: "section"; name: string; section: JsonObject | null }
  | { kind: "tools"; names: string[]; tools: JsonObject[] | null }
  | { kind: "inference"; isAnswer: boolean }
  | { kind: "other"; type: string | null };

/** The side chain of records that say that they belong to one, and not to whose. */
export const unnamedAgentId = "sidechain";

/**
 * Reads a record. Never throws.
 *
 * @param record Any JSON object.
 * @param sequence The record's number: names a message that has no id.
 * @returns What it says.
 */
export function readTranscriptRecord(record: JsonObject, sequence: number): TranscriptFact {
  const own = toOwnVocabulary(record);
  const type = textOf(own["type"]);
  const agentId = sideChainOf(own);
  switch (type) {
    case "message.appended": {
      const message = objectOf(own["message"]);
      const id = messageIdOf(own) ?? `#${sequence}`;
      return { kind: "message", place: { id, parentId: textOf(own["parentId"]), agentId }, message };
    }
    case "session.started": {
      const session = objectOf(own["session"]);
      return { kind: "started", isSidechain: own["isSidechain"] === true, agentId, session };
    }
    case "session.compacted":
      return { kind: "compacted", agentId, boundaryId: textOf(objectOf(own["session"])["boundaryId"]) };
    case "session.forked":
      return { kind: "forked", parentKey: textOf(objectOf(own["session"])["parentId"]) };
    case "state.patched":
      return { kind: "patched", operations: readOperations(objectOf(own["state"])["ops"]) };
    case "system.section.added":
    case "system.section.removed": {
      const section = objectOf(own["system"]);
      const name = textOf(section["name"]);
      if (name === null) break;
      return { kind: "section", name, section: type === "system.section.added" ? section : null };
    }
    case "tools.added":
    case "tools.removed": {
      const tools = toolsOf(own["tools"]);
      const names = tools.map(({ name }) => name);
      return { kind: "tools", names, tools: type === "tools.added" ? tools.map(({ tool }) => tool) : null };
    }
    case "inference.requested":
    case "inference.responded":
      return { kind: "inference", isAnswer: type === "inference.responded" };
  }
  return { kind: "other", type };
}

function messageIdOf(record: JsonObject): string | null {
  return textOf(objectOf(record["message"])["messageId"]) ?? textOf(record["id"]);
}

function sideChainOf(record: JsonObject): string | null {
  return record["isSidechain"] === true ? textOf(record["agentId"]) ?? unnamedAgentId : null;
}

/** A list of tools, or one alone; each bare, as its name only, or with its schema apart. */
function toolsOf(value: unknown): { name: string; tool: JsonObject }[] {
  return (Array.isArray(value) ? value : [value]).flatMap((item: unknown) => {
    const tool = typeof item === "string" ? { name: item } : objectOf(item);
    const schema = isJsonObject(tool["schema"]) ? tool["schema"] : tool;
    const name = textOf(schema["name"]) ?? textOf(tool["name"]);
    return name === null ? [] : [{ name, tool: schema }];
  });
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

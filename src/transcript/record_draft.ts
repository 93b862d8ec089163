/**
 * A record of a transcript that is ready but for its parent, which is known when it is handed to the session.
 *
 * @module
 */

import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import type { DurabilityMode } from "../store/store_options.ts";
import {
  readTranscriptRecord,
  transcriptDurability,
  transcriptRecordId,
  type TranscriptRecordType,
} from "./transcript_record.ts";

/** Options of every record. */
export interface RecordOptions {
  /**
   * The record's id: appended again with the same one, it is not appended again.
   *
   * @default {a random one}
   */
  id?: string;
  /** Members of the record beside those that are written anyway, such as `cwd` and `gitBranch`; `time` is allowed. */
  fields?: JsonObject;
}

/** Options of a message. */
export interface MessageOptions extends RecordOptions {
  /**
   * The id of the message that it follows; null: it begins a conversation.
   *
   * @default {the last message of its chain}
   */
  parentId?: string | null;
  /** The agent to whose side chain it belongs. Without, it belongs to the main chain. */
  agentId?: string;
}

/** Options of the start of a session. Its id is not to choose: there is one start. */
export interface StartOptions extends Omit<RecordOptions, "id"> {
  /**
   * Whether the whole session is a subagent's: it is left out of lists.
   *
   * @default {false}
   */
  isSidechain?: boolean;
  /** The agent that the session belongs to. */
  agentId?: string;
}

/** A record before it is handed to the session. */
export interface RecordDraft {
  /** A copy of what the caller gave. */
  record: JsonObject;
  /** Its id. */
  id: string;
  /** What it is remembered by; see `transcriptRecordId`. */
  name: string;
  /** When it is to be durable if it is appended singly. */
  durability: DurabilityMode;
  /** For a message: its chain, and whether its parent is still to be filled in. */
  link: { agentId: string | null; isOpen: boolean } | null;
}

/** Where ids and times come from. */
export interface DraftSources {
  /** Makes an id. */
  createId: () => string;
  /** Tells the time. */
  now: () => Date;
}

/**
 * Makes a record.
 *
 * @param sources Where its id and its time come from.
 * @param type Its type.
 * @param payload Its members beside type, id and time.
 * @param options Id, and further members.
 * @returns The draft.
 */
export function draftRecord(
  sources: DraftSources,
  type: TranscriptRecordType,
  payload: JsonObject,
  options: RecordOptions,
): RecordDraft {
  const { fields = {} } = options;
  if (!isJsonObject(fields)) throw new TypeError("fields must be an object");
  assertFree(fields, ["type", "id", ...Object.keys(payload)]);
  const id = assertId("id", options.id ?? sources.createId());
  return finishDraft({ type, id, time: sources.now().toISOString(), ...fields, ...payload }, id);
}

/**
 * Makes a message.
 *
 * @param sources Where its id and its time come from.
 * @param message What was said; `messageId`, if it has one, is its id.
 * @param options Id, parent, chain, and further members.
 * @returns The draft.
 */
export function draftMessage(sources: DraftSources, message: JsonObject, options: MessageOptions): RecordDraft {
  if (!isJsonObject(message)) throw new TypeError("message must be an object");
  if (typeof message["role"] !== "string") throw new TypeError("message must have a role");
  const { messageId } = message;
  const { parentId, agentId } = options;
  if (options.id !== undefined && messageId !== undefined && messageId !== options.id) {
    throw new TypeError("messageId of the message is not the id that is given");
  }
  const id = assertId("id", options.id ?? messageId ?? sources.createId());
  if (parentId !== undefined && parentId !== null) assertId("parentId", parentId);
  if (agentId !== undefined) assertId("agentId", agentId);
  assertFree(options.fields ?? {}, ["parentId", "isSidechain", "agentId"]);
  const payload: JsonObject = {
    ...(typeof parentId === "string" ? { parentId } : {}),
    ...(agentId === undefined ? {} : { isSidechain: true, agentId }),
    message,
  };
  const draft = draftRecord(sources, "message.appended", payload, { ...options, id });
  return { ...draft, link: { agentId: agentId ?? null, isOpen: parentId === undefined } };
}

/**
 * Takes a record as it is; what it lacks of type, id and time is not made up, but for the id.
 *
 * @param sources Where its id comes from.
 * @param record A record with a type.
 * @returns The draft.
 */
export function draftAnyRecord(sources: DraftSources, record: JsonObject): RecordDraft {
  if (!isJsonObject(record)) throw new TypeError("record must be an object");
  const { type } = record;
  if (typeof type !== "string" || type === "") throw new TypeError("record must have a type");
  const id = assertId("id", record["id"] ?? sources.createId());
  const draft = finishDraft({ ...record, id }, id);
  const fact = readTranscriptRecord(draft.record, 0);
  if (fact.kind !== "message") return draft;
  return { ...draft, id: fact.place.id, link: { agentId: fact.place.agentId, isOpen: false } };
}

/**
 * The record with its parent.
 *
 * @param draft The draft.
 * @param parentId The message that it follows; null: none.
 * @returns The record as it is to be appended.
 */
export function linkedRecord(draft: RecordDraft, parentId: string | null): JsonObject {
  if (draft.link?.isOpen !== true || parentId === null) return draft.record;
  const { type, id, time, ...rest } = draft.record;
  return { type, id, time, parentId, ...rest };
}

function finishDraft(members: JsonObject, id: string): RecordDraft {
  // As JSON has it: what the caller changes later has no effect, and what is remembered is what is written.
  const record: unknown = JSON.parse(JSON.stringify(members));
  if (!isJsonObject(record)) throw new TypeError("record must be an object");
  const name = transcriptRecordId(record);
  if (name === undefined) throw new TypeError("record must keep its type and id as JSON");
  return { record, id, name, durability: transcriptDurability(record), link: null };
}

function assertFree(fields: JsonObject, names: readonly string[]): void {
  const taken = names.find((name) => Object.hasOwn(fields, name));
  if (taken !== undefined) throw new TypeError(`fields must not have a member ${taken}: it is written anyway`);
}

function assertId(name: string, value: unknown): string {
  if (typeof value !== "string" || value === "") throw new TypeError(`${name} must be a text that is not empty`);
  return value;
}

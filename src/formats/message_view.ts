/**
 * Who says what in a record, whatever program wrote it, so that a conversation can be written in another program's
 * format or as a page.
 *
 * Known are picoclaw's and the chat interfaces' messages, messages in an envelope (gencode and this project's own
 * transcripts, pi, Claude Code, Codex in both layouts), codetether's parts, OmegaLLM's events, and the items of agent
 * frameworks. Settings, markers, telemetry and everything else are no messages. A tool's input is taken as a value, so
 * numbers beyond 2^53 in it are rounded where it is not a string.
 *
 * @module
 */
import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import { isRfc3339 } from "../store/picoclaw_message.ts";
import { listOf, objectOf, textOf } from "./fact_values.ts";
import { blockPart, callPart, contentParts, imageOf, type MessagePart, resultPart } from "./message_parts.ts";

/** Who speaks. */
export type MessageRole = "user" | "assistant" | "tool" | "system";

/** A message. */
export interface MessageView {
  /** Who speaks. */
  role: MessageRole;
  /** The role as the record names it. */
  roleName: string;
  /** Its own id. */
  id?: string;
  /** When, RFC 3339. */
  time?: string;
  /** The model that spoke. */
  model?: string;
  /** In order. */
  parts: MessagePart[];
}

const roles: Readonly<Record<string, MessageRole>> = {
  user: "user",
  human: "user",
  assistant: "assistant",
  model: "assistant",
  ai: "assistant",
  tool: "tool",
  toolResult: "tool",
  function: "tool",
  system: "system",
  developer: "system",
};

const itemTypes = new Set([
  "function_call",
  "custom_tool_call",
  "local_shell_call",
  "reasoning",
  "function_call_output",
  "function_call_result",
  "custom_tool_call_output",
]);

/**
 * Finds the message in a record.
 *
 * @param record The record, decoded.
 * @returns The message; undefined where the record is none.
 */
export function messageOf(record: JsonObject): MessageView | undefined {
  const { type, message, payload, seq, ts } = record;
  if (typeof seq === "number" && typeof ts === "number") return omegaMessage(record, ts);
  switch (type) {
    case "message.appended":
      return bodyMessage(objectOf(message), record);
    case "message":
      if (isJsonObject(message)) return bodyMessage(message, record);
      break;
    case "user":
    case "assistant":
      return isJsonObject(message) ? bodyMessage({ role: type, ...message }, record) : bodyMessage(record, record);
    case "response_item":
      return bodyMessage(objectOf(payload), record);
    case "system":
    case "compaction":
    case "branch_summary": {
      const text = textOf(record["summary"]) ?? textOf(record["content"]);
      if (text === undefined) return undefined;
      return { ...placeOf(record, {}), role: "system", roleName: type, parts: [{ kind: "text", text }] };
    }
  }
  return bodyMessage(record, record);
}

/** A shorter message is a command or a greeting. */
const openingLengthMin = 12;
const openingLengthMax = 80;

/**
 * What a record has of a heading for its session, where the session has no title: the words of its user.
 *
 * @param record The record, decoded.
 * @returns The beginning of what the user asked, on one line; undefined where it is no question.
 */
export function openingOf(record: JsonObject): string | undefined {
  const message = messageOf(record);
  const text = message?.role === "user" ? message.parts.find((part) => part.kind === "text")?.text ?? "" : "";
  const line = text.slice(0, 4 * openingLengthMax).replace(/\s+/g, " ").trim();
  if (line.length < openingLengthMin || /^[/<{[]/.test(line)) return undefined;
  return line.length <= openingLengthMax ? line : `${line.slice(0, openingLengthMax).replace(/ \S*$/, "")} …`;
}

function bodyMessage(body: JsonObject, record: JsonObject): MessageView | undefined {
  const { role, type } = body;
  if (typeof role !== "string" || role === "") {
    if (typeof type !== "string" || !itemTypes.has(type)) return undefined;
    const part = blockPart(body);
    if (part === undefined) return undefined;
    return { ...placeOf(record, body), ...roleOf(part.kind === "result" ? "tool" : "assistant"), parts: [part] };
  }
  if (role === "bashExecution") return shellMessage(body, record);
  const parts = bodyParts(body, role);
  const named = roleOf(role);
  const isResults = parts.length > 0 && parts.every(({ kind }) => kind === "result");
  return { ...placeOf(record, body), ...named, ...(isResults ? { role: "tool" } : {}), parts };
}

function bodyParts(body: JsonObject, role: string): MessagePart[] {
  const content = contentParts(body["content"]);
  const media = listOf(body["media"]).filter((url) => typeof url === "string").map((url) => imageOf(url));
  // Where the blocks are results of their own they name their calls themselves.
  if (roles[role] === "tool" && !content.some(({ kind }) => kind === "result")) {
    const result = resultPart(body);
    return [{ ...result, images: [...result.images, ...media] }];
  }
  const parts: MessagePart[] = [];
  const reasoning = textOf(body["reasoning_content"]);
  if (reasoning !== undefined) parts.push({ kind: "thinking", text: reasoning });
  parts.push(...content);
  parts.push(...media);
  for (const attachment of listOf(body["attachments"])) {
    const { filename, url, ref, content_type: mimeType } = objectOf(attachment);
    parts.push({
      kind: "file",
      name: textOf(filename) ?? textOf(url) ?? textOf(ref) ?? "",
      mimeType: textOf(mimeType) ?? "",
    });
  }
  for (const call of listOf(body["tool_calls"])) parts.push(callPart(objectOf(call)));
  const error = textOf(body["errorMessage"]);
  if (error !== undefined) parts.push({ kind: "other", text: error });
  return parts;
}

function shellMessage(body: JsonObject, record: JsonObject): MessageView {
  const text = `$ ${textOf(body["command"]) ?? ""}\n${textOf(body["output"]) ?? ""}`;
  return {
    ...placeOf(record, body),
    role: "user",
    roleName: "bashExecution",
    parts: [{ kind: "text", text: `\`\`\`\n${text}\n\`\`\`` }],
  };
}

/** Of Omega's events those that somebody said or did. */
function omegaMessage(record: JsonObject, timeMs: number): MessageView | undefined {
  const time = new Date(timeMs);
  const place = Number.isNaN(time.getTime()) ? {} : { time: time.toISOString() };
  const text = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value) ?? "";
  const say = (role: MessageRole, parts: MessagePart[]): MessageView => ({ ...place, role, roleName: role, parts });
  const { type, code, value, valuePreview, message, op, argsPreview } = record;
  switch (type) {
    case "input":
      return say("user", [{ kind: "text", text: text(code) }]);
    case "llm_resp":
      return say("assistant", [{ kind: "text", text: text(valuePreview) }]);
    case "result":
      return say("assistant", [{ kind: "text", text: text(value) }]);
    case "error":
      return say("system", [{ kind: "text", text: text(message) }]);
    case "effect":
      return say("assistant", [{ kind: "call", id: "", name: text(op), input: text(argsPreview) }]);
    case "resume":
      return say("tool", [{ kind: "result", id: "", text: text(valuePreview), images: [], isError: false }]);
    default:
      return undefined;
  }
}

function roleOf(name: string): { role: MessageRole; roleName: string } {
  return { role: Object.hasOwn(roles, name) ? roles[name] ?? "system" : "system", roleName: name };
}

function placeOf(record: JsonObject, body: JsonObject): { id?: string; time?: string; model?: string } {
  const id = textOf(body["messageId"]) ?? textOf(record["uuid"]) ??
    (record === body ? undefined : textOf(record["id"]));
  const time = timeOf(record) ?? timeOf(body);
  const model = textOf(body["model"]) ?? textOf(body["model_name"]);
  return {
    ...(id === undefined ? {} : { id }),
    ...(time === undefined ? {} : { time }),
    ...(model === undefined ? {} : { model }),
  };
}

function timeOf(record: JsonObject): string | undefined {
  for (const name of ["created_at", "timestamp", "createdAt", "time"]) {
    const value = record[name];
    if (isRfc3339(value)) return value;
    // Seconds or milliseconds since 1970; whichever gives a year of our time.
    if (typeof value === "number" && value > 1e8 && value < 1e14) {
      return new Date(value < 1e11 ? value * 1000 : value).toISOString();
    }
  }
  return undefined;
}

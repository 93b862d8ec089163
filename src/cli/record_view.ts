/**
 * Finds who says what in a record, whatever program wrote it: picoclaw and the chat interfaces (role, content, tool
 * calls), messages in an envelope (pi, Claude Code, Codex), and the items of agent frameworks. What is none of these is
 * shown as JSON.
 *
 * @module
 */

import type { RecordObject } from "../../mod.ts";

/** A part of a record. */
export type RecordPart =
  | { kind: "text"; text: string }
  | { kind: "thinking"; text: string }
  | { kind: "call"; name: string; detail: string }
  | { kind: "result"; name: string | null; text: string }
  | { kind: "other"; text: string };

/** A record as a person reads it. */
export interface RecordView {
  /** `user`, `assistant`, `tool`, …; else the record's type; else `record`. */
  who: string;
  /** As the record gives it. */
  time: string | null;
  /** In order. */
  parts: RecordPart[];
}

/**
 * Looks at a record.
 *
 * @param record Any JSON object.
 * @param text How it is written, for what can only be shown as JSON; by default as `JSON.stringify` writes it.
 * @returns What a person wants to see of it.
 */
export function viewRecord(record: RecordObject, text: string = JSON.stringify(record)): RecordView {
  const envelope = objectIn(record, "message") ?? objectIn(record, "payload");
  const body = envelope ?? record;
  const who = textIn(body, "role") ?? textIn(body, "type") ?? textIn(record, "type") ?? "record";
  const time = timeOf(record) ?? timeOf(body);
  const parts = partsOf(body, who);
  // A message may well say nothing.
  if (parts.length === 0 && body["content"] !== "") parts.push({ kind: "other", text });
  return { who: textIn(body, "role") === null && who === "message" ? "record" : who, time, parts };
}

function partsOf(body: RecordObject, who: string): RecordPart[] {
  const own = blockPart(body);
  if (own !== null) return [own];
  const parts: RecordPart[] = [];
  const reasoning = textIn(body, "reasoning_content");
  if (reasoning !== null && reasoning !== "") parts.push({ kind: "thinking", text: reasoning });
  const isResult = who === "tool" || who === "toolResult" || textIn(body, "tool_call_id") !== null;
  const name = textIn(body, "toolName") ?? textIn(body, "name");
  for (const part of contentParts(body["content"])) {
    parts.push(isResult && part.kind === "text" ? { kind: "result", name, text: part.text } : part);
  }
  for (const call of arrayIn(body, "tool_calls")) {
    if (isObject(call)) parts.push(callPart(objectIn(call, "function") ?? call));
  }
  return parts;
}

function contentParts(content: unknown): RecordPart[] {
  if (typeof content === "string") return content === "" ? [] : [{ kind: "text", text: content }];
  if (!Array.isArray(content)) return content === undefined || content === null ? [] : [otherPart(content)];
  return content.map((block) => {
    if (typeof block === "string") return { kind: "text", text: block };
    return isObject(block) ? blockPart(block) ?? otherPart(block) : otherPart(block);
  });
}

/** A block of a content list; frameworks use the same shapes for whole items. */
function blockPart(block: RecordObject): RecordPart | null {
  switch (textIn(block, "type")) {
    case "text":
    case "input_text":
    case "output_text": {
      const text = textIn(block, "text");
      return text === null ? null : { kind: "text", text };
    }
    case "thinking":
    case "reasoning": {
      const text = textIn(block, "thinking") ?? textIn(block, "text");
      return text === null ? null : { kind: "thinking", text };
    }
    case "toolCall":
    case "tool_use":
    case "function_call":
      return callPart(block);
    case "tool_result":
    case "function_call_output":
    case "function_call_result":
      return { kind: "result", name: textIn(block, "name"), text: plainText(block["content"] ?? block["output"]) };
    default:
      return null;
  }
}

function callPart(call: RecordObject): RecordPart {
  const detail = call["arguments"] ?? call["input"] ?? call["summary"] ?? "";
  return { kind: "call", name: textIn(call, "name") ?? "tool", detail: plainText(detail) };
}

function otherPart(value: unknown): RecordPart {
  return { kind: "other", text: JSON.stringify(value) };
}

function plainText(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) {
    return contentParts(value).map((part) => part.kind === "call" ? part.detail : part.text).join("\n");
  }
  if (isObject(value) && typeof value["text"] === "string") return value["text"];
  return value === undefined ? "" : JSON.stringify(value);
}

function timeOf(record: RecordObject): string | null {
  for (const name of ["created_at", "timestamp", "createdAt", "time"]) {
    const value = record[name];
    if (typeof value === "string" && value !== "") return value;
    // Seconds or milliseconds since 1970; whichever gives a year of our time.
    if (typeof value === "number" && value > 1e8 && value < 1e14) {
      return new Date(value < 1e11 ? value * 1000 : value).toISOString();
    }
  }
  return null;
}

function isObject(value: unknown): value is RecordObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectIn(record: RecordObject, name: string): RecordObject | null {
  const value = record[name];
  return isObject(value) ? value : null;
}

function textIn(record: RecordObject, name: string): string | null {
  const value = record[name];
  return typeof value === "string" ? value : null;
}

function arrayIn(record: RecordObject, name: string): unknown[] {
  const value = record[name];
  return Array.isArray(value) ? value : [];
}

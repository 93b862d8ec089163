/**
 * What a message is made of, whatever program wrote it: the blocks of content lists, calls of tools and their results.
 *
 * @module
 */
import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import { listOf, objectOf, textOf } from "./fact_values.ts";

/** A picture. */
export interface ImagePart {
  /** What it is. */
  kind: "image";
  /** Its type; empty where it is not told. */
  mimeType: string;
  /** The picture in base64, where the record holds it. */
  data?: string;
  /** Where it is, where the record does not hold it. */
  url?: string;
}

/** The result of a call. */
export interface ResultPart {
  /** What it is. */
  kind: "result";
  /** The call's id; empty where it is not told. */
  id: string;
  /** The tool, where the result names it. */
  name?: string;
  /** What the tool said. */
  text: string;
  /** What it showed. */
  images: readonly ImagePart[];
  /** Whether it failed. */
  isError: boolean;
}

/** The call of a tool. */
export interface CallPart {
  /** What it is. */
  kind: "call";
  /** By which its result is found; empty where it has none. */
  id: string;
  /** The tool. */
  name: string;
  /** What it was called with: JSON text, or any text. */
  input: string;
}

/** A part of a message. */
export type MessagePart =
  | { kind: "text"; text: string }
  | { kind: "thinking"; text: string; signature?: string }
  | CallPart
  | ResultPart
  | ImagePart
  | { kind: "file"; name: string; mimeType: string }
  | { kind: "other"; /** JSON, or a remark. */ text: string };

/**
 * The parts of a message's content.
 *
 * @param content A string, or a list of blocks.
 * @returns The parts, in order.
 */
export function contentParts(content: unknown): MessagePart[] {
  if (typeof content === "string") return content === "" ? [] : [{ kind: "text", text: content }];
  if (content === undefined || content === null) return [];
  if (!Array.isArray(content)) return [blockPart(content) ?? otherPart(content)];
  return content.map((block: unknown) =>
    typeof block === "string" ? { kind: "text", text: block } : blockPart(block) ?? otherPart(block)
  );
}

/**
 * One block of a content list; agent frameworks use the same shapes for whole items.
 *
 * @param value The block.
 * @returns The part; undefined for a shape that is not known.
 */
export function blockPart(value: unknown): MessagePart | undefined {
  const block = objectOf(value);
  switch (block["type"]) {
    case "text":
    case "input_text":
    case "output_text":
      return typeof block["text"] === "string" ? { kind: "text", text: block["text"] } : undefined;
    case "thinking":
    case "reasoning":
      return thinkingPart(block);
    case "toolCall":
    case "tool_use":
    case "tool_call":
    case "function_call":
    case "custom_tool_call":
    case "local_shell_call":
      return callPart(block);
    case "tool_result":
    case "function_call_output":
    case "function_call_result":
    case "custom_tool_call_output":
      return resultPart(block);
    case "image":
    case "image_url":
    case "input_image":
      return imagePart(block);
    case "file": {
      const name = textOf(block["path"]) ?? textOf(block["filename"]);
      return name === undefined ? undefined : { kind: "file", name, mimeType: textOf(block["mime_type"]) ?? "" };
    }
    default:
      return undefined;
  }
}

function thinkingPart(block: JsonObject): MessagePart | undefined {
  const summary = listOf(block["summary"]).map((item) => textOf(objectOf(item)["text"]) ?? "").join("\n\n");
  const text = block["thinking"] ?? block["text"] ?? summary;
  if (typeof text !== "string") return undefined;
  const signature = textOf(block["signature"]) ?? textOf(block["thinkingSignature"]);
  return { kind: "thinking", text, ...(signature === undefined ? {} : { signature }) };
}

/**
 * A call, from any of its shapes.
 *
 * @param call The block, or an element of `tool_calls`.
 * @returns The part.
 */
export function callPart(call: JsonObject): CallPart {
  const inner = isJsonObject(call["function"]) ? call["function"] : call;
  const input = inner["arguments"] ?? inner["input"] ?? inner["action"] ?? {};
  return {
    kind: "call",
    id: textOf(call["call_id"]) ?? textOf(call["callId"]) ?? textOf(call["id"]) ?? "",
    name: textOf(inner["name"]) ?? "tool",
    input: typeof input === "string" ? input : JSON.stringify(input),
  };
}

/**
 * A result, from any of its shapes.
 *
 * @param block The block, or a message of the role `tool`.
 * @returns The part.
 */
export function resultPart(block: JsonObject): ResultPart {
  const { content, output } = block;
  const id = ["tool_use_id", "tool_call_id", "toolCallId", "call_id", "callId"].map((name) => textOf(block[name]))
    .find((name) => name !== undefined);
  const name = textOf(block["toolName"]) ?? textOf(block["name"]);
  const parts = contentParts(content ?? output);
  return {
    kind: "result",
    id: id ?? "",
    ...(name === undefined ? {} : { name }),
    text: parts.flatMap((part) => part.kind === "text" || part.kind === "other" ? [part.text] : []).join("\n"),
    images: parts.filter((part) => part.kind === "image"),
    isError: block["is_error"] === true || block["isError"] === true,
  };
}

/** A picture in base64 (`source`, `data`, a `data:` URI), or where it is. */
function imagePart(block: JsonObject): ImagePart | undefined {
  const source = isJsonObject(block["source"]) ? block["source"] : block;
  const mimeType = textOf(source["media_type"]) ?? textOf(source["mimeType"]) ?? textOf(source["mime_type"]) ?? "";
  const data = textOf(source["data"]);
  if (data !== undefined) return { kind: "image", mimeType, data };
  const reference = isJsonObject(block["image_url"]) ? block["image_url"]["url"] : block["image_url"];
  const url = textOf(source["url"]) ?? textOf(reference);
  return url === undefined ? undefined : imageOf(url, mimeType);
}

/**
 * A picture by its address.
 *
 * @param url A `data:` URI, or any address.
 * @param mimeType Its type, where the address does not say.
 * @returns The part.
 */
export function imageOf(url: string, mimeType = ""): ImagePart {
  const [, type, data] = /^data:([^;,]*);base64,(.*)$/s.exec(url) ?? [];
  if (type === undefined || data === undefined) return { kind: "image", mimeType, url };
  return { kind: "image", mimeType: type, data };
}

function otherPart(value: unknown): MessagePart {
  return { kind: "other", text: JSON.stringify(value) };
}

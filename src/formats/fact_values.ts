/**
 * Values out of other programs' files, taken only where they are what they should be.
 *
 * @module
 */
import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import { isRfc3339 } from "../store/picoclaw_message.ts";
import type { SessionFacts } from "./session_format.ts";

/** The longest key, in bytes of UTF-8; a longer identifier is none. */
const keyBytesMax = 1024;
const titleLengthMax = 1_000;

/**
 * A text that is not empty.
 *
 * @param value Anything.
 * @returns The text, or undefined.
 */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * An object.
 *
 * @param value Anything.
 * @returns The object; an empty one where it is none.
 */
export function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/**
 * The elements of a list.
 *
 * @param value Anything.
 * @returns The list; an empty one where it is none.
 */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/**
 * Takes facts over into others, each where its value can serve as that fact.
 *
 * @param facts Changed.
 * @param values What to take; a value that is no text, or not of the kind, is passed over.
 * @param keep Whether facts that are there stay as they are.
 */
export function takeFacts(
  facts: SessionFacts,
  values: Readonly<Partial<Record<"key" | "title" | "workspace" | "createdAt" | "updatedAt", unknown>>>,
  keep: boolean,
): void {
  const { key, title, workspace, createdAt, updatedAt } = values;
  if (isKey(key) && !(keep && facts.key !== undefined)) facts.key = key;
  for (const [name, value] of [["title", title], ["workspace", workspace]] as const) {
    const text = textOf(value);
    if (text !== undefined && !(keep && facts[name] !== undefined)) facts[name] = text.slice(0, titleLengthMax);
  }
  for (const [name, value] of [["createdAt", createdAt], ["updatedAt", updatedAt]] as const) {
    if (isRfc3339(value) && !(keep && facts[name] !== undefined)) facts[name] = value;
  }
}

function isKey(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= keyBytesMax &&
    new TextEncoder().encode(value).length <= keyBytesMax;
}

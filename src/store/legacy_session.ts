/**
 * The JSON file in which older versions of picoclaw kept a whole session, as migration and import read it.
 *
 * @module
 */
import { compactJson, jsonElements, memberText } from "../log/json_layout.ts";
import { parseObject } from "../log/json_text.ts";
import { isRfc3339, messageMisfit } from "./picoclaw_message.ts";

/** A session as older versions of picoclaw kept it in one `.json` file. */
export interface LegacySession {
  /** The session's key: never empty. */
  key: string;
  /** The messages in order, each as a JSON text on one line with its numbers and escapes as they were. */
  messages: readonly string[];
  /** The summary, `""` if there is none. */
  summary: string;
  /** When the session was created, RFC 3339. */
  createdAt: string;
  /** When it was last written to, RFC 3339. */
  updatedAt: string;
}

/**
 * Reads an old session file of picoclaw's. Strict on purpose: any other program's `.json` file in the same directory is
 * to be left alone.
 *
 * @param text The whole file.
 * @returns The session; null where the text is anything but a legacy session: not JSON, no key, a message that is none
 * of picoclaw's, a missing or wrong time.
 */
export function parseLegacySession(text: string): LegacySession | null {
  const parsed = parseObject(text);
  if ("reason" in parsed) return null;
  const { key, summary, created, updated, messages: list } = parsed.value;
  if (typeof key !== "string" || key === "") return null;
  if (typeof summary !== "string" && summary !== undefined && summary !== null) return null;
  if (!isRfc3339(created) || !isRfc3339(updated)) return null;
  if (!Array.isArray(list) && list !== null) return null;
  if (list?.some((message) => messageMisfit(message) !== undefined) === true) return null;
  const messages = jsonElements(memberText(text, "messages") ?? "").map(compactJson);
  return { key, messages, summary: summary ?? "", createdAt: created, updatedAt: updated };
}

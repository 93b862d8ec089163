/**
 * What the writers of conversations share: of each record whether it is a message, and what is lost where it is not.
 *
 * @module
 */
import { isJsonObject, parseObject } from "../log/json_text.ts";
import type { LossCount } from "./loss_count.ts";
import type { CallPart, ImagePart, MessagePart } from "./message_parts.ts";
import { messageOf, type MessageView } from "./message_view.ts";
import type { RecordPlace, SessionFacts } from "./session_format.ts";
import { isSideRecord, parseSideRecord } from "./side_record.ts";

/**
 * Finds the message that a format can write.
 *
 * @param text The record.
 * @param place Where it stands.
 * @param losses Told where there is none.
 * @param format The format's name: its own side records are no loss.
 * @returns The message; undefined where nothing is to be written.
 */
export function writableMessage(
  text: string,
  place: RecordPlace,
  losses: LossCount,
  format: string,
): MessageView | undefined {
  if (isSideRecord(text)) {
    const side = parseSideRecord(text)?.format ?? "another program";
    if (side !== format) losses.add(`what ${side} kept beside the messages`);
    return undefined;
  }
  if (place.isOffBranch) {
    losses.add("a record on a branch that the conversation left");
    return undefined;
  }
  const parsed = parseObject(text);
  const message = "reason" in parsed ? undefined : messageOf(parsed.value);
  if (message === undefined) losses.add("a record that is no message");
  return message;
}

/**
 * Notes what a format does not hold of what belongs to the session.
 *
 * @param facts The session's.
 * @param losses Where to.
 * @param held The facts that the format holds.
 */
export function countLostFacts(facts: SessionFacts, losses: LossCount, held: readonly (keyof SessionFacts)[]): void {
  const names = { summary: "the summary", title: "the title", workspace: "the workspace" } as const;
  for (const name of ["summary", "title", "workspace"] as const) {
    if ((facts[name] ?? "") !== "" && !held.includes(name)) losses.add(names[name]);
  }
}

/**
 * A message's texts, put together.
 *
 * @param parts The message's parts.
 * @param kind Which of them.
 * @returns The texts, with an empty line between two.
 */
export function joinedText(parts: readonly MessagePart[], kind: "text" | "thinking"): string {
  return parts.flatMap((part) => part.kind === kind ? [part.text] : []).join("\n\n");
}

/**
 * A call's input as an object.
 *
 * @param call The call.
 * @returns The JSON text of an object: the input's own where it is one, else an object that holds it as `input`.
 */
export function inputObjectText({ input }: CallPart): string {
  if (input === "") return "{}";
  const value = decoded(input);
  if (isJsonObject(value)) return input;
  return JSON.stringify({ input: value === undefined ? input : value });
}

function decoded(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A picture's address.
 *
 * @param image The picture.
 * @returns A `data:` URI, or where it is.
 */
export function imageUrl({ data, mimeType, url }: ImagePart): string {
  return data === undefined ? url ?? "" : `data:${mimeType};base64,${data}`;
}

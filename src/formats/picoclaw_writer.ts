/**
 * picoclaw, written: the log, and its meta file beside it. A record that is a message of picoclaw's goes as it stands;
 * a message of another program is put into picoclaw's words, its results of tools each in a message of its own.
 *
 * @module
 */
import { parseObject } from "../log/json_text.ts";
import { isTransientThought } from "../store/picoclaw_message.ts";
import { fileIdOf } from "./file_id.ts";
import { LossCount } from "./loss_count.ts";
import type { CallPart, ImagePart, ResultPart } from "./message_parts.ts";
import { messageOf, type MessageView } from "./message_view.ts";
import { writePicoclawMeta, writePicoclawRecord } from "./picoclaw.ts";
import type { FormatWriter, SessionFacts, SessionWriter, WriterOptions, WrittenRecord } from "./session_format.ts";
import { isSideRecord } from "./side_record.ts";
import { countLostFacts, imageUrl, joinedText, writableMessage } from "./written_message.ts";

/**
 * Puts a message into picoclaw's words.
 *
 * @param message The message.
 * @param losses What does not fit.
 * @returns Messages of picoclaw's, in order; none where picoclaw would not keep it.
 */
export function toPicoclawMessages(message: MessageView, losses: LossCount): object[] {
  const { role, time, model, parts } = message;
  const stamp = time === undefined ? {} : { created_at: time };
  const written: object[] = [];
  for (const { id, text, images, isError } of parts.filter((part): part is ResultPart => part.kind === "result")) {
    if (isError) losses.add("that a tool failed");
    const media = images.map(imageUrl);
    written.push({ role: "tool", content: text, ...stamp, ...(media.length === 0 ? {} : { media }), tool_call_id: id });
  }
  const rest = parts.filter(({ kind }) => kind !== "result");
  if (rest.length === 0 && parts.length > 0) return written;
  const media = rest.filter((part): part is ImagePart => part.kind === "image").map(imageUrl);
  const attachments = rest.flatMap((part) =>
    part.kind === "file" ? [{ type: "file", filename: part.name, content_type: part.mimeType }] : []
  );
  const reasoning = joinedText(rest, "thinking");
  const calls = rest.filter((part): part is CallPart => part.kind === "call");
  for (const part of rest) {
    if (part.kind === "other") losses.add("a remark, or a part of an unknown kind");
    if (part.kind === "thinking" && part.signature !== undefined) losses.add("the signature of a thought");
  }
  const own = {
    // What stands beside results under a tool's name would be taken for one more.
    role: role === "tool" ? "user" : role,
    content: joinedText(rest, "text"),
    ...(model === undefined ? {} : { model_name: model }),
    ...stamp,
    ...(media.length === 0 ? {} : { media }),
    ...(attachments.length === 0 ? {} : { attachments }),
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(picoclawCall) }),
  };
  if (isTransientThought(own)) losses.add("a thought without anything said");
  else written.push(own);
  return written;
}

function picoclawCall({ id, name, input }: CallPart): object {
  return { id, type: "function", function: { name, arguments: input } };
}

class PicoclawWriter implements SessionWriter {
  readonly #losses = new LossCount();
  readonly #stem: string;

  constructor(facts: SessionFacts, { stem }: WriterOptions) {
    this.#stem = stem;
    countLostFacts(facts, this.#losses, ["summary"]);
  }

  begin(): string {
    return "";
  }

  write(text: string, place: Parameters<SessionWriter["write"]>[1]): WrittenRecord {
    const own = writePicoclawRecord(text);
    if (own.kind === "line") return own;
    const parsed = parseObject(text);
    const isMessage = !("reason" in parsed) && messageOf(parsed.value) !== undefined;
    const isOwnShape = !("reason" in parsed) && typeof parsed.value["role"] === "string";
    // What is no message anywhere is named; a setting or a marker of another program is only counted.
    if (!isMessage && !isSideRecord(text) && !("reason" in parsed) && typeof parsed.value["type"] !== "string") {
      return own;
    }
    const message = writableMessage(text, place, this.#losses, "picoclaw");
    if (message === undefined) return { kind: "aside" };
    if (isOwnShape && own.reason.includes("10 MiB")) return own;
    const lines = toPicoclawMessages(message, this.#losses).map((line) => writePicoclawRecord(JSON.stringify(line)));
    const refused = lines.find((line) => line.kind === "unfit");
    if (refused !== undefined) return refused;
    return {
      kind: "line",
      text: lines.map((line) => line.kind === "line" ? line.text : "").join(""),
      count: lines.length,
    };
  }

  end(): string {
    return "";
  }

  files(facts: SessionFacts): { path: string; text: string }[] {
    return [{ path: `${this.#stem}.meta.json`, text: writePicoclawMeta(facts) }];
  }

  lost(): readonly string[] {
    return this.#losses.list();
  }
}

/** picoclaw's {@linkcode FormatWriter}. */
export const picoclawWriter: FormatWriter = {
  name: "picoclaw",
  title: "picoclaw's log and meta file",
  extension: ".jsonl",
  directory: "",
  losses: [
    "Records that are no messages, and lines over 10 MiB, are left out.",
    "Of other programs' messages: the order of text, thoughts and calls in a message, the signatures of thoughts, " +
    "that a tool failed, thoughts without anything said, branches that were left.",
    "Title and workspace; fields that picoclaw does not know go when picoclaw compacts the log.",
  ],
  wantsBranch: true,
  open: (facts, options) => new PicoclawWriter(facts, options),
};

/**
 * The name of picoclaw's files of a session.
 *
 * @param key The session's key.
 * @returns picoclaw's own mapping where that gives a plain name.
 */
export function picoclawStem(key: string): string {
  const name = key.replace(/[:/\\]/g, "_");
  return /^[\w-][\w.-]{0,199}$/.test(name) ? name : fileIdOf(key);
}

/**
 * OmegaLLM, written: the log behind its header line, and the index beside it with the checkpoints, whose byte offsets
 * are those of the file that is written, and with the states and receipts that came from an index. Omega's own events
 * go as they stand; their numbers too, as long as they rise by one.
 *
 * Messages of other programs become events that hold them whole, `input` and `result`, and for tools `effect` and
 * `resume`, whose previews Omega cuts at 200 characters. A store of the REPL becomes a file of its own again.
 *
 * @module
 */
import { indentJson } from "../log/json_layout.ts";
import { type JsonObject, parseObject, topLevelMembers } from "../log/json_text.ts";
import { textOf } from "./fact_values.ts";
import { writeJsonLine } from "./jsonl.ts";
import { LossCount } from "./loss_count.ts";
import type { MessagePart } from "./message_parts.ts";
import type { MessageView } from "./message_view.ts";
import { isOmegaEvent, isOmegaHeader } from "./omega.ts";
import type {
  FormatWriter,
  RecordPlace,
  SessionFacts,
  SessionWriter,
  WriterOptions,
  WrittenFile,
  WrittenRecord,
} from "./session_format.ts";
import { countLostFacts, joinedText, writableMessage } from "./written_message.ts";

/** Omega's previews are at most so long. */
const previewLengthMax = 200;

class OmegaWriter implements SessionWriter {
  readonly #options: WriterOptions;
  readonly #losses = new LossCount();
  readonly #checkpoints: JsonObject[] = [];
  readonly #states = new Set<string>();
  readonly #receipts = new Set<string>();
  #hasHeader = false;
  #next = 0;
  #bytes = 0;
  readonly #createdAt: string | undefined;
  #lastMs: number;

  constructor(facts: SessionFacts, options: WriterOptions) {
    this.#options = options;
    this.#createdAt = facts.createdAt;
    this.#lastMs = Date.parse(facts.createdAt ?? "") || 0;
    countLostFacts(facts, this.#losses, []);
    if (options.stem !== facts.key) this.#losses.add("the key, which is no plain name");
  }

  begin(): string {
    return "";
  }

  write(text: string, place: RecordPlace): WrittenRecord {
    const parsed = parseObject(text);
    if (!("reason" in parsed)) {
      if (isOmegaHeader(parsed.value) && !this.#hasHeader) {
        this.#hasHeader = true;
        return this.#written(writeJsonLine(text), 1);
      }
      if (isOmegaEvent(parsed.value)) return this.#event(text, parsed.value);
    }
    const message = writableMessage(text, place, this.#losses, "omega");
    return message === undefined ? { kind: "aside" } : this.#message(message);
  }

  end(): string {
    return this.#header();
  }

  files(): readonly WrittenFile[] {
    const { stem, sides } = this.#options;
    const of = (prefix: string, wanted: ReadonlySet<string>): string =>
      [...sides].filter(([name]) => name.startsWith(prefix) && wanted.has(name.slice(prefix.length)))
        .map(([name, text]) => `${JSON.stringify(name.slice(prefix.length))}:${text}`).join(",");
    const index = `{"sessionId":${JSON.stringify(stem)},"eventCount":${this.#next},` +
      `"checkpoints":${JSON.stringify(this.#checkpoints)},"states":{${of("index/states/", this.#states)}},` +
      `"receipts":{${of("index/receipts/", this.#receipts)}}}`;
    const repl = [...sides].filter(([name]) => name.startsWith("repl/"))
      .map(([name, text]) => `${JSON.stringify(name.slice("repl/".length))}:${text}`);
    const files = [{ path: `${stem}.index.json`, text: indentJson(index) }];
    if (repl.length > 0) files.push({ path: `repl-${stem}.json`, text: indentJson(`{${repl.join(",")}}`) });
    return files;
  }

  lost(): readonly string[] {
    return this.#losses.list();
  }

  #header(): string {
    if (this.#hasHeader) return "";
    this.#hasHeader = true;
    const created = this.#createdAt ?? new Date(this.#lastMs).toISOString();
    return `${JSON.stringify({ type: "session", version: 1, id: this.#options.stem, created })}\n`;
  }

  /** Keeps count of the bytes: checkpoints are found by them. */
  #written(text: string, count: number): WrittenRecord {
    this.#bytes += new TextEncoder().encode(text).length;
    return { kind: "line", text, count };
  }

  #event(text: string, event: JsonObject): WrittenRecord {
    const { seq, ts, type, reason, stateId, receiptKey } = event;
    const header = this.#header();
    // After a crash Omega has given numbers twice: those that are taken already are given anew.
    const number = typeof seq === "number" && Number.isSafeInteger(seq) && seq >= this.#next ? seq : this.#next;
    this.#next = number + 1;
    if (typeof ts === "number") this.#lastMs = ts;
    if (type === "checkpoint") {
      const byteOffset = this.#bytes + new TextEncoder().encode(header).length;
      this.#checkpoints.push({ seq: number, byteOffset, stateId, reason });
      this.#states.add(textOf(stateId) ?? "");
    }
    if (textOf(receiptKey) !== undefined) this.#receipts.add(textOf(receiptKey) ?? "");
    return this.#written(header + writeJsonLine(number === seq ? text : withNumber(text, number)), 1);
  }

  #message({ role, time, parts }: MessageView): WrittenRecord {
    const parsedMs = Date.parse(time ?? "");
    if (!Number.isNaN(parsedMs)) this.#lastMs = parsedMs;
    const events: object[] = [];
    const said = joinedText(parts, "text");
    if (role === "system" && said !== "") this.#losses.add("a message of the system");
    if (said !== "" && role === "user") events.push({ type: "input", code: said });
    if (said !== "" && role === "assistant") events.push({ type: "result", value: said });
    for (const part of parts) events.push(...this.#toolEvents(part));
    if (events.length === 0 && said === "") this.#losses.add("a message that says nothing");
    if (events.length === 0) return { kind: "aside" };
    const lines = events.map((event) => `${JSON.stringify({ seq: this.#next++, ts: this.#lastMs, ...event })}\n`);
    return this.#written(this.#header() + lines.join(""), events.length);
  }

  #toolEvents(part: MessagePart): object[] {
    switch (part.kind) {
      case "text":
        return [];
      case "call":
        return [{ type: "effect", d: 0, op: part.name, argsPreview: this.#preview(part.input) }];
      case "result":
        if (part.images.length > 0) this.#losses.add("a picture");
        return [{ type: "resume", d: 0, valuePreview: this.#preview(part.text) }];
      case "thinking":
        this.#losses.add("a thought");
        return [];
      case "image":
        this.#losses.add("a picture");
        return [];
      case "file":
        this.#losses.add("a file that was attached");
        return [];
      case "other":
        this.#losses.add("a remark, or a part of an unknown kind");
        return [];
    }
  }

  #preview(text: string): string {
    if (text.length <= previewLengthMax) return text;
    this.#losses.add("what a tool was given or said, behind 200 characters");
    return text.slice(0, previewLengthMax);
  }
}

function withNumber(text: string, number: number): string {
  const member = topLevelMembers(text).findLast((at) => JSON.parse(text.slice(at.keyStart, at.keyEnd)) === "seq");
  if (member === undefined) return text;
  return `${text.slice(0, member.valueStart)}${number}${text.slice(member.valueEnd)}`;
}

/** OmegaLLM's {@linkcode FormatWriter}. */
export const omegaWriter: FormatWriter = {
  name: "omega",
  title: "OmegaLLM's log and index",
  extension: ".jsonl",
  directory: "sessions",
  losses: [
    "Records that are no messages, unless they are Omega's own events; title, workspace, summary; a key that is no " +
    "plain name.",
    "Of other programs' messages: messages of the system, thoughts, pictures, attached files, the ids of calls, what a " +
    "tool was given or said behind 200 characters, whether it failed, branches that were left.",
  ],
  wantsBranch: true,
  open: (facts, options) => new OmegaWriter(facts, options),
};

/**
 * codetether, written: one JSON document, its members in codetether's order, and the files beside it that came from
 * one. Messages of codetether's go as they stand, and what its document held beside them comes back as it was; messages
 * of other programs are put into its parts.
 *
 * The document is written piece by piece. What stood behind the messages (`pages`, `tool_uses`) is held in memory.
 *
 * @module
 */
import { indentJson, jsonElements } from "../log/json_layout.ts";
import { type JsonObject, parseObject } from "../log/json_text.ts";
import { isRfc3339 } from "../store/picoclaw_message.ts";
import { listOf, objectOf } from "./fact_values.ts";
import { isFileId } from "./file_id.ts";
import { writeJsonLine } from "./jsonl.ts";
import { LossCount } from "./loss_count.ts";
import type { MessagePart } from "./message_parts.ts";
import type { MessageView } from "./message_view.ts";
import type {
  FormatWriter,
  RecordPlace,
  SessionFacts,
  SessionWriter,
  WriterOptions,
  WrittenFile,
  WrittenRecord,
} from "./session_format.ts";
import { isSideRecord } from "./side_record.ts";
import { countLostFacts, imageUrl, writableMessage } from "./written_message.ts";

const neverTime = "1970-01-01T00:00:00Z";
const noUsage = '{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"cache_read_tokens":null,' +
  '"cache_write_tokens":null}';
const ownRoles = new Set(["system", "developer", "user", "assistant", "tool"]);
/** Of each of codetether's parts the fields that its reader asks for. */
const ownParts: Readonly<Record<string, readonly string[]>> = {
  text: ["text"],
  image: ["url"],
  file: ["path"],
  "tool_call": ["id", "name", "arguments"],
  "tool_result": ["tool_call_id", "content"],
  thinking: ["text"],
};

/** Where each of the files beside a session is. */
const sideFiles: Readonly<Record<string, { path: (stem: string) => string; isLines: boolean }>> = {
  journal: { path: (stem) => `${stem}.journal.jsonl`, isLines: true },
  tasks: { path: (stem) => `${stem}.tasks.jsonl`, isLines: true },
  checkpoint: { path: (stem) => `${stem}.checkpoint.json`, isLines: false },
  recall: { path: (stem) => `recall/sessions/${stem}.json`, isLines: false },
  thread: { path: (stem) => `../threads/${stem}.jsonl`, isLines: true },
};

/**
 * Whether codetether's reader takes a record for a message.
 *
 * @param record The record, decoded.
 * @returns True where every part has what its kind needs.
 */
export function isCodetetherMessage(record: JsonObject): boolean {
  const { role, content } = record;
  if (typeof role !== "string" || !ownRoles.has(role) || !Array.isArray(content)) return false;
  return content.every((value: unknown) => {
    const part = objectOf(value);
    const { type } = part;
    const fields = typeof type === "string" && Object.hasOwn(ownParts, type) ? ownParts[type] : undefined;
    return fields !== undefined && fields.every((name) => typeof part[name] === "string");
  });
}

class CodetetherWriter implements SessionWriter {
  readonly #facts: SessionFacts;
  readonly #options: WriterOptions;
  readonly #losses = new LossCount();
  readonly #pages: string[] = [];

  constructor(facts: SessionFacts, options: WriterOptions) {
    this.#facts = facts;
    this.#options = options;
    countLostFacts(facts, this.#losses, ["title", "workspace"]);
    if (options.stem !== facts.key) this.#losses.add("the key, which is no plain name");
  }

  begin(): string {
    const { title, createdAt = neverTime, updatedAt = createdAt } = this.#facts;
    const members = [
      ["id", JSON.stringify(this.#options.stem)],
      ["title", title === undefined ? this.#side("title") ?? "null" : JSON.stringify(title)],
      ["created_at", this.#side("created_at") ?? JSON.stringify(createdAt)],
      ["updated_at", this.#unchanged("updated_at") ?? JSON.stringify(isRfc3339(updatedAt) ? updatedAt : createdAt)],
      ["metadata", this.#metadata()],
      ["agent", this.#side("agent") ?? '"build"'],
    ];
    return `{${members.map(([name, text]) => `"${name}":${text}`).join(",")},"messages":[`;
  }

  write(text: string, place: RecordPlace): WrittenRecord {
    const parsed = parseObject(text);
    if (!isSideRecord(text) && !("reason" in parsed) && isCodetetherMessage(parsed.value)) {
      const { content, role } = parsed.value;
      const hasResult = role === "tool" || listOf(content).some((part) => objectOf(part)["type"] === "tool_result");
      return this.#written([[text.trim(), hasResult]]);
    }
    const message = writableMessage(text, place, this.#losses, "codetether");
    if (message === undefined) return { kind: "aside" };
    return this.#written(this.#messages(message));
  }

  end(): string {
    const pages = [...jsonElements(this.#side("pages") ?? "[]").slice(0, this.#pages.length)];
    pages.push(...this.#pages.slice(pages.length));
    const uses = [...this.#options.sides].filter(([name]) => name.startsWith("session/tool_uses/"));
    const own = new Set(["id", "title", "created_at", "updated_at", "metadata", "agent", "pages", "summary_index"]);
    // What a later version added is not known here, and goes back where it was: behind the rest.
    const others = [...this.#options.sides].flatMap(([name, text]) => {
      const member = name.slice("session/".length);
      if (!name.startsWith("session/") || own.has(member) || member === "usage" || member.includes("/")) return [];
      return [`,${JSON.stringify(member)}:${text}`];
    });
    return `],"pages":[${pages.join(",")}],` +
      `"summary_index":${this.#side("summary_index") ?? '{"tree":[],"generation":0,"lru_order":[]}'},` +
      `"tool_uses":[${uses.map(([, text]) => text).join(",")}],"usage":${this.#side("usage") ?? noUsage}` +
      `${others.join("")}}`;
  }

  files(): readonly WrittenFile[] {
    const { sides, stem } = this.#options;
    return Object.entries(sideFiles).flatMap(([part, { path, isLines }]) => {
      const entries = [...sides].filter(([name]) => name.startsWith(`${part}/`));
      if (entries.length === 0) return [];
      const text = isLines
        ? entries.map(([, value]) => writeJsonLine(value)).join("")
        : indentJson(`{${entries.map(([name, value]) => `${JSON.stringify(name.slice(part.length + 1))}:${value}`)}}`);
      return [{ path: path(stem), text }];
    });
  }

  lost(): readonly string[] {
    return this.#losses.list();
  }

  #side(name: string): string | undefined {
    return this.#options.sides.get(`session/${name}`);
  }

  /** What the document said, as long as the session has not gone on since. */
  #unchanged(name: string): string | undefined {
    return this.#options.isContinued ? undefined : this.#side(name);
  }

  /** Members that are not written here have defaults in codetether. */
  #metadata(): string {
    const { workspace } = this.#facts;
    const side = this.#side("metadata");
    if (side !== undefined) return side;
    return JSON.stringify({
      directory: workspace ?? null,
      model: null,
      knowledge_snapshot: null,
      provenance: null,
      auto_apply_edits: false,
      allow_network: false,
      slash_autocomplete: true,
      use_worktree: true,
      shared: false,
      share_url: null,
    });
  }

  #written(messages: readonly (readonly [text: string, hasResult: boolean])[]): WrittenRecord {
    let text = "";
    for (const [message, hasResult] of messages) {
      text += (this.#pages.length > 0 ? "," : "") + message;
      this.#pages.push(hasResult ? '"evidence"' : '"conversation"');
    }
    return { kind: "line", text, count: messages.length };
  }

  /** Results of tools are messages of their own, in front of what else was said. */
  #messages({ role, parts }: MessageView): [string, boolean][] {
    const messages: [string, boolean][] = [];
    const results = parts.filter(({ kind }) => kind === "result").flatMap((part) => this.#parts(part));
    if (results.length > 0) messages.push([JSON.stringify({ role: "tool", content: results }), true]);
    const rest = parts.filter(({ kind }) => kind !== "result").flatMap((part) => this.#parts(part));
    // What stands beside results under a tool's name would be taken for one more.
    const name = role === "tool" ? "user" : role;
    if (rest.length > 0 || results.length === 0) messages.push([JSON.stringify({ role: name, content: rest }), false]);
    return messages;
  }

  #parts(part: MessagePart): object[] {
    switch (part.kind) {
      case "text":
        return [{ type: "text", text: part.text }];
      case "thinking": {
        const { text, signature } = part;
        return [{ type: "thinking", text, ...(signature === undefined ? {} : { signature }) }];
      }
      case "call":
        return [{ type: "tool_call", id: part.id, name: part.name, arguments: part.input }];
      case "result":
        if (part.isError) this.#losses.add("that a tool failed");
        if (part.images.length > 0) this.#losses.add("a picture in a tool's result");
        return [{ type: "tool_result", tool_call_id: part.id, content: part.text }];
      case "image":
        return [{ type: "image", url: imageUrl(part), mime_type: part.mimeType === "" ? null : part.mimeType }];
      case "file":
        return [{ type: "file", path: part.name, mime_type: part.mimeType === "" ? null : part.mimeType }];
      case "other":
        this.#losses.add("a remark, or a part of an unknown kind");
        return [];
    }
  }
}

/** codetether's {@linkcode FormatWriter}. */
export const codetetherWriter: FormatWriter = {
  name: "codetether",
  title: "codetether's session document",
  extension: ".json",
  directory: "sessions",
  losses: [
    "Records that are no messages; the summary; a key that is no plain name.",
    "Of other programs' messages: their times and ids, which model spoke, that a tool failed, pictures in a tool's " +
    "result, parts of unknown kinds, branches that were left.",
  ],
  wantsBranch: true,
  open: (facts, options) => {
    if (!isFileId(options.stem)) throw new RangeError(`codetether's id cannot be ${JSON.stringify(options.stem)}`);
    return new CodetetherWriter(facts, options);
  },
};

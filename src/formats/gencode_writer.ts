/**
 * gencode, written: a start, an event per message, and at the end one patch of the state with the title. gencode's own
 * events go as they stand, with the session's id; messages of other programs become `message.appended`, each behind the
 * one before.
 *
 * Where files can be written beside it, tool results of more than 100,000 bytes go to files under `blobs/`, written
 * before the event that names them, and the session gets its entry in the project's index.
 *
 * @module
 */
import { isJsonObject, type JsonObject, parseObject, topLevelMembers } from "../log/json_text.ts";
import { indentJson } from "../log/json_layout.ts";
import { isRfc3339 } from "../store/picoclaw_message.ts";
import { listOf, objectOf, textOf } from "./fact_values.ts";
import { isFileId } from "./file_id.ts";
import { writeJsonLine } from "./jsonl.ts";
import { LossCount } from "./loss_count.ts";
import type { ImagePart, MessagePart } from "./message_parts.ts";
import type { MessageView } from "./message_view.ts";
import type {
  FormatWriter,
  RecordPlace,
  SessionFacts,
  SessionWriter,
  WriterOptions,
  WrittenBlob,
  WrittenFile,
  WrittenRecord,
} from "./session_format.ts";
import { replaceStrings } from "./string_literals.ts";
import { countLostFacts, inputObjectText, writableMessage } from "./written_message.ts";

const eventType = new RegExp(
  "^(?:(?:transcript|session)\\.(?:started|forked|compacted)|message\\.appended|(?:session\\.)?state\\.patched|" +
    "inference\\.(?:requested|responded)|system\\.section\\.(?:added|removed)|tools?\\.(?:added|removed))$",
);
/** Larger results go to files; so much of them stays in front of the marker. */
const resultBytesMax = 100_000;
const previewBytes = 10_000;
const neverTime = "1970-01-01T00:00:00Z";

/** The two vocabularies, by what their records call the session. */
type IdName = "transcriptId" | "sessionId";

class GencodeWriter implements SessionWriter {
  readonly #facts: SessionFacts;
  readonly #options: WriterOptions;
  readonly #losses = new LossCount();
  #idName: IdName | undefined;
  #hasTitle = false;
  #lastId: string | undefined;
  #lastTime: string;
  #lastPrompt = "";
  #messageCount = 0;

  constructor(facts: SessionFacts, options: WriterOptions) {
    this.#facts = facts;
    this.#options = options;
    this.#lastTime = facts.createdAt ?? neverTime;
    countLostFacts(facts, this.#losses, ["title", "workspace"]);
    if (options.stem !== facts.key) this.#losses.add("the key, which is no plain name");
  }

  begin(): string {
    return "";
  }

  write(text: string, place: RecordPlace): WrittenRecord {
    const parsed = parseObject(text);
    const { type, transcriptId, sessionId } = "reason" in parsed ? {} : parsed.value;
    if (!("reason" in parsed) && typeof type === "string" && eventType.test(type)) {
      const isStart = type.endsWith(".started");
      const idName = textOf(transcriptId) === undefined && textOf(sessionId) !== undefined
        ? "sessionId"
        : "transcriptId";
      return this.#event(text, parsed.value, isStart ? this.#choose(idName) : this.#start(idName));
    }
    const message = writableMessage(text, place, this.#losses, "gencode");
    if (message === undefined) return { kind: "aside" };
    const start = this.#start("transcriptId");
    const { line, blobs } = this.#message(message, place);
    return { kind: "line", text: start + line, blobs };
  }

  end(): string {
    const start = this.#start("transcriptId");
    const { title } = this.#facts;
    if (title === undefined || this.#hasTitle) return start;
    const ops = [["title", title], ["lastPrompt", this.#lastPrompt], ["tag", ""], ["mode", ""]]
      .map(([path, value]) => ({ path, value }));
    return start + this.#line("state:holdfast", "state.patched", this.#lastTime, `"state":${JSON.stringify({ ops })}`);
  }

  files(): readonly WrittenFile[] {
    const entry = {
      transcriptId: this.#options.stem,
      fullPath: `transcripts/${this.#options.stem}.jsonl`,
      createdAt: this.#facts.createdAt ?? neverTime,
      updatedAt: this.#lastTime,
      title: this.#facts.title,
      lastPrompt: this.#lastPrompt === "" ? undefined : this.#lastPrompt,
      messageCount: this.#messageCount,
    };
    const projectId = (this.#facts.workspace ?? "").replaceAll("/", "-");
    const merge = (existing: string): string => mergedIndex(existing, entry, projectId);
    return [{ path: "../transcripts-index.json", text: merge(""), merge, isShared: true }];
  }

  lost(): readonly string[] {
    return this.#losses.list();
  }

  /** The vocabulary is that of the first event that has one. */
  #choose(idName: IdName): string {
    this.#idName ??= idName;
    return "";
  }

  #start(idName: IdName): string {
    if (this.#idName !== undefined) return "";
    this.#idName = idName;
    const own = idName === "transcriptId" ? ["transcript.started", "system"] : ["session.started", "session"];
    return this.#line("start", own[0] ?? "", this.#lastTime, `"${own[1]}":{}`);
  }

  #line(id: string, type: string, time: string, rest: string, parentId?: string): string {
    const { stem } = this.#options;
    const head = JSON.stringify({ id: `${stem}:${id}`, [this.#idName ?? "transcriptId"]: stem, time, type, parentId });
    const { workspace } = this.#facts;
    const cwd = workspace === undefined ? "" : `"cwd":${JSON.stringify(workspace)},`;
    return `${head.slice(0, -1)},${cwd}${rest}}\n`;
  }

  /** An event of gencode's, as it stands but for the session's id; large results go back to their files. */
  #event(text: string, event: JsonObject, start: string): WrittenRecord {
    const { time, type, message, state } = event;
    if (isRfc3339(time)) this.#lastTime = time;
    for (const op of type === "state.patched" ? listOf(objectOf(state)["ops"]) : []) {
      if (objectOf(op)["path"] === "title") this.#hasTitle = objectOf(op)["value"] === this.#facts.title;
    }
    const blobs: WrittenBlob[] = [];
    let line = withId(text, event, this.#options.stem, this.#idName ?? "transcriptId");
    if (type === "message.appended") {
      this.#count(textOf(objectOf(message)["messageId"]));
      const moved = new Map<string, string>();
      for (const block of listOf(objectOf(message)["content"])) {
        const { type: kind, tool_use_id: id, content } = objectOf(block);
        if (kind !== "tool_result" || typeof id !== "string") continue;
        const texts = listOf(content).map((part) => objectOf(part)["text"]).filter((part) => typeof part === "string");
        const [result] = texts;
        if (texts.length === 1 && result !== undefined) {
          const shown = this.#resultText(id, result, blobs);
          if (shown !== result) moved.set(result, shown);
        }
      }
      if (moved.size > 0) line = replaceStrings(line, (string) => moved.get(string));
    }
    return { kind: "line", text: start + writeJsonLine(line), blobs };
  }

  #count(id: string | undefined): void {
    this.#lastId = id ?? this.#lastId;
    this.#messageCount++;
  }

  #message({ role, id, time = this.#lastTime, parts }: MessageView, { sequence }: RecordPlace): {
    line: string;
    blobs: WrittenBlob[];
  } {
    const messageId = `${id ?? "m"}-${sequence}`;
    const parentId = this.#lastId;
    this.#lastTime = time;
    this.#count(messageId);
    const [first] = parts;
    if (role === "user" && first?.kind === "text") this.#lastPrompt = first.text.slice(0, 200);
    const blobs: WrittenBlob[] = [];
    const blocks = parts.flatMap((part) => this.#block(part, blobs));
    // Results are the user's in gencode, as in the interface of its models.
    const name = role === "tool" ? "user" : role;
    const body = `{"messageId":${JSON.stringify(messageId)},"role":"${name}","content":[${blocks.join(",")}]}`;
    return { line: this.#line(messageId, "message.appended", time, `"message":${body}`, parentId), blobs };
  }

  #block(part: MessagePart, blobs: WrittenBlob[]): string[] {
    switch (part.kind) {
      case "text":
        return [JSON.stringify({ type: "text", text: part.text })];
      case "thinking":
        return [JSON.stringify({ type: "thinking", thinking: part.text, signature: part.signature ?? "" })];
      case "call": {
        const head = JSON.stringify({ type: "tool_use", id: part.id, name: part.name });
        return [`${head.slice(0, -1)},"input":${inputObjectText(part)}}`];
      }
      case "result": {
        const text = this.#resultText(part.id, part.text, blobs);
        const content = [JSON.stringify({ type: "text", text }), ...part.images.flatMap((image) => this.#image(image))];
        const head = JSON.stringify({ type: "tool_result", tool_use_id: part.id });
        return [`${head.slice(0, -1)},"content":[${content.join(",")}],"is_error":${part.isError}}`];
      }
      case "image":
        return this.#image(part);
      case "file":
        this.#losses.add("a file that was attached");
        return [];
      case "other":
        this.#losses.add("a remark, or a part of an unknown kind");
        return [];
    }
  }

  #image({ data, mimeType }: ImagePart): string[] {
    if (data !== undefined) {
      return [JSON.stringify({ type: "image", source: { type: "base64", media_type: mimeType, data } })];
    }
    this.#losses.add("a picture by its address");
    return [];
  }

  /** What stands in the event of a tool's result. */
  #resultText(id: string, text: string, blobs: WrittenBlob[]): string {
    const { hasFiles, stem } = this.#options;
    if (!hasFiles || !isFileId(id) || !isFileId(stem) || text.length <= resultBytesMax / 4) return text;
    const bytes = new TextEncoder().encode(text);
    if (bytes.length <= resultBytesMax) return text;
    const path = `blobs/tool-result/${stem}/${id}`;
    blobs.push({ path: `../${path}`, text });
    // A character that the cut went through is left out.
    const preview = new TextDecoder().decode(bytes.subarray(0, previewBytes), { stream: true });
    return `${preview}\n\n[Full output persisted to ${path}]`;
  }
}

/** The event with this session's id: it may have come under another key, or from a transcript without ids. */
function withId(text: string, event: JsonObject, id: string, idName: IdName): string {
  for (const name of ["transcriptId", "sessionId"]) {
    if (event[name] === id) return text;
    const member = topLevelMembers(text).findLast((at) => JSON.parse(text.slice(at.keyStart, at.keyEnd)) === name);
    if (member !== undefined) {
      return text.slice(0, member.valueStart) + JSON.stringify(id) + text.slice(member.valueEnd);
    }
  }
  const end = text.lastIndexOf("}");
  return `${text.slice(0, end)},"${idName}":${JSON.stringify(id)}}`;
}

/** The index with this session's entry in it, the newest first, as gencode lists them; the others as they were. */
function mergedIndex(existing: string, entry: { transcriptId: string; updatedAt: string }, projectId: string): string {
  const parsed = parseObject(existing);
  const index = "reason" in parsed ? {} : parsed.value;
  const others = listOf(index["entries"]).filter((other) =>
    isJsonObject(other) && other["transcriptId"] !== entry.transcriptId
  );
  const entries = [...others, entry].sort((one, other) => timeMs(other) - timeMs(one));
  return indentJson(JSON.stringify({ version: 1, projectId: textOf(index["projectId"]) ?? projectId, entries }));
}

function timeMs(entry: unknown): number {
  const time = Date.parse(textOf(objectOf(entry)["updatedAt"]) ?? "");
  return Number.isNaN(time) ? 0 : time;
}

/** gencode's {@linkcode FormatWriter}. */
export const gencodeWriter: FormatWriter = {
  name: "gencode",
  title: "gencode's transcript",
  extension: ".jsonl",
  directory: "transcripts",
  losses: [
    "Records that are no messages, unless they are gencode's own events; the summary; a key that is no plain name.",
    "Of other programs' messages: attached files, pictures by address, parts of unknown kinds, branches that were left; " +
    "an input of a tool that is no object becomes one.",
    "Beside a single file, or to stdout, large results stand in their events, and the index is left to gencode.",
  ],
  wantsBranch: true,
  open: (facts, options) => new GencodeWriter(facts, options),
};

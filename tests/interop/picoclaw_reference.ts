// deno-lint-ignore-file camelcase -- the names are picoclaw's
/**
 * picoclaw's session store, as far as its files go: a reader and a writer written from a description of its format and
 * behaviour, defects included, and sharing nothing with `src/`. It says what picoclaw makes of a directory that
 * Holdfast wrote, and makes directories that Holdfast must open.
 *
 * Everything is synchronous and nothing is synced: a crash is a call that ends early (`crashAfterMeta` and the like),
 * and {@linkcode PicoclawReference.appendTorn}.
 *
 * @module
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  always,
  integer,
  list,
  marshal,
  marshalIndent,
  omitEmpty,
  raw,
  struct,
  text,
  time,
  unmarshal,
  zeroTime,
} from "./go_json.ts";

/** A message. Fields that picoclaw does not know are lost whenever it writes. */
export interface PicoclawMessage {
  role: string;
  content: string;
  model_name?: string;
  created_at?: string;
  media?: string[];
  attachments?: { type?: string; ref?: string; url?: string; filename?: string; content_type?: string }[];
  reasoning_content?: string;
  system_parts?: { type: string; text: string; cache_control?: { type: string } }[];
  tool_calls?: PicoclawToolCall[];
  tool_call_id?: string;
}

/** A tool call in a {@linkcode PicoclawMessage}. */
export interface PicoclawToolCall {
  id: string;
  type?: string;
  function?: { name: string; arguments: string; thought_signature?: string };
  extra_content?: { google?: { thought_signature?: string }; tool_feedback_explanation?: string };
}

/** The meta file. `scope` is JSON text, as it stands in the file. */
export interface PicoclawMeta {
  key: string;
  summary: string;
  skip: number;
  count: number;
  created_at: string;
  updated_at: string;
  scope?: string;
  aliases?: string[];
}

const toolCallShape = struct(
  always("id", text),
  omitEmpty("type", text),
  omitEmpty("function", struct(always("name", text), always("arguments", text), omitEmpty("thought_signature", text))),
  omitEmpty(
    "extra_content",
    struct(
      omitEmpty("google", struct(omitEmpty("thought_signature", text))),
      omitEmpty("tool_feedback_explanation", text),
    ),
  ),
);

const messageShape = struct(
  always("role", text),
  always("content", text),
  omitEmpty("model_name", text),
  omitEmpty("created_at", time),
  omitEmpty("media", list(text)),
  omitEmpty(
    "attachments",
    list(struct(...["type", "ref", "url", "filename", "content_type"].map((name) => omitEmpty(name, text)))),
  ),
  omitEmpty("reasoning_content", text),
  omitEmpty(
    "system_parts",
    list(struct(always("type", text), always("text", text), omitEmpty("cache_control", struct(always("type", text))))),
  ),
  omitEmpty("tool_calls", list(toolCallShape)),
  omitEmpty("tool_call_id", text),
);

const metaShape = struct(
  always("key", text),
  always("summary", text),
  always("skip", integer),
  always("count", integer),
  always("created_at", time),
  always("updated_at", time),
  omitEmpty("scope", raw),
  omitEmpty("aliases", list(text)),
);

const legacyShape = struct(
  always("key", text),
  always("messages", list(messageShape)),
  omitEmpty("summary", text),
  always("created", time),
  always("updated", time),
);

/** The size of the scanner's largest buffer: a line and its line feed must fit into it. */
const scannerBytesMax = 10 * 1024 * 1024;

/** A store of picoclaw's over one directory. Errors that picoclaw returns are thrown; what it logs is in `log`. */
export class PicoclawReference {
  /** What picoclaw would have logged. */
  readonly log: string[] = [];
  readonly directory: string;
  readonly #now: () => string;

  /** Makes the directory. No recovery, no sweep of temporary files, no lock. */
  constructor(directory: string, options: { now?: () => string } = {}) {
    this.directory = directory;
    this.#now = options.now ?? (() => new Date().toISOString());
    mkdirSync(directory, { recursive: true, mode: 0o755 });
  }

  /** The file name without its extension: nothing but `:`, `/` and `\` is replaced. */
  static sanitize(key: string): string {
    return key.replace(/[:/\\]/g, "_");
  }

  /** Where a session's log is. */
  logPath(key: string): string {
    return join(this.directory, `${PicoclawReference.sanitize(key)}.jsonl`);
  }

  /** Where a session's meta file is. */
  metaPath(key: string): string {
    return join(this.directory, `${PicoclawReference.sanitize(key)}.meta.json`);
  }

  /** Appends one line, then renews the meta file. An unreadable meta file throws after the line was written. */
  addMessage(key: string, message: PicoclawMessage, options: { crashAfterAppend?: boolean } = {}): void {
    if (isTransientThought(message)) return;
    const now = this.#now();
    appendFileSync(this.logPath(key), this.#encode(message, now) + "\n", { mode: 0o644 });
    if (options.crashAfterAppend === true) return;
    const meta = this.#readMeta(key);
    if (meta.count === 0 && meta.created_at === zeroTime) meta.created_at = now;
    this.#writeMeta(key, { ...meta, count: meta.count + 1, updated_at: now });
  }

  /** Appends the first bytes of a message's line, as a power cut leaves them. */
  appendTorn(key: string, message: PicoclawMessage, bytes: number): void {
    const line = Buffer.from(this.#encode(message, this.#now()) + "\n");
    appendFileSync(this.logPath(key), line.subarray(0, bytes));
  }

  /** The messages behind `skip`. */
  getHistory(key: string): PicoclawMessage[] {
    return this.#readActive(key, this.#readMeta(key).skip).map(({ message }) => message);
  }

  /** The summary, `""` if there is none. */
  getSummary(key: string): string {
    return this.#readMeta(key).summary;
  }

  /** Sets the summary; makes the session if there is none. */
  setSummary(key: string, summary: string): void {
    this.#writeMeta(key, { ...this.#stamped(key), summary, updated_at: this.#now() });
  }

  /** Hides all but the last `keepLast` messages. Writes the meta file in any case. */
  truncateHistory(key: string, keepLast: number): void {
    const meta = this.#stamped(key);
    const count = this.#rawLines(key).length;
    let skip = Math.min(meta.skip, count);
    const active = this.#readActive(key, skip);
    if (keepLast <= 0 || active.length === 0) skip = count;
    else if (keepLast < active.length) skip = active[active.length - keepLast]?.line ?? count;
    this.#writeMeta(key, { ...meta, skip, count, updated_at: this.#now() });
  }

  /** Puts other messages in the place of all: the meta file first, then the log. */
  setHistory(key: string, messages: readonly PicoclawMessage[], options: { crashAfterMeta?: boolean } = {}): void {
    const now = this.#now();
    const kept = messages.filter((message) => !isTransientThought(message));
    this.#writeMeta(key, { ...this.#stamped(key), skip: 0, count: kept.length, updated_at: now });
    if (options.crashAfterMeta === true) return;
    this.#replaceFile(this.logPath(key), kept.map((message) => this.#encode(message, now) + "\n").join(""));
  }

  /** Removes what is hidden, and corrupt lines with it: the meta file first, then the log. */
  compact(key: string, options: { crashAfterMeta?: boolean } = {}): void {
    const meta = this.#readMeta(key);
    if (meta.skip === 0) return;
    const active = this.#readActive(key, meta.skip);
    this.#writeMeta(key, { ...meta, skip: 0, count: active.length, updated_at: this.#now() });
    if (options.crashAfterMeta === true) return;
    const lines = active.map(({ message }) => marshal(message, messageShape) + "\n");
    this.#replaceFile(this.logPath(key), lines.join(""));
  }

  /** The keys that stand in readable meta files, in the order of the directory. */
  listSessions(): string[] {
    return this.#readableMetas().map((meta) => meta.key);
  }

  /** Scope, aliases and the rest; undefined where there is no meta file. */
  getSessionMeta(key: string): PicoclawMeta | undefined {
    return existsSync(this.metaPath(key)) ? this.#readMeta(key) : undefined;
  }

  /** Sets scope (JSON text) and aliases (trimmed, without doubles and the key itself); the times stay. */
  upsertSessionMeta(key: string, facts: { scope?: string; aliases?: readonly string[] }): void {
    const trimmed = (facts.aliases ?? []).map((alias) => alias.trim());
    const aliases = [...new Set(trimmed)].filter((alias) => alias !== "" && alias !== key);
    const { scope: _scope, ...meta } = this.#stamped(key);
    this.#writeMeta(key, { ...meta, aliases, ...(facts.scope === undefined ? {} : { scope: facts.scope }) });
  }

  /** The session that a key or an alias stands for. Plain keys of a session are taken at once; else an alias wins. */
  resolveSessionKey(key: string): string | undefined {
    const direct = existsSync(this.metaPath(key));
    if (direct && !/[:/\\]/.test(key)) return key;
    const owner = this.#readableMetas().find((meta) => meta.aliases?.includes(key) === true);
    return owner?.key ?? (direct ? key : undefined);
  }

  /** What the web interface does to delete a session, without any lock. */
  deleteSession(key: string): void {
    rmSync(this.logPath(key), { force: true });
    rmSync(this.metaPath(key), { force: true });
  }

  /** Takes over every `*.json` that is no meta file, overwriting what is there, and renames it. Returns their number. */
  migrateFromJson(): number {
    let migrated = 0;
    for (const name of readdirSync(this.directory)) {
      if (!name.endsWith(".json") || name.endsWith(".meta.json")) continue;
      const path = join(this.directory, name);
      let legacy: { key: string; messages: PicoclawMessage[]; summary?: string };
      try {
        // Checked by the shape, field by field.
        legacy = unmarshal(readFileSync(path, "utf8"), legacyShape) as typeof legacy;
      } catch (error) {
        this.log.push(`memory: migrate: skipping ${name}: ${String(error)}`);
        continue;
      }
      const key = legacy.key === "" ? name.slice(0, -".json".length) : legacy.key;
      this.setHistory(key, legacy.messages);
      if (legacy.summary !== undefined) this.setSummary(key, legacy.summary);
      renameSync(path, `${path}.migrated`);
      migrated++;
    }
    return migrated;
  }

  #encode(message: PicoclawMessage, now: string): string {
    return marshal({ ...message, created_at: message.created_at ?? now }, messageShape);
  }

  /** The lines that are not empty, in order. A line that does not fit into the scanner's buffer fails the whole read. */
  #rawLines(key: string): Uint8Array[] {
    const bytes = existsSync(this.logPath(key)) ? readFileSync(this.logPath(key)) : Buffer.alloc(0);
    const lines: Uint8Array[] = [];
    for (let start = 0; start < bytes.length;) {
      const feed = bytes.indexOf(0x0a, start);
      const end = feed === -1 ? bytes.length : feed;
      if (end - start >= scannerBytesMax) throw new Error("bufio.Scanner: token too long");
      const content = bytes.subarray(start, bytes[end - 1] === 0x0d && end > start ? end - 1 : end);
      if (content.length > 0) lines.push(content);
      start = end + 1;
    }
    return lines;
  }

  /** The messages behind the first `skip` raw lines, each with the number of raw lines before it. */
  #readActive(key: string, skip: number): { line: number; message: PicoclawMessage }[] {
    const active: { line: number; message: PicoclawMessage }[] = [];
    for (const [line, bytes] of this.#rawLines(key).entries()) {
      if (line < skip) continue;
      try {
        const json = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
        // Checked by the shape, field by field.
        const message = unmarshal(json, messageShape) as PicoclawMessage;
        if (!isTransientThought(message)) active.push({ line, message });
      } catch (error) {
        const file = `${PicoclawReference.sanitize(key)}.jsonl`;
        this.log.push(`memory: skipping corrupt line ${line + 1} in ${file}: ${String(error)}`);
      }
    }
    return active;
  }

  /** The meta file; that of a new session where there is none; throws where it is empty or damaged. */
  #readMeta(key: string): PicoclawMeta {
    if (!existsSync(this.metaPath(key))) {
      return { key, summary: "", skip: 0, count: 0, created_at: zeroTime, updated_at: zeroTime };
    }
    // Checked by the shape, field by field.
    return unmarshal(readFileSync(this.metaPath(key), "utf8"), metaShape) as PicoclawMeta;
  }

  #stamped(key: string): PicoclawMeta {
    const meta = this.#readMeta(key);
    if (meta.created_at === zeroTime) meta.created_at = this.#now();
    if (meta.updated_at === zeroTime) meta.updated_at = meta.created_at;
    return meta;
  }

  #writeMeta(key: string, meta: PicoclawMeta): void {
    this.#replaceFile(this.metaPath(key), marshalIndent(meta, metaShape));
  }

  #replaceFile(path: string, content: string): void {
    const temporary = join(this.directory, `.tmp-${process.pid}-${process.hrtime.bigint()}`);
    writeFileSync(temporary, content, { mode: 0o644 });
    renameSync(temporary, path);
  }

  #readableMetas(): PicoclawMeta[] {
    const metas: PicoclawMeta[] = [];
    for (const name of readdirSync(this.directory)) {
      if (!name.endsWith(".meta.json")) continue;
      try {
        // Checked by the shape, field by field.
        metas.push(unmarshal(readFileSync(join(this.directory, name), "utf8"), metaShape) as PicoclawMeta);
      } catch (error) {
        this.log.push(`memory: skipping ${name}: ${String(error)}`);
      }
    }
    return metas;
  }
}

/** What picoclaw neither writes nor returns: an assistant's reasoning without anything said, done or attached. */
function isTransientThought(message: PicoclawMessage): boolean {
  const { role, content, reasoning_content = "", tool_calls = [], media = [], attachments = [] } = message;
  return role === "assistant" && content.trim() === "" && reasoning_content.trim() !== "" &&
    tool_calls.length === 0 && media.length === 0 && attachments.length === 0 &&
    (message.tool_call_id ?? "") === "";
}

// deno-lint-ignore-file camelcase -- the names are picoclaw's
/**
 * A directory of sessions that picoclaw and Holdfast use in turn, on the real file system.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type RecordObject, type Session, type SessionStore, type StoreEvent } from "../../mod.ts";
import { type PicoclawMessage, PicoclawReference } from "./picoclaw_reference.ts";

/** The session that most of these tests are about. */
export const sharedKey = "telegram:123";

/** What both programs see of a session, and where they do. */
export class SharedDirectory {
  readonly path: string;
  /** picoclaw, always up. */
  readonly theirs: PicoclawReference;
  /** What our store has told, over all of its openings. */
  readonly events: StoreEvent[] = [];
  #store: SessionStore | null = null;
  #seconds = 0;

  constructor(path: string) {
    this.path = path;
    this.theirs = new PicoclawReference(path, { now: () => this.#time() });
  }

  /** Our store; opened when it is first asked for, and after {@linkcode close}. */
  async store(): Promise<SessionStore> {
    this.#store ??= await openStore(this.path, { onEvent: (event) => this.events.push(event) });
    return this.#store;
  }

  /** A session of our store. */
  async ours(key: string = sharedKey): Promise<Session> {
    return await (await this.store()).session(key);
  }

  /** Ends our store: what picoclaw does afterwards, it does alone. */
  async close(): Promise<void> {
    const store = this.#store;
    this.#store = null;
    await store?.close();
  }

  /** The types of the events so far. */
  get eventTypes(): string[] {
    return this.events.map((event) => event.type);
  }

  logText(key: string = sharedKey): string {
    const path = this.theirs.logPath(key);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  metaText(key: string = sharedKey): string {
    return readFileSync(this.theirs.metaPath(key), "utf8");
  }

  /** Puts a log there, and a meta file with this `skip` unless told otherwise. */
  place(log: string | Uint8Array, skip: number | string | null = 0, key: string = sharedKey): void {
    writeFileSync(this.theirs.logPath(key), log);
    if (typeof skip === "string") writeFileSync(this.theirs.metaPath(key), skip);
    if (typeof skip === "number") writeFileSync(this.theirs.metaPath(key), picoclawMeta({ key, skip }));
  }

  /** What both see must be the same: history and summary. */
  async assertSameView(what: string, key: string = sharedKey): Promise<void> {
    const session = await this.ours(key);
    assert.deepEqual(await session.history(), this.theirs.getHistory(key), `history ${what}`);
    assert.equal((await (await this.store()).session(key)).summary, this.theirs.getSummary(key), `summary ${what}`);
  }

  #time(): string {
    const second = this.#seconds++;
    return new Date(Date.UTC(2026, 0, 2, 3, 4, second)).toISOString().replace(".000Z", ".000000006Z");
  }
}

/** A meta file as picoclaw writes it. */
export function picoclawMeta(facts: Record<string, unknown>): string {
  const time = "2026-01-02T03:04:05.000000006Z";
  const meta = { key: sharedKey, summary: "", skip: 0, count: 0, created_at: time, updated_at: time, ...facts };
  return JSON.stringify(meta, null, 2);
}

/** Runs `body` in a directory of its own. */
export async function withShared(body: (shared: SharedDirectory) => Promise<void>): Promise<void> {
  const parent = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-interop-")));
  const shared = new SharedDirectory(join(parent, "sessions"));
  try {
    await body(shared);
  } finally {
    await shared.close().catch(() => undefined);
    rmSync(parent, { recursive: true, force: true });
  }
}

/** A line of picoclaw's. */
export function said(content: string): string {
  return JSON.stringify(message(content));
}

/** A message of picoclaw's. */
export function message(content: string, role = "user"): PicoclawMessage & RecordObject {
  return { role, content };
}

/** What the messages of a history say. */
export function contentsOf(history: readonly { content?: unknown }[]): string[] {
  return history.map(({ content }) => String(content));
}

/** Every line of a text is a JSON object, with an LF behind it: a plain reader of lines is content (I21). */
export function assertPlainJsonLines(text: string, what: string): void {
  if (text === "") return;
  assert.ok(text.endsWith("\n"), `${what}: the last line has no end`);
  for (const line of text.slice(0, -1).split("\n")) {
    // Fill ahead, and the gap in front of what picoclaw appended behind it (C14).
    if (line === "") continue;
    const value: unknown = JSON.parse(line);
    assert.ok(typeof value === "object" && value !== null && !Array.isArray(value), `${what}: ${line}`);
  }
}

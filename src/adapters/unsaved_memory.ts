/**
 * An agent's memory where there is no disk to keep it on: gone with the process.
 *
 * @module
 */

import type { JsonObject } from "../log/json_text.ts";
import type { MemoryBackend, MemorySession, MemorySnapshot, MemoryTruncation } from "./memory_backend.ts";

/** Sessions in memory; nothing here fails. */
export class UnsavedMemory implements MemoryBackend {
  readonly #sessions = new Map<string, UnsavedSession>();

  /** {@inheritDoc MemoryBackend.resolve} */
  resolve(name: string): Promise<string> {
    const trimmed = name.trim();
    for (const [key, { aliases }] of this.#sessions) {
      if (key !== trimmed && aliases.includes(trimmed)) return Promise.resolve(key);
    }
    return Promise.resolve(trimmed);
  }

  /** {@inheritDoc MemoryBackend.session} */
  session(key: string): Promise<UnsavedSession> {
    const known = this.#sessions.get(key) ?? new UnsavedSession(key);
    this.#sessions.set(key, known);
    return Promise.resolve(known);
  }

  /** {@inheritDoc MemoryBackend.list} */
  list(): Promise<string[]> {
    return Promise.resolve([...this.#sessions.values()].filter(({ exists }) => exists).map(({ key }) => key));
  }

  /** {@inheritDoc MemoryBackend.promote} */
  async promote(alias: string, key: string): Promise<boolean> {
    const old = this.#sessions.get(alias);
    const session = await this.session(key);
    if (old === undefined || !old.exists || session.hasHistory) return false;
    session.takeOver(old);
    this.#sessions.delete(alias);
    return true;
  }

  /** {@inheritDoc MemoryBackend.close} */
  close(): Promise<void> {
    this.#sessions.clear();
    return Promise.resolve();
  }
}

/** One session in memory. */
class UnsavedSession implements MemorySession {
  readonly key: string;
  /** Other names of it. */
  aliases: readonly string[] = [];
  #texts: { sequence: number; text: string }[] = [];
  #sequenceNext = 0;
  #summary = "";
  #scope: unknown = null;

  constructor(key: string) {
    this.key = key;
  }

  /** Whether it ever had a message or a summary. */
  get hasHistory(): boolean {
    return this.#sequenceNext > 0 || this.#summary !== "";
  }

  /** Whether anything was ever set. */
  get exists(): boolean {
    return this.hasHistory || this.#scope !== null || this.aliases.length > 0;
  }

  /** {@inheritDoc MemorySession.add} */
  add(text: string): Promise<void> {
    this.#texts.push({ sequence: this.#sequenceNext++, text });
    return Promise.resolve();
  }

  /** {@inheritDoc MemorySession.snapshot} */
  snapshot(): Promise<MemorySnapshot> {
    const history = this.#texts.map(({ text }): JsonObject => JSON.parse(text));
    return Promise.resolve({ history, summary: this.#summary, asOf: this.#sequenceNext - 1 });
  }

  /** {@inheritDoc MemorySession.summary} */
  summary(): Promise<string> {
    return Promise.resolve(this.#summary);
  }

  /** {@inheritDoc MemorySession.setSummary} */
  setSummary(summary: string): Promise<void> {
    this.#summary = summary;
    return Promise.resolve();
  }

  /** {@inheritDoc MemorySession.setHistory} */
  async setHistory(history: readonly JsonObject[]): Promise<void> {
    this.#texts = [];
    for (const message of history) await this.add(JSON.stringify(message));
  }

  /** {@inheritDoc MemorySession.truncate} */
  truncate(keepLast: number, { summary, asOf = Infinity }: MemoryTruncation): Promise<void> {
    const counted = this.#texts.filter(({ sequence }) => sequence <= asOf).length;
    this.#texts.splice(0, Math.max(0, counted - Math.max(0, keepLast)));
    if (summary !== undefined) this.#summary = summary;
    return Promise.resolve();
  }

  /** {@inheritDoc MemorySession.save} */
  save(): Promise<void> {
    return Promise.resolve();
  }

  /** {@inheritDoc MemorySession.scope} */
  scope(): Promise<unknown> {
    return Promise.resolve(this.#scope);
  }

  /** {@inheritDoc MemorySession.describe} */
  describe(scope: unknown, aliases: readonly string[]): Promise<void> {
    this.#scope = scope ?? null;
    this.aliases = [...aliases];
    return Promise.resolve();
  }

  /** Begins with what another one holds. */
  takeOver(other: UnsavedSession): void {
    this.#texts = other.#texts;
    this.#sequenceNext = other.#sequenceNext;
    this.#summary = other.#summary;
  }
}

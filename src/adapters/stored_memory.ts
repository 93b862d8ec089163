/**
 * An agent's memory in a store.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { JsonObject } from "../log/json_text.ts";
import { isTransientThought } from "../store/picoclaw_message.ts";
import type { Session } from "../store/session.ts";
import type { SessionInfo } from "../store/session_info.ts";
import type { SessionStore } from "../store/session_store.ts";
import type { MemoryBackend, MemorySession, MemorySnapshot, MemoryTruncation } from "./memory_backend.ts";

/** More names than this are not remembered at a time; those beyond are looked up again. */
const namesMax = 4096;

/** Sessions in a store. */
export class StoredMemory implements MemoryBackend {
  readonly #store: SessionStore;
  readonly #compacts: boolean;
  /** What names stood for when they were first asked for, or since they were set here. */
  readonly #names = new Map<string, string>();

  /**
   * Creates it.
   *
   * @param store The store, which {@linkcode StoredMemory.close} closes.
   * @param compacts Whether saving takes hidden records out of the log.
   */
  constructor(store: SessionStore, compacts: boolean) {
    this.#store = store;
    this.#compacts = compacts;
  }

  /** {@inheritDoc MemoryBackend.resolve} */
  async resolve(name: string): Promise<string> {
    const trimmed = name.trim();
    // As for picoclaw: only a key that is made of parts can be the name of a session with another key.
    if (!/[:/\\]/.test(trimmed) && await this.#store.has(trimmed)) return trimmed;
    const known = this.#names.get(trimmed);
    if (known !== undefined) return known;
    const found = await this.#store.resolve(trimmed, { aliasesFirst: true }) ?? trimmed;
    if (this.#names.size === namesMax) this.#names.clear();
    this.#names.set(trimmed, found);
    return found;
  }

  /** {@inheritDoc MemoryBackend.session} */
  async session(key: string): Promise<MemorySession> {
    // Names that are no longer its aliases stand for something else again.
    return new StoredSession(await this.#store.session(key), this.#compacts, () => this.#names.clear());
  }

  /** {@inheritDoc MemoryBackend.list} */
  async list(): Promise<string[]> {
    return (await this.#store.list()).map(({ key }) => key);
  }

  /** {@inheritDoc MemoryBackend.promote} */
  async promote(alias: string, key: string): Promise<boolean> {
    return await this.#store.promote(alias, key);
  }

  /** {@inheritDoc MemoryBackend.close} */
  async close(): Promise<void> {
    await this.#store.close();
  }
}

/** One session in a store. */
class StoredSession implements MemorySession {
  readonly key: string;
  readonly #session: Session;
  readonly #compacts: boolean;
  readonly #described: () => void;

  constructor(session: Session, compacts: boolean, described: () => void) {
    this.key = session.key;
    this.#session = session;
    this.#compacts = compacts;
    this.#described = described;
  }

  /** {@inheritDoc MemorySession.add} */
  async add(text: string): Promise<void> {
    await this.#session.appendText(text);
  }

  /** {@inheritDoc MemorySession.snapshot} */
  async snapshot(): Promise<MemorySnapshot> {
    const session = this.#session;
    const snapshot: MemorySnapshot = { history: [], summary: await this.summary(), asOf: -1 };
    for await (const { sequence, record } of session.records()) {
      snapshot.asOf = sequence;
      if (!isTransientThought(record)) snapshot.history.push(record);
    }
    return snapshot;
  }

  /** {@inheritDoc MemorySession.summary} */
  async summary(): Promise<string> {
    const session = this.#session;
    // Whoever has it open for writing knows it; anybody else may have changed it.
    if (session.status !== "idle") return session.summary;
    return (await infoOf(session))?.summary ?? "";
  }

  /** {@inheritDoc MemorySession.setSummary} */
  async setSummary(summary: string): Promise<void> {
    await this.#session.setSummary(summary);
  }

  /** {@inheritDoc MemorySession.setHistory} */
  async setHistory(history: readonly JsonObject[]): Promise<void> {
    await this.#session.replace(history);
  }

  /** {@inheritDoc MemorySession.truncate} */
  async truncate(keepLast: number, options: MemoryTruncation): Promise<void> {
    const session = this.#session;
    let { asOf } = options;
    let records = 0;
    let retained = 0;
    if (keepLast > 0) {
      for await (const { sequence, record } of session.recordsBack()) {
        asOf ??= sequence;
        if (sequence > asOf) continue;
        records++;
        // What is not shown does not count.
        if (!isTransientThought(record) && ++retained === keepLast) break;
      }
    }
    const summary = options.summary === undefined ? {} : { summary: options.summary };
    await session.truncate(retained === 0 ? 0 : records, { ...summary, ...(asOf === undefined ? {} : { asOf }) });
  }

  /** {@inheritDoc MemorySession.save} */
  async save(): Promise<void> {
    const session = this.#session;
    await session.flush();
    if (!this.#compacts) return;
    const info = await infoOf(session);
    // Each record is copied at most once for each that is hidden: twice the writing, and at most twice the space.
    if (info !== null && info.records - info.active > info.active) await session.compact();
  }

  /** {@inheritDoc MemorySession.scope} */
  async scope(): Promise<unknown> {
    return (await this.#session.facts()).scope;
  }

  /** {@inheritDoc MemorySession.describe} */
  async describe(scope: unknown, aliases: readonly string[]): Promise<void> {
    await this.#session.update({ scope: scope ?? null, aliases });
    this.#described();
  }
}

async function infoOf(session: Session): Promise<SessionInfo | null> {
  try {
    return await session.info();
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "not-found") return null;
    throw error;
  }
}

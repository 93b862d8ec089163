/**
 * The memory of an agent loop. Internal to the entry point, `open_agent_memory.ts`, which says what it is for.
 *
 * @module
 */

import type { HoldfastError } from "../errors.ts";
import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import { isTransientThought } from "../store/picoclaw_message.ts";
import type { SessionStore } from "../store/session_store.ts";
import type {
  AgentMemoryCounters,
  AgentMemoryOutcome,
  AgentMemoryProblem,
  SummarizeOptions,
} from "./agent_memory_options.ts";
import { KeyTurns } from "./key_turns.ts";
import type { MemoryBackend, MemorySession, MemorySnapshot, MemoryTruncation } from "./memory_backend.ts";

/** Of so many keys it is remembered that a write failed; the handler is told of all. */
const unsavedMax = 1024;
/** What `save` answers for. */
const writes: ReadonlySet<string> = new Set([
  "addMessage",
  "addFullMessage",
  "setSummary",
  "setHistory",
  "truncateHistory",
  "summarize",
  "upsertSessionMeta",
  "promoteAliasHistory",
]);

/**
 * An agent's memory. Made by `openAgentMemory`. Every call resolves; calls for one key take effect in the order
 * in which they are made, also if nobody waits for them.
 */
export class AgentMemory {
  /** Why nothing is kept on the disk; null: everything is. */
  readonly degraded: HoldfastError | null;
  /** The store behind it; null while {@linkcode AgentMemory.degraded}. */
  readonly store: SessionStore | null;
  /** What was counted since it was opened. */
  readonly counters: AgentMemoryCounters = { messages: 0, thoughts: 0, errors: 0 };
  readonly #backend: MemoryBackend;
  readonly #tell: (problem: AgentMemoryProblem) => void;
  readonly #turns = new KeyTurns();
  /** By key: a write that failed since the last save. */
  readonly #unsaved = new Map<string, Error>();

  /**
   * For `openAgentMemory`.
   *
   * @param backend Where sessions are kept.
   * @param store The store, if they are kept in one.
   * @param degraded Why they are not.
   * @param tell Told of problems.
   */
  constructor(
    backend: MemoryBackend,
    store: SessionStore | null,
    degraded: HoldfastError | null,
    tell: (problem: AgentMemoryProblem) => void,
  ) {
    this.#backend = backend;
    this.store = store;
    this.degraded = degraded;
    this.#tell = tell;
    if (degraded !== null) this.#report("open", null, degraded);
  }

  /**
   * Adds a message.
   *
   * @param key The session's key, or an alias.
   * @param role Who says it: `user`, `assistant`, `tool`, `system`.
   * @param content What is said.
   */
  async addMessage(key: string, role: string, content: string): Promise<void> {
    await this.#add("addMessage", key, { role, content });
  }

  /**
   * Adds a message with all its fields: tool calls, reasoning, media. `created_at` is set where it is missing; a
   * thought of the assistant's that leads to nothing is left out.
   *
   * @param key The session's key, or an alias.
   * @param message The message.
   */
  async addFullMessage(key: string, message: JsonObject): Promise<void> {
    await this.#add("addFullMessage", key, message);
  }

  /**
   * The active messages.
   *
   * @param key The session's key, or an alias.
   * @returns Them in order; none if there is no such session, or it cannot be read.
   */
  async getHistory(key: string): Promise<JsonObject[]> {
    return (await this.#snapshot("getHistory", key)).history;
  }

  /**
   * The session at one moment: for a summary that takes time to make.
   *
   * @param key The session's key, or an alias.
   * @returns Messages, summary, and up to which record that goes; for {@linkcode AgentMemory.truncateHistory}.
   */
  async snapshot(key: string): Promise<MemorySnapshot> {
    return await this.#snapshot("snapshot", key);
  }

  /**
   * The summary of what is not in the history any more.
   *
   * @param key The session's key, or an alias.
   * @returns The summary; empty if there is none.
   */
  async getSummary(key: string): Promise<string> {
    return await this.#run("getSummary", key, "", async (session) => await session.summary());
  }

  /**
   * Sets the summary.
   *
   * @param key The session's key, or an alias.
   * @param summary Any text.
   */
  async setSummary(key: string, summary: string): Promise<void> {
    await this.#run("setSummary", key, undefined, async (session) => await session.setSummary(summary));
  }

  /**
   * Puts messages in place of the whole history: after a crash it is the old one or the new one.
   *
   * @param key The session's key, or an alias.
   * @param history The messages; transient thoughts are left out.
   */
  async setHistory(key: string, history: readonly JsonObject[]): Promise<void> {
    await this.#run("setHistory", key, undefined, async (session) => {
      const kept = history.filter((message) => !isTransientThought(message)).map(stamped);
      await session.setHistory(kept);
    });
  }

  /**
   * Hides all but the last messages, in one commit with a summary, if one comes with it. Nothing is removed before
   * {@linkcode AgentMemory.save}.
   *
   * Messages arrive while a summary is made: give `asOf` from the {@linkcode AgentMemory.snapshot} that it was made of,
   * and none of them is hidden. {@linkcode AgentMemory.summarize} does all of it.
   *
   * @param key The session's key, or an alias.
   * @param keepLast How many messages stay; 0 or less: none.
   * @param options Summary, and up to which record is counted.
   */
  async truncateHistory(key: string, keepLast: number, options: MemoryTruncation = {}): Promise<void> {
    await this.#run("truncateHistory", key, undefined, async (session) => {
      if (!Number.isSafeInteger(keepLast)) throw new RangeError("keepLast must be a whole number");
      await session.truncate(keepLast, options);
    });
  }

  /**
   * Makes a summary and hides what it stands for, in one commit. Messages that are added meanwhile, for as long as that
   * takes, stay (picoclaw's #704).
   *
   * @param key The session's key, or an alias.
   * @param make Makes the new summary of the messages that will be hidden, and of the one that there was.
   * @param options How many messages stay.
   * @returns Whether it was done; false: there was nothing to hide, or it failed.
   *
   * @example
   * ```ts
   * import { openAgentMemory } from "holdfast/agent-memory";
   *
   * const memory = await openAgentMemory("/tmp/holdfast-example");
   * await memory.summarize("telegram:123", async (messages, summary) => {
   *   return `${summary} Then ${messages.length} more messages.`; // a model's, usually
   * }, { keepLast: 4 });
   * await memory.close();
   * ```
   */
  async summarize(
    key: string,
    make: (messages: JsonObject[], summary: string) => string | Promise<string>,
    options: SummarizeOptions,
  ): Promise<boolean> {
    const { history, summary: before, asOf } = await this.#snapshot("summarize", key);
    const { keepLast } = options;
    const hidden = history.slice(0, history.length - Math.max(0, keepLast));
    if (hidden.length === 0) return false;
    return await this.#settle("summarize", key, false, async () => {
      const summary = await make(hidden, before);
      if (typeof summary !== "string") throw new TypeError("A summary must be a string");
      await this.#call(key, async (session) => await session.truncate(keepLast, { summary, asOf }));
      return true;
    });
  }

  /**
   * Makes everything durable, and takes hidden records out of the log when they are more than the active ones.
   *
   * @param key The session's key, or an alias.
   * @returns What went wrong, if anything: now, or with a write under this key since the last time.
   */
  async save(key: string): Promise<AgentMemoryOutcome> {
    return await this.#outcome("save", key, async () => await this.#call(key, async (session) => await session.save()));
  }

  /**
   * The keys of all sessions.
   *
   * @returns Them, the newest first.
   */
  async listSessions(): Promise<string[]> {
    return await this.#settle("listSessions", null, [], async () => await this.#backend.list());
  }

  /**
   * Finds the session that an alias stands for.
   *
   * @param key An alias, or a key.
   * @returns The key; what was given if nothing has that name.
   */
  async resolveSessionKey(key: string): Promise<string> {
    return await this.#settle("resolveSessionKey", key, key, async () => await this.#backend.resolve(key));
  }

  /**
   * Picoclaw's scope of a session.
   *
   * @param key The session's key, or an alias.
   * @returns The scope; null if it has none.
   */
  async getSessionScope(key: string): Promise<unknown> {
    return await this.#run("getSessionScope", key, null, async (session) => await session.scope());
  }

  /**
   * Sets a session's scope and aliases.
   *
   * @param key The session's key; not an alias.
   * @param scope Any JSON value; null: none.
   * @param aliases Other names of it.
   */
  async upsertSessionMeta(key: string, scope: unknown, aliases: readonly string[]): Promise<void> {
    await this.#settle("upsertSessionMeta", key, undefined, async () => {
      const find = async (): Promise<MemorySession> => await this.#backend.session(key.trim());
      await this.#turns.take(key, find, async (session) => await session.describe(scope, namesBeside(key, aliases)));
    });
  }

  /**
   * Gives a session that never had a message the history of the first alias that has one. It happens once: a session
   * that was emptied gets nothing, and no history goes to two sessions. What every conversation of an agent has as an
   * alias, `agent:<id>:main`, is never taken (picoclaw's #2972).
   *
   * @param key The session's key; not an alias.
   * @param aliases Names under which it may have been kept before.
   * @returns Whether anything was taken over.
   */
  async promoteAliasHistory(key: string, aliases: readonly string[]): Promise<boolean> {
    return await this.#settle("promoteAliasHistory", key, false, async () => {
      for (const alias of namesBeside(key, aliases)) {
        if (isMainAlias(alias)) continue;
        if (await this.#backend.promote(alias, key.trim())) return true;
      }
      return false;
    });
  }

  /**
   * Sets scope and aliases, and takes over what an alias holds: picoclaw's `EnsureSessionMetadata`.
   *
   * @param key The session's key; not an alias.
   * @param scope Any JSON value; null: none.
   * @param aliases Other names of it.
   */
  async ensureSessionMetadata(key: string, scope: unknown, aliases: readonly string[]): Promise<void> {
    await this.upsertSessionMeta(key, scope, aliases);
    await this.promoteAliasHistory(key, aliases);
  }

  /**
   * Makes everything durable and ends it.
   *
   * @returns What went wrong, if anything.
   */
  async close(): Promise<AgentMemoryOutcome> {
    return await this.#outcome("close", null, async () => {
      await this.#turns.over();
      await this.#backend.close();
    });
  }

  /** {@linkcode AgentMemory.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #add(operation: string, key: string, message: JsonObject): Promise<void> {
    if (isTransientThought(message)) {
      this.counters.thoughts++;
      return;
    }
    await this.#settle(operation, key, undefined, async () => {
      if (!isJsonObject(message)) throw new TypeError("A message must be an object");
      // Its author may change the object before its turn comes.
      const text = JSON.stringify(stamped(message));
      await this.#call(key, async (session) => await session.add(text));
      this.counters.messages++;
    });
  }

  async #snapshot(operation: string, key: string): Promise<MemorySnapshot> {
    const nothing: MemorySnapshot = { history: [], summary: "", asOf: -1 };
    return await this.#run(operation, key, nothing, async (session) => await session.snapshot());
  }

  async #run<T>(
    operation: string,
    key: string,
    otherwise: T,
    step: (session: MemorySession) => Promise<T>,
  ): Promise<T> {
    return await this.#settle(operation, key, otherwise, async () => await this.#call(key, step));
  }

  async #call<T>(key: string, step: (session: MemorySession) => Promise<T>): Promise<T> {
    const find = async (): Promise<MemorySession> => await this.#backend.session(await this.#backend.resolve(key));
    return await this.#turns.take(key, find, step);
  }

  async #outcome(operation: string, key: string | null, step: () => Promise<void>): Promise<AgentMemoryOutcome> {
    let failed: Error | null = null;
    try {
      await step();
    } catch (error) {
      failed = this.#report(operation, key, error);
    }
    const [unsaved] = key === null ? this.#unsaved.values() : [this.#unsaved.get(key)];
    if (key === null) this.#unsaved.clear();
    else this.#unsaved.delete(key);
    return { error: failed ?? unsaved ?? this.degraded };
  }

  async #settle<T>(operation: string, key: string | null, otherwise: T, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      this.#report(operation, key, error);
      return otherwise;
    }
  }

  #report(operation: string, key: string | null, cause: unknown): Error {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.counters.errors++;
    if (key !== null && writes.has(operation) && this.#unsaved.size < unsavedMax) this.#unsaved.set(key, error);
    try {
      this.#tell({ operation, key, error });
    } catch {
      // A handler's mistake must not stop the agent.
    }
    return error;
  }
}

/** Picoclaw stamps what has no time. */
function stamped(message: JsonObject): JsonObject {
  const now = new Date().toISOString();
  return { ...message, created_at: message["created_at"] ?? now };
}

function namesBeside(key: string, aliases: readonly string[]): string[] {
  const names = new Set(aliases.map((alias) => alias.trim()));
  names.delete(key.trim());
  names.delete("");
  return [...names];
}

function isMainAlias(alias: string): boolean {
  return /^agent:[^:]+:main$/i.test(alias);
}

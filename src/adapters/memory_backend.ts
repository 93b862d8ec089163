/**
 * Where an agent's memory keeps its sessions: on the disk, or, where that cannot be used, in memory alone.
 *
 * @module
 */

import type { JsonObject } from "../log/json_text.ts";

/** A session at one moment. */
export interface MemorySnapshot {
  /** The active messages, in order, without transient thoughts. */
  history: JsonObject[];
  /** The summary of what is not in them. */
  summary: string;
  /** The number of the last record; -1: there is none. What comes later is not known to whoever holds this. */
  asOf: number;
}

/** How a history is cut. */
export interface MemoryTruncation {
  /** The summary of what is hidden, in the same commit; absent: it stays as it is. */
  summary?: string;
  /**
   * The number of the last record that counts among those to keep, from {@linkcode MemorySnapshot.asOf}; what came
   * later is kept as well.
   *
   * @default {the last record}
   */
  asOf?: number;
}

/** One session. What is called first takes effect first. */
export interface MemorySession {
  /** Its key. */
  readonly key: string;
  /** Appends a message, given as JSON. */
  add(text: string): Promise<void>;
  /** Reads it; an empty one if there is none. */
  snapshot(): Promise<MemorySnapshot>;
  /** Reads its summary alone. */
  summary(): Promise<string>;
  /** Sets its summary. */
  setSummary(summary: string): Promise<void>;
  /** Puts messages in place of its history. */
  setHistory(history: readonly JsonObject[]): Promise<void>;
  /** Hides all but the last messages, in one commit with the summary. */
  truncate(keepLast: number, options: MemoryTruncation): Promise<void>;
  /** Makes everything durable, and gives space back where that is worth it. */
  save(): Promise<void>;
  /** Picoclaw's scope; null if it has none. */
  scope(): Promise<unknown>;
  /** Sets scope and aliases. */
  describe(scope: unknown, aliases: readonly string[]): Promise<void>;
}

/** One way to keep sessions. Everything may reject: `AgentMemory` is what does not. */
export interface MemoryBackend {
  /** The key that a name stands for: the session's of which it is an alias, or the name itself. */
  resolve(name: string): Promise<string>;
  /** A session by its key. */
  session(key: string): Promise<MemorySession>;
  /** The keys of all sessions. */
  list(): Promise<string[]>;
  /** Gives a session that never had a message what an alias holds. */
  promote(alias: string, key: string): Promise<boolean>;
  /** Gives everything back. */
  close(): Promise<void>;
}

/**
 * What the laboratory needs to know of a store to torture it: Holdfast's own, or one that is written for a test.
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";
import type { JsonObject } from "../log/json_text.ts";
import { openStore } from "../store/open_store.ts";
import type { RetentionOptions, RetentionStep } from "../store/retention.ts";
import { sessionFiles, sessionNames } from "../store/session_name.ts";
import type { StoreEvent } from "../store/store_event.ts";
import type { StoreOptions } from "../store/store_options.ts";
import { type SubjectAgents, withAgents } from "./subject_agents.ts";
import { type SubjectSinks, withSinks } from "./subject_sink.ts";

/** A session under test; the calls of Holdfast's `Session` that the laboratory uses. */
export interface SubjectSession {
  /** The summary as last read or written. */
  readonly summary: string;
  /** Whether it is open, failed, …. */
  readonly status: string;
  /** Appends one record. */
  appendText(text: string, options?: { durability?: "durable" | "buffered" }): Promise<{ sequence: number }>;
  /** Appends records that belong together. */
  appendTextAll(
    texts: readonly string[],
    options?: { durability?: "durable" | "buffered" },
  ): Promise<{ sequence: number }[]>;
  /** Makes everything durable. */
  flush(): Promise<void>;
  /** Gives the records with their numbers. */
  texts(
    options: { all?: boolean; previews?: boolean; follow?: boolean; signal?: AbortSignal },
  ): AsyncIterable<{ sequence: number; text: string }>;
  /** Hides all but the last records. */
  truncate(keep: number, options?: { summary?: string }): Promise<void>;
  /** Sets the summary. */
  setSummary(summary: string): Promise<void>;
  /** Replaces the history. */
  replace(records: readonly JsonObject[], options?: { summary?: string }): Promise<void>;
  /** Removes what is hidden. */
  compact(options?: { archive?: boolean }): Promise<unknown>;
  /** Sets facts. */
  update(facts: { title?: string | null }): Promise<void>;
  /** Gives the facts of its meta file. */
  facts?(): Promise<{ id: string | null; promoted: { to: string; done: boolean } | null }>;
  /** Gives what a list says. */
  info(): Promise<{ title: string | null }>;
  /** Checks every line. */
  verify(): Promise<{
    damaged: readonly { offset: number; length: number; reason: string }[];
    tornTail: { offset: number; length: number } | null;
    meta: string;
    damagedBlobs?: readonly { pointer: string; hash: string; reason: string }[];
  }>;
}

/** A store under test. */
export interface SubjectStore {
  /** A session by its key. */
  session(key: string): Promise<SubjectSession>;
  /** Whether there is one. */
  has(key: string): Promise<boolean>;
  /** Removes one. */
  delete(key: string): Promise<boolean>;
  /** Makes one that begins as another. */
  fork(from: string, to: string, options?: { at?: number }): Promise<unknown>;
  /** Gives a session that never had a record what another one holds. */
  promote?(from: string, to: string): Promise<boolean>;
  /** Puts one into the trash. */
  moveToTrash?(key: string): Promise<string | null>;
  /** Brings one back from there. */
  restore?(key: string): Promise<string>;
  /** Keeps house. */
  retain?(options: RetentionOptions): AsyncGenerator<RetentionStep>;
  /** Removes large values that nothing names. */
  collectBlobs?(): Promise<unknown>;
  /** Ends the store. */
  close(): Promise<void>;
  /** What agents that hold their own state need; absent: nothing of it is tried. */
  readonly agents?: SubjectAgents;
  /** What sends its sessions away; absent: nothing of it is tried. */
  readonly sinks?: SubjectSinks;
}

/** How a store under test is opened. */
export interface SubjectOptions {
  /** Where. */
  readonly fileSystem: FileSystem;
  /** Only to look. */
  readonly readOnly: boolean;
  /** Told of events. */
  readonly onEvent?: (event: StoreEvent) => void;
  /** What an operation has asked for beside. */
  readonly settings?: Readonly<Partial<StoreOptions>>;
}

/** A kind of store. */
export interface Subject {
  /** Its name. */
  readonly name: string;
  /** What it can do; operations that need more are left out. Without `numbers` its records are known by their texts. */
  readonly abilities: ReadonlySet<string>;
  /** Opens it, and makes what it needs. */
  open(options: SubjectOptions): Promise<SubjectStore>;
}

/** Where all stores under test live. */
export const storeDirectory = "/sessions";

/** The keys of the sessions, by index. */
export const sessionKeys: readonly string[] = ["a:1", "b"];

/**
 * The paths of a session's files.
 *
 * @param session Its index.
 * @returns The paths.
 */
export function filesOf(session: number): ReturnType<typeof sessionFiles> {
  return knownFiles[session] ?? filesOfKey("");
}

const knownFiles = sessionKeys.map(filesOfKey);

function filesOfKey(key: string): ReturnType<typeof sessionFiles> {
  return sessionFiles(storeDirectory, [...sessionNames(key)][0] ?? key);
}

/** Holdfast. */
export const holdfastSubject: Subject = {
  name: "holdfast",
  abilities: new Set([
    "numbers",
    "batch",
    "replace",
    "delete",
    "fork",
    "archive",
    "migrate",
    "promote",
    "lock",
    "follow",
    "title",
    "verify",
    "foreign",
    "buffered",
    "agents",
    "blobs",
    "trash",
    "sink",
  ]),
  async open({ fileSystem, readOnly, onEvent, settings }) {
    const events = onEvent === undefined ? {} : { onEvent };
    const store = await openStore(storeDirectory, { ...settings, fileSystem, readOnly, ...events });
    return withSinks(withAgents(store), fileSystem);
  },
};

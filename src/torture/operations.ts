/**
 * What can be done to a store, as plain data, and how it is done. A new operation is one entry in the table.
 *
 * @module
 */

import type { Experiment } from "./experiment.ts";
import * as changes from "./session_changes.ts";
import type { RecordSize } from "./record_texts.ts";
import * as surroundings from "./surroundings.ts";

/** One operation. */
export interface Operation {
  /** Which of the table's. */
  readonly kind: OperationKind;
  /** The session's index. */
  readonly session: number;
  /** How large each record is, for what writes records. */
  readonly sizes?: readonly RecordSize[];
  /** Whether it resolves before it is durable. */
  readonly buffered?: boolean;
  /** How many records a truncation keeps. */
  readonly keep?: number;
  /** Whether a new summary comes with it. */
  readonly summary?: boolean;
  /** What survives a power cut. */
  readonly choices?: readonly number[];
}

/** How an operation is done, and told of. */
export interface OperationRule {
  /** In words, for a story. */
  readonly words: (operation: Operation) => string;
  /** Does it. */
  readonly perform: (experiment: Experiment, operation: Operation) => Promise<void>;
  /** What the store must be able to do. */
  readonly needs?: string;
}

const sizesOf = ({ sizes }: Operation): readonly RecordSize[] => sizes ?? ["small"];
const withSummary = ({ summary }: Operation): string => summary === true ? " with a new summary" : "";
const list = (operation: Operation): string => sizesOf(operation).join(", ");

/** Which operations there are. */
export type OperationKind =
  | "append"
  | "append-batch"
  | "append-group"
  | "flush"
  | "truncate"
  | "replace"
  | "compact"
  | "set-summary"
  | "set-title"
  | "delete"
  | "recreate"
  | "migrate"
  | "reopen"
  | "kill"
  | "second-process"
  | "read"
  | "follow"
  | "foreign-append"
  | "power-cut";

/** All operations by name. */
export const operationTable: Readonly<Record<OperationKind, OperationRule>> = {
  append: {
    words: (operation) => `append a ${list(operation)} record${operation.buffered === true ? ", buffered" : ""}`,
    perform: changes.append,
  },
  "append-batch": {
    words: (operation) => `append a batch (${list(operation)})${operation.buffered === true ? ", buffered" : ""}`,
    perform: changes.appendBatch,
    needs: "batch",
  },
  "append-group": {
    words: (operation) => `append at once, each for itself: ${list(operation)}`,
    perform: changes.appendGroup,
  },
  flush: { words: () => "flush", perform: changes.flush, needs: "buffered" },
  truncate: {
    words: (operation) => `truncate to ${operation.keep ?? 0}${withSummary(operation)}`,
    perform: changes.truncate,
  },
  replace: {
    words: (operation) => `replace the history by ${list(operation)}${withSummary(operation)}`,
    perform: changes.replace,
    needs: "replace",
  },
  compact: { words: () => "compact", perform: changes.compact },
  "set-summary": { words: () => "set the summary", perform: changes.setSummary },
  "set-title": { words: () => "set the title", perform: changes.setTitle, needs: "title" },
  delete: { words: () => "delete the session", perform: changes.remove, needs: "delete" },
  recreate: {
    words: (operation) => `delete, then append ${list(operation)}`,
    perform: changes.recreate,
    needs: "delete",
  },
  migrate: {
    words: () => "an old .json of picoclaw's is put there, and the store opened again",
    perform: surroundings.migrate,
    needs: "migrate",
  },
  reopen: { words: () => "close the store, open it again", perform: surroundings.reopen },
  kill: { words: () => "SIGKILL; another process goes on", perform: surroundings.kill },
  "second-process": { words: () => "another process appends", perform: surroundings.secondProcess, needs: "lock" },
  read: { words: () => "another process reads", perform: surroundings.read },
  follow: { words: () => "another process follows", perform: surroundings.follow, needs: "follow" },
  "foreign-append": {
    words: (operation) => `picoclaw appends a ${list(operation)} message`,
    perform: surroundings.foreignAppend,
    needs: "foreign",
  },
  "power-cut": {
    words: (operation) => `power cut (choices ${(operation.choices ?? []).join(",") || "none"})`,
    perform: surroundings.powerCut,
  },
};

/** Their names. */
export const operationKinds: readonly OperationKind[] = Object.keys(operationTable).filter(isOperationKind);

/**
 * Whether a name is that of an operation.
 *
 * @param name Any text.
 * @returns True if it is in the table.
 */
export function isOperationKind(name: string): name is OperationKind {
  return Object.hasOwn(operationTable, name);
}

/**
 * Tells of an operation in words.
 *
 * @param operation The operation.
 * @returns A phrase.
 */
export function operationWords(operation: Operation): string {
  return `${operationTable[operation.kind].words(operation)} [session ${operation.session}]`;
}

/**
 * What can be done to a store, as plain data, and how it is done. Everything that is run is made from this table: all
 * short sequences, the long random runs, the failing calls, the stories.
 *
 * To let a new operation join:
 *
 * 1. Its name goes into {@linkcode OperationKind}, its call into `SubjectSession` or `SubjectStore` (`subject.ts`), and
 *    what a store must be able to do for it into `holdfastSubject.abilities`.
 * 2. A function that performs it, in a file of yours or in `session_changes.ts`: it tells the model what the call
 *    does, step by step, and makes the call. Each effect is there whole after a power cut, or not at all:
 *    ```text
 *    export async function pin(experiment: Experiment, { session }: Operation): Promise<void> {
 *      const effect = { words: "pin", apply: (state: SessionState) => withFact(state, "pinned", "yes") };
 *      await experiment.change(session, [effect], true, async () => await (await experiment.session(session)).pin());
 *    }
 *    ```
 *    `true`: all is durable when the call resolves; `false`: the kernel has it. What it makes out of another session
 *    is taken from `experiment.model(other).latest` before the call.
 * 3. One entry here: `words`, `perform`, `needs`; `letters`, its variants in short sequences (`[{}]` by default; with
 *    `alone`, only in sequences of one, which costs little); `weight` and `draw` for the long runs; `fails`, to have
 *    each of its calls fail in turn too; `check` for what must hold after every recovery of a run that has used it.
 *
 * What a session shows beside records and summary is a fact: an entry in `watched_facts.ts`, and `experiment.watch()`
 * where it is first set. Files that it leaves in the store's directory go into `ownNames` (`observation.ts`). A store
 * option that it needs goes into `experiment.settings`, and counts from the next open on. If hidden records may be
 * removed at any time (a store that compacts by itself), the states say so with `hiddenMayGo`.
 *
 * Then take steps out of it: `tests/mutation/store_mutations.ts`.
 *
 * @module
 */

import type { SeededRandom } from "../testing/seeded_random.ts";
import * as blobs from "./blob_changes.ts";
import type { Experiment } from "./experiment.ts";
import * as forks from "./fork_changes.ts";
import * as housekeeping from "./housekeeping_changes.ts";
import { promote } from "./promotion.ts";
import { randomChoices, randomSizes } from "./random_parts.ts";
import type { RecordSize } from "./record_texts.ts";
import * as agents from "./agent_changes.ts";
import * as changes from "./session_changes.ts";
import * as sinks from "./sink_changes.ts";
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
  /** Which of several ways, for what has some of its own. */
  readonly variant?: string;
  /** What survives a power cut. */
  readonly choices?: readonly number[];
}

/** An operation, but for its name and its session. */
export type Letter = Omit<Operation, "kind" | "session">;

/** How an operation is done, and told of. */
export interface OperationRule {
  /** In words, for a story. */
  readonly words: (operation: Operation) => string;
  /** Does it. */
  readonly perform: (experiment: Experiment, operation: Operation) => Promise<void>;
  /** What the store must be able to do. */
  readonly needs?: string;
  /** Its variants in short sequences; one by default, none with an empty list. */
  readonly letters?: readonly Letter[];
  /** Whether it is only in sequences of one operation, not in longer ones. */
  readonly alone?: boolean;
  /** Whether it concerns the whole store: on which session it is called makes no difference. */
  readonly isGlobal?: boolean;
  /** How often it comes in long runs; an append has 30. */
  readonly weight: number;
  /** Its variant in a long run; as it is by default. */
  readonly draw?: (random: SeededRandom) => Letter;
  /** Whether each of its variants is also run with each of its calls failing in turn. */
  readonly fails?: boolean;
  /** Checked after each recovery of a run in which it was performed. */
  readonly check?: (experiment: Experiment) => Promise<void>;
}

const sizesOf = ({ sizes }: Operation): readonly RecordSize[] => sizes ?? ["small"];
const withSummary = ({ summary }: Operation): string => summary === true ? " with a new summary" : "";
const list = (operation: Operation): string => sizesOf(operation).join(", ");
const faultWords = (variant?: string): string => {
  if (variant === "lost") return ", every answer lost once";
  if (variant === "refused") return ", the third request refused";
  return variant === "forgotten" ? ", without its cursor" : "";
};
const isBuffered = ({ buffered }: Operation): string => buffered === true ? ", buffered" : "";

/** Which operations there are. */
export type OperationKind =
  | "append"
  | "append-batch"
  | "append-group"
  | "flush"
  | "truncate"
  | "replace"
  | "compact"
  | "archive"
  | "fork"
  | "append-blob"
  | "collect-blobs"
  | "set-summary"
  | "set-title"
  | "delete"
  | "recreate"
  | "trash"
  | "retain"
  | "self-compact"
  | "migrate"
  | "promote"
  | "reopen"
  | "kill"
  | "checkpoint"
  | "background-save"
  | "background-flush"
  | "send"
  | "send-beside"
  | "second-process"
  | "read"
  | "follow"
  | "foreign-append"
  | "power-cut";

/** All operations by name. */
export const operationTable: Readonly<Record<OperationKind, OperationRule>> = {
  append: {
    words: (operation) => `append a ${list(operation)} record${isBuffered(operation)}`,
    perform: changes.append,
    letters: [
      {},
      { sizes: ["sector"] },
      { sizes: ["crafted"] },
      { buffered: true },
      { sizes: ["page"], buffered: true },
    ],
    weight: 30,
    draw: (random) => ({ sizes: randomSizes(random, 1), buffered: random.chance(1, 3) }),
  },
  "append-batch": {
    words: (operation) => `append a batch (${list(operation)})${isBuffered(operation)}`,
    perform: changes.appendBatch,
    needs: "batch",
    letters: [{ sizes: ["small", "sector"] }, { sizes: ["sector", "small"], buffered: true }],
    weight: 8,
    draw: (random) => ({ sizes: randomSizes(random, 2 + random.below(3)), buffered: random.chance(1, 3) }),
  },
  "append-group": {
    words: (operation) => `append at once, each for itself: ${list(operation)}`,
    perform: changes.appendGroup,
    letters: [{ sizes: ["small", "sector", "small"] }],
    weight: 8,
    draw: (random) => ({ sizes: randomSizes(random, 2 + random.below(4)) }),
  },
  flush: { words: () => "flush", perform: changes.flush, needs: "buffered", weight: 4 },
  truncate: {
    words: (operation) => `truncate to ${operation.keep ?? 0}${withSummary(operation)}`,
    perform: changes.truncate,
    letters: [{ keep: 0, summary: true }, { keep: 1 }],
    weight: 6,
    draw: (random) => ({ keep: random.below(6), summary: random.chance(1, 2) }),
  },
  replace: {
    words: (operation) => `replace the history by ${list(operation)}${withSummary(operation)}`,
    perform: changes.replace,
    needs: "replace",
    letters: [{ sizes: ["small", "sector"], summary: true }],
    weight: 4,
    draw: (random) => ({ sizes: randomSizes(random, 1 + random.below(3)), summary: random.chance(1, 2) }),
  },
  compact: { words: () => "compact", perform: changes.compact, weight: 5 },
  archive: {
    words: () => "compact to the archive",
    perform: forks.compactToArchive,
    needs: "archive",
    weight: 3,
    fails: true,
    check: forks.checkArchives,
  },
  fork: {
    words: ({ variant }) => `fork it${variant === "early" ? " at the last record but one" : ""}, as the other session`,
    perform: forks.fork,
    needs: "fork",
    letters: [{}, { variant: "early" }],
    weight: 2,
    draw: (random) => random.chance(1, 2) ? {} : { variant: "early" },
    fails: true,
  },
  "append-blob": {
    words: (operation) => `append a record with a large value${isBuffered(operation)}`,
    perform: blobs.appendBlob,
    needs: "blobs",
    // With others in blob_sequences_test.ts: each costs as much as any append.
    alone: true,
    weight: 5,
    draw: (random) => ({ buffered: random.chance(1, 3) }),
    fails: true,
    check: blobs.checkBlobs,
  },
  "collect-blobs": {
    words: ({ variant }) =>
      `${variant === "other" ? "another process removes" : "remove"} large values that nothing names`,
    perform: blobs.collect,
    needs: "blobs",
    letters: [{}, { variant: "other" }],
    // Where nothing names a large value there is nothing to remove: sequences with one are in the tests.
    alone: true,
    isGlobal: true,
    weight: 3,
    draw: (random) => random.chance(1, 2) ? {} : { variant: "other" },
    check: blobs.checkBlobs,
  },
  "set-summary": { words: () => "set the summary", perform: changes.setSummary, weight: 3 },
  "set-title": { words: () => "set the title", perform: changes.setTitle, needs: "title", weight: 2 },
  delete: { words: () => "delete the session", perform: changes.remove, needs: "delete", weight: 1 },
  recreate: {
    words: (operation) => `delete, then append ${list(operation)}`,
    perform: changes.recreate,
    needs: "delete",
    weight: 1,
    draw: (random) => ({ sizes: randomSizes(random, 1) }),
  },
  trash: {
    words: ({ variant }) => `put the session into the trash${variant === "back" ? ", and bring it back" : ""}`,
    perform: housekeeping.trash,
    needs: "trash",
    letters: [{}, { variant: "back" }],
    // With others in housekeeping_sequences_test.ts: each has as many steps as three deletions.
    alone: true,
    weight: 2,
    draw: (random) => random.chance(1, 3) ? {} : { variant: "back" },
    fails: true,
    check: housekeeping.checkTrash,
  },
  retain: {
    words: () => "another process puts what is not held into the trash, and empties it",
    perform: housekeeping.retain,
    needs: "trash",
    alone: true,
    isGlobal: true,
    weight: 1,
    fails: true,
    check: housekeeping.checkTrash,
  },
  "self-compact": {
    words: (operation) =>
      `truncate to ${operation.keep ?? 0}${withSummary(operation)} in a store that compacts by itself`,
    perform: housekeeping.selfCompact,
    needs: "trash",
    letters: [{ keep: 0 }, { keep: 1, summary: true }],
    alone: true,
    weight: 2,
    draw: (random) => ({ keep: random.below(6), summary: random.chance(1, 2) }),
  },
  migrate: {
    words: () => "an old .json of picoclaw's is put there, and the store opened again",
    perform: surroundings.migrate,
    needs: "migrate",
    weight: 2,
  },
  promote: {
    words: () => "the other session takes its place",
    perform: promote,
    needs: "promote",
    // In pairs with everything else it would cost as much as all appends: after the first it does nothing.
    alone: true,
    weight: 2,
    fails: true,
  },
  "foreign-append": {
    words: (operation) => `picoclaw appends a ${list(operation)} message`,
    perform: surroundings.foreignAppend,
    needs: "foreign",
    weight: 4,
    draw: (random) => ({ sizes: randomSizes(random, 1) }),
  },
  checkpoint: {
    words: (operation) => `make a checkpoint with a ${list(operation)} state`,
    perform: agents.checkpoint,
    needs: "agents",
    letters: [{}, { sizes: ["sector"] }],
    alone: true,
    weight: 4,
    draw: (random) => ({ sizes: randomSizes(random, 1) }),
    check: agents.checkCheckpoints,
  },
  "background-save": {
    words: (operation) => `save events in the background (${list(operation)})`,
    perform: agents.backgroundSave,
    needs: "agents",
    letters: [{ sizes: ["small", "sector"] }],
    weight: 4,
    draw: (random) => ({ sizes: randomSizes(random, 3) }),
    fails: true,
  },
  "background-flush": {
    words: ({ variant }) => `save in the background, and blocking ${variant ?? 0} turns later, with more events`,
    perform: agents.backgroundFlush,
    needs: "agents",
    letters: ["0", "8", "20"].map((variant) => ({ variant, sizes: ["small", "sector"] })),
    alone: true,
    weight: 3,
    draw: (random) => ({ variant: String(random.below(30)), sizes: ["small", "sector"] }),
    fails: true,
  },
  send: {
    words: ({ variant }) =>
      `${variant === "other" ? "another process sends" : "send"} it to a bucket${faultWords(variant)}`,
    perform: sinks.send,
    needs: "sink",
    letters: [{}, { variant: "lost" }, { variant: "refused" }, { variant: "forgotten" }, { variant: "other" }],
    // With others in sink_sequences_test.ts: each request is a step more.
    alone: true,
    isGlobal: true,
    weight: 3,
    draw: (random) => {
      const variant = [undefined, "lost", "refused", "forgotten", "other"][random.below(5)];
      return variant === undefined ? {} : { variant };
    },
    fails: true,
    check: sinks.checkBucket,
  },
  "send-beside": {
    words: ({ variant = "append 1" }) => `send it to a bucket, and beside the request: ${variant}`,
    perform: sinks.sendBeside,
    needs: "sink",
    letters: [{ variant: "append 2" }],
    alone: true,
    weight: 2,
    draw: (random) => {
      const names = Object.keys(sinks.besides);
      const variant = `${names[random.below(names.length)]} ${1 + random.below(5)}`;
      return { variant: random.chance(1, 3) ? `${variant} other` : variant, keep: random.below(3) };
    },
    check: sinks.checkBucket,
  },
  "second-process": {
    words: () => "another process appends",
    perform: surroundings.secondProcess,
    needs: "lock",
    weight: 3,
  },
  follow: { words: () => "another process follows", perform: surroundings.follow, needs: "follow", weight: 2 },
  read: { words: () => "another process reads", perform: surroundings.read, isGlobal: true, weight: 2 },
  reopen: { words: () => "close the store, open it again", perform: surroundings.reopen, isGlobal: true, weight: 4 },
  kill: { words: () => "SIGKILL; another process goes on", perform: surroundings.kill, isGlobal: true, weight: 4 },
  "power-cut": {
    words: (operation) => `power cut (choices ${(operation.choices ?? []).join(",") || "none"})`,
    perform: surroundings.powerCut,
    // Short sequences are cut everywhere anyway.
    letters: [],
    isGlobal: true,
    weight: 8,
    draw: (random) => ({ choices: randomChoices(random, 12) }),
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

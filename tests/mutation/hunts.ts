/**
 * What a mutant is put through: short sequences of operations under power cuts, and under failing calls.
 *
 * @module
 */

import type { FaultPlan } from "../../src/testing/mod.ts";
import { Explorer } from "../../src/torture/explorer.ts";
import { runFaultLoop } from "../../src/torture/fault_loop.ts";
import type { Operation } from "../../src/torture/operations.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { withStoppedClock } from "../../src/torture/stopped_clock.ts";
import type { Subject } from "../../src/torture/subject.ts";
import { Violation } from "../../src/torture/violation.ts";
import type { OpenBucket, OpenSink, OpenStore, PullSession, QuickCheck } from "./mutant_source.ts";

/** What found a mutant out. */
export interface Caught {
  /** The broken invariant, or what else says that the promise does not hold. */
  readonly invariant: string;
  /** What was seen. */
  readonly message: string;
}

/** What the language itself throws, wherever in a message it is told of. */
const languageErrors = /\b(?:Type|Reference|Range|Syntax)Error\b/;

/** Whether what found a mutant out is an error that says nothing of a promise: no invariant, no error of the store's. */
export function isPlainError({ invariant, message }: Caught): boolean {
  return languageErrors.test(message) || (invariant === "error" && !message.includes("HoldfastError"));
}

/** Who is hunted: the same store, as the laboratory sees it and as a user does. */
export interface Prey {
  /** Where its source is. */
  readonly directory: string;
  /** For the laboratory. */
  readonly subject: Subject;
  /** For a probe. */
  readonly open: OpenStore;
  /** The same for its sink. */
  readonly openSink: OpenSink;
  /** The same for the bucket. */
  readonly openBucket: OpenBucket;
  /** What brings a session back from one. */
  readonly pullSession: PullSession;
  /** What looks at a session quickly. */
  readonly quickCheck: QuickCheck;
}

/** One way to find a mutant out. */
export interface Hunt {
  /** What is run, in a few words. */
  readonly name: string;
  /** Whether the suite runs it on the product itself anyway. */
  readonly isOfSuite?: boolean;
  /** Null: nothing is wrong. */
  run(prey: Prey): Promise<Caught | null>;
}

type Letter = Omit<Operation, "session"> & { readonly session?: number };

const history: readonly Letter[] = [
  { kind: "append" },
  { kind: "append", sizes: ["sector"] },
  { kind: "append-batch", sizes: ["small", "small"] },
  { kind: "truncate", keep: 3, summary: true },
];

function scenarioOf(
  operations: readonly Letter[],
  prepare: readonly Letter[],
  model: Scenario["model"],
  foreignFiles = false,
): Scenario {
  const on = (letter: Letter): Operation => ({ session: 0, ...letter });
  const machine = { model, sectorBytes: 512, seed: 1, foreignFiles } as const;
  return { ...machine, prepare: prepare.map(on), operations: operations.map(on) };
}

/** Cuts the power at every step of operations, and in recoveries as often as `depth` says. */
export function cuts(name: string, operations: readonly Letter[], options: {
  /** What was there before. */
  prepare?: readonly Letter[];
  /** Zero by default. */
  depth?: number;
  /** The weak one by default. */
  model?: Scenario["model"];
  /** Whether somebody else keeps files in the store's directory. */
  foreignFiles?: boolean;
} = {}): Hunt {
  const { prepare = [], depth = 0, model = "weak", foreignFiles = false } = options;
  return {
    name: `cuts: ${name}`,
    run: async ({ subject }) => {
      const explorer = new Explorer({ subject, depth, cutsPerStep: 24, cutsPerNestedStep: 4 });
      const finding = await withStoppedClock(() =>
        explorer.explore(scenarioOf(operations, prepare, model, foreignFiles))
      );
      return finding === null ? null : finding.violation;
    },
  };
}

/** Lets the n-th call fail, n = 1, 2, 3 …; what breaks then is the promise of the given number. */
export function faults(
  name: string,
  invariant: string,
  plan: Omit<FaultPlan, "failAt">,
  operations: readonly Letter[],
  prepare: readonly Letter[] = [],
): Hunt {
  return {
    name: `faults: ${name}`,
    run: async ({ subject }) => {
      const { failure } = await runFaultLoop(subject, scenarioOf(operations, prepare, "weak"), plan);
      if (failure === null) return null;
      return { invariant, message: `${failure.call}: ${failure.message}` };
    },
  };
}

/** Checks one thing that the laboratory's operations do not reach. */
export function probe(name: string, check: (open: OpenStore, prey: Prey) => Promise<void>): Hunt {
  return {
    name: `probe: ${name}`,
    run: async (prey) => {
      try {
        await withStoppedClock(() => check(prey.open, prey));
        return null;
      } catch (error) {
        if (error instanceof Violation) return error;
        return { invariant: "error", message: error instanceof Error ? error.stack ?? error.message : String(error) };
      }
    },
  };
}

/** Short sequences; each is small enough to be gone through in full. */
export const cutHunts = {
  append: cuts("append", [{ kind: "append" }]),
  appendMore: cuts("append twice", [{ kind: "append" }, { kind: "append", sizes: ["page"] }]),
  buffered: cuts("append buffered, then durable", [
    { kind: "append", sizes: ["sector"], buffered: true },
    { kind: "append", sizes: ["sector"] },
  ], { prepare: history }),
  bufferedFlush: cuts("append buffered, flush", [{ kind: "append", buffered: true }, { kind: "flush" }], {
    prepare: history,
  }),
  bufferedReopen: cuts("append buffered, reopen", [{ kind: "append", buffered: true }, { kind: "reopen" }], {
    prepare: history,
  }),
  bufferedSummary: cuts("append buffered, set the summary", [
    { kind: "append", sizes: ["sector"], buffered: true },
    { kind: "append", sizes: ["sector"], buffered: true },
    { kind: "set-summary" },
  ], { prepare: history }),
  bufferedTruncate: cuts("append buffered, truncate", [
    { kind: "append", sizes: ["sector"], buffered: true },
    { kind: "truncate", keep: 1 },
  ], { prepare: history }),
  bufferedCompact: cuts("append buffered, compact", [
    { kind: "append", sizes: ["sector"], buffered: true },
    { kind: "compact" },
  ], { prepare: history }),
  bufferedReplace: cuts("append buffered, replace", [
    { kind: "append", sizes: ["sector"], buffered: true },
    { kind: "replace", sizes: ["small"], summary: true },
  ], { prepare: history }),
  group: cuts("append a group", [{ kind: "append-group", sizes: ["small", "sector", "small", "sector"] }], {
    prepare: history,
  }),
  batch: cuts("append a batch", [{ kind: "append-batch", sizes: ["sector", "sector", "small"] }], {
    prepare: history,
  }),
  crafted: cuts("append a record with an object that fills a sector", [
    { kind: "append" },
    { kind: "append", sizes: ["crafted"] },
  ]),
  craftedFilled: cuts("append such records into the fill", [
    { kind: "append" },
    { kind: "append" },
    { kind: "append", sizes: ["crafted"] },
    { kind: "append", sizes: ["crafted"] },
    { kind: "append", sizes: ["crafted"] },
  ]),
  truncate: cuts("truncate", [{ kind: "truncate", keep: 1, summary: true }], { prepare: history }),
  truncateAll: cuts("truncate to nothing, compact, append", [
    { kind: "truncate", keep: 0 },
    { kind: "compact" },
    { kind: "append" },
  ], { prepare: history }),
  replace: cuts("replace", [{ kind: "replace", sizes: ["small", "sector"], summary: true }], { prepare: history }),
  replaceNew: cuts("replace in a new session", [{ kind: "replace", sizes: ["small"], summary: true }]),
  compact: cuts("compact", [{ kind: "compact" }], { prepare: history }),
  compactAppend: cuts("compact, append", [{ kind: "compact" }, { kind: "append" }], { prepare: history }),
  summary: cuts("set the summary", [{ kind: "set-summary" }], { prepare: history }),
  remove: cuts("delete", [{ kind: "delete" }], { prepare: history }),
  recreate: cuts("delete, append", [{ kind: "recreate" }], { prepare: history }),
  recreateAmongOthers: cuts("delete, append, with somebody's files beside", [{ kind: "recreate" }], {
    prepare: history,
    foreignFiles: true,
  }),
  migrate: cuts("migrate", [{ kind: "migrate" }]),
  migrateAppend: cuts("migrate, append", [{ kind: "migrate" }, { kind: "append" }]),
  foreign: cuts("picoclaw appends", [{ kind: "append" }, { kind: "foreign-append" }, { kind: "append" }], {
    prepare: history,
  }),
  second: cuts("another process appends", [{ kind: "append" }, { kind: "second-process" }]),
  kill: cuts("kill", [{ kind: "append", buffered: true }, { kind: "kill" }, { kind: "append" }], { prepare: history }),
  nestedAppend: cuts("append, cuts in recovery", [{ kind: "append" }, { kind: "append", sizes: ["sector"] }], {
    depth: 1,
  }),
  nestedReplace: cuts("replace, cuts in recovery", [{ kind: "replace", sizes: ["small"], summary: true }], {
    prepare: history,
    depth: 1,
  }),
  nestedCompact: cuts("compact, cuts in recovery", [{ kind: "compact" }], { prepare: history, depth: 1 }),
  nestedRemove: cuts("delete, cuts in recovery", [{ kind: "delete" }], { prepare: history, depth: 1 }),
  nestedGroup: cuts("append a group, cuts in recovery", [
    { kind: "append-group", sizes: ["small", "sector", "small"] },
  ], { prepare: history, depth: 1 }),
  nestedMigrate: cuts("migrate, cuts in recovery", [{ kind: "migrate" }], { depth: 1 }),
} as const satisfies Record<string, Hunt>;

const twoAppends: readonly Letter[] = [{ kind: "append" }, { kind: "append", sizes: ["sector"] }];
const changes: readonly Letter[] = [
  { kind: "append", buffered: true },
  { kind: "append", sizes: ["sector"] },
  { kind: "truncate", keep: 1, summary: true },
];

/** Failing calls, each in turn. */
export const faultHunts = {
  full: faults(
    "a write takes 7 bytes, then ENOSPC",
    "I14",
    {
      fault: { kind: "short-write", bytes: 7, code: "ENOSPC" },
    },
    twoAppends,
    history,
  ),
  syncKept: faults(
    "a sync fails, the pages look clean",
    "I13",
    { fault: { kind: "sync", mode: "kept" } },
    changes,
    history,
  ),
  syncDropped: faults(
    "a sync fails, the pages are dropped",
    "I13",
    {
      fault: { kind: "sync", mode: "dropped" },
    },
    changes,
    history,
  ),
  syncFalse: faults(
    "a sync fails, though all is written",
    "I13",
    {
      fault: { kind: "sync", mode: "false" },
    },
    changes,
    history,
  ),
  rewriteFails: faults("EIO, though it was done", "I13", { fault: { kind: "error", code: "EIO", done: true } }, [
    { kind: "replace", sizes: ["small"], summary: true },
  ], history),
} as const satisfies Record<string, Hunt>;

/**
 * What the coverage counts: which operation meets which failure, and what the store tells of itself then.
 *
 * @module
 */

import type { StoreEventType } from "../../src/store/store_event.ts";
import { unfailing } from "../../src/torture/fault_operations.ts";
import { faultHistory, faultPlans, type NamedFaultPlan } from "../../src/torture/fault_plans.ts";
import { type Operation, type OperationKind, operationKinds, operationTable } from "../../src/torture/operations.ts";
import type { Scenario } from "../../src/torture/scenario.ts";

type Letter = Omit<Operation, "session">;

/** An operation that fails, or in which everything ends. */
export interface CoveredOperation {
  /** As the counts call it. */
  readonly name: string;
  /** Which one. */
  readonly kind: OperationKind;
  /** What is run. */
  readonly scenario: (model: Scenario["model"]) => Scenario;
}

/** What comes before an operation that has nothing to do on the history that all others have. */
const before: Readonly<
  Partial<Record<OperationKind, { prepare?: readonly Letter[]; operations?: readonly Letter[] }>>
> = {
  migrate: { prepare: [] },
  "collect-blobs": { prepare: [{ kind: "append-blob" }, { kind: "truncate", keep: 0 }, { kind: "compact" }] },
  flush: { operations: [{ kind: "append", sizes: ["page"], buffered: true }] },
  reopen: { operations: [{ kind: "append", sizes: ["page"], buffered: true }] },
  kill: { operations: [{ kind: "append", sizes: ["page"], buffered: true }] },
  "power-cut": { operations: [{ kind: "append", sizes: ["page"], buffered: true }] },
};

/** Where the first variant of the table is not the one with the most to recover from. */
const letters: Readonly<Partial<Record<OperationKind, readonly Omit<Letter, "kind">[]>>> = {
  append: [{ sizes: ["sector"] }, { sizes: ["sector"], buffered: true }],
  "append-batch": [{ sizes: ["sector", "small"] }],
  truncate: [{ keep: 1, summary: true }],
  replace: [{ sizes: ["small"], summary: true }],
  "power-cut": [{ choices: [1, 1, 1, 1, 1, 1] }],
};

/** Every operation of the table. */
export const coveredOperations: readonly CoveredOperation[] = operationKinds.flatMap((kind) => {
  const variants = letters[kind] ?? (operationTable[kind].letters ?? [{}]).slice(0, 1);
  return variants.map((letter): CoveredOperation => {
    const { prepare = faultHistory, operations = [] } = before[kind] ?? {};
    const after: readonly Letter[] = letter.buffered === true ? [{ kind: "flush" }] : [];
    const on = (one: Letter): Operation => ({ ...one, session: 0 });
    const all = { prepare: prepare.map(on), operations: [...operations, { ...letter, kind }, ...after].map(on) };
    return {
      name: letter.buffered === true ? `${kind} (buffered)` : kind,
      kind,
      scenario: (model) => ({ model, sectorBytes: 512, seed: 1, ...all }),
    };
  });
});

/** One operation under one plan. */
export interface Cell {
  /** The operation. */
  readonly operation: CoveredOperation;
  /** How calls fail in it. */
  readonly fault: NamedFaultPlan;
}

/** What an operation without writes, or without syncs of files, cannot meet. */
function isIdle({ kind }: CoveredOperation, { plan: { fault }, name }: NamedFaultPlan): boolean {
  const isOfBytes = fault.kind === "short-write" || fault.kind === "sync" || name === "the disk is full from then on";
  if (kind === "read") return isOfBytes || fault.kind === "directory-sync";
  return kind === "collect-blobs" && isOfBytes;
}

/** All that there are. */
export const allCells: readonly Cell[] = coveredOperations
  .filter(({ kind }) => unfailing[kind] === undefined)
  .flatMap((operation) =>
    faultPlans.filter((fault) => !isIdle(operation, fault)).map((fault) => ({ operation, fault }))
  );

/** As the counts call it. */
export function nameOf({ operation, fault }: Cell): string {
  return `${operation.name} x ${fault.name}`;
}

/**
 * Those of a run of the suite: each operation and each plan, and what a branch of recovery needs.
 *
 * @param branches As {@linkcode branchesOfRecovery}.
 * @returns The cells, in the order of the table.
 */
export function chosenCells(branches: readonly string[]): Cell[] {
  const chosen = new Set<Cell>();
  let next = 0;
  // Neighbours in the table are alike: each gets a plan of another kind.
  for (const name of new Set(allCells.map(({ operation }) => operation.name))) {
    const own = allCells.filter(({ operation }) => operation.name === name);
    const order = (cell: Cell): number =>
      (faultPlans.indexOf(cell.fault) - next + faultPlans.length) % faultPlans.length;
    const [first] = own.sort((one, other) => order(one) - order(other));
    if (first === undefined) continue;
    chosen.add(first);
    next = faultPlans.indexOf(first.fault) + 1;
  }
  return allCells.filter((cell) => {
    const name = nameOf(cell);
    return chosen.has(cell) || branches.some((branch) => branch.startsWith(`${name} -> `));
  });
}

/**
 * Every type of event: null if a recovery, or a store whose calls fail, is to tell of it here; else why no power cut, no
 * kill and no failing call leads to it.
 */
export const unreachableEvents: Readonly<Record<StoreEventType, string | null>> = {
  "torn-tail": null,
  "quarantine-full": null,
  "replace-discarded": null,
  "replace-finished": null,
  "replace-pending": null,
  "delete-finished": null,
  "foreign-appended": null,
  "lock-taken-over": null,
  "compaction-postponed": null,
  "session-failed": null,
  migrated: null,
  "damaged-line": "no cut and no failing call damages a line (I11); a device that lies does",
  "damaged-blob": "a blob is durable before a record names it, and stays until none does (I1)",
  quarantined: "only damage is set aside before a rewrite (I11)",
  "meta-rebuilt": "a meta file is durable before the log, and another takes its place in one step",
  "first-beyond-end": "what hides records is written after they are durable: only a copy of an older log leads to it",
  "index-discarded": "only lists of workspaces, which are no part of a recovery, use the index",
  "session-unreadable": "only lists, which are no part of a recovery, leave a session out",
  "migration-skipped": "it needs newer data under the key, or a message that is too large",
};

/** Which branch of recovery, as the store tells of it, must have been taken after which operation met which fault. */
export const branchesOfRecovery: readonly string[] = [
  "append (buffered) x a sync fails, pages kept -> session-failed",
  "append (buffered) x kill -> lock-taken-over",
  "append (buffered) x power cut -> torn-tail",
  "append x a sync fails, pages kept -> session-failed",
  "append x kill -> lock-taken-over",
  "append x power cut -> torn-tail",
  "append-batch x a sync fails, pages kept -> session-failed",
  "append-batch x kill -> lock-taken-over",
  "append-batch x power cut -> torn-tail",
  "append-group x a sync fails, pages kept -> session-failed",
  "append-group x kill -> lock-taken-over",
  "append-group x power cut -> torn-tail",
  "compact x a sync fails, pages kept -> session-failed",
  "compact x kill -> lock-taken-over",
  "compact x the disk is full from then on -> session-failed",
  "delete x a sync fails, pages kept -> session-failed",
  "delete x kill -> delete-finished",
  "delete x kill -> lock-taken-over",
  "delete x power cut -> delete-finished",
  "delete x the disk is full from then on -> session-failed",
  "foreign-append x kill -> foreign-appended",
  "foreign-append x kill -> lock-taken-over",
  "foreign-append x kill -> torn-tail",
  "foreign-append x power cut -> foreign-appended",
  "foreign-append x power cut -> torn-tail",
  "kill x kill -> lock-taken-over",
  "migrate x kill -> lock-taken-over",
  "migrate x kill -> migrated",
  "migrate x kill -> replace-finished",
  "migrate x power cut -> migrated",
  "migrate x power cut -> replace-finished",
  "power-cut x power cut -> torn-tail",
  "power-cut x the disk is full from then on -> quarantine-full",
  "recreate x a sync fails, pages kept -> session-failed",
  "recreate x kill -> delete-finished",
  "recreate x kill -> lock-taken-over",
  "recreate x power cut -> delete-finished",
  "recreate x power cut -> torn-tail",
  "recreate x the disk is full from then on -> session-failed",
  "replace x a sync fails, pages kept -> replace-finished",
  "replace x a sync fails, pages kept -> replace-pending",
  "replace x a sync fails, pages kept -> session-failed",
  "replace x a write takes 7 bytes, then ENOSPC -> replace-finished",
  "replace x a write takes 7 bytes, then ENOSPC -> replace-pending",
  "replace x kill -> lock-taken-over",
  "replace x kill -> replace-discarded",
  "replace x kill -> replace-finished",
  "replace x power cut -> replace-discarded",
  "replace x power cut -> replace-finished",
  "replace x the disk is full from then on -> replace-discarded",
  "replace x the disk is full from then on -> replace-finished",
  "replace x the disk is full from then on -> replace-pending",
  "replace x the disk is full from then on -> session-failed",
  "self-compact x a write takes 7 bytes, then ENOSPC -> compaction-postponed",
  "set-summary x a sync fails, pages kept -> session-failed",
  "set-summary x kill -> lock-taken-over",
  "set-summary x the disk is full from then on -> session-failed",
  "set-title x a sync fails, pages kept -> session-failed",
  "set-title x kill -> lock-taken-over",
  "set-title x the disk is full from then on -> session-failed",
  "truncate x a sync fails, pages kept -> session-failed",
  "truncate x kill -> lock-taken-over",
  "truncate x the disk is full from then on -> session-failed",
];

/**
 * How calls fail, and what is run while they do.
 *
 * @module
 */

import type { Fault, FaultPlan, PortMethod } from "../testing/fault_injector.ts";
import { unfailing } from "./fault_operations.ts";
import { type Operation, operationKinds, operationTable } from "./operations.ts";
import type { Scenario } from "./scenario.ts";

/** One way in which calls fail, with a name. */
export interface NamedFaultPlan {
  /** In words. */
  readonly name: string;
  /** What fails, but for when. */
  readonly plan: Omit<FaultPlan, "failAt">;
}

/** Each page, or each sector, for itself: what a failed sync has brought to the disk all the same. */
const partlySynced: readonly { readonly words: string; readonly fault: Fault }[] = [
  { words: "kept, every other one on the disk", fault: { kind: "sync", mode: "kept", choices: alternating(-1, 0) } },
  { words: "dropped, but every other one", fault: { kind: "sync", mode: "dropped", choices: alternating(0, -1) } },
  { words: "reverted, but for some sectors", fault: { kind: "sync", mode: "reverted", choices: alternating(-1, 5) } },
];

/** All ways in which calls fail. */
export const faultPlans: readonly NamedFaultPlan[] = [
  { name: "a write takes 7 bytes, then ENOSPC", plan: { fault: { kind: "short-write", bytes: 7, code: "ENOSPC" } } },
  { name: "a write takes 7 bytes", plan: { fault: { kind: "short-write", bytes: 7 } } },
  {
    name: "the disk is full from then on",
    plan: {
      fault: { kind: "error", code: "ENOSPC" },
      persistent: true,
      filter: ({ method }) => method === "write" || method === "makeDirectory" || method === "rename",
    },
  },
  { name: "ENOSPC once", plan: { fault: { kind: "error", code: "ENOSPC" }, filter: isChange } },
  { name: "EIO once", plan: { fault: { kind: "error", code: "EIO" }, filter: isNoLock } },
  {
    name: "EIO once, though it was done",
    // A lock that nobody was told of holds nobody off: the port gives it back when it fails behind it.
    plan: {
      fault: { kind: "error", code: "EIO", done: true },
      filter: (call) => isChange(call) && call.method !== "lock",
    },
  },
  { name: "EIO from then on", plan: { fault: { kind: "error", code: "EIO" }, persistent: true, filter: isNoLock } },
  {
    name: "EIO, then read-only",
    plan: { fault: { kind: "error", code: "EIO" }, thenReadOnly: true, filter: isChange },
  },
  { name: "EINTR once", plan: { fault: { kind: "error", code: "EINTR" }, filter: isNoLock } },
  { name: "EMFILE once", plan: { fault: { kind: "error", code: "EMFILE" }, filter: needsDescriptor } },
  {
    name: "EMFILE from then on",
    plan: { fault: { kind: "error", code: "EMFILE" }, persistent: true, filter: needsDescriptor },
  },
  { name: "a close fails", plan: { fault: { kind: "error", code: "EIO" }, filter: isClose } },
  { name: "a close is interrupted", plan: { fault: { kind: "error", code: "EINTR" }, filter: isClose } },
  ...(["dropped", "kept", "reverted", "false"] as const).map((mode): NamedFaultPlan => ({
    name: `a sync fails, pages ${mode}`,
    plan: { fault: { kind: "sync", mode } },
  })),
  ...partlySynced.map(({ words, fault }): NamedFaultPlan => ({
    name: `a sync fails, pages ${words}`,
    plan: { fault },
  })),
  { name: "a sync finds no space", plan: { fault: { kind: "sync", mode: "dropped", code: "ENOSPC" } } },
  { name: "a directory's sync fails, and forgets its names", plan: { fault: { kind: "directory-sync" } } },
];

/**
 * What a plan is called.
 *
 * @param plan A plan.
 * @returns Its name; what it lets fail, for one that is not among {@linkcode faultPlans}.
 */
export function nameOfPlan(plan: Omit<FaultPlan, "failAt">): string {
  const { fault, persistent = false, thenReadOnly = false } = plan;
  const known = faultPlans.find((named) => named.plan === plan);
  return known?.name ?? JSON.stringify({ fault, persistent, thenReadOnly });
}

function alternating(...choices: readonly number[]): number[] {
  return Array.from({ length: 32 }, (_, index) => choices[index % choices.length] ?? 0);
}

const changes: ReadonlySet<PortMethod> = new Set<PortMethod>([
  "write",
  "truncate",
  "rename",
  "link",
  "cloneFile",
  "unlink",
  "syncData",
  "syncDirectory",
  "makeDirectory",
  "removeDirectory",
  "open",
  "lock",
]);

function isChange({ method }: { method: PortMethod }): boolean {
  return changes.has(method);
}

/** That a lock cannot be given back is nobody's fault, and hurts nobody; a close has plans of its own. */
function isNoLock({ method }: { method: PortMethod }): boolean {
  return method !== "release" && method !== "waitForChange" && method !== "close";
}

function isClose({ method }: { method: PortMethod }): boolean {
  return method === "close";
}

function needsDescriptor({ method }: { method: PortMethod }): boolean {
  return method === "open" || method === "readDirectory" || method === "syncDirectory" || method === "lock";
}

/** What the session holds before calls fail. */
export const faultHistory: readonly Operation[] = [
  on({ kind: "append" }),
  on({ kind: "append", sizes: ["sector"] }),
  on({ kind: "append-batch", sizes: ["small", "small"] }),
  on({ kind: "truncate", keep: 3 }),
];

function on(operation: Omit<Operation, "session">): Operation {
  return { session: 0, ...operation };
}

/** What every plan is to meet at the least: appends that are acknowledged, a group of them, and a log written anew. */
export const essentialChanges: readonly (readonly Operation[])[] = [
  [on({ kind: "append" }), on({ kind: "append", sizes: ["page"] })],
  [on({ kind: "append-group", sizes: ["small", "sector", "small"] })],
  [on({ kind: "compact" })],
];

/** The rest: each operation that changes something, alone and before an append; and the recovery of a torn end. */
const furtherChanges: readonly (readonly Operation[])[] = [
  [on({ kind: "append", buffered: true }), on({ kind: "append-batch", sizes: ["small", "sector"] })],
  [on({ kind: "append" }), on({ kind: "append", buffered: true }), on({ kind: "flush" })],
  [on({ kind: "truncate", keep: 1, summary: true })],
  [on({ kind: "replace", sizes: ["small", "sector"], summary: true })],
  [on({ kind: "set-summary" })],
  [on({ kind: "recreate" })],
  [on({ kind: "append", sizes: ["page"], buffered: true }), on({ kind: "power-cut", choices: [1, 1, 1, 1] })],
  [on({ kind: "append", sizes: ["page"], buffered: true }), on({ kind: "kill" }), on({ kind: "append" })],
  ...operationKinds.filter((kind) => operationTable[kind].fails === true && unfailing[kind] === undefined).flatMap((
    kind,
  ) => (operationTable[kind].letters ?? [{}]).map((letter) => [on({ ...letter, kind })])),
];

/**
 * What is run, on a session that has a history and on one that has none, on both models.
 *
 * @returns The scenarios.
 */
export function faultScenarios(): Scenario[] {
  const all = [...essentialChanges, ...furtherChanges];
  return (["weak", "ordered"] as const).flatMap((model) =>
    [faultHistory, []].flatMap((prepare) =>
      all.map((operations): Scenario => ({ model, sectorBytes: 512, seed: 1, prepare, operations }))
    )
  );
}

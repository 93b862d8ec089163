/**
 * How calls fail, and what is run while they do.
 *
 * @module
 */

import type { FaultPlan } from "../testing/fault_injector.ts";
import { type Operation, operationKinds, operationTable } from "./operations.ts";
import type { Scenario } from "./scenario.ts";

/** One way in which calls fail, with a name. */
export interface NamedFaultPlan {
  /** In words. */
  readonly name: string;
  /** What fails, but for when. */
  readonly plan: Omit<FaultPlan, "failAt">;
}

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
    plan: { fault: { kind: "error", code: "EIO", done: true }, filter: isChange },
  },
  {
    name: "EIO, then read-only",
    plan: { fault: { kind: "error", code: "EIO" }, thenReadOnly: true, filter: isChange },
  },
  {
    name: "EMFILE once",
    plan: { fault: { kind: "error", code: "EMFILE" }, filter: ({ method }) => method === "open" },
  },
  ...(["dropped", "kept", "reverted", "false"] as const).map((mode): NamedFaultPlan => ({
    name: `a sync fails, pages ${mode}`,
    plan: { fault: { kind: "sync", mode } },
  })),
  { name: "a sync finds no space", plan: { fault: { kind: "sync", mode: "dropped", code: "ENOSPC" } } },
];

function isChange({ method }: { method: string }): boolean {
  return ["write", "truncate", "rename", "unlink", "syncData", "syncDirectory", "makeDirectory", "open"].includes(
    method,
  );
}

/** That a lock cannot be given back is nobody's fault, and hurts nobody. */
function isNoLock({ method }: { method: string }): boolean {
  return method !== "release" && method !== "waitForChange" && method !== "close";
}

/**
 * What is run: each operation that changes something, alone and before an append, on a session that has a history.
 *
 * @returns The scenarios.
 */
export function faultScenarios(): Scenario[] {
  const on = (operation: Omit<Operation, "session">): Operation => ({ session: 0, ...operation });
  const history = [
    on({ kind: "append" }),
    on({ kind: "append", sizes: ["sector"] }),
    on({ kind: "append-batch", sizes: ["small", "small"] }),
    on({ kind: "truncate", keep: 3 }),
  ];
  const changes: Operation[][] = [
    [on({ kind: "append" }), on({ kind: "append", sizes: ["page"] })],
    [on({ kind: "append", buffered: true }), on({ kind: "append-batch", sizes: ["small", "sector"] })],
    [on({ kind: "append-group", sizes: ["small", "sector", "small"] })],
    [on({ kind: "append" }), on({ kind: "append", buffered: true }), on({ kind: "flush" })],
    [on({ kind: "truncate", keep: 1, summary: true })],
    [on({ kind: "replace", sizes: ["small", "sector"], summary: true })],
    [on({ kind: "compact" })],
    [on({ kind: "set-summary" })],
    [on({ kind: "recreate" })],
    ...operationKinds.filter((kind) => operationTable[kind].fails === true).flatMap((kind) =>
      (operationTable[kind].letters ?? [{}]).map((letter) => [on({ ...letter, kind })])
    ),
  ];
  const models = ["weak", "ordered"] as const;
  return models.flatMap((model) =>
    [history, []].flatMap((prepare) =>
      changes.map((operations): Scenario => ({ model, sectorBytes: 512, seed: 1, prepare, operations }))
    )
  );
}

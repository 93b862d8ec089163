import { test } from "node:test";
import type { Operation } from "../../src/torture/operations.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { sequenceStride } from "./crash_budget.ts";
import { runAll } from "./exhaustive_sequences.ts";

const on = (operation: Omit<Operation, "session">): Operation => ({ ...operation, session: 0 });

const history = [on({ kind: "append" }), on({ kind: "append", sizes: ["sector"] })];
const changes: Operation[][] = [
  [on({ kind: "append" }), on({ kind: "append", sizes: ["sector"] })],
  [on({ kind: "append", sizes: ["crafted"] })],
  [on({ kind: "append", sizes: ["sector"], buffered: true }), on({ kind: "append" })],
  [on({ kind: "append-batch", sizes: ["sector", "small"] })],
  [on({ kind: "append-group", sizes: ["small", "sector", "small"] })],
];

test("I1-I6, I11: picoclaw appends between the power cut and the recovery: its message stays, and all that must", async () => {
  const scenarios: Scenario[] = [];
  for (const model of ["weak", "ordered"] as const) {
    for (const sectorBytes of [512, 4096] as const) {
      for (const prepare of [[], history]) {
        for (const operations of changes) {
          scenarios.push({ model, sectorBytes, seed: 1, prepare, operations, picoclawBeforeRecovery: true });
        }
      }
    }
  }
  const options = {
    subject: holdfastSubject,
    depth: 0,
    cutsPerStep: 48,
    cutsPerNestedStep: 0,
  };
  const chosen = scenarios.filter((_, index) => index % Math.min(sequenceStride, 7) === 0);
  await runAll(options, chosen, "picoclaw before the recovery");
});

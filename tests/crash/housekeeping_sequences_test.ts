/**
 * Housekeeping under power cuts: into the trash and back, retention by another process, a writer that compacts its log
 * by itself. Sequences that the enumeration of all has only one operation of.
 */
import { test } from "node:test";
import type { Letter, Operation, OperationKind } from "../../src/torture/operations.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { sequenceStride } from "./crash_budget.ts";
import { runAll } from "./exhaustive_sequences.ts";

type Step = Letter & { readonly kind: OperationKind; readonly session?: number };

const small: Step = { kind: "append" };
const other: Step = { kind: "append", session: 1 };
const hide: Step = { kind: "truncate", keep: 1, summary: true };
const trash: Step = { kind: "trash" };
const back: Step = { kind: "trash", variant: "back" };
const retain: Step = { kind: "retain" };
const shrink: Step = { kind: "self-compact", keep: 1 };

/** What lies there, and what is done then; the power is cut in that. */
const sequences: readonly (readonly [prepare: readonly Step[], operations: readonly Step[]])[] = [
  [[small, small, hide], [back, small]],
  [[small, small, hide, { kind: "archive" }], [back, small]],
  [[small, trash, small], [trash, small]],
  [[small, hide], [back, { kind: "delete" }]],
  [[small, other, { kind: "reopen" }], [retain, small]],
  [[small, other, { kind: "reopen" }, small], [retain, other]],
  [[small, trash], [retain, small]],
  [[small, small, small], [shrink, small]],
  [[small, { kind: "append", sizes: ["sector"] }, hide], [shrink, { kind: "self-compact", keep: 0 }, small]],
  [[small, trash], [{ kind: "kill" }, small, back]],
  [[small, { kind: "append", buffered: true }], [back]],
];

function scenarios(model: Scenario["model"], sectorBytes: Scenario["sectorBytes"]): Scenario[] {
  const on = (step: Step): Operation => ({ session: 0, ...step });
  return sequences.filter((_, index) => index % Math.min(3, sequenceStride) === 0).map(([prepare, operations]) => {
    return { model, sectorBytes, seed: 1, prepare: prepare.map(on), operations: operations.map(on) };
  });
}

for (const model of ["weak", "ordered"] as const) {
  test(`I1, I7, I8, I9, I15, I18: housekeeping, the power cut at every step of every call (${model})`, async () => {
    const options = { subject: holdfastSubject, depth: 0, cutsPerStep: 12, cutsPerNestedStep: 4 };
    await runAll(options, scenarios(model, 512), `housekeeping, ${model}`);
  });
}

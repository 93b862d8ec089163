/**
 * Large values under power cuts: appended, named twice, no longer named, and collected, by the program that writes or by
 * another. Sequences that the enumeration of all has only one operation of.
 */
import { test } from "node:test";
import type { Letter, Operation, OperationKind } from "../../src/torture/operations.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { sequenceStride } from "./crash_budget.ts";
import { runAll } from "./exhaustive_sequences.ts";

type Step = Letter & { readonly kind: OperationKind; readonly session?: number };

const blob: Step = { kind: "append-blob" };
const small: Step = { kind: "append" };
const collect: Step = { kind: "collect-blobs" };
const others: Step = { kind: "collect-blobs", variant: "other" };

/** What lies there, and what is done then; the power is cut in that. */
const sequences: readonly (readonly [prepare: readonly Step[], operations: readonly Step[]])[] = [
  [[], [blob, { ...blob, session: 1 }, small, { ...blob, buffered: true }, { kind: "flush" }]],
  // Labels count up, and every second large value is the same: the third append names the first one's blob.
  [[blob], [small, blob, collect]],
  [[blob, { kind: "truncate", keep: 0 }], [{ kind: "compact" }, collect, blob]],
  [[blob, { kind: "delete" }], [collect, small, blob]],
  [[blob, { kind: "delete" }], [others, small, blob, others]],
  [[blob, small], [{ kind: "replace", sizes: ["blob", "small"] }, collect]],
  [[blob, { kind: "replace", sizes: ["small"] }], [{ kind: "replace", sizes: ["small", "blob"] }, others]],
  [[blob], [{ kind: "fork" }, { kind: "delete" }, collect]],
  [[blob, { kind: "truncate", keep: 0 }], [{ kind: "archive" }, collect]],
  [[blob], [{ kind: "kill" }, { ...blob, buffered: true }, { kind: "kill" }, collect, blob]],
  [[small], [{ ...blob, buffered: true }, { kind: "foreign-append" }, { kind: "reopen" }, others]],
];

function scenarios(model: Scenario["model"], sectorBytes: Scenario["sectorBytes"]): Scenario[] {
  const on = (step: Step): Operation => ({ session: 0, ...step });
  return sequences.filter((_, index) => index % Math.min(3, sequenceStride) === 0).map(([prepare, operations]) => {
    return { model, sectorBytes, seed: 1, prepare: prepare.map(on), operations: operations.map(on) };
  });
}

for (const model of ["weak", "ordered"] as const) {
  test(`I1, I3, I6, I7, I18, C9: large values, the power cut at every step of every call (${model})`, async () => {
    const options = { subject: holdfastSubject, depth: 0, cutsPerStep: 12, cutsPerNestedStep: 4 };
    await runAll(options, [...scenarios(model, 512), ...scenarios(model, 4096)], `large values, ${model}`);
  });
}

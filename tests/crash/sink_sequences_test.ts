/**
 * A sink under power cuts: it sends, beside appends and beside everything that rewrites or removes a session, in this
 * program or in another; the board's power is cut in mid-upload, and the bucket loses nothing by that.
 */
import { test } from "node:test";
import type { Letter, Operation, OperationKind } from "../../src/torture/operations.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { isEverythingAsked, sequenceStride } from "./crash_budget.ts";
import { runAll } from "./exhaustive_sequences.ts";

type Step = Letter & { readonly kind: OperationKind; readonly session?: number };

const small: Step = { kind: "append" };
const buffered: Step = { kind: "append", buffered: true };
const hide: Step = { kind: "truncate", keep: 1, summary: true };
const send: Step = { kind: "send" };
const sendAs = (variant: string): Step => ({ kind: "send", variant });
const beside = (variant: string): Step => ({ kind: "send-beside", variant, keep: 1 });

/** What lies there, and what is done then; the power is cut in that. */
const sequences: readonly (readonly [prepare: readonly Step[], operations: readonly Step[]])[] = [
  [[], [small, send, small, sendAs("lost")]],
  [[small, send], [buffered, send, small]],
  [[small, send], [buffered, sendAs("other"), small]],
  [[small, send, { kind: "reopen" }], [buffered, sendAs("other"), { kind: "kill" }, sendAs("other")]],
  [[small, small], [sendAs("refused"), { kind: "reopen" }, send]],
  [[small, send, small, small], [sendAs("refused"), { kind: "kill" }, small, send]],
  [[small, small, send], [small, sendAs("forgotten")]],
  [[small, small], [beside("append 1"), beside("append 2"), beside("append 3")]],
  [[small, small, send, small], [beside("truncate 2"), { kind: "compact" }, send]],
  [[small, small, send, small, hide], [beside("compact 2"), send]],
  [[small, small, hide], [beside("archive 2"), small, send]],
  [[small, small, send, small], [beside("replace 2"), send]],
  [[small, small, small], [beside("replace 3"), sendAs("lost")]],
  [[small, small, send, small], [beside("delete 2"), send]],
  [[small, small, sendAs("refused"), { kind: "kill" }], [beside("delete 1 other"), send]],
  [[small, small, small], [beside("renew 2"), small, send]],
  [[small, small, small], [beside("renew 3"), small, send]],
  [[small, send, small, small], [beside("renew 2 other"), small, send]],
  [[small, send, small, small], [beside("renew 3 other"), small, send]],
  [[small, send, small, small, hide], [beside("compact 2 other"), send]],
  [[small, send, small, small], [beside("replace 2 other"), send]],
  [[small, send], [{ kind: "recreate" }, sendAs("lost")]],
  [[small, small, send], [beside("fork 1"), { kind: "append", session: 1 }, send]],
  [[small, send], [{ kind: "trash", variant: "back" }, small, send]],
  [[small, send], [{ kind: "foreign-append" }, send]],
  [[small, send, { kind: "reopen" }], [{ kind: "foreign-append" }, send]],
  [[{ kind: "append-blob" }], [send, { kind: "append-blob" }, sendAs("lost")]],
];

/** Every how-many-th; what a sink does differs little between the models, and not at all between runtimes. */
function scenarios(model: Scenario["model"], stride: number): Scenario[] {
  const on = (step: Step): Operation => ({ session: 0, ...step });
  return sequences.filter((_, index) => index % stride === 0).map(([prepare, operations]) => {
    return { model, sectorBytes: 512, seed: 1, prepare: prepare.map(on), operations: operations.map(on) };
  });
}

for (const model of ["weak", "ordered"] as const) {
  test(`S1, S2, S3: a prefix of the durable history, each record once, in the end all (${model})`, async () => {
    const options = { subject: holdfastSubject, depth: 0, cutsPerStep: 4, cutsPerNestedStep: 4 };
    const stride = model === "weak" || isEverythingAsked ? sequenceStride : 4 * sequenceStride;
    await runAll(options, scenarios(model, stride), `sinks, ${model}`);
  });
}

import { test } from "node:test";
import type { OperationKind } from "../../src/torture/operations.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { AllSequences } from "../../src/torture/sequences.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { isEverythingAsked, sequenceStride } from "./crash_budget.ts";
import { runAll } from "./exhaustive_sequences.ts";

const options = { subject: holdfastSubject, depth: 0, cutsPerStep: 256, cutsPerNestedStep: 4 };
/** The whole enumeration, and nothing random. */
const wholeEnumeration = { ...options, cutsPerStep: Infinity, randomCutsPerStep: 0 };

test("I1-I11, I18, I21: every single operation, the power cut at every step and inside every step", async () => {
  const all = new AllSequences(1);
  const scenarios = [];
  for (let index = 0; index < all.count; index += sequenceStride) scenarios.push(all.at(index));
  await runAll(wholeEnumeration, scenarios, "sequences of one");
});

/** One operation on the weak machine with sectors of 512 bytes, in a new session or behind a past. */
function smallCases(kinds: readonly OperationKind[]): Scenario[] {
  const all = new AllSequences(1, ["weak"]);
  const scenarios = Array.from({ length: all.count }, (_, index) => all.at(index));
  return scenarios.filter(({ sectorBytes, operations: [operation] }) =>
    sectorBytes === 512 && operation !== undefined && kinds.includes(operation.kind)
  );
}

test("I10: recovery is cut at every step, and the recovery from that again (depth 2)", async () => {
  const chosen = smallCases(["append", "replace", "compact", "truncate", "recreate"])
    .filter((_, index) => index % (isEverythingAsked ? 1 : 2 * sequenceStride) === 0);
  await runAll({ ...options, depth: 2, cutsPerStep: 10, cutsPerNestedStep: 2 }, chosen, "nested cuts");
});

test("I10: of the smallest cases every cut in every recovery from every cut in a recovery is tried (depth 2)", async () => {
  const chosen = smallCases(["append", "compact", "truncate", "delete"])
    .filter((_, index) => isEverythingAsked || index % 5 === 0);
  const all = { ...wholeEnumeration, depth: 2, cutsPerNestedStep: Infinity, sampling: sequenceStride };
  await runAll(all, chosen, "all nested cuts");
});

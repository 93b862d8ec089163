import { test } from "node:test";
import { AllSequences } from "../../src/torture/sequences.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { sequenceStride } from "./crash_budget.ts";
import { runAll } from "./exhaustive_sequences.ts";

const options = { subject: holdfastSubject, depth: 0, cutsPerStep: 256, cutsPerNestedStep: 4 };
/** The whole enumeration, and nothing random. */
const wholeEnumeration = { ...options, cutsPerStep: Infinity, randomCutsPerStep: 0 };

test("I1-I11, I17, I18, I20, I21: every single operation, the power cut at every step and inside every step", async () => {
  const all = new AllSequences(1);
  const scenarios = [];
  for (let index = 0; index < all.count; index += sequenceStride) scenarios.push(all.at(index));
  await runAll(wholeEnumeration, scenarios, "sequences of one");
});

test("I10: recovery is cut at every step, and the recovery from that again (depth 2)", async () => {
  const all = new AllSequences(1, ["weak"]);
  const scenarios = [];
  for (let index = 0; index < all.count; index++) {
    const scenario = all.at(index);
    const [operation] = scenario.operations;
    const isSmall = operation?.kind === "append" || operation?.kind === "replace" || operation?.kind === "compact";
    if (isSmall && scenario.sectorBytes === 512) scenarios.push(scenario);
  }
  const chosen = scenarios.filter((_, index) => index % sequenceStride === 0);
  await runAll({ ...options, depth: 2, cutsPerStep: 10, cutsPerNestedStep: 2 }, chosen, "nested cuts");
});

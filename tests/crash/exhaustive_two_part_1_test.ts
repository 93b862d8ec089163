import { test } from "node:test";
import { AllSequences } from "../../src/torture/sequences.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { sequenceStride } from "./crash_budget.ts";
import { runAll } from "./exhaustive_sequences.ts";

const options = {
  subject: holdfastSubject,
  depth: 0,
  cutsPerStep: 32,
  onlyLast: true,
  cutsPerNestedStep: 4,
  share: { part: 0, parts: 2 },
};

test("I1-I11, I17, I18, I21: every sequence of two operations, cut at every step and inside; states of share 1 of 2", async () => {
  const all = new AllSequences(2);
  const scenarios = [];
  for (let index = 0; index < all.count; index += sequenceStride) scenarios.push(all.at(index));
  await runAll(options, scenarios, "sequences of two, share 1");
});

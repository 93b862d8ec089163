import { test } from "node:test";
import { randomScenario } from "../../src/torture/sequences.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { isEverythingAsked, sequenceStride } from "./crash_budget.ts";
import { runAll } from "./exhaustive_sequences.ts";

test("I1-I11, I13, I15, I18, I21: long random runs from fixed seeds, cut at random steps", async () => {
  const options = { subject: holdfastSubject, depth: 0, cutsPerStep: 5, cutsPerNestedStep: 2, sampling: 16 };
  const scenarios = Array.from({ length: isEverythingAsked ? 48 : sequenceStride === 1 ? 5 : 2 }, (_, run) => {
    return randomScenario(7_000 + run);
  });
  await runAll(options, scenarios, "random runs");
});

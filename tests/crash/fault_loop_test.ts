import assert from "node:assert/strict";
import { test } from "node:test";
import { runFaultLoop } from "../../src/torture/fault_loop.ts";
import { operationWords } from "../../src/torture/operations.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { faultPlans, faultScenarios } from "../../src/torture/fault_plans.ts";
import { isEverythingAsked, sequenceStride } from "./crash_budget.ts";

/** Each call of each scenario in each way comes to some ten thousand runs: those are for the night. */
const stride = isEverythingAsked ? 1 : sequenceStride === 1 ? 27 : 85;
/** No plan is to meet one scenario in its four forms and no other: neither number divides how many there are. */
const phase = 5;

for (const [index, { name, plan }] of faultPlans.entries()) {
  test(`I13, I14, I6, I1: the n-th call fails, n = 1, 2, 3 … until none does: ${name}`, async () => {
    let runs = 0;
    for (const [number, scenario] of faultScenarios().entries()) {
      if ((number + phase * index) % stride !== 0 && stride > 1) continue;
      const result = await runFaultLoop(holdfastSubject, scenario, plan);
      runs += result.runs;
      const { failure } = result;
      if (failure === null) continue;
      const words = [...scenario.prepare, ...scenario.operations].map(operationWords).join("; ");
      assert.fail(`${name}, call ${failure.failAt} (${failure.call}), ${scenario.model}: ${words}\n${failure.message}`);
    }
    console.log(`${name}: ${runs} runs`);
    assert.ok(runs > 0 || stride > 1);
  });
}

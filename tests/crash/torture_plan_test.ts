import assert from "node:assert/strict";
import { test } from "node:test";
import { planOf, type PlanStep, sequenceCount, type TorturePlan } from "../../src/torture/plan.ts";
import { decodeReproduction, encodeReproduction } from "../../src/torture/scenario.ts";
import { AllSequences, randomScenario } from "../../src/torture/sequences.ts";

const explorer = { depth: 1, cutsPerStep: 96, cutsPerNestedStep: 4 };
const endless: TorturePlan = { exhaustive: 1, runs: Infinity, seed: 3, models: ["weak", "ordered"], explorer };

/** The steps behind the short sequences, up to a number of them. */
function later(plan: TorturePlan, part: number, parts: number, count: number): PlanStep[] {
  const steps: PlanStep[] = [];
  for (const step of planOf(plan, part, parts)) {
    if (!step.isDivided && steps.push(step) === count) break;
  }
  return steps;
}

test("a plan without end draws longer sequences between the long runs, each on all its machines", () => {
  const [long, ...drawn] = later(endless, 0, 1, 1_202);
  const nextLong = drawn.pop();
  assert.ok(long !== undefined && nextLong !== undefined);
  assert.ok(long.scenario.operations.length >= 50 && nextLong.scenario.operations.length >= 50);
  assert.equal(drawn.length, 1_200);
  for (const [index, { scenario, options, sequence }] of drawn.entries()) {
    assert.equal(scenario.operations.length, 2);
    assert.deepEqual(options, { depth: 0, onlyLast: true });
    assert.equal(sequence, sequenceCount(endless));
    assert.deepEqual(scenario.operations, drawn[index - index % 8]?.scenario.operations);
  }
  const machines = drawn.slice(0, 8).map(({ scenario: { model, sectorBytes, prepare } }) =>
    `${model} ${sectorBytes} ${prepare.length}`
  );
  assert.equal(new Set(machines).size, 8);
});

test("the seed alone decides what is drawn, and two workers draw what is not the other's", () => {
  const drawnOf = (part: number, parts: number): string => JSON.stringify(later(endless, part, parts, 400));
  assert.equal(drawnOf(0, 2), drawnOf(0, 2));
  assert.notEqual(drawnOf(0, 2), drawnOf(1, 2));
  assert.equal(drawnOf(1, 2), JSON.stringify(later({ ...endless, seed: 4 }, 0, 1, 400)));
});

test("a plan with a number of runs, or with long runs only, draws nothing", () => {
  assert.equal(later({ ...endless, runs: 5 }, 0, 1, Infinity).length, 5);
  for (const { scenario } of later({ ...endless, exhaustive: 0 }, 0, 1, 20)) {
    assert.ok(scenario.operations.length >= 50);
  }
});

test("I16: somebody's files lie beside a quarter of the single operations and half of the long runs", () => {
  const among = ({ count }: { count: number }, at: (index: number) => { foreignFiles?: boolean }): number =>
    Array.from({ length: count }, (_, index) => at(index)).filter(({ foreignFiles }) => foreignFiles === true).length;
  const [single, pairs] = [new AllSequences(1), new AllSequences(2)];
  assert.equal(among(single, (index) => single.at(index)) * 4, single.count);
  assert.equal(among(pairs, (index) => pairs.at(index)), 0);
  const long = among({ count: 1_000 }, (seed) => randomScenario(seed));
  assert.ok(long > 400 && long < 600, `${long} of 1,000`);
});

test("what a scenario has beside its operations is in the line that runs it again", () => {
  const scenario = { ...randomScenario(3), foreignFiles: true, picoclawBeforeRecovery: true };
  const reproduction = { scenario, path: [{ step: 4, choices: [1, -1] }, { step: 2, choices: null }] };
  assert.deepEqual(decodeReproduction(encodeReproduction(reproduction)), reproduction);
});

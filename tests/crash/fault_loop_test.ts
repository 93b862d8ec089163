import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFault, type FaultFinding, tellFault } from "../../src/torture/fault_finding.ts";
import { reproduceFault, runFaultLoop } from "../../src/torture/fault_loop.ts";
import { essentialChanges, faultHistory, faultPlans, faultScenarios } from "../../src/torture/fault_plans.ts";
import type { Operation } from "../../src/torture/operations.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { holdfastSubject, type Subject } from "../../src/torture/subject.ts";
import { isEverythingAsked, sequenceStride } from "./crash_budget.ts";

const isPartly = sequenceStride > 1;
/** Each call of each scenario in each way comes to some hundred thousand runs: those are for the night. */
const stride = isPartly ? 111 : 37;
/** No plan is to meet one scenario in its four forms and no other: none of the two divides how many there are. */
const phase = 5;

/** What every plan meets (one of it where the suite is run in part), on one of the two models. */
function essentialScenarios(index: number): Scenario[] {
  const model = index % 2 === 0 ? "weak" : "ordered";
  const all = essentialChanges.map((operations): Scenario => ({
    model,
    sectorBytes: 512,
    seed: 1,
    prepare: faultHistory,
    operations,
  }));
  return all.filter((_, number) => !isPartly || number === index % all.length);
}

for (const [index, { name, plan }] of faultPlans.entries()) {
  test(`I13, I14, I6, I1: the n-th call fails, n = 1, 2, 3 … until none does: ${name}`, async () => {
    let runs = 0;
    const run = async (scenario: Scenario): Promise<number> => {
      const result = await runFaultLoop(holdfastSubject, scenario, plan);
      if (result.failure !== null) assert.fail(tellFault(result.failure));
      runs += result.runs;
      return result.runs;
    };
    for (const scenario of essentialScenarios(index)) {
      const kinds = scenario.operations.map(({ kind }) => kind).join(", ");
      assert.ok(await run(scenario) > 0, `${name} is met by no call of: ${kinds}`);
    }
    for (const [number, scenario] of faultScenarios().entries()) {
      if (isEverythingAsked || (number + phase * index) % stride === 0) await run(scenario);
    }
    console.log(`${name}: ${runs} runs`);
  });
}

test("the scenarios of the failing calls are not sampled in step with their forms", () => {
  const count = faultScenarios().length;
  for (const number of [stride, phase]) assert.notEqual(count % number, 0, `${number} divides ${count}`);
});

const onHistory = (...operations: readonly Operation[]): Scenario => {
  return { model: "weak", sectorBytes: 512, seed: 1, prepare: faultHistory, operations };
};

for (const code of ["EIO", "EINTR"]) {
  test(`I14: a fork was made, but its source could not be closed (${code}): it said that nothing had happened`, async () => {
    const scenario = onHistory({ kind: "fork", session: 0 });
    const plan = { fault: { kind: "error", code }, filter: isClose } as const;
    const { runs, failure } = await runFaultLoop(holdfastSubject, scenario, plan);
    assert.equal(failure === null ? null : tellFault(failure), null);
    assert.ok(runs > 0);
  });

  test(`I13: a deleted session's log could not be closed: the system's own ${code} came out`, async () => {
    const scenario = onHistory({ kind: "delete", session: 0 });
    const plan = { fault: { kind: "error", code }, filter: isClose } as const;
    const { runs, failure } = await runFaultLoop(holdfastSubject, scenario, plan);
    assert.equal(failure === null ? null : tellFault(failure), null);
    assert.ok(runs > 0);
  });
}

test("I18: a cut that a recovery's failed sync has lost is set aside once more, and nothing else is", async () => {
  const torn: Operation[] = [
    { kind: "append", session: 0, sizes: ["page"], buffered: true },
    { kind: "power-cut", session: 0, choices: [1, 1, 1, 1, 1, 1] },
  ];
  const plan = { fault: { kind: "sync", mode: "dropped" } } as const;
  const { met, failure } = await runFaultLoop(holdfastSubject, onHistory(...torn), plan);
  assert.equal(failure === null ? null : tellFault(failure), null);
  assert.ok(met > 0);
});

function isClose({ method }: { method: string }): boolean {
  return method === "close";
}

/** Holdfast, but for a summary: what fails is not told. */
const silent: Subject = {
  ...holdfastSubject,
  name: "silent",
  async open(options) {
    const store = await holdfastSubject.open(options);
    const quiet = Object.assign(Object.create(store), {
      session: async (key: string) => {
        const session = await store.session(key);
        return Object.assign(Object.create(session), {
          setSummary: async (summary: string) => await session.setSummary(summary).catch(() => undefined),
        });
      },
    });
    for (const name of ["has", "close", "delete", "fork", "promote"] as const) {
      Object.assign(quiet, { [name]: store[name]?.bind(store) });
    }
    return quiet;
  },
};

async function findSilence(): Promise<FaultFinding | null> {
  const plan = faultPlans.find(({ name }) => name === "EIO once")?.plan;
  assert.ok(plan !== undefined);
  return (await runFaultLoop(silent, onHistory({ kind: "set-summary", session: 0 }), plan)).failure;
}

test("a finding of the fault loop says what was run, what failed, what is broken, and how to see it again", async () => {
  const finding = await findSilence();
  assert.ok(finding !== null);
  const { plan, failAt, call, scenario, operations, invariant, ending } = finding;
  assert.deepEqual([plan, scenario.model, scenario.seed], ["EIO once", "weak", 1]);
  assert.equal(operations.length, 5);
  assert.match(operations.at(0) ?? "", /^append a small record.*\(before\)$/);
  assert.match(operations.at(-1) ?? "", /^set the summary/);
  const story = tellFault(finding);
  assert.match(story, new RegExp(`^${invariant} is broken: `));
  assert.ok(story.includes(`meanwhile: EIO once, at call ${failAt}: ${call}\n`), story);
  assert.ok(story.includes(ending === null ? "while calls failed" : `then: ${ending}`), story);
  const again = /^again: holdfast torture --reproduce '(.*)'$/m.exec(story)?.[1] ?? "";
  assert.equal(again, encodeFault(finding));
  assert.deepEqual(await reproduceFault(again), { story: null }, "Holdfast itself is not silent");
});

test("a failing call is run again by its plan, its number and its scenario only", async () => {
  const scenario = onHistory({ kind: "set-summary", session: 0 });
  assert.equal(await reproduceFault(JSON.stringify({ scenario, path: [] })), null);
  await assert.rejects(reproduceFault(encodeFault({ plan: "none", failAt: 1, scenario })), TypeError);
  await assert.rejects(reproduceFault(JSON.stringify({ scenario, path: [], plan: 1, failAt: 1 })), TypeError);
  await assert.rejects(reproduceFault("{}"), TypeError);
});

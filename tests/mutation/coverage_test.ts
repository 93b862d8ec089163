import assert from "node:assert/strict";
import { test } from "node:test";
import { Explorer } from "../../src/torture/explorer.ts";
import { tellFault } from "../../src/torture/fault_finding.ts";
import { runFaultLoop } from "../../src/torture/fault_loop.ts";
import { faultPlans } from "../../src/torture/fault_plans.ts";
import { withStoppedClock } from "../../src/torture/stopped_clock.ts";
import { tellStory } from "../../src/torture/story.ts";
import { holdfastSubject, type Subject } from "../../src/torture/subject.ts";
import { isEverythingAsked, sequenceStride } from "../crash/crash_budget.ts";
import {
  allCells,
  branchesOfRecovery,
  type Cell,
  chosenCells,
  type CoveredOperation,
  coveredOperations,
  nameOf,
  unreachableEvents,
} from "./coverage_cells.ts";

class Coverage {
  readonly #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    if (count > 0) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  get lines(): string[] {
    return [...this.#counts].map(([name, count]) => `${name}: ${count}`).sort();
  }
}

/** The product; each of its events is counted, by itself and under what is being done to it. */
function watched(coverage: Coverage, prefix: string): Subject {
  return {
    ...holdfastSubject,
    open: async (options) =>
      await holdfastSubject.open({
        ...options,
        onEvent: (event) => {
          coverage.add(`${prefix} -> ${event.type}`);
          coverage.add(`event ${event.type}`);
          options.onEvent?.(event);
        },
      }),
  };
}

/** Everything ends at every step of an operation. */
async function explore(coverage: Coverage, operation: CoveredOperation): Promise<string[]> {
  const names: string[] = [];
  // What a kill leaves does not depend on the model.
  for (const [fault, cutsPerStep, models] of [["kill", 0, ["weak"]], ["power cut", 24, ["weak", "ordered"]]] as const) {
    const prefix = `${operation.name} x ${fault}`;
    names.push(prefix);
    for (const model of models) {
      const options = { subject: watched(coverage, prefix), depth: 0, cutsPerStep, cutsPerNestedStep: 0 };
      const explorer = new Explorer(options);
      const finding = await withStoppedClock(() => explorer.explore(operation.scenario(model)));
      if (finding !== null) assert.fail(`${prefix}: ${await tellStory(options, finding)}`);
      coverage.add(prefix, fault === "kill" ? explorer.kills.size : explorer.states.size);
    }
  }
  return names;
}

/** Each call of an operation fails in turn. */
async function fail(coverage: Coverage, cell: Cell): Promise<string> {
  const name = nameOf(cell);
  const { plan } = cell.fault;
  const { met, failure } = await runFaultLoop(watched(coverage, name), cell.operation.scenario("weak"), plan);
  if (failure !== null) assert.fail(`${name}: ${tellFault(failure)}`);
  coverage.add(name, met);
  coverage.add(`plan ${cell.fault.name}`, met);
  return name;
}

test("coverage: each operation meets each end, each way to fail some operation, and each branch is taken", async () => {
  const coverage = new Coverage();
  const isWhole = sequenceStride === 1;
  const isChosen = (_: unknown, index: number): boolean => index % sequenceStride === 0;
  const wanted: string[] = [];
  for (const operation of coveredOperations.filter(isChosen)) wanted.push(...await explore(coverage, operation));
  const cells = isEverythingAsked ? allCells : chosenCells(branchesOfRecovery).filter(isChosen);
  for (const cell of cells) wanted.push(await fail(coverage, cell));
  for (const line of coverage.lines) console.log(line);
  wanted.push(...branchesOfRecovery.filter((branch) => wanted.some((name) => branch.startsWith(`${name} -> `))));
  if (isWhole) {
    wanted.push(...faultPlans.map(({ name }) => `plan ${name}`));
    for (const [type, why] of Object.entries(unreachableEvents)) if (why === null) wanted.push(`event ${type}`);
  }
  assert.deepEqual(wanted.filter((name) => coverage.count(name) === 0), []);
  for (const [type, why] of Object.entries(unreachableEvents)) {
    if (why !== null) assert.equal(coverage.count(`event ${type}`), 0, `${type} was told of, though ${why}`);
  }
});

test("coverage: a run of the suite has each operation that can fail, and each way to fail", () => {
  const cells = chosenCells(branchesOfRecovery);
  const missing = (names: readonly string[], has: (cell: Cell, name: string) => boolean): string[] =>
    names.filter((name) => !cells.some((cell) => has(cell, name)));
  assert.deepEqual(missing(faultPlans.map(({ name }) => name), ({ fault }, name) => fault.name === name), []);
  const failing = [...new Set(allCells.map(({ operation }) => operation.name))];
  assert.deepEqual(missing(failing, ({ operation }, name) => operation.name === name), []);
  const known = [
    ...coveredOperations.flatMap(({ name }) => [`${name} x kill`, `${name} x power cut`]),
    ...allCells.map(nameOf),
  ];
  assert.deepEqual(branchesOfRecovery.filter((branch) => !known.some((name) => branch.startsWith(`${name} -> `))), []);
});

/**
 * Makes a failure smaller: fewer operations, an earlier step, fewer things that the power cut takes.
 *
 * @module
 */

import { Explorer, type ExplorerOptions, type Finding } from "./explorer.ts";
import type { Operation } from "./operations.ts";
import type { Scenario } from "./scenario.ts";

const attemptsMax = 200;

/**
 * Shrinks a finding. What is left still breaks something: the same invariant, or another.
 *
 * @param options How the finding was made.
 * @param finding What was found.
 * @returns The smallest that was found from there.
 */
export async function shrink(options: ExplorerOptions, finding: Finding): Promise<Finding> {
  const { only: _only, onEnd: _onEnd, sampling: _sampling, cutsStride: _stride, ...search } = options;
  const shrinker = new Shrinker({ ...search, onlyLast: true }, finding);
  await shrinker.dropTheRest();
  await shrinker.dropOperations();
  await shrinker.simplifyRecords();
  await shrinker.keepMore();
  return shrinker.best;
}

class Shrinker {
  best: Finding;
  readonly #options: ExplorerOptions;
  #attempts = 0;

  constructor(options: ExplorerOptions, finding: Finding) {
    this.#options = options;
    this.best = finding;
  }

  /** What was not run any more is not needed, if the failure is where it was. */
  async dropTheRest(): Promise<void> {
    const { scenario, performed } = this.best;
    const operations = scenario.operations.slice(0, performed);
    if (operations.length < scenario.operations.length) await this.#search({ ...scenario, operations });
  }

  /** Halves first, then single ones; what came before is as good as an operation. */
  async dropOperations(): Promise<void> {
    for (let size = Math.ceil(this.best.scenario.operations.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let start = 0; start < this.best.scenario.operations.length;) {
        const { operations } = this.best.scenario;
        const left = [...operations.slice(0, start), ...operations.slice(start + size)];
        if (left.length === 0 || !await this.#search({ ...this.best.scenario, operations: left })) start += size;
      }
    }
    for (let index = 0; index < this.best.scenario.prepare.length;) {
      const prepare = this.best.scenario.prepare.filter((_, place) => place !== index);
      if (!await this.#search({ ...this.best.scenario, prepare })) index++;
    }
  }

  async simplifyRecords(): Promise<void> {
    for (let index = 0; index < this.best.scenario.operations.length; index++) {
      for (const simpler of simplerOperations(this.best.scenario.operations[index])) {
        const operations = this.best.scenario.operations.slice();
        operations[index] = simpler;
        await this.#search({ ...this.best.scenario, operations });
      }
    }
  }

  /** What survives is easier to understand than what does not. */
  async keepMore(): Promise<void> {
    for (let end = 0; end < this.best.path.length; end++) {
      const { choices = null } = this.best.path[end] ?? {};
      for (let place = 0; place < (choices?.length ?? 0); place++) {
        const ending = this.best.path[end];
        if (ending === undefined || ending.choices === null || ending.choices[place] === -1) continue;
        const path = this.best.path.slice();
        path[end] = { ...ending, choices: ending.choices.map((choice, index) => index === place ? -1 : choice) };
        await this.#attempt({ ...this.#options, only: path }, this.best.scenario);
      }
    }
  }

  #search(scenario: Scenario): Promise<boolean> {
    return this.#attempt(this.#options, scenario);
  }

  async #attempt(options: ExplorerOptions, scenario: Scenario): Promise<boolean> {
    if (++this.#attempts > attemptsMax) return false;
    const finding = await new Explorer(options).explore(scenario);
    if (finding === null) return false;
    this.best = finding;
    return true;
  }
}

function simplerOperations(operation: Operation | undefined): Operation[] {
  if (operation === undefined) return [];
  const { sizes = [] } = operation;
  const simpler: Operation[] = [];
  if (sizes.some((size) => size !== "small")) simpler.push({ ...operation, sizes: sizes.map(() => "small") });
  if (sizes.length > 2) simpler.push({ ...operation, sizes: sizes.slice(0, 2) });
  if (operation.summary === true) simpler.push({ ...operation, summary: false });
  return simpler;
}

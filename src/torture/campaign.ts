/**
 * Many scenarios, one after the other, with a count of what was done and a list of what was found.
 *
 * @module
 */

import { Explorer, type ExplorerOptions, type Finding } from "./explorer.ts";
import type { Scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";
import { withStoppedClock } from "./stopped_clock.ts";

/** What was done so far. */
export interface CampaignCounts {
  /** Scenarios run. */
  readonly scenarios: number;
  /** Operations performed in them. */
  readonly operations: number;
  /** Steps at which everything ended. */
  readonly steps: number;
  /** Power cuts tried. */
  readonly cuts: number;
  /** Distinct states after a cut: what was acknowledged, and what is on the disk. Each was checked. */
  readonly states: number;
  /** Distinct states after the death of the program. */
  readonly kills: number;
  /**
   * Recoveries that were run for them: a state that differs from one of these only in what nobody looked at (what an
   * old lock or an unfinished file holds) would go the same way.
   */
  readonly recoveries: number;
  /** How many scenarios have broken each invariant. */
  readonly broken: Readonly<Record<string, number>>;
}

/**
 * What several campaigns have done.
 *
 * @param counts What each has.
 * @returns The sums; of states, with those that several have come upon.
 */
export function sumOfCounts(counts: readonly CampaignCounts[]): CampaignCounts {
  const sum = { scenarios: 0, operations: 0, steps: 0, cuts: 0, states: 0, kills: 0, recoveries: 0 };
  const broken: Record<string, number> = {};
  for (const count of counts) {
    sum.scenarios += count.scenarios;
    sum.operations += count.operations;
    sum.steps += count.steps;
    sum.cuts += count.cuts;
    sum.states += count.states;
    sum.kills += count.kills;
    sum.recoveries += count.recoveries;
    for (const [invariant, times] of Object.entries(count.broken)) broken[invariant] = (broken[invariant] ?? 0) + times;
  }
  return { ...sum, broken };
}

/** A campaign against one store. */
export class Campaign {
  readonly #explorer: Explorer;
  #scenarios = 0;
  readonly #broken: Record<string, number> = {};
  /** What was found, one for each invariant, shrunk. */
  readonly findings: Finding[] = [];

  /**
   * Begins.
   *
   * @param options How far each exploration goes.
   */
  constructor(options: ExplorerOptions) {
    this.#explorer = new Explorer(options);
  }

  /** What was done so far. */
  get counts(): CampaignCounts {
    const { operations, steps, cuts, states, kills, recoveries } = this.#explorer;
    const seen = { states: states.size, kills: kills.size, recoveries };
    return { scenarios: this.#scenarios, operations, steps, cuts, ...seen, broken: { ...this.#broken } };
  }

  /**
   * Runs one scenario.
   *
   * @param scenario Which.
   * @param changes How far this one goes, where that differs.
   * @returns What it found, shrunk; null if nothing, or nothing new.
   */
  async run(scenario: Scenario, changes: Partial<ExplorerOptions> = {}): Promise<Finding | null> {
    return await withStoppedClock(async () => {
      this.#scenarios++;
      const finding = await this.#explorer.explore(scenario, changes);
      if (finding === null) return null;
      const { invariant } = finding.violation;
      this.#broken[invariant] = (this.#broken[invariant] ?? 0) + 1;
      if (this.findings.some(({ violation }) => violation.invariant === invariant)) return null;
      const { share: _share, onState: _onState, ...options } = { ...this.#explorer.options, ...changes };
      const shrunk = await shrink(options, finding);
      this.findings.push(shrunk);
      return shrunk;
    });
  }
}

/**
 * What a campaign runs, in which order: all short sequences first, then, until the time is up, long random runs and
 * between them sequences that are one operation longer, drawn at random.
 *
 * @module
 */

import type { CrashModel } from "../testing/pending_operations.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import type { ExplorerOptions } from "./explorer.ts";
import type { Scenario } from "./scenario.ts";
import { AllSequences, randomScenario } from "./sequences.ts";

/** What a campaign is to run. */
export interface TorturePlan {
  /** The longest sequences of which all are run; 0: none. */
  readonly exhaustive: number;
  /** Whether only those of just that length are run, from this one on. */
  readonly from?: number;
  /** How many random runs in all; Infinity: until the end, and drawn sequences between them. */
  readonly runs: number;
  /** The first random seed. */
  readonly seed: number;
  /** Which models. */
  readonly models: readonly CrashModel[];
  /** How far each exploration goes. */
  readonly explorer: Pick<ExplorerOptions, "depth" | "cutsPerStep" | "cutsPerNestedStep">;
}

/** One scenario of a plan. */
export interface PlanStep {
  /** What is run. */
  readonly scenario: Scenario;
  /** How many short sequences come before it. */
  readonly sequence: number;
  /** Whether all workers run it, and divide its states among them; else it is one worker's. */
  readonly isDivided: boolean;
  /** How far it goes, where that differs from the plan. */
  readonly options: Partial<ExplorerOptions>;
}

/** Long runs are sampled: their states are far apart. */
const randomOptions = { depth: 0, cutsPerStep: 16, sampling: 4 };

/**
 * So many sequences are drawn after each random run: they come to more new states in the same time, and long runs to
 * deeper ones.
 */
const drawnPerRun = 150;

/** Neighbours differ in the machine and in what was there before, and come to many equal states: they stay together. */
const neighbours = 8;

/**
 * The lengths of sequences that a plan runs through.
 *
 * @param plan The plan.
 * @returns Lengths.
 */
export function lengthsOf(plan: TorturePlan): number[] {
  if (plan.from !== undefined) return [plan.exhaustive];
  return Array.from({ length: plan.exhaustive }, (_, index) => index + 1);
}

/**
 * How many short sequences a plan has.
 *
 * @param plan The plan.
 * @returns Their number, on all machines.
 */
export function sequenceCount(plan: TorturePlan): number {
  return lengthsOf(plan).reduce((sum, length) => sum + new AllSequences(length, plan.models).count, 0);
}

/**
 * The scenarios of a plan, in order.
 *
 * @param plan The plan.
 * @param part Which share of the longer sequences and of the random runs.
 * @param parts How many shares there are.
 * @returns One after the other.
 */
export function* planOf(plan: TorturePlan, part: number, parts: number): Generator<PlanStep> {
  let sequence = plan.from ?? 0;
  for (const length of lengthsOf(plan)) {
    const all = new AllSequences(length, plan.models);
    // Every cut in every recovery is for the smallest cases. What ends before the last operation ends in a shorter one.
    const options = length === 1 ? {} : { depth: 0, onlyLast: plan.from === undefined };
    for (let index = plan.from ?? 0; index < all.count; index++, sequence++) {
      const isDivided = length === 1;
      if (!isDivided && Math.floor(index / neighbours) % parts !== part) continue;
      yield { scenario: all.at(index), sequence, isDivided, options };
    }
  }
  const drawn = new AllSequences(plan.exhaustive + 1, plan.models);
  for (let run = part; run < plan.runs; run += parts) {
    yield {
      scenario: randomScenario(plan.seed + run, plan.models),
      sequence,
      isDivided: false,
      options: randomOptions,
    };
    if (plan.runs !== Infinity || plan.exhaustive === 0) continue;
    const random = new SeededRandom(plan.seed + run);
    for (let count = 0; count < drawnPerRun; count++) {
      const first = random.below(drawn.count / neighbours) * neighbours;
      for (let index = first; index < first + neighbours; index++) {
        yield { scenario: drawn.at(index), sequence, isDivided: false, options: { depth: 0, onlyLast: true } };
      }
    }
  }
}

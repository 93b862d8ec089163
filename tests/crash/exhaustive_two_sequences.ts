/**
 * Which sequences of two operations the suite runs: all of them on the weakest machine, and of the stronger ones, which
 * mostly come to the same states, a fixed seventh. `holdfast torture --exhaustive 2` runs them all on all.
 *
 * @module
 */

import type { ExplorerOptions } from "../../src/torture/explorer.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { AllSequences } from "../../src/torture/sequences.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { sequenceStride } from "./crash_budget.ts";

/**
 * The scenarios, in order.
 *
 * @param part Which half.
 */
export function* twoOperations(part: 0 | 1): Generator<Scenario> {
  const all = new AllSequences(2);
  let others = 0;
  for (let index = 0; index < all.count; index++) {
    const scenario = all.at(index);
    const isWeakest = scenario.model === "weak" && scenario.sectorBytes === 512;
    // Four neighbours differ in the machine only.
    const sequence = Math.floor(index / 4);
    if (sequence % 2 !== part || Math.floor(sequence / 2) % sequenceStride !== 0) continue;
    if (isWeakest || ++others % 7 === 0) yield scenario;
  }
}

/** How far each is explored: what ends before the second operation ends in a sequence of one. */
export const twoOperationsOptions: ExplorerOptions = {
  subject: holdfastSubject,
  depth: 0,
  cutsPerStep: 14,
  cutsPerNestedStep: 4,
  onlyLast: true,
};

/**
 * Which sequences of two operations the suite runs: all of them, with either past, on the ordered and the weak machine;
 * with sectors of 512 and of 4096 bytes in turn. The night has all four machines for each.
 *
 * @module
 */

import type { ExplorerOptions } from "../../src/torture/explorer.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { AllSequences } from "../../src/torture/sequences.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { isEverythingAsked, sequenceStride } from "./crash_budget.ts";

/** The same operations with either past on each machine come to many equal states: they are run in one process. */
const neighbours = 8;

/**
 * The scenarios, in order.
 *
 * @param part Which half.
 */
export function* twoOperations(part: 0 | 1): Generator<Scenario> {
  const all = new AllSequences(2);
  for (let index = 0; index < all.count; index++) {
    const sequence = Math.floor(index / neighbours);
    if (sequence % 2 !== part || Math.floor(sequence / 2) % sequenceStride !== 0) continue;
    const scenario = all.at(index);
    const isSmall = scenario.sectorBytes === 512;
    if (!isEverythingAsked && isSmall !== (Math.floor(sequence / 2) % 2 === 0)) continue;
    yield scenario;
  }
}

/**
 * How far each is explored: at every step all kept, none kept, and of the rest of the enumeration (operations lost and
 * alone, prefixes, torn writes) every so-many-th, at each step others; the night tries each. What ends before the second
 * operation ends in a sequence of one.
 */
export const twoOperationsOptions: ExplorerOptions = {
  subject: holdfastSubject,
  depth: 0,
  cutsPerStep: 96,
  cutsStride: isEverythingAsked ? 1 : 12,
  cutsPerNestedStep: 4,
  onlyLast: true,
};

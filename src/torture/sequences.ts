/**
 * Which sequences of operations there are: all short ones, in an order that never changes, and long random ones.
 *
 * @module
 */

import { SeededRandom } from "../testing/seeded_random.ts";
import { type Operation, operationKinds, operationTable } from "./operations.ts";
import type { Scenario } from "./scenario.ts";

/** What was there before. */
const preparations: readonly (readonly Operation[])[] = [
  [],
  [
    { kind: "append", session: 0 },
    { kind: "append", session: 0, sizes: ["sector"] },
    { kind: "append-batch", session: 0, sizes: ["small", "small"] },
    { kind: "truncate", session: 0, keep: 3 },
    { kind: "append", session: 0, buffered: true },
  ],
];

const kinds: readonly Pick<Scenario, "model" | "sectorBytes">[] = [
  { model: "weak", sectorBytes: 512 },
  { model: "weak", sectorBytes: 4096 },
  { model: "ordered", sectorBytes: 512 },
  { model: "ordered", sectorBytes: 4096 },
];

/** What short sequences are made of. */
const alphabet: readonly Operation[] = operationKinds.flatMap((kind) =>
  (operationTable[kind].letters ?? [{}]).map((letter): Operation => ({ ...letter, kind, session: 0 }))
);
const common: readonly Operation[] = alphabet.filter(({ kind }) => operationTable[kind].alone !== true);
const onBoth: readonly Operation[] = [
  ...common,
  ...common.filter(({ kind }) => operationTable[kind].isGlobal !== true).map((letter) => ({ ...letter, session: 1 })),
];

/** All sequences of one length; the first operation is on the first session, as sessions differ in name only. */
export class AllSequences {
  readonly #length: number;
  readonly #kinds: typeof kinds;

  /**
   * Chooses them.
   *
   * @param length How many operations.
   * @param models Which models; both by default.
   */
  constructor(length: number, models: readonly Scenario["model"][] = ["weak", "ordered"]) {
    this.#length = length;
    this.#kinds = kinds.filter(({ model }) => models.includes(model));
  }

  #lettersAt(place: number): readonly Operation[] {
    if (place > 0) return onBoth;
    return this.#length === 1 ? alphabet : common;
  }

  /** How many scenarios. */
  get count(): number {
    const first = this.#lettersAt(0).length;
    return first * onBoth.length ** (this.#length - 1) * preparations.length * this.#kinds.length;
  }

  /**
   * One of them.
   *
   * @param index From 0; neighbours differ in the machine only.
   * @returns The scenario.
   */
  at(index: number): Scenario {
    let rest = index;
    const take = (count: number): number => {
      const digit = rest % count;
      rest = Math.floor(rest / count);
      return digit;
    };
    const kind = this.#kinds[take(this.#kinds.length)] ?? kinds[0];
    const prepare = preparations[take(preparations.length)] ?? [];
    const operations: Operation[] = [];
    for (let place = this.#length - 1; place >= 0; place--) {
      const letters = this.#lettersAt(place);
      const letter = letters[take(letters.length)];
      if (letter !== undefined) operations.unshift(letter);
    }
    const scenario: Scenario = { model: "weak", sectorBytes: 512, ...kind, seed: 1, prepare, operations };
    // Nobody touches them twice: in longer sequences they would only make equal machines differ.
    const isAmongOthers = this.#length === 1 && scenario.model === "weak" && scenario.sectorBytes === 4096;
    return isAmongOthers ? { ...scenario, foreignFiles: true } : scenario;
  }
}

const weightOfAll = operationKinds.reduce((sum, kind) => sum + operationTable[kind].weight, 0);

/**
 * A long random run.
 *
 * @param seed The same seed gives the same run.
 * @param models Which models it may be on.
 * @returns A scenario of 50 to 500 operations; in every second, somebody else keeps files in the store's directory.
 */
export function randomScenario(seed: number, models: readonly Scenario["model"][] = ["weak", "ordered"]): Scenario {
  const random = new SeededRandom(seed);
  const fitting = kinds.filter(({ model }) => models.includes(model));
  const kind = fitting[random.below(fitting.length)] ?? { model: "weak", sectorBytes: 512 };
  const length = 50 + random.below(random.chance(1, 4) ? 451 : 100);
  const operations = Array.from({ length }, () => randomOperation(random));
  const scenario: Scenario = { ...kind, seed: random.below(1 << 30), prepare: [], operations };
  return random.chance(1, 2) ? { ...scenario, foreignFiles: true } : scenario;
}

function randomOperation(random: SeededRandom): Operation {
  let ticket = random.below(weightOfAll);
  const kind = operationKinds.find((name) => (ticket -= operationTable[name].weight) < 0) ?? "append";
  const session = random.chance(1, 3) ? 1 : 0;
  return { ...operationTable[kind].draw?.(random), kind, session };
}

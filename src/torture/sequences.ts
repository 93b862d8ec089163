/**
 * Which sequences of operations there are: all short ones, in an order that never changes, and long random ones.
 *
 * @module
 */

import { SeededRandom } from "../testing/seeded_random.ts";
import type { Operation, OperationKind } from "./operations.ts";
import type { RecordSize } from "./record_texts.ts";
import type { Scenario } from "./scenario.ts";

type Letter = Omit<Operation, "session">;

/** What short sequences are made of. */
const alphabet: readonly Letter[] = [
  { kind: "append" },
  { kind: "append", sizes: ["sector"] },
  { kind: "append", sizes: ["crafted"] },
  { kind: "append", buffered: true },
  { kind: "append", sizes: ["page"], buffered: true },
  { kind: "append-batch", sizes: ["small", "sector"] },
  { kind: "append-batch", sizes: ["sector", "small"], buffered: true },
  { kind: "append-group", sizes: ["small", "sector", "small"] },
  { kind: "flush" },
  { kind: "truncate", keep: 0, summary: true },
  { kind: "truncate", keep: 1 },
  { kind: "replace", sizes: ["small", "sector"], summary: true },
  { kind: "compact" },
  { kind: "set-summary" },
  { kind: "set-title" },
  { kind: "delete" },
  { kind: "recreate" },
  { kind: "migrate" },
  { kind: "foreign-append" },
  { kind: "second-process" },
  { kind: "follow" },
  { kind: "read" },
  { kind: "reopen" },
  { kind: "kill" },
];

/** What concerns the whole store: on which session it is called makes no difference. */
const global: ReadonlySet<OperationKind> = new Set<OperationKind>(["read", "reopen", "kill", "power-cut"]);

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

const firstLetters: readonly Operation[] = alphabet.map((letter) => ({ ...letter, session: 0 }));
const allLetters: readonly Operation[] = [
  ...firstLetters,
  ...alphabet.filter(({ kind }) => !global.has(kind)).map((letter) => ({ ...letter, session: 1 })),
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

  /** How many scenarios. */
  get count(): number {
    return firstLetters.length * allLetters.length ** (this.#length - 1) * preparations.length * this.#kinds.length;
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
      const letters = place === 0 ? firstLetters : allLetters;
      const letter = letters[take(letters.length)];
      if (letter !== undefined) operations.unshift(letter);
    }
    return { model: "weak", sectorBytes: 512, ...kind, seed: 1, prepare, operations };
  }
}

const sizes: readonly RecordSize[] = ["small", "small", "small", "sector", "sector", "page", "crafted"];

/** How often each operation comes in a long run. */
const weights: readonly (readonly [OperationKind, number])[] = [
  ["append", 30],
  ["append-batch", 8],
  ["append-group", 8],
  ["flush", 4],
  ["truncate", 6],
  ["replace", 4],
  ["compact", 5],
  ["set-summary", 3],
  ["set-title", 2],
  ["delete", 1],
  ["recreate", 1],
  ["migrate", 2],
  ["foreign-append", 4],
  ["second-process", 3],
  ["follow", 2],
  ["read", 2],
  ["reopen", 4],
  ["kill", 4],
  ["power-cut", 8],
];

/**
 * A long random run.
 *
 * @param seed The same seed gives the same run.
 * @param models Which models it may be on.
 * @returns A scenario of 50 to 500 operations.
 */
export function randomScenario(seed: number, models: readonly Scenario["model"][] = ["weak", "ordered"]): Scenario {
  const random = new SeededRandom(seed);
  const fitting = kinds.filter(({ model }) => models.includes(model));
  const kind = fitting[random.below(fitting.length)] ?? { model: "weak", sectorBytes: 512 };
  const length = 50 + random.below(random.chance(1, 4) ? 451 : 100);
  const operations = Array.from({ length }, () => randomOperation(random));
  return { ...kind, seed: random.below(1 << 30), prepare: [], operations };
}

function randomOperation(random: SeededRandom): Operation {
  let ticket = random.below(weights.reduce((sum, [, weight]) => sum + weight, 0));
  let kind: OperationKind = "append";
  for (const [name, weight] of weights) {
    kind = name;
    if ((ticket -= weight) < 0) break;
  }
  const session = random.chance(1, 3) ? 1 : 0;
  const some = (count: number): RecordSize[] => {
    return Array.from({ length: count }, () => sizes[random.below(sizes.length)] ?? "small");
  };
  switch (kind) {
    case "append":
      return { kind, session, sizes: some(1), buffered: random.chance(1, 3) };
    case "append-batch":
      return { kind, session, sizes: some(2 + random.below(3)), buffered: random.chance(1, 3) };
    case "append-group":
      return { kind, session, sizes: some(2 + random.below(4)) };
    case "replace":
      return { kind, session, sizes: some(1 + random.below(3)), summary: random.chance(1, 2) };
    case "recreate":
    case "foreign-append":
      return { kind, session, sizes: some(1) };
    case "truncate":
      return { kind, session, keep: random.below(6), summary: random.chance(1, 2) };
    case "power-cut":
      return { kind, session, choices: randomChoices(random, 12) };
    default:
      return { kind, session };
  }
}

/**
 * What survives a power cut, at random: all, nothing, or each by itself.
 *
 * @param random The source.
 * @param count For how many operations.
 * @returns The choices.
 */
export function randomChoices(random: SeededRandom, count: number): number[] {
  const fate = random.below(8);
  if (fate === 0) return new Array<number>(count).fill(-1);
  if (fate === 1) return [];
  return Array.from({ length: count }, () => {
    const third = random.below(3);
    return third === 0 ? -1 : third === 1 ? 0 : random.below(256);
  });
}

/**
 * Which power cuts to try first: the enumeration order of ALICE, then random ones with the odds of FoundationDB.
 *
 * @module
 */

import type { Choices } from "./crash_choices.ts";
import type { PendingDescription } from "./crash_story.ts";
import { DEVICE_CHOICES } from "./lying_device.ts";
import { SeededRandom } from "./seeded_random.ts";
import type { SimulatedFileSystem } from "./simulated_filesystem.ts";

/** One power cut to try. */
export interface CrashState {
  /** What is special about it, in words. */
  readonly label: string;
  /** For {@linkcode SimulatedFileSystem.crash}. */
  readonly choices: Choices;
  /** As {@linkcode SimulatedFileSystem.cutIdentity} gives it. */
  readonly identity: number;
}

/** The random ones have numbers. */
type Candidate = Omit<CrashState, "identity"> & { readonly number?: number };

/** Options for {@linkcode crashStates}. */
export interface CrashStatesOptions {
  /**
   * How many at most. The enumeration comes first; what is left is filled with random ones.
   *
   * @default {256}
   */
  limit?: number;
  /**
   * For the random ones.
   *
   * @default {0}
   */
  seed?: number;
  /**
   * How many random ones at most, so that with `0` and a high limit the enumeration is gone through in full.
   *
   * @default {Infinity}
   */
  randomMax?: number;
}

const ALL = -1;
const SECTORS_ENUMERATED_MAX = 8;
const REPEATS_MAX = 32;

/**
 * Enumerates power cuts at this moment, each different from the ones before it: everything survives; nothing does;
 * each single operation lost; each one alone kept (with what it needs); each prefix; the last write with every pattern
 * of its sectors, on old bytes, NUL and garbage; then random ones until the limit, or until no new ones come.
 *
 * @param fileSystem The file system; not changed.
 * @param options How many, and the seed.
 * @returns The power cuts, one by one.
 *
 * @example Try them all
 * ```ts
 * import { crashStates, SimulatedFileSystem } from "holdfast/testing";
 * import assert from "node:assert/strict";
 *
 * const fileSystem = new SimulatedFileSystem();
 * await fileSystem.makeDirectory("/a", 0o700);
 * const found = [...crashStates(fileSystem)].map(({ label }) => label);
 * assert.deepEqual(found, ["all kept", "none kept"]);
 * ```
 */
export function* crashStates(fileSystem: SimulatedFileSystem, options: CrashStatesOptions = {}): Generator<CrashState> {
  const { limit = 256, randomMax = Infinity } = options;
  const seen = new Set<number>();
  const isHonest = fileSystem.options.device === undefined;
  const pending = fileSystem.pending();
  // A device has more to choose from.
  const statesMax = isHonest ? pending.reduce((product, { outcomes }) => product * outcomes, 1) : Infinity;
  let count = 0;
  let repeats = 0;
  const repeatsMax = REPEATS_MAX + pending.length * 4;
  for (const state of candidates(fileSystem, pending, isHonest, options.seed ?? 0)) {
    if (count >= limit || count >= statesMax) return;
    if (state.number !== undefined && (state.number >= randomMax || repeats > repeatsMax)) return;
    const identity = fileSystem.cutIdentity(state.choices);
    if (seen.has(identity)) {
      if (state.number !== undefined) repeats++;
      continue;
    }
    seen.add(identity);
    repeats = 0;
    count++;
    yield { label: state.label, choices: state.choices, identity };
  }
}

function* candidates(
  fileSystem: SimulatedFileSystem,
  pending: readonly PendingDescription[],
  isHonest: boolean,
  seed: number,
): Generator<Candidate> {
  const isOrdered = fileSystem.options.model === "ordered";
  const offset = isHonest ? 0 : DEVICE_CHOICES;
  const device = new Array<number>(offset).fill(0);
  const all = new Array<number>(pending.length).fill(ALL);
  const none = new Array<number>(pending.length).fill(0);
  yield { label: "all kept", choices: [...device, ...all] };
  yield { label: "none kept", choices: [...device, ...none] };
  for (let index = 0; index < pending.length; index++) {
    yield { label: `lost: ${textAt(pending, index)}`, choices: [...device, ...replaced(all, index, 0)] };
  }
  yield* singles(pending, device, none, isOrdered);
  for (let length = 1; length < pending.length; length++) {
    const choices = [...device, ...all.slice(0, length), ...none.slice(length)];
    yield { label: `prefix of ${length}`, choices };
  }
  yield* tornLastWrite(pending, device, all, isOrdered);
  const random = new SeededRandom(seed ^ 0x51ed270b);
  for (let number = 0;; number++) {
    const lies = isHonest ? [] : randomLies(random);
    yield { number, label: `random ${number}`, choices: [...lies, ...randomChoices(pending, random, isOrdered)] };
  }
}

function textAt(pending: readonly PendingDescription[], index: number): string {
  return pending[index]?.text ?? "";
}

function replaced(choices: readonly number[], index: number, choice: number): number[] {
  const copy = choices.slice();
  copy[index] = choice;
  return copy;
}

function isContent({ kind }: PendingDescription): boolean {
  return kind === "data" || kind === "grow";
}

/** Each operation alone, with what it cannot be without, and each outcome of a growth. */
function* singles(
  pending: readonly PendingDescription[],
  device: readonly number[],
  none: readonly number[],
  isOrdered: boolean,
): Generator<Candidate> {
  for (let index = 0; index < pending.length; index++) {
    const operation = pending[index] as PendingDescription;
    const choices = none.slice();
    if (isOrdered && operation.kind !== "data") {
      for (let earlier = 0; earlier < index; earlier++) {
        const other = pending[earlier] as PendingDescription;
        if (!isContent(other) || (other.kind === "grow" && other.inode === operation.inode)) choices[earlier] = ALL;
      }
    }
    if (operation.kind === "grow") {
      for (let outcome = 1; outcome < operation.outcomes; outcome++) {
        const grown = replaced(choices, index, outcome);
        yield { label: `alone: ${operation.text}, outcome ${outcome}`, choices: [...device, ...grown] };
      }
    }
    choices[index] = ALL;
    const before = pending[index - 1];
    // Bytes behind the end are visible only with the growth that stands in front of them.
    if (operation.kind === "data" && before?.kind === "grow" && before.call === operation.call) {
      choices[index - 1] = ALL;
    }
    yield { label: `alone: ${operation.text}`, choices: [...device, ...choices] };
  }
}

/** The last write call, torn in every way, everything before and after it kept. */
function* tornLastWrite(
  pending: readonly PendingDescription[],
  device: readonly number[],
  all: readonly number[],
  isOrdered: boolean,
): Generator<Candidate> {
  const call = pending.findLast((operation) => operation.kind === "data")?.call;
  const pages: { index: number; sectors: number }[] = [];
  const growths: number[] = [];
  for (let index = 0; index < pending.length; index++) {
    const operation = pending[index] as PendingDescription;
    if (operation.call !== call || !isContent(operation)) continue;
    if (operation.kind === "grow") growths.push(index);
    else pages.push({ index, sectors: Math.log2(operation.outcomes) });
  }
  const fillings = growths.length === 0 || isOrdered ? ["old"] : ["NUL", "noise", "old bytes", "no growth"];
  for (const filling of fillings) {
    const base = all.slice();
    for (const index of growths) base[index] = { noise: 1, "old bytes": 2, "no growth": 0 }[filling] ?? ALL;
    for (const masks of sectorPatterns(pages.map(({ sectors }) => sectors))) {
      const choices = base.slice();
      pages.forEach(({ index }, page) => choices[index] = masks[page] ?? 0);
      yield { label: `last write torn: ${masks.join()} on ${filling}`, choices: [...device, ...choices] };
    }
  }
}

/** Every pattern of up to eight sectors; of more, each start, each end, each one missing and each one alone. */
function* sectorPatterns(pages: readonly number[]): Generator<number[]> {
  const total = pages.reduce((sum, sectors) => sum + sectors, 0);
  if (total <= SECTORS_ENUMERATED_MAX) {
    for (let mask = 0; mask < 1 << total; mask++) yield spread(pages, (sector) => ((mask >> sector) & 1) === 1);
    return;
  }
  for (let at = 0; at < total; at++) {
    yield spread(pages, (sector) => sector < at);
    yield spread(pages, (sector) => sector >= at);
    yield spread(pages, (sector) => sector !== at);
    yield spread(pages, (sector) => sector === at);
  }
}

function spread(pages: readonly number[], isKept: (sector: number) => boolean): number[] {
  let sector = 0;
  return pages.map((sectors) => {
    let mask = 0;
    for (let bit = 0; bit < sectors; bit++) if (isKept(sector++)) mask |= 1 << bit;
    return mask;
  });
}

/** One time in ten everything survives; else each page is kept, lost or torn, and the rest is tossed for. */
function randomChoices(pending: readonly PendingDescription[], random: SeededRandom, isOrdered: boolean): number[] {
  if (random.chance(1, 10)) return new Array<number>(pending.length).fill(ALL);
  // A prefix by tossing for each operation would nearly always be short.
  const cut = random.below(pending.length + 1);
  const growthCuts = new Map<number, number>();
  return pending.map((operation, index) => {
    if (operation.kind === "data") {
      const fate = random.below(3);
      return fate === 0 ? ALL : fate === 1 ? 0 : random.below(operation.outcomes);
    }
    if (operation.kind === "grow") {
      if (!isOrdered) return random.below(operation.outcomes);
      const growthCut = growthCuts.get(operation.inode) ?? random.below(pending.length + 1);
      growthCuts.set(operation.inode, growthCut);
      return index < growthCut ? ALL : 0;
    }
    if (isOrdered) return index < cut ? ALL : 0;
    if (operation.kind === "size") return random.chance(1, 2) ? random.below(operation.outcomes) : ALL;
    return random.below(operation.outcomes);
  });
}

function randomLies(random: SeededRandom): number[] {
  return [random.chance(1, 2) ? 0 : random.below(8), random.below(16), random.below(64), random.below(1 << 20)];
}

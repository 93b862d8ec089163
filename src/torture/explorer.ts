/**
 * Runs operations, and at every step of every call lets the program die or cuts the power in every way worth trying;
 * then lets the store recover, checks what is there, goes on, and cuts the power again.
 *
 * Each state is checked once: what is on the disk after the cut, together with what the user was told, decides all
 * that follows.
 *
 * @module
 */

import { crashStates } from "../testing/crash_states.ts";
import { mixHashes } from "../testing/image_hash.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import type { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import { Aftermath, isSeldomRead } from "./aftermath.ts";
import { endTurn } from "./event_turn.ts";
import { Experiment } from "./experiment.ts";
import { type Knowledge, knowledgeHash } from "./knowledge.ts";
import { knownAtStart, startMachine } from "./laboratory_machine.ts";
import type { WorldModel } from "./model.ts";
import type { Ending, Scenario } from "./scenario.ts";
import { StateSet } from "./state_set.ts";
import type { Subject } from "./subject.ts";
import { Violation } from "./violation.ts";

/** How far an exploration goes. */
export interface ExplorerOptions {
  /** The store. */
  readonly subject: Subject;
  /** How often the power is cut in a recovery that follows a cut. */
  readonly depth: number;
  /** How many power cuts are tried at one step. */
  readonly cutsPerStep: number;
  /** How many of those may be random, after what is enumerated; any number, by default. */
  readonly randomCutsPerStep?: number;
  /**
   * Of those at a step that is in no recovery, but for the first two (all kept, none kept), every n-th only, at each
   * step others; every one by default.
   */
  readonly cutsStride?: number;
  /** How many at one step of a recovery. */
  readonly cutsPerNestedStep: number;
  /** At about every n-th step only, chosen by the scenario's seed; at every one by default. */
  readonly sampling?: number;
  /** Only those outermost states that fall to one of several explorers who divide the work. */
  readonly share?: { readonly part: number; readonly parts: number };
  /** Told of each new state. */
  readonly onState?: (state: number) => void;
  /** Whether the power is cut in the last operation only. */
  readonly onlyLast?: boolean;
  /** Only these ends, one in the other; all by default. */
  readonly only?: readonly Ending[];
  /** Told of each machine after an end, before anything recovers. */
  readonly onEnd?: (before: SimulatedFileSystem, after: SimulatedFileSystem, choices: readonly number[] | null) => void;
}

/** A broken promise, and how to get there. */
export interface Finding {
  /** What was run. */
  readonly scenario: Scenario;
  /** How many of its operations were run. */
  readonly performed: number;
  /** Where it ended. */
  readonly path: readonly Ending[];
  /** What the steps were, in words, outermost first. */
  readonly steps: readonly string[];
  /** What was done behind the last end, in words, the last step being the one in which it showed. */
  readonly aftermath: readonly string[];
  /** What is broken. */
  readonly violation: Violation;
}

/** How many states are checked before the runtime may tidy up. */
const checksPerTurn = 100;

/** One moment at which everything may end. */
interface Moment {
  fileSystem: SimulatedFileSystem;
  known: Knowledge;
  step: number;
  description: string;
}

/** Explores scenarios, and remembers what it has seen. */
export class Explorer {
  /** How far it goes. */
  options: ExplorerOptions;
  /** States after a power cut that were checked. */
  readonly states: StateSet = new StateSet();
  /** States after the death of the program that were checked. */
  readonly kills: StateSet = new StateSet();
  /** Power cuts tried, with those that led to a known state. */
  cuts = 0;
  /** Steps at which the power was cut. */
  steps = 0;
  /** Operations performed. */
  operations = 0;
  /** Recoveries that were run; the other states differ from one of these only in what none of its programs looked at. */
  recoveries = 0;
  #scenario: Scenario | undefined;
  #performed = 0;
  #aftermath: readonly string[] = [];
  /** States that were gone on from, by how often the power could be cut in what followed. */
  readonly #followed: StateSet[] = [];
  readonly #recovered = new StateSet();
  readonly #passed = new StateSet();
  /** What the disk holds after a cut, by the cut's identity; of one scenario. */
  readonly #images = new Map<number, number>();

  /**
   * Creates one that has seen nothing.
   *
   * @param options How far it goes.
   */
  constructor(options: ExplorerOptions) {
    this.options = options;
  }

  /**
   * Explores a scenario.
   *
   * @param scenario What is run.
   * @param changes How far this one goes, where that differs.
   * @returns The first broken promise; null if there is none.
   */
  async explore(scenario: Scenario, changes: Partial<ExplorerOptions> = {}): Promise<Finding | null> {
    const path: Ending[] = [];
    const steps: string[] = [];
    const { options } = this;
    this.options = { ...options, ...changes };
    this.#images.clear();
    this.#aftermath = [];
    this.#scenario = scenario;
    try {
      await this.#run(scenario, path, steps);
      return null;
    } catch (error) {
      const violation = error instanceof Violation ? error : new Violation("error", stackOf(error));
      const found = { path: [...path], steps: [...steps], aftermath: this.#aftermath };
      return { scenario, performed: this.#performed, ...found, violation };
    } finally {
      this.options = options;
    }
  }

  async #run(scenario: Scenario, path: Ending[], steps: string[]): Promise<void> {
    const { experiment, fileSystem } = await prepare(this.options.subject, scenario);
    const moments: Moment[] = [];
    const { only, onlyLast, sampling = 1 } = this.options;
    const random = new SeededRandom(scenario.seed);
    const isSkipped = (): boolean => onlyLast === true && this.#performed < scenario.operations.length;
    const isChosen = (): boolean =>
      !isSkipped() && (only !== undefined || sampling === 1 || random.chance(1, sampling));
    this.#performed = 0;
    record(experiment, fileSystem, moments, isChosen);
    for (const operation of scenario.operations) {
      this.#performed++;
      if (!await experiment.perform(operation)) continue;
      this.operations++;
      if (experiment.fileSystem.onStep === undefined) record(experiment, experiment.fileSystem, moments, isChosen);
      const taken = moments.splice(0);
      if (isSkipped()) continue;
      for (const moment of taken) await this.#endAt(moment, this.options.depth, path, steps);
    }
    await experiment.endFollowers();
    await experiment.close();
    pushMoment(experiment, moments, "at the end");
    for (const moment of moments.splice(0)) await this.#endAt(moment, this.options.depth, path, steps);
  }

  /** Everything that can end at one moment. */
  async #endAt(moment: Moment, depth: number, path: Ending[], steps: string[]): Promise<void> {
    this.steps++;
    const { fileSystem, step, description } = moment;
    const { world } = moment.known;
    const { options } = this;
    const wanted = options.only?.[path.length];
    if (options.only !== undefined) {
      if (wanted?.step !== step) return;
      path.push(wanted);
      steps.push(`${wanted.choices === null ? "killed" : "power cut"} ${description}`);
      const after = wanted.choices === null ? fileSystem.clone() : fileSystem.crash(wanted.choices);
      options.onEnd?.(fileSystem, after, wanted.choices);
      await this.#goOn(moment, after, wanted.choices === null ? "kill" : "power", depth, path, steps);
      path.pop();
      steps.pop();
      return;
    }
    const { randomCutsPerStep: randomMax = Infinity } = options;
    const limit = depth === options.depth ? options.cutsPerStep : options.cutsPerNestedStep;
    const killed = mixHashes(mixHashes(fileSystem.cacheImageHash(), fileSystem.diskImageHash()), world.fingerprint);
    const isOutermost = path.length === 0;
    const stride = isOutermost ? options.cutsStride ?? 1 : 1;
    let number = 0;
    // What follows is decided by more than what a state is counted by; by the kind of machine where it is cut again.
    const known = mixHashes(knowledgeHash(moment.known), depth === 0 ? 0 : machineBits(fileSystem));
    if (!isOutermost || this.#isOurs(killed)) this.kills.add(killed);
    if ((!isOutermost || this.#isOurs(killed)) && this.#isToFollow(mixHashes(killed, known), depth)) {
      path.push({ step, choices: null });
      steps.push(`killed ${description}`);
      await this.#goOn(moment, fileSystem.clone(), "kill", depth, path, steps);
      path.pop();
      steps.pop();
    }
    for (const { choices, identity } of crashStates(fileSystem, { limit, seed: step, randomMax })) {
      if (++number > 2 && (number + step) % stride !== 0) continue;
      this.cuts++;
      const seen = this.#images.get(identity);
      let crashed = seen === undefined ? fileSystem.crash(choices) : undefined;
      const image = seen ?? crashed?.cacheImageHash() ?? 0;
      if (seen === undefined) this.#images.set(identity, image);
      const state = mixHashes(image, world.fingerprint);
      if (isOutermost && !this.#isOurs(state)) continue;
      if (this.states.add(state)) options.onState?.(state);
      if (!this.#isToFollow(mixHashes(state, known), depth)) continue;
      crashed ??= fileSystem.crash(choices);
      path.push({ step, choices });
      steps.push(`power cut ${description}`);
      await this.#goOn(moment, crashed, "power", depth, path, steps);
      path.pop();
      steps.pop();
    }
  }

  /** One that was met where the power could not be cut again is gone on from once more where it can. */
  #isToFollow(state: number, depth: number): boolean {
    if (this.#followed.some((states, least) => least > depth && states.has(state))) return false;
    while (this.#followed.length <= depth) this.#followed.push(new StateSet());
    return this.#followed[depth]?.add(state) === true;
  }

  #isOurs(state: number): boolean {
    const { share } = this.options;
    return share === undefined || state % share.parts === share.part;
  }

  /** What follows an end, and the ends in it. */
  async #goOn(
    moment: Moment,
    fileSystem: SimulatedFileSystem,
    died: "power" | "kill",
    depth: number,
    path: Ending[],
    steps: string[],
  ): Promise<void> {
    const { only } = this.options;
    const skipped = new Set<number>();
    const machine = fileSystem.imageHashWithout(isSeldomRead, skipped);
    const bits = machineBits(fileSystem) * 2 + (died === "power" ? 1 : 0);
    const start = mixHashes(mixHashes(machine, knowledgeHash(moment.known)), bits);
    // What follows from here is decided by this, and is known to be well.
    if (depth === 0 && only === undefined && this.#passed.has(start)) return;
    const watch = fileSystem.watchContents(skipped);
    if (++this.recoveries % checksPerTurn === 0) await endTurn();
    const moments: Moment[] = [];
    const aftermath = new Aftermath(this.options.subject, fileSystem, moment.known, {
      died,
      recovered: this.#recovered,
      visited: this.#scenario?.picoclawBeforeRecovery === true && died === "power",
      depth,
    });
    if (depth > 0) record(aftermath.experiment, fileSystem, moments, () => true);
    try {
      await aftermath.run();
    } catch (error) {
      this.#aftermath = aftermath.steps;
      throw error;
    }
    fileSystem.onStep = undefined;
    if (!watch.looked) this.#passed.add(start);
    for (const nested of moments) await this.#endAt(nested, depth - 1, path, steps);
  }
}

/** Which of the machines it is. */
function machineBits({ options }: SimulatedFileSystem): number {
  return (options.model === "weak" ? 2 : 0) + (options.sectorBytes === 512 ? 1 : 0);
}

/** Brings a machine to where a scenario begins. */
async function prepare(
  subject: Subject,
  scenario: Scenario,
): Promise<{ experiment: Experiment; fileSystem: SimulatedFileSystem }> {
  const fileSystem = await startMachine(scenario);
  const experiment = new Experiment(subject, fileSystem, knownAtStart(scenario));
  for (const operation of scenario.prepare) {
    await experiment.perform(operation);
  }
  return { experiment, fileSystem };
}

/** Keeps every moment at which something may end differently than at the one before. */
function record(
  experiment: Experiment,
  fileSystem: SimulatedFileSystem,
  moments: Moment[],
  isChosen: () => boolean,
): void {
  let world: WorldModel | undefined;
  // After a power cut as an operation the machine is another one, and the count goes on.
  const counter = counters.get(moments) ?? { step: 0 };
  counters.set(moments, counter);
  fileSystem.onStep = (_step, description) => {
    const step = counter.step++;
    if ((description.startsWith("before") && experiment.world === world) || !isChosen()) return;
    world = experiment.world;
    moments.push(momentOf(experiment, step, description));
  };
}

const counters = new WeakMap<Moment[], { step: number }>();

function pushMoment(experiment: Experiment, moments: Moment[], description: string): void {
  const counter = counters.get(moments);
  if (counter !== undefined) moments.push(momentOf(experiment, counter.step++, description));
}

function momentOf(experiment: Experiment, step: number, description: string): Moment {
  return { fileSystem: experiment.fileSystem.clone(), known: experiment.knowledge, step, description };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

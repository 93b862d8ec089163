/**
 * The n-th call fails: n = 1, 2, 3 … until a run has no failure. After each, the session is opened again where it has
 * failed, goes on, and the power is cut in several ways; or the program is killed.
 *
 * @module
 */

import { crashStates } from "../testing/crash_states.ts";
import type { FaultPlan } from "../testing/fault_injector.ts";
import { FaultyFileSystem } from "../testing/faulty_filesystem.ts";
import { mixHashes } from "../testing/image_hash.ts";
import type { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import { Aftermath } from "./aftermath.ts";
import { endTurn } from "./event_turn.ts";
import { Experiment } from "./experiment.ts";
import { decodeFault, type FaultFinding, scenarioWords, tellFault } from "./fault_finding.ts";
import { performWhileFailing } from "./fault_operations.ts";
import { faultPlans, nameOfPlan } from "./fault_plans.ts";
import { type Knowledge, knowledgeHash } from "./knowledge.ts";
import { knownAtStart, startMachine } from "./laboratory_machine.ts";
import type { Scenario } from "./scenario.ts";
import { append } from "./session_changes.ts";
import { StateSet } from "./state_set.ts";
import { withStoppedClock } from "./stopped_clock.ts";
import { holdfastSubject, type Subject } from "./subject.ts";
import { Violation } from "./violation.ts";

/** What a loop came to. */
export interface FaultLoopResult {
  /** How often the scenario was run with a failure. */
  readonly runs: number;
  /** In how many of these a call of the operations failed, not one of what was appended behind them. */
  readonly met: number;
  /** The first failure that broke a promise; null if none did. */
  readonly failure: FaultFinding | null;
}

/** How often, at the most, one loop goes round. */
const runsMax = 2_000;
/** How many power cuts are tried behind each failure. */
const cutsPerRun = 8;
/** How many appends behind a failure may be refused, but for the last. */
const appendsMax = 3;

/**
 * Runs a scenario with each call failing in turn.
 *
 * @param subject The store.
 * @param scenario What is run; its preparation without failures.
 * @param plan How calls fail.
 * @returns What it came to.
 */
export async function runFaultLoop(
  subject: Subject,
  scenario: Scenario,
  plan: Omit<FaultPlan, "failAt">,
): Promise<FaultLoopResult> {
  return await withStoppedClock(async () => {
    const loop = new FaultLoop(subject, scenario);
    for (let failAt = 1; failAt < runsMax; failAt++) {
      await endTurn();
      const { fired, failure } = await loop.run({ ...plan, failAt }, nameOfPlan(plan));
      const { met } = loop;
      if (failure !== null) return { runs: failAt, met, failure };
      if (!fired) return { runs: failAt - 1, met, failure: null };
    }
    throw new RangeError(`More than ${runsMax} calls can fail`);
  });
}

/**
 * Runs one failure again.
 *
 * @param text What the story of a failing call ends with.
 * @returns The story, and `broken`; null as the story if nothing is broken any more. Null if it is of a power cut.
 * @throws {TypeError} or {SyntaxError} If the text is none.
 */
export async function reproduceFault(text: string): Promise<{ story: string | null } | null> {
  const reproduction = decodeFault(text);
  if (reproduction === null) return null;
  const { scenario, failAt, plan: name } = reproduction;
  const plan = faultPlans.find((named) => named.name === name)?.plan;
  if (plan === undefined) throw new TypeError(`Not a way in which calls fail: ${name}`);
  const { failure } = await withStoppedClock(async () => {
    return await new FaultLoop(holdfastSubject, scenario).run({ ...plan, failAt }, name);
  });
  return { story: failure === null ? null : tellFault(failure) };
}

/** One scenario, run again and again. What an end has left is gone on from once, however often it comes. */
class FaultLoop {
  readonly #subject: Subject;
  readonly #scenario: Scenario;
  readonly #ends = new StateSet();
  readonly #recovered = new StateSet();
  #ending: string | null = null;
  #aftermath: Aftermath | null = null;
  met = 0;

  constructor(subject: Subject, scenario: Scenario) {
    this.#subject = subject;
    this.#scenario = scenario;
  }

  async run(plan: FaultPlan, name: string): Promise<{ fired: boolean; failure: FaultFinding | null }> {
    const scenario = this.#scenario;
    this.#ending = null;
    this.#aftermath = null;
    const machine = await startMachine(scenario);
    const faulty = new FaultyFileSystem(machine, plan);
    try {
      await this.#perform(machine, faulty, plan);
      return { fired: faulty.fired.length > 0, failure: null };
    } catch (error) {
      return { fired: true, failure: this.#findingOf(error, plan, name, faulty) };
    }
  }

  #findingOf(error: unknown, { failAt }: FaultPlan, plan: string, faulty: FaultyFileSystem): FaultFinding {
    const isViolation = error instanceof Violation;
    const call = faulty.fired[0];
    return {
      plan,
      failAt,
      call: call === undefined ? "none" : `${call.method} ${call.path}`,
      scenario: this.#scenario,
      operations: scenarioWords(this.#scenario),
      ending: this.#ending,
      aftermath: this.#aftermath?.steps ?? [],
      invariant: isViolation ? error.invariant : "error",
      message: isViolation ? error.message : stackOf(error),
    };
  }

  async #perform(machine: SimulatedFileSystem, faulty: FaultyFileSystem, plan: FaultPlan): Promise<void> {
    const { prepare, operations } = this.#scenario;
    let isFaulty = false;
    const experiment = new Experiment(this.#subject, machine, knownAtStart(this.#scenario), {
      expectsErrors: true,
      wrap: (inner) => isFaulty ? faulty.over(inner) : inner,
    });
    for (const operation of prepare) await experiment.perform(operation);
    await experiment.close();
    isFaulty = true;
    const staysBroken = plan.persistent === true || plan.thenReadOnly === true;
    const hasFailed = (): boolean => faulty.fired.length > 0;
    const failing = { wrap: faulty.over.bind(faulty), staysBroken, hasFailed };
    let goesOn = true;
    for (const operation of operations) goesOn &&= await performWhileFailing(experiment, operation, failing);
    if (hasFailed()) this.met++;
    // Once the failure is over, the same program goes on.
    if (goesOn && plan.persistent !== true) {
      for (const session of experiment.touched) await goOnAppending(experiment, session, staysBroken);
    }
    await this.#end(experiment, plan);
  }

  /** What the kernel has may be anything after a failed sync; the power cut decides, or the next program. */
  async #end(experiment: Experiment, plan: FaultPlan): Promise<void> {
    const { fileSystem, knowledge } = experiment;
    const ended = fileSystem.clone();
    for (const { choices, label } of crashStates(ended, { limit: cutsPerRun, seed: plan.failAt })) {
      const tell = (): string => `power cut, ${label}\n${ended.describe(choices)}`;
      await this.#goOn(plan, ended.crash(choices), knowledge, "power", tell);
    }
    const world = knowledge.world.withoutKernel();
    await this.#goOn(plan, fileSystem.kill(), { ...knowledge, world }, "kill", () => "killed");
  }

  async #goOn(
    plan: FaultPlan,
    machine: SimulatedFileSystem,
    known: Knowledge,
    died: "power" | "kill",
    tell: () => string,
  ): Promise<void> {
    const views = mixHashes(machine.cacheImageHash(), died === "power" ? 0 : machine.diskImageHash());
    if (!this.#ends.add(mixHashes(views, knowledgeHash(known)))) return;
    this.#aftermath = new Aftermath(this.#subject, machine, known, {
      died,
      recovered: this.#recovered,
      cutMayBeLost: plan.fault.kind === "sync",
    });
    try {
      await this.#aftermath.run();
    } catch (error) {
      this.#ending = tell();
      throw error;
    }
    this.#aftermath = null;
  }
}

/** The failure may come in this append, or the one before may have left an outcome unknown: the next is taken (I14). */
async function goOnAppending(experiment: Experiment, session: number, staysBroken: boolean): Promise<void> {
  const refused = (): string[] =>
    [...experiment.rejections].flatMap(([code, count]) => new Array<string>(count).fill(code));
  for (let attempt = 1; attempt <= appendsMax; attempt++) {
    const before = refused().length;
    await append(experiment, { kind: "append", session });
    if (refused().length === before || staysBroken) return;
  }
  throw new Violation("I14", `No call fails any more, but no record is taken: ${refused().join(", ")}`);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

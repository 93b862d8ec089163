/**
 * The n-th call fails: n = 1, 2, 3 … until a run has no failure. After each, the session is opened again where it has
 * failed, goes on, and the power is cut.
 *
 * @module
 */

import type { FaultPlan } from "../testing/fault_injector.ts";
import { FaultyFileSystem } from "../testing/faulty_filesystem.ts";
import { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import { Aftermath } from "./aftermath.ts";
import { Experiment } from "./experiment.ts";
import type { Scenario } from "./scenario.ts";
import { append } from "./session_changes.ts";
import { withStoppedClock } from "./stopped_clock.ts";
import { StateSet } from "./state_set.ts";
import { storeDirectory, type Subject } from "./subject.ts";
import { Violation } from "./violation.ts";

/** What a loop came to. */
export interface FaultLoopResult {
  /** How often the scenario was run with a failure. */
  readonly runs: number;
  /** The first failure that broke a promise; null if none did. */
  readonly failure: {
    readonly failAt: number;
    readonly call: string;
    readonly invariant: string;
    readonly message: string;
  } | null;
}

/** How often, at the most, one loop goes round. */
const runsMax = 2_000;

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
    for (let failAt = 1; failAt < runsMax; failAt++) {
      let faulty: FaultyFileSystem | undefined;
      const describe = (): string => {
        const call = faulty?.fired[0];
        return call === undefined ? "none" : `${call.method} ${call.path}`;
      };
      try {
        faulty = await runOnce(subject, scenario, { ...plan, failAt }, (wrapped) => faulty = wrapped);
      } catch (error) {
        const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        const invariant = error instanceof Violation ? error.invariant : "error";
        return { runs: failAt, failure: { failAt, call: describe(), invariant, message } };
      }
      if (faulty.fired.length === 0) return { runs: failAt - 1, failure: null };
    }
    throw new RangeError(`More than ${runsMax} calls can fail`);
  });
}

async function runOnce(
  subject: Subject,
  scenario: Scenario,
  plan: FaultPlan,
  wrapped: (faulty: FaultyFileSystem) => void,
): Promise<FaultyFileSystem> {
  const { model, sectorBytes, seed } = scenario;
  const fileSystem = new SimulatedFileSystem({ model, sectorBytes, seed, reflinks: sectorBytes === 4096 });
  await fileSystem.makeDirectory(storeDirectory, 0o700);
  await fileSystem.syncDirectory("/");
  let faulty = new FaultyFileSystem(fileSystem, plan);
  let isFaulty = false;
  const experiment = new Experiment(subject, fileSystem, undefined, {
    expectsErrors: true,
    wrap: (inner) => {
      if (!isFaulty) return inner;
      faulty = new FaultyFileSystem(inner, plan);
      wrapped(faulty);
      return faulty;
    },
  });
  for (const operation of scenario.prepare) await experiment.perform(operation);
  await experiment.close();
  isFaulty = true;
  for (const operation of scenario.operations) await experiment.perform(operation);
  // Once the failure is over, the same program goes on.
  if (plan.persistent !== true) {
    for (const session of experiment.touched) await append(experiment, { kind: "append", session });
  }
  const start = experiment.knowledge;
  // What the kernel has may be anything after a failed sync; the power cut decides, or the next program.
  await new Aftermath(subject, fileSystem.clone().crash(), start, "power", new StateSet()).run();
  await new Aftermath(
    subject,
    fileSystem.clone().crash([-1, -1, -1, -1, -1, -1, -1, -1]),
    start,
    "power",
    new StateSet(),
  ).run();
  const world = experiment.world.withoutKernel();
  await new Aftermath(subject, fileSystem.kill(), { ...start, world }, "kill", new StateSet()).run();
  return faulty;
}

/**
 * Operations in which the store is opened while calls fail: what fails then is the recovery. It may fail with what a
 * caller can act on; once the failure is over, the next try goes through.
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { describeError, type Experiment, type NewEffect } from "./experiment.ts";
import { nextSequence } from "./model.ts";
import { observe } from "./observation.ts";
import type { Operation, OperationKind } from "./operations.ts";
import { explain } from "./oracle.ts";
import { writeLegacySession } from "./picoclaw_writer.ts";
import { appendEffect } from "./session_changes.ts";
import { sessionKeys, storeDirectory } from "./subject.ts";
import { Violation } from "./violation.ts";

/** What an operation needs to know of the failures. */
export interface FailingMachine {
  /** The same failures around the machine as another process sees it; the count of calls goes on. */
  readonly wrap: (fileSystem: FileSystem) => FileSystem;
  /** Whether calls go on failing once one has. */
  readonly staysBroken: boolean;
  /** Whether one has failed. */
  readonly hasFailed: () => boolean;
}

/** Why an operation does not meet failing calls: what it stands for fails in others. */
export const unfailing: Readonly<Partial<Record<OperationKind, string>>> = {
  "foreign-append": "picoclaw's calls fail at picoclaw's expense",
  "second-process": "it makes the calls of an append",
  follow: "it makes the calls of a reader, and waits",
  retain: "its calls are another process's",
};

const attempts = 2;

type Perform = (experiment: Experiment, operation: Operation, machine: FailingMachine) => Promise<boolean>;

const performers: Readonly<Partial<Record<OperationKind, Perform>>> = {
  "power-cut": async (experiment, { choices }, machine) => {
    experiment.moveTo(experiment.fileSystem.crash(choices));
    return await recover(experiment, "power", machine);
  },
  kill: async (experiment, _, machine) => {
    experiment.moveTo(experiment.fileSystem.kill());
    return await recover(experiment, "kill", machine);
  },
  reopen: async (experiment, _, machine) => {
    await experiment.close();
    return await recover(experiment, "nothing", machine);
  },
  "self-compact": async (experiment, operation, machine) => {
    const { settings } = experiment;
    const done = await again(machine, async () => await experiment.perform(operation));
    experiment.settings = settings;
    return done;
  },
  migrate,
  read,
};

/**
 * Performs an operation while calls fail.
 *
 * @param experiment The run.
 * @param operation The operation.
 * @param machine What fails.
 * @returns Whether there is a store to go on with.
 */
export async function performWhileFailing(
  experiment: Experiment,
  operation: Operation,
  machine: FailingMachine,
): Promise<boolean> {
  const perform = performers[operation.kind];
  if (perform !== undefined) return await perform(experiment, operation, machine);
  await experiment.perform(operation);
  return true;
}

/** Lets the store recover. */
async function recover(
  experiment: Experiment,
  died: "power" | "kill" | "nothing",
  machine: FailingMachine,
): Promise<boolean> {
  return await again(machine, async () => {
    // What the kernel had may be anything after a failed sync.
    if (machine.hasFailed()) experiment.world = experiment.world.withoutKernel();
    await experiment.recover(died);
  });
}

/** Does what opens the store; where that fails, once more. False if it cannot be opened as long as calls fail. */
async function again({ staysBroken }: FailingMachine, act: () => Promise<unknown>): Promise<boolean> {
  for (let attempt = 1;; attempt++) {
    try {
      await act();
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (staysBroken) return false;
      if (attempt === attempts) {
        throw new Violation("I10", `It fails, though no call does any more: ${describeError(error)}`);
      }
    }
  }
}

/** Whether an error is one that a failing call may lead to. */
function isRefusal(error: unknown): boolean {
  const isRecovery = error instanceof Violation && error.message.startsWith("Recovery failed: HoldfastError ");
  return isRecovery || error instanceof HoldfastError;
}

/** Another process reads without the lock, and its calls fail: it shows what is there, or says that it cannot. */
async function read(experiment: Experiment, _: Operation, { wrap }: FailingMachine): Promise<boolean> {
  const { settings, subject, touched } = experiment;
  const fileSystem = wrap(experiment.fileSystem.anotherProcess());
  try {
    const reader = await subject.open({ fileSystem, readOnly: true, settings });
    try {
      const observed = await observe(reader, touched, [], true);
      for (const [session, shown] of observed) explain(shown, experiment.model(session), 0);
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (error instanceof Violation) throw error;
    if (!(error instanceof HoldfastError) || systemErrorCode(error) === "corrupt") {
      throw new Violation("reading", `A reader of ${storeDirectory} failed: ${describeError(error)}`);
    }
  }
  return true;
}

/** An old session of picoclaw's is there; who opens the store takes it over, at the first try or at the next. */
async function migrate(experiment: Experiment, { session }: Operation, machine: FailingMachine): Promise<boolean> {
  if (nextSequence(experiment.model(session).latest) > 0) return true;
  await experiment.close();
  const texts = await experiment.texts(session, ["small", "small"]);
  const summary = `summary ${experiment.label()}`;
  const picoclaw = experiment.fileSystem.anotherProcess();
  await writeLegacySession(picoclaw, storeDirectory, sessionKeys[session] ?? "", texts, summary);
  const effects: NewEffect[] = [
    { words: "migrate the summary", apply: (state) => ({ ...state, summary }), completed: true },
    { ...appendEffect(texts), words: "migrate the records", completed: true },
  ];
  const isOpen = await experiment.change(session, effects, true, async () => {
    if (await again(machine, async () => await experiment.store())) return true;
    throw new HoldfastError("failed", "Nobody knows how far the migration has come");
  });
  return isOpen === true;
}

/**
 * A run of a store on a device that may lie later: what was known at each step, so that one can tell what may be there.
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";
import type { DeviceProfile } from "../testing/lying_device.ts";
import type { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import type { Ledger, Note } from "./device_oracle.ts";
import { Experiment } from "./experiment.ts";
import { knownAtStart, startMachine } from "./laboratory_machine.ts";
import type { Scenario } from "./scenario.ts";
import { filesOf, sessionKeys, storeDirectory, type Subject } from "./subject.ts";

/** A moment at which the power may be cut. */
export interface Moment {
  /** The machine. */
  readonly fileSystem: SimulatedFileSystem;
  /** How many notes had been made. */
  readonly time: number;
  /** The label of the latest record. */
  readonly label: number;
  /** What had just been done. */
  readonly description: string;
}

/** What came of a scenario. */
export interface Recording {
  /** Every text that the store was given. */
  readonly ledger: Ledger;
  /** What was known, step by step. */
  readonly notes: readonly Note[];
  /** The moments after the steps of its operations. */
  readonly moments: readonly Moment[];
  /** The end. */
  readonly end: Moment;
}

/** Options for {@linkcode record}. */
export interface RecordOptions {
  /**
   * What the device may do.
   *
   * @default {undefined}
   */
  readonly device?: DeviceProfile;
  /**
   * What the operations run on in place of the machine; calls may fail then.
   *
   * @default {undefined}
   */
  readonly wrap?: (inner: SimulatedFileSystem) => FileSystem;
  /**
   * Told of each note, by its index.
   *
   * @default {undefined}
   */
  readonly onNote?: (time: number) => void;
}

/**
 * Performs a scenario, and keeps every moment at which it may end, and every text that it gives to the store.
 *
 * @param subject The store.
 * @param scenario What is performed.
 * @param options The device, or what may fail.
 * @returns What came of it.
 */
export async function record(
  subject: Subject,
  scenario: Scenario,
  { device, wrap, onNote }: RecordOptions,
): Promise<Recording> {
  const fileSystem = await startMachine(scenario, device);
  let isFaulty = false;
  const experiment = new Experiment(subject, fileSystem, knownAtStart(scenario), {
    expectsErrors: wrap !== undefined,
    wrap: (inner) => isFaulty && wrap !== undefined ? wrap(inner) : inner,
  });
  const notes: Note[] = [];
  const moments: Moment[] = [];
  const momentOf = (description: string): Moment => {
    const { counters } = experiment.fileSystem;
    notes.push({ world: experiment.world, syncs: counters.syncs + counters.directorySyncs });
    onNote?.(notes.length - 1);
    const { label } = experiment.knowledge;
    return { fileSystem: experiment.fileSystem, time: notes.length, label, description };
  };
  let isPrepared = false;
  fileSystem.onStep = (_step, description) => {
    const moment = momentOf(description);
    // With calls that fail only the end counts.
    if (!isPrepared || wrap !== undefined || description.startsWith("before")) return;
    moments.push({ ...moment, fileSystem: moment.fileSystem.clone() });
  };
  for (const operation of scenario.prepare) await experiment.perform(operation);
  if (wrap !== undefined) await experiment.close();
  isFaulty = true;
  isPrepared = true;
  for (const operation of scenario.operations) await experiment.perform(operation);
  await experiment.close();
  fileSystem.onStep = undefined;
  return { end: momentOf("at the end"), ledger: ledgerOf(notes), notes, moments };
}

function ledgerOf(notes: readonly Note[]): Ledger {
  const ledger = new Map<number, Set<string>>();
  for (const world of new Set(notes.map((note) => note.world))) {
    for (const [index, { states }] of world.sessions.entries()) {
      for (const { text } of states.flatMap(({ log }) => log)) {
        ledger.set(index, (ledger.get(index) ?? new Set()).add(text));
      }
    }
  }
  return ledger;
}

/**
 * What is in the files of some sessions.
 *
 * @param machine Where.
 * @param sessions Which; all by default.
 * @returns The bytes, by path.
 */
export async function filesOfSessions(
  machine: SimulatedFileSystem,
  sessions: Iterable<number> = sessionKeys.keys(),
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const fileSystem = machine.anotherProcess();
  const stems = Array.from(sessions, (index) => `${storeDirectory}/${filesOf(index).name}.`);
  const visit = async (directory: string): Promise<void> => {
    for (const { name, kind } of await fileSystem.readDirectory(directory)) {
      const path = `${directory}/${name}`;
      if (!stems.some((stem) => path.startsWith(stem))) continue;
      if (kind === "directory") await visit(path);
      if (kind !== "file") continue;
      const file = await fileSystem.open(path, { access: "read" });
      const bytes = new Uint8Array((await file.stat()).size);
      await file.read(bytes, 0);
      await file.close();
      files.set(path, bytes);
    }
  };
  if (stems.length > 0) await visit(storeDirectory);
  return files;
}

/**
 * Which files of any session are not the same.
 *
 * @param one Their bytes, by path.
 * @param other The same of another machine, or later.
 * @returns The paths.
 */
export function differingFiles(
  one: ReadonlyMap<string, Uint8Array>,
  other: ReadonlyMap<string, Uint8Array>,
): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((path) => {
    const [bytes, found] = [one.get(path), other.get(path)];
    return bytes?.length !== found?.length || bytes?.some((byte, at) => byte !== found?.[at]) === true;
  });
}

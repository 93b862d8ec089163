/**
 * A device that lies: syncs that it dropped, writes that it tore or misdirected, bits that it flipped. What was
 * acknowledged may be gone then; the promise is weaker: nothing is invented, doubled or reordered, a gap is reported,
 * other sessions are as they were, and what is appended afterwards is kept.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import type { DeviceProfile } from "../testing/lying_device.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { FaultyFileSystem } from "../testing/faulty_filesystem.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import { describeError, Experiment } from "./experiment.ts";
import type { WorldModel } from "./model.ts";
import type { Operation } from "./operations.ts";
import type { Scenario } from "./scenario.ts";
import { StateSet } from "./state_set.ts";
import { withStoppedClock } from "./stopped_clock.ts";
import { sessionKeys, storeDirectory, type Subject, type SubjectSession } from "./subject.ts";
import { Violation } from "./violation.ts";

/** A kind of lie, with a name. */
export interface NamedDevice {
  /** In words. */
  readonly name: string;
  /** What the device does. */
  readonly profile: DeviceProfile;
}

/** All kinds of lies. */
export const lyingDevices: readonly NamedDevice[] = [
  { name: "dropped syncs", profile: { droppedSyncs: 3 } },
  { name: "reordered commits", profile: { droppedSyncs: 2, reorderedCommits: true } },
  { name: "shorn writes", profile: { shornWrites: true } },
  { name: "flipped bits", profile: { flippedBits: true } },
  { name: "misdirected writes", profile: { misdirectedWrites: true } },
  { name: "damaged neighbours", profile: { damagedNeighbours: true } },
];

/** What came of the trials of one device. */
export interface DeviceTrialCounts {
  /** Distinct disks that were looked at. */
  readonly states: number;
  /** How many of them showed less than what was acknowledged. */
  readonly losses: number;
  /** How many of them were reported to be damaged, torn or rebuilt. */
  readonly reported: number;
}

/** A broken promise. */
export interface DeviceFinding {
  /** What is broken. */
  readonly violation: Violation;
  /** What was run, where it ended, and what the device did. */
  readonly story: string;
}

/** What reports damage. */
const reports: ReadonlySet<string> = new Set([
  "torn-tail",
  "damaged-line",
  "quarantined",
  "meta-rebuilt",
  "replace-pending",
  "replace-discarded",
  "replace-finished",
  "delete-finished",
]);

/** With which a call may be refused, because what is there cannot be trusted. */
const refusals: ReadonlySet<string> = new Set(["corrupt", "failed", "io"]);

/** Every text that was ever given to a session. */
type Ledger = ReadonlyMap<number, Set<string>>;

interface Moment {
  fileSystem: SimulatedFileSystem;
  world: WorldModel;
  label: number;
  description: string;
}

/** Tries what devices may do to scenarios. */
export class DeviceTrials {
  readonly #subject: Subject;
  readonly #cutsPerStep: number;
  readonly #states = new StateSet();
  #losses = 0;
  #reported = 0;

  /**
   * Creates one that has seen nothing.
   *
   * @param subject The store.
   * @param cutsPerStep How many lies are tried at each step.
   */
  constructor(subject: Subject, cutsPerStep: number) {
    this.#subject = subject;
    this.#cutsPerStep = cutsPerStep;
  }

  /** What came of it so far. */
  get counts(): DeviceTrialCounts {
    return { states: this.#states.size, losses: this.#losses, reported: this.#reported };
  }

  /**
   * Runs a scenario on a device, and cuts the power at every step.
   *
   * @param scenario What is run; without lines of somebody else's, which have no checksum.
   * @param profile What the device may do.
   * @returns The first broken promise; null if there is none.
   */
  async run(scenario: Scenario, profile: DeviceProfile): Promise<DeviceFinding | null> {
    return await withStoppedClock(async () => {
      const moments: Moment[] = [];
      const { ledger } = await record(this.#subject, scenario, { device: profile, moments });
      const random = new SeededRandom(scenario.seed);
      for (const moment of moments) {
        for (let cut = 0; cut < this.#cutsPerStep; cut++) {
          const choices = lie(random, profile, moment.fileSystem.pending().length);
          const machine = moment.fileSystem.crash(choices);
          if (!this.#states.add(machine.cacheImageHash())) continue;
          try {
            await this.#check(machine, moment, ledger);
          } catch (error) {
            const violation = error instanceof Violation ? error : new Violation("error", describeError(error));
            const story = [scenario.operations.map(({ kind }) => kind).join("; "), moment.description];
            return { violation, story: [...story, moment.fileSystem.describe(choices)].join("\n") };
          }
        }
      }
      return null;
    });
  }

  /**
   * Runs a scenario with each sync in turn that resolves although it has failed, and says so only the next time; then
   * cuts the power. That what it acknowledged may be gone is beyond any program.
   *
   * @param scenario What is run.
   * @returns The first broken promise; null if there is none.
   */
  async runLateSyncs(scenario: Scenario): Promise<DeviceFinding | null> {
    return await withStoppedClock(async () => {
      for (let failAt = 1;; failAt++) {
        const faulty: FaultyFileSystem[] = [];
        const wrap = (inner: SimulatedFileSystem): FileSystem => {
          const fault = new FaultyFileSystem(inner, { failAt, fault: { kind: "sync", mode: "late" } });
          faulty.push(fault);
          return fault;
        };
        const { ledger, moment } = await record(this.#subject, scenario, { wrap, moments: [] });
        if (faulty.every(({ fired }) => fired.length === 0)) return null;
        for (const choices of [[], new Array<number>(32).fill(-1)]) {
          const machine = moment.fileSystem.crash(choices);
          if (!this.#states.add(machine.cacheImageHash())) continue;
          try {
            await this.#check(machine, moment, ledger);
          } catch (error) {
            const violation = error instanceof Violation ? error : new Violation("error", describeError(error));
            const story = `${scenario.operations.map(({ kind }) => kind).join("; ")}\nsync ${failAt} fails late`;
            return { violation, story };
          }
        }
      }
    });
  }

  async #check(machine: SimulatedFileSystem, moment: Moment, ledger: Ledger): Promise<void> {
    const events = new Set<string>();
    const onEvent = ({ type }: { type: string }): void => void events.add(type);
    let isLess = false;
    for (const readOnly of [true, false]) {
      const store = await this.#subject.open({ fileSystem: machine.anotherProcess(), readOnly, onEvent })
        .catch(orRefused);
      // That a directory whose sync was dropped is gone is nothing that a reader could be shown.
      if (store === undefined) continue;
      for (const [index, texts] of ledger) {
        const session = await store.session(sessionKeys[index] ?? "").catch(orRefused);
        if (session === undefined) continue;
        if (!readOnly && await store.has(sessionKeys[index] ?? "")) await session.setSummary("").catch(orRefused);
        const { shown, strangers, damaged } = await look(session, texts, ledger);
        const isReported = damaged || [...events].some((type) => reports.has(type));
        // A page that a device has put into another log brings whole records with it; only the first is tied to a key.
        if (strangers > 0 && !isReported) throw new Violation("I3", "Another session's records, without a word");
        isLess = checkGaps(index, shown, moment.world, isReported) || isLess;
      }
      await store.close().catch(orRefused);
    }
    if (isLess) this.#losses++;
    if ([...events].some((type) => reports.has(type))) this.#reported++;
    await this.#goOn(machine, moment, ledger);
  }

  /** What is appended from now on, by a device that has stopped to lie, is kept. */
  async #goOn(machine: SimulatedFileSystem, moment: Moment, ledger: Ledger): Promise<void> {
    const store = await this.#subject.open({ fileSystem: machine, readOnly: false });
    const kept: [number, string][] = [];
    for (const index of ledger.keys()) {
      const text = `{"role":"user","content":"${moment.label + 1000 + index} after"}`;
      const session = await store.session(sessionKeys[index] ?? "").catch(orRefused);
      if (await session?.appendText(text).catch(orRefused) !== undefined) kept.push([index, text]);
    }
    const after = await this.#subject.open({ fileSystem: machine.crash(), readOnly: true }).catch(orRefused);
    for (const [index, text] of kept) {
      const session = await after?.session(sessionKeys[index] ?? "");
      const known = new Set([...ledger.get(index) ?? [], text]);
      const { shown } = session === undefined ? { shown: [] } : await look(session, known, ledger);
      if (shown.at(-1) !== text) throw new Violation("I1", `An append after the damage is lost: ${text.slice(0, 60)}`);
    }
  }
}

/** Performs a scenario, keeps every moment at which it may end, and every text that it gives to the store. */
async function record(
  subject: Subject,
  scenario: Scenario,
  { device, moments, wrap }: {
    device?: DeviceProfile;
    moments: Moment[];
    wrap?: (inner: SimulatedFileSystem) => FileSystem;
  },
): Promise<{ ledger: Ledger; moment: Moment }> {
  const { model, sectorBytes, seed } = scenario;
  const fileSystem = new SimulatedFileSystem({ model, sectorBytes, seed, device });
  await fileSystem.makeDirectory(storeDirectory, 0o700);
  await fileSystem.syncDirectory("/");
  let isFaulty = false;
  const experiment = new Experiment(subject, fileSystem, undefined, {
    expectsErrors: wrap !== undefined,
    wrap: (inner) => isFaulty && wrap !== undefined ? wrap(inner) : inner,
  });
  const ledger = new Map<number, Set<string>>();
  const note = (): void => {
    for (const [index, { states }] of experiment.world.sessions.entries()) {
      for (const { log } of states) {
        for (const { text } of log) ledger.set(index, (ledger.get(index) ?? new Set()).add(text));
      }
    }
  };
  const watch = (machine: SimulatedFileSystem): void => {
    machine.onStep = (_step, description) => {
      note();
      if (description.startsWith("before")) return;
      const { world, label } = experiment.knowledge;
      moments.push({ fileSystem: experiment.fileSystem.clone(), world, label, description });
    };
  };
  for (const operation of scenario.prepare) await experiment.perform(operation);
  if (wrap !== undefined) await experiment.close();
  isFaulty = true;
  watch(fileSystem);
  for (const operation of scenario.operations) await experiment.perform(operation);
  await experiment.close();
  note();
  fileSystem.onStep = undefined;
  const { world, label } = experiment.knowledge;
  return { ledger, moment: { fileSystem, world, label, description: "at the end" } };
}

/** The first four are the device's; of what is pending, all, nothing or some survives. */
function lie(random: SeededRandom, profile: DeviceProfile, pending: number): number[] {
  const dropped = random.below((profile.droppedSyncs ?? 0) + 1);
  const rest = [-1, 0, 1][random.below(3)] ?? 0;
  const survive = Array.from({ length: pending + 16 }, () => rest === 1 ? random.below(5) - 1 : rest);
  return [dropped, random.below(4) === 0 ? 0 : 1, random.below(4), random.below(1 << 16), ...survive];
}

/** What a session shows, hidden records too: nothing invented, nothing twice, nothing out of order (I2, I3). */
async function look(
  session: SubjectSession,
  known: ReadonlySet<string>,
  ledger: Ledger,
): Promise<{ shown: string[]; strangers: number; damaged: boolean }> {
  const shown: string[] = [];
  let strangers = 0;
  let last = -1;
  let label = -1;
  try {
    for await (const { sequence, text } of session.texts({ all: true })) {
      if (!known.has(text) && [...ledger.values()].some((texts) => texts.has(text))) {
        strangers++;
        continue;
      }
      if (!known.has(text)) throw new Violation("I3", `Nobody wrote ${text.slice(0, 100)}`);
      if (shown.includes(text)) throw new Violation("I3", `Twice: ${text.slice(0, 100)}`);
      const own = labelOf(text);
      if (sequence <= last || own <= label) throw new Violation("I2", `Out of order: ${text.slice(0, 100)}`);
      [last, label] = [sequence, own];
      shown.push(text);
    }
    const { damaged, tornTail, meta } = await session.verify();
    return { shown, strangers, damaged: damaged.length > 0 || tornTail !== null || meta !== "ok" };
  } catch (error) {
    if (error instanceof Violation) throw error;
    orRefused(error);
    return { shown, strangers, damaged: true };
  }
}

/** Whether something acknowledged is missing; in front of something that is there it must have been reported (I11). */
function checkGaps(index: number, shown: readonly string[], world: WorldModel, isReported: boolean): boolean {
  const { states } = world.sessions[index] ?? { states: [] };
  const [base] = states;
  if (base === undefined) return false;
  const must = base.log.filter(({ text }) => states.every(({ log }) => log.some((entry) => entry.text === text)));
  const missing = must.filter(({ text }) => !shown.includes(text));
  const lastShown = labelOf(shown.at(-1) ?? "");
  const inside = missing.find(({ text }) => labelOf(text) < lastShown);
  if (inside !== undefined && !isReported) {
    throw new Violation("I11", `Missing without a word: ${inside.text.slice(0, 100)}`);
  }
  return missing.length > 0;
}

function labelOf(text: string): number {
  return Number(/"content":"(\d+)/.exec(text)?.[1] ?? -1);
}

function orRefused(error: unknown): undefined {
  const code = systemErrorCode(error) ?? "none";
  if (!refusals.has(code) && code !== "not-found") throw new Violation("error", describeError(error));
  return undefined;
}

/**
 * What is run on lying devices: each operation that changes something, on two sessions that have a history.
 *
 * @returns The scenarios.
 */
export function deviceScenarios(): Scenario[] {
  const on = (operation: Omit<Operation, "session">, session = 0): Operation => ({ ...operation, session });
  const history = [
    on({ kind: "append" }),
    on({ kind: "append", sizes: ["sector"] }),
    on({ kind: "append" }, 1),
    on({ kind: "append-batch", sizes: ["small", "small"] }),
    on({ kind: "truncate", keep: 3, summary: true }),
    on({ kind: "append", sizes: ["page"] }, 1),
  ];
  const changes: Operation[][] = [
    [on({ kind: "append" }), on({ kind: "append", sizes: ["sector"] }, 1), on({ kind: "append", sizes: ["page"] })],
    [on({ kind: "append", buffered: true }), on({ kind: "append-batch", sizes: ["small", "sector"] })],
    [on({ kind: "append-group", sizes: ["small", "sector", "small"] }), on({ kind: "reopen" }), on({ kind: "append" })],
    [on({ kind: "truncate", keep: 1, summary: true }), on({ kind: "append" })],
    [on({ kind: "replace", sizes: ["small", "sector"], summary: true }), on({ kind: "append" })],
    [on({ kind: "compact" }), on({ kind: "append" })],
    [on({ kind: "set-summary" }), on({ kind: "append" })],
  ];
  const machines = [{ model: "weak", sectorBytes: 512 }, { model: "ordered", sectorBytes: 4096 }] as const;
  return machines.flatMap((machine) =>
    changes.map((operations, seed): Scenario => ({ ...machine, seed, prepare: history, operations }))
  );
}

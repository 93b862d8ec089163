/**
 * A device that lies: syncs that it dropped, writes that it tore or misdirected, bits that it flipped. What was
 * acknowledged may be gone then; the promise is weaker: nothing is invented, doubled or reordered, what is missing is
 * reported where anything is left that shows it (`device_oracle.ts`), and what is appended afterwards is kept. Where
 * the damage is in the files of one session, the others are as they were, also after the damaged one was opened (I17).
 * A meta file has no checksum: what a flipped bit in one alters, or hides, without a word is counted apart.
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";
import type { StoreEvent } from "../store/store_event.ts";
import { FaultyFileSystem } from "../testing/faulty_filesystem.ts";
import { mixHashes } from "../testing/image_hash.ts";
import { DEVICE_CHOICES, type DeviceProfile } from "../testing/lying_device.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import type { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import { type Damage, type Fate, judge, type Ledger, type Note, refusalOf, see, worstOf } from "./device_oracle.ts";
import { differingFiles, filesOfSessions, type Moment, record, type Recording } from "./device_recording.ts";
import { endTurn } from "./event_turn.ts";
import { describeError } from "./experiment.ts";
import type { Operation } from "./operations.ts";
import type { Scenario } from "./scenario.ts";
import { StateSet } from "./state_set.ts";
import { withStoppedClock } from "./stopped_clock.ts";
import { filesOf, sessionKeys, storeDirectory, type Subject } from "./subject.ts";
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

/**
 * What came of the trials of one device: how many distinct disks were looked at, and what they showed.
 * Equal disks are distinct where other things had been acknowledged.
 */
export interface DeviceTrialCounts {
  /** All of them. */
  readonly states: number;
  /** All that was acknowledged, in every session. */
  readonly intact: number;
  /** Not all of it; where something is missing, the session itself says so. */
  readonly reported: number;
  /** A session exactly as it was earlier, without a word: nothing on the disk shows that there was ever more. */
  readonly rolledBack: number;
  /** All records, but another summary, or other ones hidden: a bit of a meta file was flipped, which has no checksum. */
  readonly altered: number;
  /** How many had damage in the files of one session only, so that the others were held to be untouched. */
  readonly isolated: number;
}

/** A broken promise. */
export interface DeviceFinding {
  /** What is broken. */
  readonly violation: Violation;
  /** What was run, where it ended, and what the device did. */
  readonly story: string;
}

/** What the device may have done to a disk. */
interface Lie extends Damage {
  /** The sessions whose files are not as an honest device would have left them; null: nobody can say. */
  readonly damaged: ReadonlySet<number> | null;
}

/** Tries what devices may do to scenarios. */
export class DeviceTrials {
  readonly #subject: Subject;
  readonly #cutsPerStep: number;
  readonly #states = new StateSet();
  readonly #fates = new Map<Fate, number>();
  #isolated = 0;

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
    const count = (fate: Fate): number => this.#fates.get(fate) ?? 0;
    return {
      states: this.#states.size,
      intact: count("intact"),
      reported: count("reported"),
      rolledBack: count("rolled back"),
      altered: count("altered"),
      isolated: this.#isolated,
    };
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
      const recording = await record(this.#subject, scenario, { device: profile });
      const random = new SeededRandom(scenario.seed);
      for (const moment of recording.moments) {
        await endTurn();
        for (let cut = 0; cut < this.#cutsPerStep; cut++) {
          const choices = lie(random, profile, moment.fileSystem.pending().length);
          const machine = moment.fileSystem.crash(choices);
          if (!this.#isNew(machine, moment, recording)) continue;
          const violation = await this.#violationOf(machine, moment, recording, async () => {
            return await lieOf(machine, moment, recording.notes, { choices, profile });
          });
          if (violation === null) continue;
          const story = [scenario.operations.map(({ kind }) => kind).join("; "), moment.description];
          return { violation, story: [...story, moment.fileSystem.describe(choices)].join("\n") };
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
        await endTurn();
        const faulty: FaultyFileSystem[] = [];
        const hasFired = (): boolean => faulty.some(({ fired }) => fired.length > 0);
        const wrap = (inner: SimulatedFileSystem): FileSystem => {
          const fault = new FaultyFileSystem(inner, { failAt, fault: { kind: "sync", mode: "late" } });
          faulty.push(fault);
          return fault;
        };
        let since = 0;
        const onNote = (time: number): void => void (hasFired() || (since = time));
        const recording = await record(this.#subject, scenario, { wrap, onNote });
        if (!hasFired()) return null;
        for (const choices of [[], new Array<number>(32).fill(-1)]) {
          const machine = recording.end.fileSystem.crash(choices);
          if (!this.#isNew(machine, recording.end, recording)) continue;
          const violation = await this.#violationOf(machine, recording.end, recording, async () => {
            return { damaged: null, since, isBitOfMeta: false };
          });
          if (violation === null) continue;
          const story = `${scenario.operations.map(({ kind }) => kind).join("; ")}\nsync ${failAt} fails late`;
          return { violation, story };
        }
      }
    });
  }

  /** A disk as it was earlier is another case once there ought to be more. */
  #isNew(machine: SimulatedFileSystem, { time }: Moment, { notes }: Recording): boolean {
    return this.#states.add(mixHashes(machine.cacheImageHash(), notes[time - 1]?.world.fingerprint ?? 0));
  }

  async #violationOf(
    machine: SimulatedFileSystem,
    moment: Moment,
    { ledger, notes }: Recording,
    lieTold: () => Promise<Lie>,
  ): Promise<Violation | null> {
    try {
      const told = await lieTold();
      const fate = await this.#check(machine, notes.slice(0, moment.time), ledger, told);
      this.#fates.set(fate, (this.#fates.get(fate) ?? 0) + 1);
      if (told.damaged !== null && told.damaged.size === 1) this.#isolated++;
      await this.#goOn(machine, moment, ledger);
      return null;
    } catch (error) {
      return error instanceof Violation ? error : new Violation("error", describeError(error));
    }
  }

  async #check(machine: SimulatedFileSystem, notes: readonly Note[], ledger: Ledger, told: Lie): Promise<Fate> {
    const found: Fate[] = [];
    const isDamaged = (index: number): boolean => told.damaged?.has(index) ?? true;
    const healthy = [...ledger.keys()].filter((index) => !isDamaged(index));
    const asFound = await filesOfSessions(machine, healthy);
    for (const readOnly of [true, false]) {
      const events: StoreEvent[] = [];
      const onEvent = (event: StoreEvent): void => void events.push(event);
      const store = await this.#subject.open({ fileSystem: machine.anotherProcess(), readOnly, onEvent })
        .catch(refusalOf);
      for (const index of [...ledger.keys()].filter(isDamaged)) {
        const sight = await see(store, index, ledger.get(index) ?? new Set(), { ledger, events, readOnly });
        found.push(judge(index, sight, notes, told));
        if (readOnly || typeof store === "string" || !await store.has(sessionKeys[index] ?? "")) continue;
        await (await store.session(sessionKeys[index] ?? "")).setSummary("").catch(refusalOf);
      }
      if (differingFiles(asFound, await filesOfSessions(machine, healthy)).length > 0) {
        throw new Violation("I17", "Opening a damaged session has changed files of another one");
      }
      for (const index of healthy) {
        const sight = await see(store, index, ledger.get(index) ?? new Set(), { ledger, events, readOnly });
        const fate = judge(index, sight, notes, { since: notes.length - 1, isBitOfMeta: false });
        if (fate !== "intact") throw new Violation("I17", `${sessionKeys[index]} is ${fate}, and was not damaged`);
      }
      if (typeof store !== "string") await store.close().catch(refusalOf);
    }
    return worstOf(found);
  }

  /** What is appended from now on, by a device that has stopped to lie, is kept. */
  async #goOn(machine: SimulatedFileSystem, moment: Moment, ledger: Ledger): Promise<void> {
    const store = await this.#subject.open({ fileSystem: machine, readOnly: false });
    const kept: [number, string][] = [];
    for (const index of ledger.keys()) {
      const text = `{"role":"user","content":"${moment.label + 1000 + index} after"}`;
      try {
        await (await store.session(sessionKeys[index] ?? "")).appendText(text);
        kept.push([index, text]);
      } catch (error) {
        refusalOf(error);
      }
    }
    const events: StoreEvent[] = [];
    const after = await this.#subject.open({ fileSystem: machine.crash(), readOnly: true }).catch(refusalOf);
    for (const [index, text] of kept) {
      const known = new Set([...ledger.get(index) ?? [], text]);
      const { log } = await see(after, index, known, { ledger, events, readOnly: true });
      if (log.at(-1)?.text === text) continue;
      throw new Violation("I1", `An append after the damage is lost: ${text.slice(0, 60)}`);
    }
  }
}

/** What the choices of a power cut have let the device do. */
async function lieOf(
  machine: SimulatedFileSystem,
  { fileSystem, time }: Moment,
  notes: readonly Note[],
  { choices, profile }: { choices: readonly number[]; profile: DeviceProfile },
): Promise<Lie> {
  const [dropped = 0] = choices;
  if (dropped > 0) {
    // The disk is at least what it was before the first sync that was dropped.
    const syncs = (notes[time - 1]?.syncs ?? 0) - dropped;
    const since = Math.max(0, notes.findLastIndex((note) => note.syncs <= syncs));
    return { damaged: null, since, isBitOfMeta: false };
  }
  const honest = fileSystem.crash(choices.map((choice, index) => index < DEVICE_CHOICES ? 0 : choice));
  const isHonest = honest.cacheImageHash() === machine.cacheImageHash();
  const paths = isHonest ? [] : differingFiles(await filesOfSessions(honest), await filesOfSessions(machine));
  const ownerOf = (path: string): number =>
    sessionKeys.findIndex((_, index) => path.startsWith(`${storeDirectory}/${filesOf(index).name}.`));
  const { shornWrites = false, misdirectedWrites = false, flippedBits = false } = profile;
  return {
    damaged: new Set(paths.map(ownerOf)),
    since: shornWrites || misdirectedWrites ? 0 : time - 1,
    isBitOfMeta: flippedBits && paths.every((path) => filesOf(ownerOf(path)).meta === path),
  };
}

/** The first four are the device's; of what is pending, all, nothing or some survives. */
function lie(random: SeededRandom, profile: DeviceProfile, pending: number): number[] {
  const dropped = random.below((profile.droppedSyncs ?? 0) + 1);
  const rest = [-1, 0, 1][random.below(3)] ?? 0;
  const survive = Array.from({ length: pending + 16 }, () => rest === 1 ? random.below(5) - 1 : rest);
  // Of any file, and of all bits of a file with its fill.
  return [dropped, random.below(4) === 0 ? 0 : 1, random.below(64), random.below(1 << 20), ...survive];
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

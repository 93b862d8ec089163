/**
 * What happens after the power is back, or another program goes on: recovery, checks, a second recovery, new records,
 * a further power cut over the same bytes (I7), and again a look at what is there, by a reader or by a third recovery.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { checksumText } from "../log/record_format.ts";
import type { Choices } from "../testing/crash_choices.ts";
import { crashStates } from "../testing/crash_states.ts";
import { mixHashes } from "../testing/image_hash.ts";
import type { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import { Experiment } from "./experiment.ts";
import { type Knowledge, knowledgeHash } from "./knowledge.ts";
import { checkPlainLines, readBytes } from "./observation.ts";
import { append } from "./session_changes.ts";
import { appendBeforeRecovery } from "./surroundings.ts";
import type { StateSet } from "./state_set.ts";
import { filesOf, sessionKeys, type Subject } from "./subject.ts";
import { Violation } from "./violation.ts";

/** Among how many ways the last power cut of a state is chosen. */
const lastCutsMax = 8;

/**
 * Whether what a file holds is expected to be of no interest to anybody, so that what differs in it only need not be
 * run twice: locks, and unfinished files; who opens one for writing begins anew. That nobody looks into it is watched.
 *
 * @param path The file.
 * @returns True for such a file.
 */
export function isSeldomRead(path: string): boolean {
  return path.endsWith(".lock") || path.endsWith(".tmp");
}

/** What came before a recovery, and how far what follows goes. */
export interface AftermathOptions {
  /** What has ended. */
  readonly died: "power" | "kill";
  /** States after a recovery and a cut from which it was gone on already. */
  readonly recovered: StateSet;
  /** Whether picoclaw appends a message to each session before anything recovers. */
  readonly visited?: boolean;
  /** How often the power is cut in it: who went on from the same state has met the same moments then. */
  readonly depth?: number;
  /**
   * Whether a sync may have failed that a recovery made. Then a cut of torn bytes may be in the cache and on no disk,
   * where no program can see that: they come back with the next power cut, and are set aside once more.
   */
  readonly cutMayBeLost?: boolean;
}

/** One recovery, and what follows it. */
export class Aftermath {
  /** The run. */
  readonly experiment: Experiment;
  readonly #options: AftermathOptions;
  readonly #told: (() => string)[] = [];

  /**
   * Prepares it.
   *
   * @param subject The store.
   * @param fileSystem The machine after the end.
   * @param start What was known when it ended.
   * @param options What has ended, and how far it goes.
   */
  constructor(subject: Subject, fileSystem: SimulatedFileSystem, start: Knowledge, options: AftermathOptions) {
    const world = options.died === "power" ? start.world.withoutKernel() : start.world;
    this.experiment = new Experiment(subject, fileSystem, { ...start, world, label: start.label + 1000 });
    this.#options = options;
  }

  /** What has been done so far, step by step, in words. */
  get steps(): readonly string[] {
    return this.#told.map((tell) => tell());
  }

  /**
   * Runs it.
   *
   * @throws {Violation} If a promise is broken.
   */
  async run(): Promise<void> {
    const { experiment } = this;
    const { died, recovered, visited = false, depth = 0 } = this.#options;
    if (visited) this.#tell("picoclaw appends a message to each session");
    const messages = visited ? await appendBeforeRecovery(experiment) : [];
    this.#tell("somebody reads without the lock");
    await experiment.readOnly();
    this.#tell("the store is opened for writing, recovers, and is read");
    await experiment.recover(died);
    for (const [session, message] of messages) {
      if (experiment.model(session).latest.log.some(({ text }) => text === message.text)) continue;
      // To a fragment without an end picoclaw glues its line: then neither of the two is a line any more.
      if (message.isGlued && await isKept(experiment, session, message.text)) continue;
      throw new Violation("I1", `What picoclaw has appended before the recovery is gone: ${message.text}`);
    }
    const quarantined = await experiment.checkDirectory();
    this.#tell("the store and its directory are checked");
    await this.#verify();
    await experiment.checkOperations();
    this.#cutPower();
    const { fileSystem } = experiment;
    const skipped = new Set<number>();
    const image = fileSystem.imageHashWithout(isSeldomRead, skipped);
    const isWeak = fileSystem.options.model === "weak" ? 1 : 0;
    const start = mixHashes(mixHashes(image, knowledgeHash(experiment.knowledge)), isWeak + 2 * depth);
    if (recovered.has(start)) return;
    const watch = fileSystem.watchContents(skipped);
    // The cut has decided what a killed program had left open.
    this.#tell("the store is opened for writing again");
    if (experiment.world.sessions.some(({ effects }) => effects.length > 0)) await experiment.recover("power");
    const deleted = await this.#deletedSessions();
    this.#tell("a record is appended to each session, and acknowledged");
    for (const session of experiment.touched) await append(experiment, { kind: "append", session });
    const setAside = await this.#checkQuarantine(quarantined, deleted);
    // One way for each state, among so many states that every way has its turn.
    const cuts = [...crashStates(experiment.fileSystem, { limit: lastCutsMax, randomMax: 1, seed: start })];
    this.#cutPower(cuts[start % cuts.length]?.choices);
    if (start % 2 === 0) {
      this.#tell("somebody reads without the lock");
      await experiment.readOnly();
    } else {
      this.#tell("the store is opened for writing once more, recovers, and is read");
      await experiment.recover("power");
      await this.#checkQuarantine(setAside, await this.#deletedSessions());
    }
    if (!watch.looked) recovered.add(start);
  }

  #tell(words: string): void {
    this.#told.push(() => words);
  }

  /** What is not durable goes, or some of it; whoever watches the steps goes on with the new machine. */
  #cutPower(choices: Choices = []): void {
    const { fileSystem } = this.experiment;
    this.#told.push(() => `the power is cut\n${fileSystem.describe(choices)}`);
    const hook = fileSystem.onStep;
    fileSystem.onStep = undefined;
    const crashed = fileSystem.crash(choices);
    crashed.onStep = hook;
    this.experiment.moveTo(crashed);
  }

  /** After a power cut alone nothing is damaged (I11), and any line reader can read what recovery leaves (I21). */
  async #verify(): Promise<void> {
    const { experiment } = this;
    if (experiment.withForeign || !experiment.subject.abilities.has("verify")) return;
    const damage = experiment.events.get("damaged-line");
    if (damage !== undefined) throw new Violation("I11", `A power cut was taken for damage: ${damage}`);
    for (const session of experiment.touched) await checkPlainLines(experiment.fileSystem, session);
    const store = await experiment.store();
    for (const session of experiment.touched) {
      const key = sessionKeys[session] ?? "";
      if (!await store.has(key)) continue;
      const { damaged, tornTail } = await (await store.session(key)).verify();
      if (damaged.length > 0) {
        throw new Violation("I11", `A power cut was taken for damage: ${JSON.stringify(damaged)}`);
      }
      if (tornTail !== null) throw new Violation("I10", `Still torn after recovery: ${JSON.stringify(tornTail)}`);
    }
  }

  /** The directories of what was set aside of sessions that are no longer there; the next write removes the rest. */
  async #deletedSessions(): Promise<readonly string[]> {
    const { experiment } = this;
    const store = await experiment.store();
    const directories: string[] = [];
    for (const session of experiment.touched) {
      if (!await store.has(sessionKeys[session] ?? "")) directories.push(`${filesOf(session).quarantine}/`);
    }
    return directories;
  }

  /** What was set aside is there, whole, and not once more (I11, I18); of a deleted session nothing is (I7). */
  async #checkQuarantine(before: readonly string[], deleted: readonly string[]): Promise<readonly string[]> {
    const after = await this.experiment.checkDirectory();
    const { fileSystem } = this.experiment;
    const more = after.filter((path) => !before.includes(path));
    const mayComeBack = this.#options.cutMayBeLost === true && more.length === 1 &&
      await isEndOfOne(fileSystem, more[0] ?? "", before);
    if (after.length > before.length && !mayComeBack) {
      throw new Violation("I18", `A second recovery set aside more: ${after.join(", ")}; before ${before.join(", ")}`);
    }
    for (const path of before) {
      if (deleted.some((directory) => path.startsWith(directory))) {
        if (after.includes(path)) throw new Violation("I7", `Still there of a session that was deleted: ${path}`);
        continue;
      }
      if (after.includes(path) && await isWhole(fileSystem, path)) continue;
      throw new Violation("I11", `What was set aside is gone or changed: ${path}`);
    }
    return after;
  }
}

/** Whether bytes are still somewhere: in the log, or set aside. */
async function isKept({ fileSystem }: Experiment, session: number, text: string): Promise<boolean> {
  const { log, quarantine } = filesOf(session);
  const pieces = await fileSystem.readDirectory(quarantine).catch(() => []);
  for (const path of [log, ...pieces.map(({ name }) => `${quarantine}/${name}`)]) {
    const bytes = await readBytes(fileSystem, path);
    if (bytes !== null && new TextDecoder("latin1").decode(bytes).includes(text)) return true;
  }
  return false;
}

/** Whether a piece holds what another one ends with: what was appended since stands where that one began. */
async function isEndOfOne(fileSystem: SimulatedFileSystem, path: string, others: readonly string[]): Promise<boolean> {
  const bytes = await readBytes(fileSystem, path) ?? new Uint8Array();
  for (const other of others) {
    const whole = await readBytes(fileSystem, other) ?? new Uint8Array();
    const start = whole.length - bytes.length;
    if (start >= 0 && bytes.every((byte, index) => whole[start + index] === byte)) return true;
  }
  return false;
}

/** The name of a piece ends with its checksum. */
async function isWhole(fileSystem: SimulatedFileSystem, path: string): Promise<boolean> {
  const bytes = await readBytes(fileSystem, path);
  return bytes !== null && path.endsWith(`-${checksumText(crc32(bytes))}`);
}

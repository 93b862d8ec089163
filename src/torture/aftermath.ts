/**
 * What happens after the power is back, or another program goes on: recovery, checks, a second recovery, new records,
 * a further power cut over the same bytes (I7), and again a look at what is there.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { checksumText } from "../log/record_format.ts";
import type { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import { Experiment } from "./experiment.ts";
import type { Knowledge } from "./knowledge.ts";
import { mixHashes } from "./model.ts";
import { checkPlainLines, readBytes } from "./observation.ts";
import { append } from "./session_changes.ts";
import type { StateSet } from "./state_set.ts";
import { sessionKeys, type Subject } from "./subject.ts";
import { Violation } from "./violation.ts";

/** One recovery, and what follows it. */
export class Aftermath {
  /** The run. */
  readonly experiment: Experiment;
  readonly #died: "power" | "kill";
  readonly #thorough: boolean;
  readonly #recovered: StateSet;

  /**
   * Prepares it.
   *
   * @param subject The store.
   * @param fileSystem The machine after the end.
   * @param start What was known when it ended.
   * @param died What has ended.
   * @param thorough Whether every line is verified once more.
   * @param recovered States after a recovery and a cut from which it was gone on already.
   */
  constructor(
    subject: Subject,
    fileSystem: SimulatedFileSystem,
    start: Knowledge,
    died: "power" | "kill",
    thorough: boolean,
    recovered: StateSet,
  ) {
    this.#thorough = thorough;
    this.#recovered = recovered;
    const world = died === "power" ? start.world.withoutKernel() : start.world;
    this.experiment = new Experiment(subject, fileSystem, { ...start, world, label: start.label + 1000 });
    this.#died = died;
  }

  /**
   * Runs it.
   *
   * @throws {Violation} If a promise is broken.
   */
  async run(): Promise<void> {
    const { experiment } = this;
    await experiment.readOnly();
    await experiment.recover(this.#died);
    const quarantined = await experiment.checkDirectory();
    await this.#verify();
    await experiment.checkUsed();
    this.#cutPower();
    const { fileSystem, world } = experiment;
    if (!this.#recovered.add(mixHashes(fileSystem.cacheImageHash(), world.fingerprint))) return;
    // The cut has decided what a killed program had left open.
    if (experiment.world.sessions.some(({ effects }) => effects.length > 0)) await experiment.recover("power");
    for (const session of experiment.touched) await append(experiment, { kind: "append", session });
    await this.#checkQuarantine(quarantined);
    this.#cutPower();
    await experiment.readOnly();
  }

  /** What is not durable goes; whoever watches the steps goes on with the new machine. */
  #cutPower(): void {
    const { fileSystem } = this.experiment;
    const hook = fileSystem.onStep;
    fileSystem.onStep = undefined;
    const crashed = fileSystem.crash();
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
    if (!this.#thorough) return;
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

  /** What was set aside is there, whole, and not once more (I11, I18). */
  async #checkQuarantine(before: readonly string[]): Promise<void> {
    const after = await this.experiment.checkDirectory();
    if (after.length > before.length) {
      throw new Violation("I18", `A second recovery set aside more: ${after.join(", ")}; before ${before.join(", ")}`);
    }
    for (const path of before) {
      if (after.includes(path) && await isWhole(this.experiment.fileSystem, path)) continue;
      throw new Violation("I11", `What was set aside is gone or changed: ${path}`);
    }
  }
}

/** The name of a piece ends with its checksum. */
async function isWhole(fileSystem: SimulatedFileSystem, path: string): Promise<boolean> {
  const bytes = await readBytes(fileSystem, path);
  return bytes !== null && path.endsWith(`-${checksumText(crc32(bytes))}`);
}

/**
 * The demo's course: a writer is started, fed, killed in the middle of its work; the store is opened and judged; the
 * next writer goes on behind the last record that came back.
 *
 * @module
 */

import { openStore } from "../../mod.ts";
import { type RespawnedProgram, respawnProgram } from "../fs/runtime_respawn.ts";
import { judgeRecovery, type RecoveryVerdict } from "./demo_checker.ts";
import { Interruption } from "./command.ts";
import { type SeededRandom, seededRandom } from "./seeded_random.ts";

/** What a demo run is given. */
export interface DemoPlan {
  /** The program's script, to start the writers. */
  scriptPath: string;
  /** The store's directory. */
  directory: string;
  /** The session's key; there is no such session yet. */
  key: string;
  /** What is to be written. */
  texts: readonly string[];
  /** How often a writer is killed. */
  killCount: number;
  /** Chooses the moments. */
  seed: number;
  /** Stops it. */
  signal: AbortSignal;
  /** Called after each kill and each acknowledged record. */
  onProgress: (totals: DemoTotals) => Promise<void>;
}

/** What a demo run came to, so far. */
export interface DemoTotals {
  /** How many records there are to write. */
  records: number;
  /** Records of which a writer said that they are durable. */
  acknowledged: number;
  /** Writers killed. */
  kills: number;
  /** Torn tails that recovery set aside. */
  tornTails: number;
  /** Bytes handed to the file system by all writers, as far as they lived to tell. */
  bytesWritten: number;
  /** Syncs asked for by all writers, likewise. */
  syncs: number;
  /** Acknowledgements that came twice, or not in turn. */
  acknowledgedOutOfTurn: number;
  /** The judge's word on the last state; null before the first kill. */
  verdict: RecoveryVerdict | null;
}

const lockedRetriesMax = 40;
const feedAheadLength = 64 * 1024;

/**
 * Runs the demo.
 *
 * @param plan What to write, and how often to kill.
 * @returns What it came to; it stops at the first fault.
 */
export async function runDemo(plan: DemoPlan): Promise<DemoTotals> {
  const totals: DemoTotals = {
    records: plan.texts.length,
    acknowledged: 0,
    kills: 0,
    tornTails: 0,
    bytesWritten: 0,
    syncs: 0,
    acknowledgedOutOfTurn: 0,
    verdict: null,
  };
  const random = seededRandom(plan.seed);
  let next = new Writer(plan, random.below(2 ** 31), totals);
  try {
    for (let lockedRetries = 0;;) {
      const writer = next;
      // Started now, so that it is ready when this one is dead; it waits for its first record.
      next = new Writer(plan, random.below(2 ** 31), totals);
      const { exitCode, errorOutput } = await writer.work(totals.verdict?.recovered ?? 0, random);
      if (plan.signal.aborted) {
        throw plan.signal.reason instanceof Interruption ? plan.signal.reason : new Interruption("SIGINT");
      }
      // A writer that is killed while it takes the lock may leave its lock program behind for a moment.
      if (exitCode === 3 && lockedRetries++ < lockedRetriesMax) continue;
      if (exitCode !== null && exitCode !== 0) {
        throw new Error(`A writer failed (exit code ${exitCode}): ${errorOutput.trim()}`);
      }
      if (exitCode === null) totals.kills++;
      totals.verdict = await judgeStore(plan, totals);
      await plan.onProgress(totals);
      if (exitCode === 0 || isFaulty(totals)) return totals;
    }
  } finally {
    next.kill();
    await next.ended;
  }
}

/**
 * Whether anything went wrong.
 *
 * @param totals What a run came to.
 * @returns True if a record was lost, doubled, invented or moved.
 */
export function isFaulty({ verdict, acknowledgedOutOfTurn }: DemoTotals): boolean {
  return acknowledgedOutOfTurn > 0 || (verdict !== null && verdict.firstFault !== null);
}

async function judgeStore(plan: DemoPlan, totals: DemoTotals): Promise<RecoveryVerdict> {
  const store = await openStore(plan.directory, { readOnly: true });
  try {
    const session = await store.session(plan.key);
    return await judgeRecovery(plan.texts, totals.acknowledged, session.texts({ all: true }));
  } finally {
    await store.close();
  }
}

/** One writer process. */
class Writer {
  readonly #plan: DemoPlan;
  readonly #totals: DemoTotals;
  readonly #program: RespawnedProgram;
  #output = "";
  #nextSequence = 0;
  #acknowledgedHere = 0;
  #cost = { bytesWritten: 0, syncs: 0 };
  #onAcknowledged: () => void = () => {};

  constructor(plan: DemoPlan, seed: number, totals: DemoTotals) {
    this.#plan = plan;
    this.#totals = totals;
    const args = ["demo-writer", plan.key, "--dir", plan.directory, "--seed", String(seed)];
    this.#program = respawnProgram(plan.scriptPath, args, (text) => this.#read(text));
    // Looked at when the writer has had its turn.
    this.#program.ended.catch(() => {});
  }

  get ended(): Promise<unknown> {
    return this.#program.ended.catch(() => {});
  }

  kill(): void {
    this.#program.kill();
  }

  /** Feeds the records from a number on, and kills the process when its time has come. */
  async work(from: number, random: SeededRandom): Promise<{ exitCode: number | null; errorOutput: string }> {
    this.#nextSequence = from;
    const killsLeft = this.#plan.killCount - this.#totals.kills;
    const abort = (): void => this.kill();
    this.#plan.signal.addEventListener("abort", abort);
    const killing = killsLeft > 0 ? this.#killAfter(this.#killPoint(from, killsLeft, random), random) : null;
    void this.#feed(from, killsLeft > 0);
    const end = await this.#program.ended;
    this.#onAcknowledged();
    await killing;
    this.#plan.signal.removeEventListener("abort", abort);
    this.#totals.bytesWritten += this.#cost.bytesWritten;
    this.#totals.syncs += this.#cost.syncs;
    return end;
  }

  /** After how many acknowledgements; what is left is shared by the kills that are left. */
  #killPoint(from: number, killsLeft: number, random: SeededRandom): number {
    const share = (this.#plan.texts.length - from) / (killsLeft + 1);
    return random.below(Math.max(1, Math.ceil(share * 1.6)));
  }

  async #killAfter(acknowledgements: number, random: SeededRandom): Promise<void> {
    let gone = false;
    void this.ended.then(() => gone = true);
    while (!gone && this.#acknowledgedHere < acknowledgements) {
      await new Promise<void>((resolve) => this.#onAcknowledged = resolve);
    }
    const delayMs = random.below(12);
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    this.kill();
  }

  /** The last writer's stdin is ended; one that will be killed must not get away before. */
  async #feed(from: number, toBeKilled: boolean): Promise<void> {
    let text = "";
    for (const record of this.#plan.texts.slice(from)) {
      text += record + "\n";
      if (text.length < feedAheadLength) continue;
      await this.#program.write(text);
      text = "";
    }
    await this.#program.write(text);
    if (!toBeKilled) this.#program.endInput();
  }

  #read(text: string): void {
    const lines = (this.#output + text).split("\n");
    this.#output = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "!torn-tail") this.#totals.tornTails++;
      if (!line.startsWith("!")) this.#acknowledge(line);
    }
    void this.#plan.onProgress(this.#totals);
    this.#onAcknowledged();
  }

  #acknowledge(line: string): void {
    const [sequence, bytesWritten, syncs] = line.split(" ").map(Number);
    if (sequence === this.#nextSequence) this.#nextSequence++;
    else this.#totals.acknowledgedOutOfTurn++;
    this.#acknowledgedHere++;
    this.#totals.acknowledged = Math.max(this.#totals.acknowledged, (sequence ?? 0) + 1);
    this.#cost = { bytesWritten: bytesWritten ?? 0, syncs: syncs ?? 0 };
  }
}

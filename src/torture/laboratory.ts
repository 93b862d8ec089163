/**
 * Runs a campaign in several processes, and counts what they find in one set.
 *
 * @module
 */

import { respawnProgram } from "../fs/runtime_respawn.ts";
import { type CampaignCounts, sumOfCounts } from "./campaign.ts";
import { Explorer } from "./explorer.ts";
import { sequenceCount, type TorturePlan } from "./plan.ts";
import { decodeReproduction } from "./scenario.ts";
import { StateSet } from "./state_set.ts";
import { withStoppedClock } from "./stopped_clock.ts";
import { invariantText, tellStory } from "./story.ts";
import { holdfastSubject } from "./subject.ts";
import { type WorkerOrder, type WorkerReport, writeOrder } from "./torture_worker.ts";

/** How a campaign is run. */
export interface LaboratoryOptions {
  /** What is run. */
  readonly plan: TorturePlan;
  /** The program's script: its `torture-worker` command takes a share. */
  readonly scriptPath: string;
  /** How many processes. */
  readonly jobs: number;
  /** How long at the most; Infinity: until the plan is done. */
  readonly seconds: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** Told every few seconds. */
  readonly onProgress: (totals: TortureTotals) => void;
  /** Told of each broken promise, once for each invariant. */
  readonly onFinding: (story: string) => void;
}

/** What was done so far. */
export interface TortureTotals extends Omit<CampaignCounts, "broken"> {
  /** How long it has taken, in seconds. */
  readonly seconds: number;
  /** How many short sequences are done. */
  readonly sequences: number;
  /** How many there are. */
  readonly sequencesInAll: number;
  /** Each invariant that was found broken, with what it says, and in how many scenarios. */
  readonly broken: readonly { readonly invariant: string; readonly text: string; readonly count: number }[];
}

/**
 * Runs a campaign.
 *
 * @param options What, and how.
 * @returns What was done.
 */
export async function runTorture(options: LaboratoryOptions): Promise<TortureTotals> {
  const { plan, jobs } = options;
  const begun = performance.now();
  const states = new StateSet();
  const last = new Map<number, WorkerReport>();
  const told = new Set<string>();
  const totals = (): TortureTotals => {
    const { broken, ...counts } = sumOfCounts([...last.values()].map((report) => report.counts));
    return {
      ...counts,
      states: states.size,
      seconds: (performance.now() - begun) / 1000,
      sequences: Math.min(...(last.size < jobs ? [0] : [...last.values()].map(({ sequence }) => sequence))),
      sequencesInAll: sequenceCount(plan),
      broken: Object.entries(broken).map(([invariant, count]) => ({
        invariant,
        text: invariantText(invariant),
        count,
      })),
    };
  };
  const take = (part: number, report: WorkerReport): void => {
    for (const state of report.states) states.add(state);
    last.set(part, report);
    if (report.finding !== undefined) {
      const { invariant, story } = report.finding;
      if (!told.has(invariant)) options.onFinding(story);
      told.add(invariant);
    }
    options.onProgress(totals());
  };
  const orders = Array.from({ length: jobs }, (_, part): WorkerOrder => ({ plan, part, parts: jobs }));
  await runWorkers(orders, options, take);
  return totals();
}

async function runWorkers(
  orders: readonly WorkerOrder[],
  options: LaboratoryOptions,
  take: (part: number, report: WorkerReport) => void,
): Promise<void> {
  let isStopped = false;
  const workers = orders.map((order, part) => {
    let rest = "";
    return respawnProgram(options.scriptPath, ["torture-worker", writeOrder(order)], (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(part, JSON.parse(line));
    });
  });
  const stop = (): void => {
    isStopped = true;
    for (const worker of workers) worker.kill();
  };
  const timer = options.seconds === Infinity ? undefined : setTimeout(stop, options.seconds * 1000);
  options.signal.addEventListener("abort", stop, { once: true });
  try {
    for (const end of await Promise.all(workers.map(({ ended }) => ended))) {
      if (end.exitCode !== 0 && !isStopped) throw new Error(`A worker has failed: ${end.errorOutput}`);
    }
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", stop);
    stop();
  }
}

/**
 * Runs one failure again.
 *
 * @param text What a story ends with.
 * @returns The story; null if nothing is broken any more.
 * @throws {TypeError} or {SyntaxError} If the text is none.
 */
export async function reproduce(text: string): Promise<string | null> {
  const { scenario, path } = decodeReproduction(text);
  const options = { subject: holdfastSubject, depth: path.length, cutsPerStep: 0, cutsPerNestedStep: 0, only: path };
  const finding = await withStoppedClock(async () => await new Explorer(options).explore(scenario));
  return finding === null ? null : await tellStory(options, finding);
}

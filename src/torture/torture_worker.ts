/**
 * A process that takes part in a campaign: runs its share of the scenarios, and reports states and findings.
 *
 * @module
 */

import { Campaign, type CampaignCounts, sumOfCounts } from "./campaign.ts";
import { endTurn } from "./event_turn.ts";
import type { ExplorerOptions } from "./explorer.ts";
import { planOf, sequenceCount, type TorturePlan } from "./plan.ts";
import { tellStory } from "./story.ts";
import { holdfastSubject } from "./subject.ts";

/** What a worker is told. */
export interface WorkerOrder {
  /** What is to be done in all. */
  readonly plan: TorturePlan;
  /** Which share of it. */
  readonly part: number;
  /** Into how many shares it is divided. */
  readonly parts: number;
}

/** What a worker tells. */
export interface WorkerReport {
  /** New states since the last report. */
  readonly states: readonly number[];
  /** What was done in all. */
  readonly counts: CampaignCounts;
  /** How far it is in the list of short sequences. */
  readonly sequence: number;
  /** A finding: the invariant and its story. */
  readonly finding?: { readonly invariant: string; readonly story: string };
  /** Whether there is nothing left to do. */
  readonly finished: boolean;
}

const reportEvery = 2_000;

/**
 * Runs a share of a plan.
 *
 * @param order Which share.
 * @param report Told how it goes.
 */
export async function work(order: WorkerOrder, report: (message: WorkerReport) => void): Promise<void> {
  const fresh: number[] = [];
  const { part, parts, plan } = order;
  const common: ExplorerOptions = { subject: holdfastSubject, ...plan.explorer, onState: (state) => fresh.push(state) };
  const divided = new Campaign({ ...common, share: { part, parts } });
  const own = new Campaign(common);
  let sequence = 0;
  const send = (finished: boolean, finding?: WorkerReport["finding"]): void => {
    const states = fresh.splice(0);
    const counts = sumOfCounts([divided.counts, own.counts]);
    report({ states, counts, sequence, finished, ...(finding === undefined ? {} : { finding }) });
  };
  let sent = performance.now();
  for (const step of planOf(plan, part, parts)) {
    const campaign = step.isDivided ? divided : own;
    sequence = step.sequence;
    const options = { ...common, ...step.options };
    const finding = await campaign.run(step.scenario, step.options);
    if (finding !== null) {
      send(false, { invariant: finding.violation.invariant, story: await tellStory(options, finding) });
    }
    if (performance.now() - sent < reportEvery) continue;
    sent = performance.now();
    send(false);
    // Lets the report out.
    await endTurn();
  }
  // All of them are done, with the last one as well.
  sequence = sequenceCount(plan);
  send(true);
}

/**
 * Reads an order from a command line.
 *
 * @param text JSON.
 * @returns The order.
 * @throws {TypeError} or {SyntaxError} If it is none.
 */
export function readOrder(text: string): WorkerOrder {
  const value: unknown = JSON.parse(text, (_key, inner: unknown) => inner === "Infinity" ? Infinity : inner);
  if (!isOrder(value)) throw new TypeError("Not an order");
  return value;
}

/**
 * Writes an order for a command line.
 *
 * @param order The order.
 * @returns JSON.
 */
export function writeOrder(order: WorkerOrder): string {
  return JSON.stringify(order, (_key, inner: unknown) => inner === Infinity ? "Infinity" : inner);
}

/** Only this program writes orders. */
function isOrder(value: unknown): value is WorkerOrder {
  return typeof value === "object" && value !== null && "plan" in value && "part" in value && "parts" in value;
}

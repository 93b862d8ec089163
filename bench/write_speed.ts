/**
 * How many durable records per second, as ratios: the contenders take turns on one file system, round after round, so
 * that whatever else the machine does meets all of them. The ratio of two contenders is the median of its rounds'.
 *
 * @module
 */

import { join } from "node:path";
import { type AppendSpec, ContenderClient, type Latencies, type Subject } from "./contender_client.ts";
import type { LoopDevice } from "./device.ts";
import type { Scenario } from "./scenario.ts";
import { appendSpecs } from "./write_cost.ts";

/** How fast one contender was in one case. */
export interface WriteSpeed {
  /** The contender. */
  subject: string;
  /** The case. */
  scenario: string;
  /** Records per second in each round. */
  rounds: number[];
  /** The median of these. */
  recordsPerSecond: number;
  /** How long one durable append took in the median round, in milliseconds. */
  latencies: Latencies;
}

/** No round takes longer, however slow the contender. */
const roundSeconds = 0.8;
/** No round has more records, however fast. */
const roundRecordsMax = 10_000;

/** One contender in one case. */
export interface SpeedEntry {
  /** The contender. */
  subject: Subject;
  /** The case. */
  scenario: Scenario;
}

/**
 * Measures contenders in turn.
 *
 * @param device The device.
 * @param entries Who does what.
 * @param rounds How often each has its turn.
 * @returns One result per entry.
 * @throws {Error} If a record did not come back equal.
 */
export async function measureWriteSpeed(
  device: LoopDevice,
  entries: readonly SpeedEntry[],
  rounds: number,
): Promise<WriteSpeed[]> {
  device.format();
  const running: (SpeedEntry & { client: ContenderClient; spec: AppendSpec; runs: Run[] })[] = [];
  try {
    for (const [index, { subject, scenario }] of entries.entries()) {
      const { client, about } = await ContenderClient.open(subject, join(device.mountPoint, `store-${index}`));
      // What grows with the session must not have more than its limit in the end.
      const records = Math.min(roundRecordsMax, Math.ceil(about.recordsMax / rounds));
      const { warmUp, measured } = appendSpecs({ ...scenario, records }, records);
      const spec = { ...measured, secondsMax: roundSeconds };
      running.push({ subject, scenario, client, spec, runs: [] });
      await client.tell({ op: "append", ...warmUp });
    }
    for (let round = 0; round < rounds; round++) {
      // Each round begins with another one, so that nobody always comes after the same neighbour.
      for (let index = 0; index < running.length; index++) {
        const turn = running[(index + round) % running.length];
        if (turn === undefined) continue;
        device.settle();
        const run = await turn.client.tell({ op: "append", ...turn.spec });
        turn.runs.push({ rate: run.records / run.seconds, latencies: run.latencies });
      }
    }
    const results: WriteSpeed[] = [];
    for (const { subject, scenario, client, runs } of running) {
      await client.verifyAfterReopening();
      results.push(speedOf(subject, scenario, runs));
    }
    return results;
  } finally {
    for (const { client } of running) await client.end();
  }
}

interface Run {
  rate: number;
  latencies: Latencies;
}

function speedOf(subject: Subject, scenario: Scenario, runs: readonly Run[]): WriteSpeed {
  const sorted = [...runs].sort((left, right) => left.rate - right.rate);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new RangeError("A case needs at least one round");
  return {
    subject: subject.id,
    scenario: scenario.id,
    rounds: runs.map(({ rate }) => rate),
    recordsPerSecond: middle.rate,
    latencies: middle.latencies,
  };
}

/**
 * How much faster one contender is than another.
 *
 * @param speed The one.
 * @param other The other, from the same rounds.
 * @returns The median of the rounds' ratios.
 */
export function speedRatio(speed: WriteSpeed, other: WriteSpeed): number {
  return median(speed.rounds.map((rate, round) => rate / (other.rounds[round] ?? Number.NaN)));
}

/**
 * The middle of some figures.
 *
 * @param figures The figures.
 * @returns The median, the higher one of two; NaN of none.
 */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

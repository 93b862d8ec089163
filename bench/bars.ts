/**
 * The bars that the project sets itself for cost and speed, judged from the findings of a run. Pure.
 *
 * @module
 */

import { type Comparison, short, whole } from "./comparison.ts";
import { concurrentId, serialId, turnId } from "./scenario.ts";
import type { WriteCost } from "./write_cost.ts";
import { speedRatio, type WriteSpeed } from "./write_speed.ts";

/** A bar and what was found. */
export interface Bar {
  /** What is measured. */
  what: string;
  /** What was found, as text. */
  figure: string;
  /** What it has to be, as text. */
  bar: string;
  /** Whether it is; null: not measured in this run. */
  ok: boolean | null;
}

type Limit = { max: number } | { min: number };

/** Names of counters that must stand still while records are appended. */
const namespaceCounters = [
  "metaWrites",
  "creates",
  "opens",
  "renames",
  "links",
  "unlinks",
  "directoriesMade",
  "directorySyncs",
];

/**
 * Judges one build of Holdfast.
 *
 * @param comparison The findings.
 * @param subject The build's id.
 * @returns Every bar.
 */
export function judge(comparison: Comparison, subject: string): Bar[] {
  return [
    ...costBars(comparison, subject),
    ...speedBars(comparison, subject),
    ...readBars(comparison, subject),
    ...growthBars(comparison, subject),
  ];
}

function bar(what: string, value: number | undefined, limit: Limit, show: (value: number) => string): Bar {
  const isMax = "max" in limit;
  const edge = isMax ? limit.max : limit.min;
  const text = `${isMax ? "≤" : "≥"} ${show(edge)}`;
  if (value === undefined || Number.isNaN(value)) return { what, figure: "not measured", bar: text, ok: null };
  return { what, figure: show(value), bar: text, ok: isMax ? value <= edge : value >= edge };
}

const times = (value: number): string => `${short(value)} ×`;

function costBars({ cost }: Comparison, subject: string): Bar[] {
  const find = (scenario: string): WriteCost | undefined =>
    cost.find((row) => row.subject === subject && row.scenario === scenario);
  const [serial, small, turn, concurrent] = [serialId, "200B-serial", turnId, concurrentId].map(find);
  const namespace = serial === undefined
    ? undefined
    : namespaceCounters.reduce((sum, name) => sum + (serial.counters[name] ?? 0), 0);
  return [
    bar("device bytes per durable 1 KB record, serial", serial?.bytesPerRecord, { max: 7000 }, whole),
    bar("device bytes per durable 200 B record, serial", small?.bytesPerRecord, { max: 4900 }, whole),
    bar("flushes per durable record, serial", serial?.flushesPerRecord, { max: 1.05 }, (value) => value.toFixed(3)),
    bar("flushes per turn of five", turn && turn.flushesPerRecord * 5, { max: 1.2 }, (value) => value.toFixed(3)),
    bar("device bytes per record in turns of five", turn?.bytesPerRecord, { max: 3200 }, whole),
    bar("device bytes per record, 32 at a time", concurrent?.bytesPerRecord, { max: 2500 }, whole),
    bar("meta writes and namespace operations per append", namespace, { max: 0 }, short),
  ];
}

function speedBars({ speed }: Comparison, subject: string): Bar[] {
  const find = (id: string, scenario: string): WriteSpeed | undefined =>
    speed.find((row) => row.subject === id && row.scenario === scenario);
  const serial = find(subject, serialId);
  const ratio = (speed: WriteSpeed | undefined, other: WriteSpeed | undefined): number | undefined =>
    speed === undefined || other === undefined ? undefined : speedRatio(speed, other);
  return [
    bar("appends per second, serial, against the floor", ratio(serial, find("floor", serialId)), { min: 0.85 }, times),
    bar("… against SQLite WAL FULL", ratio(serial, find("sqlite-full", serialId)), { min: 2 }, times),
    bar("… against the picoclaw pattern", ratio(serial, find("picoclaw", serialId)), { min: 4 }, times),
    bar("32 at a time against serial", ratio(find(subject, concurrentId), serial), { min: 12 }, times),
  ];
}

function readBars({ reads }: Comparison, subject: string): Bar[] {
  const find = (id: string) => reads.find((row) => row.subject === id && row.reading.startsWith("full read"));
  const [own, naive] = [find(subject), find("plain-append")];
  const ratio = own && naive && speedRatioOfTimes(own.rounds, naive.rounds);
  const what = own?.reading ?? "full read";
  return [
    bar(`${what}: speed against readFile + split + parse`, ratio, { min: 0.8 }, times),
    bar(`${what}: growth of peak memory in MB`, own && own.growthBytes / 1e6, { max: 32 }, short),
  ];
}

/** Times instead of rates: the other way round. */
function speedRatioOfTimes(own: readonly number[], other: readonly number[]): number {
  const asSpeed = (rounds: readonly number[]): WriteSpeed => ({
    subject: "",
    scenario: "",
    rounds: rounds.map((milliseconds) => 1000 / milliseconds),
    recordsPerSecond: 0,
    latencies: { p50: 0, p99: 0, p999: 0, max: 0 },
  });
  return speedRatio(asSpeed(own), asSpeed(other));
}

function growthBars({ growth }: Comparison, subject: string): Bar[] {
  const rows = growth.filter((row) => row.subject === subject).sort((left, right) => left.logBytes - right.logBytes);
  const [small, large] = [rows[0], rows[rows.length - 1]];
  const name = large === undefined ? "1 GB" : `${whole(large.logBytes / 1e6)} MB`;
  const ratio = (one: number | undefined, other: number | undefined): number | undefined =>
    one === undefined || other === undefined ? undefined : one / other;
  const { tailMilliseconds, tailBytesRead, recoverMilliseconds, recoverBytesRead } = large ?? {};
  return [
    bar(
      `tail(50) of ${name} against 1 MB, time`,
      ratio(tailMilliseconds, small?.tailMilliseconds),
      { max: 1.5 },
      times,
    ),
    bar(`tail(50) of ${name}, bytes read`, tailBytesRead, { max: 1e6 }, whole),
    bar(
      `open, recover, append on ${name} against 1 MB, time`,
      ratio(recoverMilliseconds, small?.recoverMilliseconds),
      { max: 2 },
      times,
    ),
    // At most 1 MiB is ever unsynced; it is read to be judged and once more to be written again.
    bar(`open, recover, append on ${name}, bytes read`, recoverBytesRead, { max: 3 * 1024 ** 2 }, whole),
  ];
}

/**
 * Everything that a comparison found, as it stands in its JSON file, and the tables that a terminal shows of it.
 *
 * @module
 */

import { tableText } from "./bench_report.ts";
import type { Subject } from "./contender_client.ts";
import type { GrowthRow } from "./growth.ts";
import type { ReadSpeed } from "./read_side.ts";
import type { Scenario } from "./scenario.ts";
import type { SystemCalls } from "./system_calls.ts";
import type { WriteCost } from "./write_cost.ts";
import type { WriteSpeed } from "./write_speed.ts";

/** The findings of one run. */
export interface Comparison {
  /** Where it was measured. */
  place: string;
  /** When, RFC 3339. */
  measuredAt: string;
  /** Who was measured, with what has to be known about each. */
  subjects: (Subject & { note: string })[];
  /** The cases. */
  scenarios: Scenario[];
  /** What a record costs the device, on ext4. */
  cost: WriteCost[];
  /** The same on other file systems. */
  fileSystems: (WriteCost & { fileSystem: string })[];
  /** System calls per record, one 1 KB record at a time. */
  calls: ({ subject: string; scenario: string } & SystemCalls)[];
  /** Durable records per second. */
  speed: WriteSpeed[];
  /** Reading. */
  reads: ReadSpeed[];
  /** What must not grow with the log. */
  growth: GrowthRow[];
  /** What could not be measured here, and why. */
  skipped: string[];
}

/**
 * Puts the findings of two runs together: what the later one measured takes the place of the earlier.
 *
 * @param earlier What was found before.
 * @param later What was found now.
 * @returns Both, ordered by contender.
 */
export function mergeComparisons(earlier: Comparison, later: Comparison): Comparison {
  const subjects = merged(later.subjects, earlier.subjects, ({ id }) => id);
  const order = new Map(subjects.map(({ id }, index) => [id, index]));
  const both = <T extends { subject: string }>(old: readonly T[], fresh: readonly T[], key: (row: T) => string): T[] =>
    merged(fresh, old, (row) => `${row.subject} ${key(row)}`)
      .sort((left, right) => (order.get(left.subject) ?? 0) - (order.get(right.subject) ?? 0));
  return {
    place: later.place,
    measuredAt: later.measuredAt,
    subjects,
    scenarios: merged(later.scenarios, earlier.scenarios, ({ id }) => id),
    cost: both(earlier.cost, later.cost, ({ scenario }) => scenario),
    fileSystems: both(earlier.fileSystems, later.fileSystems, (row) => `${row.fileSystem} ${row.scenario}`),
    calls: both(earlier.calls, later.calls, ({ scenario }) => scenario),
    speed: both(earlier.speed, later.speed, ({ scenario }) => scenario),
    reads: both(earlier.reads, later.reads, ({ reading }) => reading),
    growth: both(earlier.growth, later.growth, ({ logBytes }) => String(logBytes)),
    skipped: later.skipped,
  };
}

/** The first rows, and those of the second that the first do not have. */
function merged<T>(first: readonly T[], second: readonly T[], key: (row: T) => string): T[] {
  const known = new Set(first.map(key));
  return [...first, ...second.filter((row) => !known.has(key(row)))];
}

/**
 * A whole number with thousands apart.
 *
 * @param value The number.
 * @returns For instance `19,456`.
 */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/**
 * A figure with about three digits that count.
 *
 * @param value The number.
 * @returns For instance `0.064`, `1.01`, `187`.
 */
export function short(value: number): string {
  if (value === 0) return "0";
  return value >= 100 ? whole(value) : value.toFixed(value < 0.1 ? 3 : value < 10 ? 2 : 1);
}

function titleOf(comparison: Comparison, id: string): string {
  return comparison.subjects.find((subject) => subject.id === id)?.title ?? id;
}

/** Speed is taken from the rounds where there were some, and else from the run that was counted. */
function costRows(comparison: Comparison, costs: readonly WriteCost[], speeds: readonly WriteSpeed[]): string[][] {
  return costs.map((cost) => {
    const found = speeds.find((row) => row.subject === cost.subject && row.scenario === cost.scenario);
    const { p50, p99, max } = found?.latencies ?? cost.latencies;
    return [
      titleOf(comparison, cost.subject),
      whole(cost.bytesPerRecord),
      whole(cost.settledBytesPerRecord),
      short(cost.flushesPerRecord),
      short(cost.requestsPerRecord),
      whole(found?.recordsPerSecond ?? cost.recordsPerSecond),
      short(p50),
      short(p99),
      short(max),
    ];
  });
}

const costHeadings = ["", "device B/record", "settled", "flushes", "requests", "records/s", "p50 ms", "p99", "max"];

/**
 * The findings as tables.
 *
 * @param comparison The findings.
 * @returns The text.
 */
export function comparisonText(comparison: Comparison): string {
  const parts = [`${comparison.place}\n`];
  for (const { id, title } of comparison.scenarios) {
    const costs = comparison.cost.filter(({ scenario }) => scenario === id);
    const rows = costRows(comparison, costs, comparison.speed);
    if (costs.length > 0) parts.push(`${title}\n${tableText(costHeadings, rows)}`);
  }
  if (comparison.calls.length > 0) {
    const rows = comparison.calls.map((row) => [
      titleOf(comparison, row.subject),
      ...[row.writes, row.syncs, row.names, row.truncates].map(short),
    ]);
    const headings = ["", "writes", "syncs", "names", "truncates"];
    parts.push(`System calls per record, 1 KB, serial (strace)\n${tableText(headings, rows)}`);
  }
  for (const fileSystem of new Set(comparison.fileSystems.map((row) => row.fileSystem))) {
    const costs = comparison.fileSystems.filter((row) => row.fileSystem === fileSystem);
    parts.push(`1 KB, serial, on ${fileSystem}\n${tableText(costHeadings, costRows(comparison, costs, []))}`);
  }
  for (const reading of new Set(comparison.reads.map((row) => row.reading))) {
    const rows = comparison.reads.filter((row) => row.reading === reading).map((row) => [
      titleOf(comparison, row.subject),
      short(row.milliseconds),
      row.growthBytes > 0 ? short(row.growthBytes / 1e6) : "",
      row.bytesRead > 0 ? whole(row.bytesRead) : "",
    ]);
    parts.push(`${reading}\n${tableText(["", "ms", "peak grows MB", "bytes read"], rows)}`);
  }
  if (comparison.growth.length > 0) parts.push(growthText(comparison));
  if (comparison.skipped.length > 0) parts.push(comparison.skipped.map((line) => `Skipped: ${line}\n`).join(""));
  return parts.join("\n");
}

function growthText(comparison: Comparison): string {
  const rows = comparison.growth.map((row) => [
    titleOf(comparison, row.subject),
    whole(row.logBytes / 1e6),
    short(row.tailMilliseconds),
    whole(row.tailBytesRead),
    whole(row.groupedTailBytesRead),
    short(row.recoverMilliseconds),
    whole(row.recoverBytesRead),
  ]);
  const headings = ["", "log MB", "tail(50) ms", "bytes read", "(behind a group)", "recover + append ms", "bytes read"];
  return `What must not grow with the log\n${tableText(headings, rows)}`;
}

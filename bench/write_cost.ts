/**
 * What a durable record costs the device: bytes, requests and flushes, counted on a file system of its own with nothing
 * else on it. Two figures of bytes are kept, both for every contender: up to the moment at which the last record was
 * acknowledged, and after the store was closed and everything that waited was written back. The first is what is
 * compared; the second holds what was put off (SQLite's and ext4's checkpoints, LevelDB's tables).
 *
 * @module
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AppendSpec, ContenderClient, type Latencies, type Subject } from "./contender_client.ts";
import { countsBetween, type LoopDevice } from "./device.ts";
import type { Scenario } from "./scenario.ts";
import { countSystemCalls, type SystemCalls, traceWrapper } from "./system_calls.ts";

/**
 * ext4 gives each processor its own place to allocate from, so a file that threads on two of them grow comes out in
 * pieces by chance, and a fifth piece costs a block more per commit. On one processor the counts repeat exactly.
 */
function oneProcessor(): string[] {
  const allowed = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return ["taskset", "--cpu-list", allowed];
}

/** What one contender did in one case. */
export interface WriteCost {
  /** The contender. */
  subject: string;
  /** The case. */
  scenario: string;
  /** How many records were measured, those for warming up not counted. */
  records: number;
  /** Device bytes per record, up to the last acknowledgement. */
  bytesPerRecord: number;
  /** The same after everything was written back. */
  settledBytesPerRecord: number;
  /** Flushes per record, up to the last acknowledgement. */
  flushesPerRecord: number;
  /** Requests per record, up to the last acknowledgement. */
  requestsPerRecord: number;
  /** Records per second in this run; see `write_speed.ts` for ratios. */
  recordsPerSecond: number;
  /** How long one durable append took, in milliseconds. */
  latencies: Latencies;
  /** Per record, what Holdfast counted of itself. */
  counters: Record<string, number>;
}

/**
 * How a case is run by a contender.
 *
 * @param scenario The case.
 * @param recordsMax What the contender can stand.
 * @returns The measured run, and a shorter one in front of it that creates all files.
 */
export function appendSpecs(scenario: Scenario, recordsMax: number): { warmUp: AppendSpec; measured: AppendSpec } {
  const { recordBytes, clients, sessions, turnRecords } = scenario;
  const records = Math.min(scenario.records, recordsMax);
  const measured = { records, recordBytes, clients, sessions, turnRecords, secondsMax: 600, marked: false };
  const least = Math.max(clients, sessions) * turnRecords;
  return { warmUp: { ...measured, records: Math.max(least, Math.min(50, Math.floor(records / 10))) }, measured };
}

/**
 * Measures one contender in one case. The device is formatted first.
 *
 * @param device The device.
 * @param subject The contender.
 * @param scenario The case.
 * @returns What it cost.
 * @throws {Error} If a record did not come back equal.
 */
export async function measureWriteCost(device: LoopDevice, subject: Subject, scenario: Scenario): Promise<WriteCost> {
  device.format();
  const { client, about } = await ContenderClient.open(subject, join(device.mountPoint, "store"), oneProcessor());
  try {
    const { warmUp, measured } = appendSpecs(scenario, about.recordsMax);
    await client.tell({ op: "append", ...warmUp });
    const countersBefore = await client.tell({ op: "counters" });
    device.settle();
    const before = device.counts();
    const run = await client.tell({ op: "append", ...measured });
    const spent = countsBetween(before, device.counts());
    const counters = perRecord(countersBefore, await client.tell({ op: "counters" }), run.records);
    await client.tell({ op: "close" });
    device.settle();
    const settled = countsBetween(before, device.counts());
    await client.tell({ op: "open" });
    await client.tell({ op: "verify" });
    await client.tell({ op: "close" });
    return {
      subject: subject.id,
      scenario: scenario.id,
      records: run.records,
      bytesPerRecord: spent.bytes / run.records,
      settledBytesPerRecord: settled.bytes / run.records,
      flushesPerRecord: spent.flushes / run.records,
      requestsPerRecord: spent.requests / run.records,
      recordsPerSecond: run.records / run.seconds,
      latencies: run.latencies,
      counters,
    };
  } finally {
    await client.end();
  }
}

function perRecord(
  before: Record<string, number>,
  after: Record<string, number>,
  records: number,
): Record<string, number> {
  const entries = Object.entries(after).map(([name, value]) =>
    [name, (value - (before[name] ?? 0)) / records] as const
  );
  return Object.fromEntries(entries);
}

/**
 * Counts the system calls per record of one contender in one case.
 *
 * @param device The device.
 * @param subject The contender.
 * @param scenario The case.
 * @param records How many records.
 * @returns Calls per record.
 */
export async function measureSystemCalls(
  device: LoopDevice,
  subject: Subject,
  scenario: Scenario,
  records: number,
): Promise<SystemCalls> {
  device.format();
  const home = mkdtempSync(join(tmpdir(), "holdfast-trace-"));
  try {
    const tracePath = join(home, "trace");
    const directory = join(device.mountPoint, "store");
    const { client } = await ContenderClient.open(subject, directory, traceWrapper(tracePath));
    const { warmUp, measured } = appendSpecs({ ...scenario, records }, records);
    await client.tell({ op: "append", ...warmUp });
    const run = await client.tell({ op: "append", ...measured, marked: true });
    await client.tell({ op: "close" });
    await client.end();
    const calls = countSystemCalls(tracePath, directory);
    return {
      writes: calls.writes / run.records,
      syncs: calls.syncs / run.records,
      names: calls.names / run.records,
      truncates: calls.truncates / run.records,
    };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

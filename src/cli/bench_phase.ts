/**
 * One measurement: durable appends to a session of their own, and what they cost by our own count and by the kernel's.
 *
 * @module
 */

import type { SessionStore } from "../../mod.ts";
import type { BlockDevice, BlockDeviceCounters } from "../fs/block_device.ts";

/** What to measure. */
export interface PhasePlan {
  /** In a few words; the session's key too. */
  readonly name: string;
  /** Records per turn: all but the last are buffered, the last one makes the turn durable. */
  readonly recordsPerTurn: number;
  /** Turns that are under way at a time. */
  readonly concurrency: number;
  /** No turn begins when so many records were begun. */
  readonly recordsMax: number;
  /** No turn but the first begins after so long. */
  readonly durationMaxMs: number;
}

/** Where to measure, and with what. */
export interface PhaseSurroundings {
  /** A store that nobody else uses. */
  readonly store: SessionStore;
  /** The device below it; null if it cannot be told. */
  readonly device: BlockDevice | null;
  /** Gives the text of the record of a number. */
  readonly recordText: (number: number) => string;
  /** Milliseconds. */
  readonly now: () => number;
  /** Throws when the measurement is to stop. */
  readonly throwIfInterrupted: () => void;
  /** Told of every turn. */
  readonly onProgress: (plan: PhasePlan, records: number) => Promise<void>;
}

/** What came out. */
export interface PhaseResult {
  /** What was measured. */
  readonly plan: PhasePlan;
  /** How many records were appended and acknowledged. */
  readonly records: number;
  /** From the first call to the last acknowledgement. */
  readonly milliseconds: number;
  /** Of each turn. */
  readonly latenciesMs: readonly number[];
  /** Syncs that were asked for. */
  readonly syncs: number;
  /** Write calls. */
  readonly writes: number;
  /** Bytes handed to the file system, room that is written ahead included. */
  readonly bytesWritten: number;
  /** What reached the device meanwhile, by anybody; null if it cannot be told. */
  readonly device: BlockDeviceCounters | null;
}

/** The first append takes the lock and writes the meta file; what it costs is not what an append costs. */
const warmUpRecords = 5;

/**
 * Measures, and deletes what it wrote.
 *
 * @param plan What.
 * @param around Where.
 * @returns What came out; at least one turn.
 */
export async function measurePhase(plan: PhasePlan, around: PhaseSurroundings): Promise<PhaseResult> {
  const { store, device, now } = around;
  const session = await store.session(plan.name);
  let next = 0;
  const append = async (durability: "durable" | "buffered"): Promise<void> => {
    await session.appendText(around.recordText(next++), { durability });
  };
  for (let count = 0; count < warmUpRecords; count++) await append("durable");

  const latenciesMs: number[] = [];
  let begun = 0;
  let records = 0;
  const before = { ...store.counters };
  const deviceBefore = await device?.readCounters() ?? null;
  const startedMs = now();
  const worker = async (): Promise<void> => {
    while (begun < plan.recordsMax && (begun === 0 || now() - startedMs < plan.durationMaxMs)) {
      around.throwIfInterrupted();
      begun += plan.recordsPerTurn;
      const turnMs = now();
      for (let count = 1; count < plan.recordsPerTurn; count++) await append("buffered");
      await append("durable");
      latenciesMs.push(now() - turnMs);
      records += plan.recordsPerTurn;
      await around.onProgress(plan, records);
    }
  };
  // All of them have to end before anything is removed.
  const ends = await Promise.allSettled(Array.from({ length: plan.concurrency }, worker));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  const milliseconds = now() - startedMs;
  const deviceAfter = await device?.readCounters() ?? null;
  const { syncs, writes, bytesWritten } = store.counters;
  const result: PhaseResult = {
    plan,
    records,
    milliseconds,
    latenciesMs,
    syncs: syncs - before.syncs,
    writes: writes - before.writes,
    bytesWritten: bytesWritten - before.bytesWritten,
    device: difference(deviceBefore, deviceAfter),
  };
  await store.delete(plan.name);
  return result;
}

/**
 * Bytes that each record cost the device: counted by the kernel, else estimated from our own calls. A sync writes whole
 * pages of 4,096 bytes, so that each costs one page more than its bytes on the average.
 *
 * @param result A measurement.
 * @returns The bytes, and whether they were counted.
 */
export function deviceBytesPerRecord(result: PhaseResult): { bytes: number; counted: boolean } {
  const { device, records, bytesWritten, syncs } = result;
  if (device !== null) return { bytes: device.bytesWritten / records, counted: true };
  return { bytes: (bytesWritten + syncs * 4096) / records, counted: false };
}

function difference(
  before: BlockDeviceCounters | null,
  after: BlockDeviceCounters | null,
): BlockDeviceCounters | null {
  if (before === null || after === null) return null;
  return {
    writes: after.writes - before.writes,
    bytesWritten: after.bytesWritten - before.bytesWritten,
    flushes: before.flushes === null || after.flushes === null ? null : after.flushes - before.flushes,
  };
}

/**
 * What is said of a measurement, per record and per second; and the machine-readable output of `holdfast bench`.
 *
 * @module
 */

import type { BlockDeviceLookup } from "../fs/block_device.ts";
import { type LatencySummary, summarizeLatencies } from "./bench_latency.ts";
import { type LifeAssumptions, lifeExpectancy } from "./bench_life.ts";
import { type BenchPlan, capacityBytesDefault } from "./bench_plan.ts";
import { deviceBytesPerRecord, type PhaseResult } from "./bench_phase.ts";

/** All that was found out. */
export interface BenchFindings {
  /** What was asked for. */
  readonly plan: BenchPlan;
  /** The directory in which a directory was made to measure in. */
  readonly place: string;
  /** What holds it. */
  readonly lookup: BlockDeviceLookup;
  /** One per phase of the plan. */
  readonly results: readonly PhaseResult[];
}

/** Figures of one measurement. */
export interface PhaseFigures {
  /** Acknowledged records. */
  recordsPerSecond: number;
  /** Of turns. */
  latencyMs: LatencySummary;
  /** Syncs asked for. */
  syncsPerRecord: number;
  /** Write calls. */
  writesPerRecord: number;
  /** Bytes handed to the file system. */
  bytesWrittenPerRecord: number;
  /** Bytes that the device was given; null if it cannot be told. */
  deviceBytesPerRecord: number | null;
  /** Requests of the device; null if it cannot be told. */
  deviceWritesPerRecord: number | null;
  /** Flushes of the device; null if it cannot be told. */
  deviceFlushesPerRecord: number | null;
  /** Device bytes for each byte of the records; null if it cannot be told. */
  writeAmplification: number | null;
}

/**
 * Puts a measurement into figures.
 *
 * @param result The measurement.
 * @param recordBytes The size of a record.
 * @returns The figures.
 */
export function phaseFigures(result: PhaseResult, recordBytes: number): PhaseFigures {
  const { records, device } = result;
  return {
    recordsPerSecond: records / Math.max(result.milliseconds, 0.001) * 1000,
    latencyMs: summarizeLatencies(result.latenciesMs),
    syncsPerRecord: result.syncs / records,
    writesPerRecord: result.writes / records,
    bytesWrittenPerRecord: result.bytesWritten / records,
    deviceBytesPerRecord: device === null ? null : device.bytesWritten / records,
    deviceWritesPerRecord: device === null ? null : device.writes / records,
    deviceFlushesPerRecord: device === null || device.flushes === null ? null : device.flushes / records,
    writeAmplification: device === null ? null : device.bytesWritten / records / recordBytes,
  };
}

/**
 * What is assumed for the card's life, with the device's own capacity where none was given.
 *
 * @param findings All that was found out.
 * @returns The assumptions.
 */
export function lifeAssumptions({ plan, lookup }: BenchFindings): LifeAssumptions {
  const { messagesPerDay, enduranceCycles, controllerFactor } = plan;
  const capacityBytes = plan.capacityBytes ?? lookup.device?.capacityBytes ?? capacityBytesDefault;
  return { messagesPerDay, capacityBytes, enduranceCycles, controllerFactor };
}

/**
 * The machine-readable output.
 *
 * @param findings All that was found out.
 * @returns One value per line: the place, each measurement, the card's life with each size of turn.
 */
export function machineReport(findings: BenchFindings): Record<string, unknown>[] {
  const { plan, place, lookup, results } = findings;
  const { device } = lookup;
  const assumptions = lifeAssumptions(findings);
  return [
    {
      measure: "place",
      directory: place,
      fileSystem: lookup.fileSystemType,
      device: device?.name ?? null,
      reason: device === null ? lookup.reason : null,
      capacityBytes: device?.capacityBytes ?? null,
      hasWriteCache: device?.hasWriteCache ?? null,
      recordBytes: plan.recordBytes,
    },
    ...results.map((result) => ({
      measure: "appends",
      recordsPerTurn: result.plan.recordsPerTurn,
      concurrency: result.plan.concurrency,
      records: result.records,
      seconds: rounded(result.milliseconds / 1000),
      ...roundedFigures(phaseFigures(result, plan.recordBytes)),
    })),
    ...results.filter(isTurn).map((result) => {
      const { bytes, counted } = deviceBytesPerRecord(result);
      const { deviceBytesPerDay, years } = lifeExpectancy(assumptions, bytes);
      return {
        measure: "life",
        recordsPerTurn: result.plan.recordsPerTurn,
        ...assumptions,
        deviceBytesPerMessage: rounded(bytes),
        counted,
        deviceBytesPerDay: rounded(deviceBytesPerDay),
        years: Number.isFinite(years) ? rounded(years) : null,
      };
    }),
  ];
}

/**
 * Whether a measurement is of one turn at a time, as an agent writes.
 *
 * @param result The measurement.
 * @returns True unless several were under way.
 */
export function isTurn(result: PhaseResult): boolean {
  return result.plan.concurrency === 1;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function roundedFigures(figures: PhaseFigures): Record<string, unknown> {
  const { latencyMs, ...perRecord } = figures;
  const entries = Object.entries(perRecord).map(([name, value]) => [name, value === null ? null : rounded(value)]);
  const { p50, p99, p999, max } = latencyMs;
  return {
    ...Object.fromEntries(entries),
    latencyMs: { p50: rounded(p50), p99: rounded(p99), p999: rounded(p999), max: rounded(max) },
  };
}

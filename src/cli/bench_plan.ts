/**
 * What `holdfast bench` is asked to measure and to assume, read from its options.
 *
 * @module
 */

import type { ParsedArguments } from "./arguments.ts";
import { parseCapacity } from "./bench_life.ts";
import type { PhasePlan } from "./bench_phase.ts";
import { benchRecordBytesMin } from "./bench_record.ts";
import { type OptionDescription, UsageError } from "./command.ts";

/** What to measure, and what to assume. */
export interface BenchPlan {
  /** The size of a record as JSON. */
  readonly recordBytes: number;
  /** What is measured, one after the other; the first is one record at a time. */
  readonly phases: readonly PhasePlan[];
  /** For the card's life. */
  readonly messagesPerDay: number;
  /** Of the card; null: what the device says of itself. */
  readonly capacityBytes: number | null;
  /** How often a cell can be programmed. */
  readonly enduranceCycles: number;
  /** What the controller writes for each byte that it is given. */
  readonly controllerFactor: number;
}

/** The command's options. */
export const benchOptions: readonly OptionDescription[] = [
  { name: "on", value: "PATH", description: "measure in this directory; by default where the store is, or would be" },
  { name: "records", value: "N", kind: "count", description: "records per measurement, whatever time that takes" },
  { name: "bytes", value: "N", kind: "count", description: "the size of a record (1024)" },
  { name: "concurrent", value: "N", kind: "count", description: "appends at a time, for the last measurement (32)" },
  { name: "seconds", value: "S", kind: "count", description: "how long to measure, in all (6)" },
  { name: "svg", value: "FILE", description: "draw the latencies into this file" },
  { name: "messages-per-day", value: "N", kind: "count", description: "for the card's life (20000)" },
  {
    name: "capacity",
    value: "SIZE",
    description: "the card's, such as 8GB; by default what the device says, else 8GB",
  },
  { name: "endurance", value: "N", kind: "count", description: "how often a cell can be programmed (3000)" },
  { name: "controller-factor", value: "X", description: "what the card writes for each byte that it is given (4)" },
];

/** Assumed where neither the option nor the device says: a small card. */
export const capacityBytesDefault = 8_000_000_000;

const turnSizes = [2, 5, 10] as const;
const secondsDefault = 6;
/** No more than this lies on the card at a time, unless a number of records is asked for. */
const phaseBytesMax = 64 * 1024 * 1024;
const phaseRecordsMax = 200_000;

/**
 * Reads the options.
 *
 * @param parsed The command's arguments.
 * @returns What to do.
 * @throws {UsageError} If a value is out of its range.
 */
export function benchPlan(parsed: ParsedArguments): BenchPlan {
  const recordBytes = countBetween(parsed, "bytes", 1024, benchRecordBytesMin, 1024 * 1024);
  const recordsGiven = parsed.count("records");
  const recordsMax = recordsGiven === undefined
    ? Math.min(phaseRecordsMax, Math.floor(phaseBytesMax / recordBytes))
    : countBetween(parsed, "records", 0, 1, 1_000_000);
  const seconds = countBetween(parsed, "seconds", secondsDefault, 1, 86_400);
  const timed = recordsGiven === undefined || parsed.text("seconds") !== undefined;
  const concurrency = countBetween(parsed, "concurrent", 32, 1, 1024);
  const phase = (name: string, recordsPerTurn: number, atATime: number, share: number): PhasePlan => ({
    name,
    recordsPerTurn,
    concurrency: atATime,
    recordsMax,
    durationMaxMs: timed ? seconds * 1000 * share : Infinity,
  });
  return {
    recordBytes,
    phases: [
      phase("one at a time", 1, 1, 0.5),
      ...turnSizes.map((size) => phase(`turns of ${size}`, size, 1, 0.1)),
      phase(`${concurrency} at a time`, 1, concurrency, 0.2),
    ],
    messagesPerDay: countBetween(parsed, "messages-per-day", 20_000, 1, 1e9),
    capacityBytes: capacityOf(parsed),
    enduranceCycles: countBetween(parsed, "endurance", 3_000, 1, 1e9),
    controllerFactor: factorOf(parsed),
  };
}

function countBetween(parsed: ParsedArguments, name: string, otherwise: number, min: number, max: number): number {
  const value = parsed.count(name) ?? otherwise;
  if (value >= min && value <= max) return value;
  throw new UsageError(`Option --${name} must be from ${min} to ${max}, not ${value}`);
}

function capacityOf(parsed: ParsedArguments): number | null {
  const text = parsed.text("capacity");
  if (text === undefined) return null;
  const bytes = parseCapacity(text);
  if (bytes !== null) return bytes;
  throw new UsageError(`Option --capacity needs a size, not ${JSON.stringify(text)}`, "Such as: --capacity 8GB");
}

function factorOf(parsed: ParsedArguments): number {
  const text = parsed.text("controller-factor") ?? "4";
  const factor = Number(text);
  if (/^[0-9]+(\.[0-9]+)?$/.test(text) && factor > 0 && factor <= 1000) return factor;
  throw new UsageError(`Option --controller-factor needs a number above 0, up to 1000, not ${JSON.stringify(text)}`);
}

/**
 * What a store can be told when it is opened.
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";
import type { JsonObject } from "../log/json_text.ts";
import { lineBytesMax, markBytesMax } from "../log/record_format.ts";
import { blobBytesMax, type BlobLimits } from "./blob_values.ts";
import { type RecordIdOf, recordIdReachDefault } from "./record_ids.ts";
import type { SelfCompaction } from "./self_compaction.ts";
import type { StoreEvent } from "./store_event.ts";

/**
 * When an append resolves: `durable`, when the record survives a power cut; `buffered`, when the kernel has it, and it
 * becomes durable with the next durable append or flush.
 */
export type DurabilityMode = "durable" | "buffered";

/** What is kept out of the log, in files of its own. */
export interface BlobOptions {
  /**
   * A string in a record with at least so many bytes of UTF-8 goes into `blobs/`, wherever in the record it stands.
   *
   * @default {65536}
   */
  valueBytesMin?: number;
  /**
   * How many bytes of it stay in the log, for whoever reads that without Holdfast; at most half of `valueBytesMin`.
   *
   * @default {1024, or half of valueBytesMin}
   */
  previewBytesMax?: number;
}

/** When the writer of a session compacts its log by itself: behind a truncation, if all of it holds. */
export interface SelfCompactionOptions {
  /**
   * So large a share of the log's lines is hidden, from 0 to 1.
   *
   * @default {0.5}
   */
  deadShareMin?: number;
  /**
   * So many lines are hidden.
   *
   * @default {100}
   */
  deadLinesMin?: number;
}

/** Options of `openStore`. */
export interface StoreOptions {
  /**
   * When appends resolve: a mode, or a function of the record, so that telemetry rides along with the next durable one.
   *
   * @default {"durable"}
   */
  durability?: DurabilityMode | ((record: JsonObject) => DurabilityMode);
  /**
   * How long a buffered record may wait in the background until it is made durable, in milliseconds: what a power cut
   * can take of telemetry, bounded. A timer is set only while one waits, so an idle board is never woken, and each
   * costs at most one flush. `Infinity`: only with the next durable append or flush.
   *
   * @default {5000}
   */
  syncIntervalMs?: number;
  /**
   * Names a record. An append whose id is already in the log is a no-op that returns the first one's sequence; one that
   * is still under way settles with it.
   *
   * @default {no record has an id}
   */
  recordId?: RecordIdOf;
  /**
   * How many of the newest records of a session are remembered by their ids; older ones may be appended again. They are
   * read from the log's end when the session is first written.
   *
   * @default {1000}
   */
  recordIdReach?: number;
  /**
   * The largest record in bytes of JSON. A larger one is refused when it is appended.
   *
   * @default {10485695}
   */
  recordBytesMax?: number;
  /**
   * Keeps large values out of the log: each goes into a file of its own, named by its SHA-256 and durable before the
   * record that names it. Reading gives the record as it was appended, with or without this option. A record then may
   * be larger than `recordBytesMax` by its blobs; those of one call together have at most 64 MiB.
   *
   * @default {all values stay in the log}
   */
  blobs?: BlobOptions;
  /**
   * Whether a busy log's file is filled with blank bytes ahead of its last record (4 to 256 KiB, taken away on close):
   * an append then costs one flush and no journal commit. Off by itself where the file system copies on write, and
   * while space is short.
   *
   * @default {true}
   */
  preallocate?: boolean;
  /**
   * Whether compaction keeps the records that it removes from a log, in `<name>.archive/`. A session's files then grow
   * for as long as it lives; `records({ all: true })` gives everything that was ever said.
   *
   * @default {false}
   */
  archive?: boolean;
  /**
   * How large a session's log may become, in bytes. An append or a replace that would go beyond is refused with
   * `too-large`, and the session goes on. What is larger already is read, truncated and compacted as ever.
   *
   * @default {no limit}
   */
  sessionBytesMax?: number;
  /**
   * Whether the writer of a session compacts its log by itself, as nobody else can while it has the session open.
   *
   * @default {only `compact` does}
   */
  selfCompaction?: SelfCompactionOptions;
  /**
   * Whether nothing is ever written: no directory made, no lock taken, nothing repaired.
   *
   * @default {false}
   */
  readOnly?: boolean;
  /**
   * How many sessions may be open for writing at a time. Beyond, idle ones are closed, the least recently used first,
   * and opened again when they are written to.
   *
   * @default {64}
   */
  openSessionsMax?: number;
  /**
   * Whether a damaged line makes a read throw instead of being skipped and reported.
   *
   * @default {false}
   */
  strict?: boolean;
  /** Told of everything that is repaired, skipped or given up. What it throws is ignored. */
  onEvent?: (event: StoreEvent) => void;
  /**
   * Where the files are.
   *
   * @default {the real file system}
   */
  fileSystem?: FileSystem;
}

/** Options with nothing left open. */
export interface ResolvedOptions {
  /** See {@linkcode StoreOptions.durability}. */
  durability: (record: JsonObject) => DurabilityMode;
  /** See {@linkcode StoreOptions.syncIntervalMs}. */
  syncIntervalMs: number;
  /** See {@linkcode StoreOptions.recordId}. */
  recordId: RecordIdOf | null;
  /** See {@linkcode StoreOptions.recordIdReach}. */
  recordIdReach: number;
  /** See {@linkcode StoreOptions.recordBytesMax}. */
  recordBytesMax: number;
  /** See {@linkcode StoreOptions.blobs}; null: all values stay in the log. */
  blobs: BlobLimits | null;
  /** See {@linkcode StoreOptions.preallocate}. */
  preallocate: boolean;
  /** See {@linkcode StoreOptions.archive}. */
  archive: boolean;
  /** See {@linkcode StoreOptions.sessionBytesMax}; infinite: no limit. */
  sessionBytesMax: number;
  /** See {@linkcode StoreOptions.selfCompaction}; null: only when it is called for. */
  selfCompaction: SelfCompaction | null;
  /** See {@linkcode StoreOptions.readOnly}. */
  readOnly: boolean;
  /** See {@linkcode StoreOptions.openSessionsMax}. */
  openSessionsMax: number;
  /** See {@linkcode StoreOptions.strict}. */
  strict: boolean;
}

/** As often as ext4 commits its journal by itself: the board is awake then anyway. */
const syncIntervalDefaultMs = 5000;
const recordBytesLimit = lineBytesMax - markBytesMax;

/**
 * Checks options and fills in what is not given.
 *
 * @param options What the user gave.
 * @returns The same with nothing left open.
 * @throws {TypeError} If an option has the wrong type.
 * @throws {RangeError} If a number is out of its range.
 */
export function resolveOptions(options: StoreOptions): ResolvedOptions {
  const { durability = "durable", recordId, readOnly = false, strict = false } = options;
  if (recordId !== undefined && typeof recordId !== "function") throw new TypeError("recordId must be a function");
  if (options.onEvent !== undefined && typeof options.onEvent !== "function") {
    throw new TypeError("onEvent must be a function");
  }
  return {
    durability: resolveDurability(durability),
    syncIntervalMs: syncIntervalMs(options),
    recordId: recordId ?? null,
    recordIdReach: wholeNumber("recordIdReach", options.recordIdReach ?? recordIdReachDefault, 1, 1_000_000),
    recordBytesMax: wholeNumber("recordBytesMax", options.recordBytesMax ?? recordBytesLimit, 2, recordBytesLimit),
    blobs: resolveBlobs(options.blobs),
    preallocate: assertBoolean("preallocate", options.preallocate ?? true),
    archive: assertBoolean("archive", options.archive ?? false),
    sessionBytesMax: options.sessionBytesMax === undefined || options.sessionBytesMax === Infinity
      ? Infinity
      : wholeNumber("sessionBytesMax", options.sessionBytesMax, sessionBytesLowest),
    selfCompaction: resolveSelfCompaction(options.selfCompaction),
    readOnly: assertBoolean("readOnly", readOnly),
    openSessionsMax: wholeNumber("openSessionsMax", options.openSessionsMax ?? 64, 1, 100_000),
    strict: assertBoolean("strict", strict),
  };
}

/** A day at the most: what a timer can hold on every runtime. */
function syncIntervalMs({ syncIntervalMs: interval = syncIntervalDefaultMs, fileSystem }: StoreOptions): number {
  if (interval === Infinity) return interval;
  wholeNumber("syncIntervalMs", interval, 1, 86_400_000);
  if (interval !== syncIntervalDefaultMs && fileSystem !== undefined && fileSystem.startTimer === undefined) {
    throw new TypeError("syncIntervalMs needs a fileSystem that has startTimer");
  }
  return interval;
}

/** A lower `blobs.valueBytesMin` is refused, so that what stays in the log is always much less than what goes. */
export const valueBytesLowest = 1024;

/** Less than a log has room for would keep a session from being one. */
const sessionBytesLowest = 4096;

function resolveSelfCompaction(selfCompaction: SelfCompactionOptions | undefined): SelfCompaction | null {
  if (selfCompaction === undefined) return null;
  if (typeof selfCompaction !== "object" || selfCompaction === null) {
    throw new TypeError("selfCompaction must be an object");
  }
  const { deadShareMin = 0.5, deadLinesMin = 100 } = selfCompaction;
  if (typeof deadShareMin !== "number") throw new TypeError("selfCompaction.deadShareMin must be a number");
  if (!(deadShareMin >= 0 && deadShareMin <= 1)) {
    throw new RangeError(`selfCompaction.deadShareMin must be from 0 to 1, not ${deadShareMin}`);
  }
  return { deadShareMin, deadLinesMin: wholeNumber("selfCompaction.deadLinesMin", deadLinesMin, 1) };
}

function resolveBlobs(blobs: BlobOptions | undefined): BlobLimits | null {
  if (blobs === undefined) return null;
  if (typeof blobs !== "object" || blobs === null) throw new TypeError("blobs must be an object");
  const { valueBytesMin = 64 * 1024 } = blobs;
  wholeNumber("blobs.valueBytesMin", valueBytesMin, valueBytesLowest, blobBytesMax);
  const half = Math.floor(valueBytesMin / 2);
  const { previewBytesMax = Math.min(1024, half) } = blobs;
  return { valueBytesMin, previewBytesMax: wholeNumber("blobs.previewBytesMax", previewBytesMax, 0, half) };
}

/**
 * Checks a switch.
 *
 * @param name What it is called.
 * @param value What the user gave.
 * @returns The same.
 * @throws {TypeError} If it is neither true nor false.
 */
export function assertBoolean(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new TypeError(`${name} must be true or false`);
  return value;
}

/**
 * Checks a durability mode.
 *
 * @param mode What the user gave.
 * @returns The same.
 * @throws {TypeError} If it is none.
 */
export function assertDurability(mode: unknown): DurabilityMode {
  if (mode !== "durable" && mode !== "buffered") throw new TypeError('durability must be "durable" or "buffered"');
  return mode;
}

/**
 * Checks a whole number.
 *
 * @param name What it is called.
 * @param value What the user gave.
 * @param min The lowest.
 * @param max The highest.
 * @returns The same.
 */
export function wholeNumber(name: string, value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number`);
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${value}`);
  }
  return value;
}

function resolveDurability(durability: NonNullable<StoreOptions["durability"]>): ResolvedOptions["durability"] {
  if (typeof durability === "function") return (record) => assertDurability(durability(record));
  const mode = assertDurability(durability);
  return () => mode;
}

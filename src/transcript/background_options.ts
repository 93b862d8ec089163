/**
 * Options of a pool of sessions that are saved in the background.
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";
import { wholeNumber } from "../store/store_options.ts";

/** A save that did not succeed. */
export interface SaveFailure {
  /** The session's key. */
  key: string;
  /** Why; the changes wait for the next save. */
  error: unknown;
}

/** Options of `BackgroundPool`. */
export interface BackgroundPoolOptions {
  /**
   * How long a change waits for a save at the most, in milliseconds; at the same time the least time between two saves
   * that an interval begins. `Infinity`: nothing is saved until it is asked for.
   *
   * @default {1000}
   */
  saveIntervalMs?: number;
  /**
   * This much that waits in one session is saved at once, in bytes.
   *
   * @default {262144}
   */
  saveBytesMin?: number;
  /**
   * More than this is not taken while it cannot be saved, in bytes per session: `record` throws.
   *
   * @default {33554432}
   */
  unsavedBytesMax?: number;
  /**
   * How many sessions are saved at a time.
   *
   * @default {2}
   */
  savesAtOnce?: number;
  /**
   * How many sessions that nobody uses are held open, at the most together with those in use.
   *
   * @default {32}
   */
  maxCachedSessions?: number;
  /**
   * The largest event or state, in bytes of JSON: not more than the store's own `recordBytesMax`.
   *
   * @default {10485695}
   */
  recordBytesMax?: number;
  /**
   * Told of each save that fails in the background.
   *
   * @default {a line on standard error}
   */
  onSaveError?: (failure: SaveFailure) => void;
  /**
   * Has the timer.
   *
   * @default {the real one}
   */
  clock?: Pick<FileSystem, "startTimer">;
  /**
   * The time, for `lastAccessedAt`.
   *
   * @default {the real one}
   */
  now?: () => Date;
}

/** The same, complete. */
export type ResolvedPoolOptions = Required<Omit<BackgroundPoolOptions, "clock">>;

/**
 * Checks options and fills in the defaults.
 *
 * @param options As given.
 * @returns All of them.
 * @throws {TypeError} or {RangeError} If one is wrong.
 */
export function resolvePoolOptions(options: BackgroundPoolOptions): ResolvedPoolOptions {
  const { saveIntervalMs = 1000, onSaveError = printFailure, now = () => new Date() } = options;
  if (typeof saveIntervalMs !== "number" || !(saveIntervalMs > 0)) {
    throw new RangeError(`saveIntervalMs must be more than 0, or Infinity: ${saveIntervalMs}`);
  }
  if (typeof onSaveError !== "function") throw new TypeError("onSaveError must be a function");
  if (typeof now !== "function") throw new TypeError("now must be a function");
  return {
    saveIntervalMs,
    onSaveError,
    now,
    saveBytesMin: wholeNumber("saveBytesMin", options.saveBytesMin ?? 256 * 1024, 1),
    unsavedBytesMax: wholeNumber("unsavedBytesMax", options.unsavedBytesMax ?? 32 * 1024 * 1024, 1),
    savesAtOnce: wholeNumber("savesAtOnce", options.savesAtOnce ?? 2, 1),
    maxCachedSessions: wholeNumber("maxCachedSessions", options.maxCachedSessions ?? 32, 1),
    recordBytesMax: wholeNumber("recordBytesMax", options.recordBytesMax ?? 10_485_695, 64),
  };
}

function printFailure({ key, error }: SaveFailure): void {
  const why = error instanceof Error ? error.message : String(error);
  console.error(`Session ${JSON.stringify(key)} could not be saved, and will be tried again: ${why}`);
}

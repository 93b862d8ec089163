/**
 * When a sink works: at intervals, and after failures later and later, with jitter so that a fleet does not come back
 * all at once. Only durations, never the time of day: a clock that jumps changes nothing.
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";

/** What a schedule goes by. */
export interface ScheduleOptions {
  /** Between two looks, in milliseconds. */
  intervalMs: number;
  /** The longest wait after failures, in milliseconds. */
  backoffMaxMs: number;
  /** Whose timers are the clock. */
  fileSystem: Pick<FileSystem, "startTimer">;
  /** From 0 up to 1. */
  random: () => number;
}

const backoffFirstMs = 1_000;

/** The waits of one sink. */
export class SinkSchedule {
  readonly #options: ScheduleOptions;
  #failures = 0;
  #wake: (() => void) | null = null;
  #cancelled = false;

  /**
   * Creates a schedule.
   *
   * @param options What it goes by.
   */
  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  /**
   * The wait behind a round.
   *
   * @param hasFailed Whether the bucket could not be reached.
   * @returns How long, in milliseconds.
   */
  next(hasFailed: boolean): number {
    const { intervalMs, backoffMaxMs, random } = this.#options;
    this.#failures = hasFailed ? this.#failures + 1 : 0;
    // The interval has jitter, too: boards that were switched on together do not send together for ever.
    if (!hasFailed) return intervalMs * (0.9 + random() * 0.2);
    const longest = Math.min(backoffMaxMs, backoffFirstMs * 2 ** Math.min(this.#failures - 1, 30));
    return longest * (0.5 + random() / 2);
  }

  /**
   * Waits. Without a clock, until it is cancelled.
   *
   * @param delayMs How long.
   */
  async wait(delayMs: number): Promise<void> {
    if (this.#cancelled) return;
    let stop: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      stop = this.#options.fileSystem.startTimer?.(delayMs, resolve);
    });
    stop?.();
    this.#wake = null;
  }

  /** Ends the wait that is under way, and all later ones at once. */
  cancel(): void {
    this.#cancelled = true;
    this.#wake?.();
  }
}

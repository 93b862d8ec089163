/**
 * Alarms of one simulated program: time passes when a test says so.
 *
 * @module
 */

/** One alarm. */
interface Alarm {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** The alarms of one program. */
export class SimulatedTimers {
  readonly #alarms = new Set<Alarm>();
  #nowMs = 0;

  /** How many have been started, and neither gone off nor been cancelled. */
  get count(): number {
    return this.#alarms.size;
  }

  /**
   * Starts an alarm.
   *
   * @param delayMs After how long it goes off.
   * @param callback What it calls.
   * @returns Cancels it.
   */
  start(delayMs: number, callback: () => void): () => void {
    const alarm = { dueMs: this.#nowMs + delayMs, callback };
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  }

  /**
   * Lets time pass: what is due goes off, the earliest first.
   *
   * @param milliseconds How much.
   */
  pass(milliseconds: number): void {
    const end = this.#nowMs + milliseconds;
    for (;;) {
      const due = [...this.#alarms].filter(({ dueMs }) =>
        dueMs <= end
      ).sort((one, other) => one.dueMs - other.dueMs)[0];
      if (due === undefined) break;
      this.#nowMs = due.dueMs;
      this.#alarms.delete(due);
      due.callback();
    }
    this.#nowMs = end;
  }

  /** The program has ended: nothing goes off any more. */
  clear(): void {
    this.#alarms.clear();
  }
}

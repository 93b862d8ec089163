/**
 * Appends under way: several at once, so that records which are already there share a sync; receipts come in order.
 *
 * @module
 */

import type { AppendReceipt } from "../../mod.ts";

/** How many appends may be under way, unless said otherwise. */
export const appendsWaitingMax = 64;

/** What one append came to. */
export type AppendOutcome = { receipt: AppendReceipt } | { error: unknown };

/**
 * A bounded queue of appends.
 *
 * States: *running*; *failed* once a report has thrown: there is no more room, and `settled` rejects with that. What
 * is under way then is reported all the same: it may be in the log, and whoever tries again must know.
 */
export class AppendWindow {
  readonly #waitingMax: number;
  #waitingCount = 0;
  #reported: Promise<void> = Promise.resolve();
  #failure: { error: unknown } | null = null;

  /**
   * Begins empty.
   *
   * @param waitingMax How many appends may be under way.
   */
  constructor(waitingMax: number = appendsWaitingMax) {
    this.#waitingMax = waitingMax;
  }

  /** Whether as many are under way as may be. */
  get isFull(): boolean {
    return this.#waitingCount >= this.#waitingMax;
  }

  /**
   * Waits for room, so that no more than {@linkcode appendsWaitingMax} are under way.
   *
   * @returns False once a report has thrown: nothing more is to be begun; {@linkcode AppendWindow.settled} says why.
   */
  async hasRoom(): Promise<boolean> {
    while (this.isFull && this.#failure === null) await this.#nextReported();
    return this.#failure === null;
  }

  /**
   * Takes an append that was begun.
   *
   * @param append Its promise.
   * @param report Called in the order of the calls, once the append is settled.
   */
  add(append: Promise<AppendReceipt>, report: (outcome: AppendOutcome) => Promise<void>): void {
    this.#waitingCount++;
    // Settled here, so that no rejection stands alone while an earlier append is still under way.
    const outcome = append.then((receipt): AppendOutcome => ({ receipt }), (error): AppendOutcome => ({ error }));
    this.#reported = this.#reported.then(async () => {
      const settled = await outcome;
      this.#waitingCount--;
      try {
        await report(settled);
      } catch (error) {
        this.#failure ??= { error };
      }
      this.#wake();
    });
  }

  /**
   * Waits until everything is reported.
   *
   * @throws What a report threw.
   */
  async settled(): Promise<void> {
    await this.#reported;
    if (this.#failure !== null) throw this.#failure.error;
  }

  #wake: () => void = () => {};

  #nextReported(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }
}

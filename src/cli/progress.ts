/**
 * Says on stderr how far a long command is: one line that rewrites itself on a terminal, a line now and then elsewhere,
 * nothing in the first second.
 *
 * @module
 */

import type { OutputStream } from "./command.ts";
import { fitText } from "./terminal_text.ts";

const quietMs = 1_000;
const terminalIntervalMs = 100;
const plainIntervalMs = 5_000;

/** Progress of one command. Call {@linkcode Progress.done} before anything else is written to the terminal. */
export class Progress {
  readonly #stream: OutputStream;
  readonly #enabled: boolean;
  readonly #now: () => number;
  readonly #startedMs: number;
  #shownMs = 0;
  #lineShown = false;

  /**
   * Starts the clock.
   *
   * @param stream Usually stderr.
   * @param json Whether output is for a program: then only a terminal gets progress.
   * @param now A clock, in milliseconds.
   */
  constructor(stream: OutputStream, json: boolean, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#enabled = stream.isTerminal || !json;
    this.#now = now;
    this.#startedMs = now();
  }

  /**
   * Tells how far it is; shows it only now and then.
   *
   * @param describe Makes the line; called only if it is shown.
   */
  async update(describe: () => string): Promise<void> {
    if (!this.#enabled) return;
    const nowMs = this.#now();
    if (nowMs - this.#startedMs < quietMs) return;
    const intervalMs = this.#stream.isTerminal ? terminalIntervalMs : plainIntervalMs;
    if (this.#shownMs !== 0 && nowMs - this.#shownMs < intervalMs) return;
    this.#shownMs = nowMs;
    if (!this.#stream.isTerminal) return await this.#stream.write(describe() + "\n");
    this.#lineShown = true;
    await this.#stream.write(`\r\u001b[K${fitText(describe(), this.#stream.columns - 1)}`);
  }

  /** Takes the line away. */
  async done(): Promise<void> {
    if (!this.#lineShown) return;
    this.#lineShown = false;
    await this.#stream.write("\r\u001b[K");
  }
}

/**
 * Runs the steps of an open session that write, until the outcome of one is unknown: from then on nothing is written.
 *
 * @module
 */

import { type HoldfastError, toHoldfastError } from "../errors.ts";
import type { LogWriter } from "../log/log_writer.ts";

/** Whose steps are guarded. */
export interface GuardedSession {
  /** The open log, which can fail by itself; null while there is none. */
  readonly writer: LogWriter | null;
  /** Its paths; an error is told about the log. */
  readonly files: { readonly log: string };
  /** Called once, when nothing more will be written. */
  failed(failure: HoldfastError): void;
}

/** Remembers that a session has failed. */
export class FailureGuard {
  readonly #session: GuardedSession;
  #failure: HoldfastError | null = null;

  /**
   * Creates a guard of a session that has not failed.
   *
   * @param session Whose steps are guarded.
   */
  constructor(session: GuardedSession) {
    this.#session = session;
  }

  /** Why nothing can be written any more; null while that is not so. */
  get failure(): HoldfastError | null {
    return this.#failure ?? this.#session.writer?.failure ?? null;
  }

  /**
   * Runs a step; an error whose outcome is unknown makes the session fail.
   *
   * @param doing What is being done, as a gerund phrase.
   * @param step The step.
   * @returns What the step returned.
   */
  async run<T>(doing: string, step: () => Promise<T>): Promise<T> {
    if (this.failure !== null) throw this.failure;
    try {
      return await step();
    } catch (error) {
      const typed = toHoldfastError(error, doing, this.#session.files.log);
      if (typed.code !== "failed") throw typed;
      this.#session.writer?.fail("an outcome is unknown", typed);
      this.report(typed);
      throw typed;
    }
  }

  /**
   * Tells, once, that nothing more will be written; nothing if that is not so.
   *
   * @param failure Why.
   */
  report(failure: HoldfastError | null = this.failure): void {
    if (this.#failure !== null || failure === null) return;
    this.#failure = failure;
    this.#session.failed(failure);
  }
}

/**
 * A session that is kept open for writing, also while nothing is written.
 *
 * @module
 */

import type { SessionWorker } from "./session_worker.ts";

/**
 * Keeps a session open for writing, with a log, until it is released: an append then never has to open anything, and
 * `flushSync` can always write. Made by `Session.hold`; `using` releases it.
 */
export class SessionHold {
  #worker: SessionWorker | null;

  /**
   * For the session.
   *
   * @param worker What stands behind it; counted already.
   */
  constructor(worker: SessionWorker) {
    this.#worker = worker;
  }

  /** Lets the store close the session again when it needs room. A second call does nothing. */
  release(): void {
    const worker = this.#worker;
    this.#worker = null;
    worker?.letGo();
  }

  /** {@linkcode SessionHold.release}, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }
}

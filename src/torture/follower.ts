/**
 * Somebody who reads along while a session is written.
 *
 * @module
 */

import type { SubjectSession } from "./subject.ts";
import { Violation } from "./violation.ts";

/** A follower of one session, in its own program or in the writer's. */
export class Follower {
  readonly #controller = new AbortController();
  readonly #done: Promise<void>;
  #sequence = -1;
  #violation: Violation | undefined;

  /**
   * Starts to follow.
   *
   * @param session What is followed.
   * @param knows Whether a text was ever given to the store.
   * @param release Called at the end.
   */
  constructor(session: SubjectSession, knows: (text: string) => boolean, release: () => Promise<void>) {
    this.#done = this.#follow(session, knows).finally(release);
  }

  async #follow(session: SubjectSession, knows: (text: string) => boolean): Promise<void> {
    for await (const { sequence, text } of session.texts({ follow: true, signal: this.#controller.signal })) {
      if (sequence <= this.#sequence) this.#fail("I2", `Number ${sequence} came after ${this.#sequence}`);
      if (!knows(text)) this.#fail("I3", `A follower saw what nobody wrote: ${text.slice(0, 80)}`);
      this.#sequence = sequence;
    }
  }

  #fail(invariant: string, message: string): void {
    this.#violation ??= new Violation(invariant, message);
  }

  /** Ends it, and checks what it has seen. */
  async end(): Promise<void> {
    this.#controller.abort();
    await this.#done.catch((error: unknown) => {
      this.#fail("reading", `A follower failed: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (this.#violation !== undefined) throw this.#violation;
  }
}

/**
 * A broken promise.
 *
 * @module
 */

/** An invariant does not hold. */
export class Violation extends Error {
  /** Its number. */
  readonly invariant: string;

  /**
   * Creates it.
   *
   * @param invariant Its number, as in "I1".
   * @param message What is there, and what should be.
   */
  constructor(invariant: string, message: string) {
    super(message);
    this.name = "Violation";
    this.invariant = invariant;
  }
}

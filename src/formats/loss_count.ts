/**
 * Counts what a format could not hold of a session, so that the program can say it.
 *
 * @module
 */

/** What was left out, and how often. */
export class LossCount {
  readonly #counts = new Map<string, number>();

  /**
   * Counts a loss.
   *
   * @param what What is lost: a noun phrase in the singular.
   */
  add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /**
   * What was counted.
   *
   * @returns A noun phrase for each kind, in the order of their first occurrence.
   */
  list(): string[] {
    return [...this.#counts].map(([what, count]) =>
      count === 1 ? what : `${what} (${count.toLocaleString("en-US")} times)`
    );
  }
}

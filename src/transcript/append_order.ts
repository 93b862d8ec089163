/**
 * The order in which a transcript's records go to its session. A message is handed over when the one before it is in
 * the log, or is known not to be: its parent is then known to be there. Everything else follows at once, in the order
 * of the calls.
 *
 * @module
 */

/** Something that is to be done in order. */
export interface OrderedStep {
  /** Whether it waits until earlier steps that are so have ended. */
  isLinked: boolean;
  /** Does it; its promise does not reject. */
  run: () => Promise<void>;
  /** Called instead where what has to be prepared could not be. */
  fail: (error: unknown) => void;
}

/** What steps need before they run. */
export interface Preparation {
  /** Whether there is something to prepare. */
  readonly isNeeded: boolean;
  /** Prepares it; called only while no step is under way. */
  prepare(): Promise<void>;
}

/** Runs steps in order: at once where they can be, one at a time where they must be. */
export class AppendOrder {
  readonly #preparation: Preparation;
  readonly #waiting: OrderedStep[] = [];
  #underWay = 0;
  #linkedUnderWay = 0;
  #isPreparing = false;

  /**
   * Creates an empty order.
   *
   * @param preparation What steps need before they run.
   */
  constructor(preparation: Preparation) {
    this.#preparation = preparation;
  }

  /**
   * Adds a step behind all others, and runs what can be run: the step itself, if nothing is in its way.
   *
   * @param step The step.
   */
  add(step: OrderedStep): void {
    this.#waiting.push(step);
    this.#advance();
  }

  #advance(): void {
    for (let step = this.#waiting[0]; step !== undefined && !this.#isPreparing; step = this.#waiting[0]) {
      if (this.#preparation.isNeeded) {
        if (this.#underWay === 0) this.#prepareFor(step);
        return;
      }
      if (step.isLinked && this.#linkedUnderWay > 0) return;
      this.#waiting.shift();
      this.#begin(step);
    }
  }

  #begin(step: OrderedStep): void {
    const linked = step.isLinked ? 1 : 0;
    this.#underWay++;
    this.#linkedUnderWay += linked;
    void step.run().then(() => {
      this.#underWay--;
      this.#linkedUnderWay -= linked;
      this.#advance();
    });
  }

  #prepareFor(step: OrderedStep): void {
    this.#isPreparing = true;
    void this.#preparation.prepare().then(() => {
      this.#isPreparing = false;
    }, (error: unknown) => {
      this.#isPreparing = false;
      // The next step tries again.
      this.#waiting.shift();
      step.fail(error);
    }).then(() => this.#advance());
  }
}

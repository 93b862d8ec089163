/**
 * Gives out one by one what is read in groups: what is at hand costs one promise, and no walk through the layers below.
 *
 * @module
 */

/** An async generator over the members of groups. */
export class RecordStream<Record, Entry> implements AsyncGenerator<Entry, void, void> {
  readonly #groups: AsyncGenerator<readonly Record[], void>;
  readonly #entryOf: (record: Record) => Entry;
  readonly #signal: AbortSignal | undefined;
  #group: readonly Record[] = [];
  #index = 0;
  /** How many calls are under way; they are served in order. */
  #underWay = 0;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Reads nothing yet.
   *
   * @param groups Gives the groups.
   * @param entryOf What becomes of each member.
   * @param signal Ends it before the next member.
   */
  constructor(
    groups: AsyncGenerator<readonly Record[], void>,
    entryOf: (record: Record) => Entry,
    signal?: AbortSignal,
  ) {
    this.#groups = groups;
    this.#entryOf = entryOf;
    this.#signal = signal;
  }

  /** The next one. */
  next(): Promise<IteratorResult<Entry, void>> {
    if (this.#underWay === 0 && this.#signal?.aborted !== true) {
      const record = this.#group[this.#index];
      if (record !== undefined) {
        this.#index++;
        return Promise.resolve({ done: false, value: this.#entryOf(record) });
      }
    }
    return this.#inTurn(() => this.#advance());
  }

  /** Ends it: files are given back. */
  return(): Promise<IteratorResult<Entry, void>> {
    return this.#inTurn(async () => {
      this.#group = [];
      await this.#groups.return();
      return { done: true, value: undefined };
    });
  }

  /** Ends it with an error. */
  throw(error: unknown): Promise<IteratorResult<Entry, void>> {
    return this.#inTurn(async () => {
      this.#group = [];
      await this.#groups.return();
      throw error;
    });
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** {@linkcode RecordStream.return}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #advance(): Promise<IteratorResult<Entry, void>> {
    for (;;) {
      if (this.#signal?.aborted === true) this.#group = [];
      const record = this.#group[this.#index];
      if (record !== undefined) {
        this.#index++;
        return { done: false, value: this.#entryOf(record) };
      }
      const next = await this.#groups.next();
      if (next.done === true) return { done: true, value: undefined };
      this.#group = next.value;
      this.#index = 0;
    }
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    this.#underWay++;
    const done = this.#last.then(step).finally(() => this.#underWay--);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

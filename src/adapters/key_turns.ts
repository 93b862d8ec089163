/**
 * Calls for one key take effect in the order in which they are made, although each has to find its session first.
 *
 * @module
 */

/** Whose turn it is, by key. */
export class KeyTurns {
  /** By key: when the last call has been handed on. */
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Hands a call on when the ones before it have been handed on, not when they are done: appends that wait share a
   * sync.
   *
   * @param key The key.
   * @param find Finds what is needed; may take a while.
   * @param call Makes the call, at once.
   * @returns What the call returned.
   */
  async take<S, T>(key: string, find: () => Promise<S>, call: (found: S) => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(async () => {
      const found = await find();
      return { result: call(found) };
    });
    const over = turn.then(({ result }) => void result.catch(() => undefined), () => undefined);
    this.#last.set(key, over);
    try {
      return await (await turn).result;
    } finally {
      if (this.#last.get(key) === over) this.#last.delete(key);
    }
  }

  /** Resolves when everything that was called has been handed on. */
  async over(): Promise<void> {
    while (this.#last.size > 0) {
      await Promise.all([...this.#last].map(([key, over]) => over.then(() => this.#drop(key, over))));
    }
  }

  #drop(key: string, over: Promise<void>): void {
    if (this.#last.get(key) === over) this.#last.delete(key);
  }
}

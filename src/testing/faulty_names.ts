/**
 * Directories whose sync has failed, and which look clean all the same.
 *
 * @module
 */

/** Which directories look as if nothing of them had to be written, though something has. */
export class FaultyNames {
  readonly #clean = new Set<string>();

  /** Whether there is any. */
  get isEmpty(): boolean {
    return this.#clean.size === 0;
  }

  /**
   * Remembers that a sync has failed.
   *
   * @param directory Of which directory.
   */
  forget(directory: string): void {
    this.#clean.add(directory);
  }

  /**
   * Whether a sync has nothing to do.
   *
   * @param directory Of which directory.
   * @returns True if one has failed, and no name has changed since.
   */
  looksClean(directory: string): boolean {
    return this.#clean.has(directory);
  }

  /**
   * Remembers that names have changed: their directories are written as a whole, with what was forgotten.
   *
   * @param paths The names.
   */
  changed(...paths: string[]): void {
    for (const path of paths) this.#clean.delete(path.slice(0, path.lastIndexOf("/")) || "/");
  }
}

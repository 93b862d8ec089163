/**
 * What a sink needs of a bucket: four verbs. Everything else is built on them, so that a test, or somebody else's
 * storage, is a small object.
 *
 * @module
 */

/** A bucket. Names are UTF-8, with `/` between their parts. Errors are `HoldfastError` with the code `io`. */
export interface ObjectStore {
  /**
   * Which bucket this is, and how it is encrypted, without credentials: what was sent to one is not in another. Absent:
   * it is always the same.
   */
  readonly place?: string;
  /**
   * Makes an object if there is none of that name, in one step that no other device can come between.
   *
   * @param name The object's name.
   * @param bytes What it holds.
   * @returns `exists` if there was one already, which stays as it is.
   * @throws When the outcome is unknown, or nothing was made.
   */
  create(name: string, bytes: Uint8Array): Promise<"created" | "exists">;
  /**
   * Makes an object, or puts it in place of the one that has the name.
   *
   * @param name The object's name.
   * @param bytes What it holds.
   */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * Reads an object whole.
   *
   * @param name The object's name.
   * @returns What it holds; null if there is none.
   */
  read(name: string): Promise<Uint8Array | null>;
  /**
   * Lists the names that begin with a text, in the order of their bytes.
   *
   * @param prefix The text.
   * @returns The names.
   */
  list(prefix: string): AsyncGenerator<string, void>;
  /** Gives up the requests under way, which reject, and takes no more. */
  abort?(): void;
}

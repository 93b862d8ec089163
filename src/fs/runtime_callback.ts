/**
 * The callbacks of `node:fs` as promises.
 *
 * @module
 */

/**
 * Turns a callback into a promise.
 *
 * @param call Starts the operation with the callback that ends it.
 * @returns Resolves or rejects with what the callback was given.
 */
export function settled<T = void>(
  call: (done: (error: Error | null | undefined, value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => call((error, value) => error ? reject(error) : resolve(value)));
}

/**
 * The callbacks of `node:fs` as promises, and errors as it makes them.
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

/**
 * Makes an error that looks like the operating system's own.
 *
 * @param code The string code, `EINVAL`.
 * @param message What is wrong, with the path.
 * @returns The error.
 */
export function codedError(code: string, message: string): Error & { code: string } {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}

/**
 * Errors as an operating system gives them: told apart by their `code` and nothing else.
 *
 * @module
 */

/** An error with the operating system's own code. */
export interface SystemError extends Error {
  /** `ENOENT`, `EIO`, … */
  code: string;
}

/**
 * Makes an error that looks like one of the operating system's.
 *
 * @param code `ENOENT`, `EIO`, …
 * @param call The call that fails.
 * @param path What it was called for.
 * @returns The error, to be thrown.
 */
export function systemError(code: string, call: string, path: string): SystemError {
  return Object.assign(new Error(`${code}: ${call} '${path}' (simulated)`), { code });
}

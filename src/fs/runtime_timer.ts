/**
 * The clock's one alarm. `node:timers`, as Deno's own `setTimeout` returns a number that cannot be let go of.
 *
 * @module
 */
import { clearTimeout, setTimeout } from "node:timers";

/**
 * Calls back once after a delay. A process that has nothing else to do does not wait for it.
 *
 * @param delayMs How long.
 * @param callback What is called.
 * @returns Cancels it.
 */
export function startRuntimeTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}

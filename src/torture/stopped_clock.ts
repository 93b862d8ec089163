/**
 * A clock that stands still, so that the same operations give the same bytes (I19: no order depends on the clock).
 * Errors of the simulated kernel carry no stack meanwhile: to collect one takes longer than the call that failed.
 *
 * @module
 */

const standing = Date.UTC(2001, 8, 9, 1, 46, 40);
const stopped = new WeakSet<DateConstructor>();

/**
 * Runs something while `new Date()` always gives the same time.
 *
 * @param work What to run.
 * @returns What it returned.
 */
export async function withStoppedClock<T>(work: () => Promise<T>): Promise<T> {
  const real = globalThis.Date;
  if (stopped.has(real)) return await work();
  const clock = new Proxy(real, {
    construct: (target, args) => Reflect.construct(target, args.length === 0 ? [standing] : args),
    get: (target, name) => name === "now" ? () => standing : Reflect.get(target, name),
  });
  stopped.add(clock);
  globalThis.Date = clock;
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    globalThis.Date = real;
  }
}

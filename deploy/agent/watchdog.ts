/**
 * Tells systemd how the agent is, through the program `systemd-notify`.
 *
 * @module
 */

/** What the service manager is told. */
export interface Watchdog {
  /** It is up. */
  ready(): void;
  /** It is still well. */
  alive(): void;
  /** It is about to end, and reports nothing more. */
  stopping(): void;
}

/** What the watchdog needs of its runtime. */
export interface WatchdogHost {
  /** Reads a variable of the environment. */
  variable(name: string): string | undefined;
  /** Starts a program and does not wait for it; one that is missing is no error. */
  start(program: string, args: readonly string[]): void;
  /** Calls back again and again; the program may end all the same. */
  every(intervalMs: number, call: () => void): () => void;
}

/**
 * Makes a watchdog. Between questions it reports by itself twice in each `WATCHDOG_USEC`: that the event loop turns is
 * what a stuck program could not say.
 *
 * @param host The runtime.
 * @returns The watchdog; it does nothing where no service manager listens.
 */
export function watchdogOf(host: WatchdogHost): Watchdog {
  const socket = host.variable("NOTIFY_SOCKET");
  if (socket === undefined || socket === "") return { ready: () => {}, alive: () => {}, stopping: () => {} };
  const notify = (...words: string[]): void => host.start("systemd-notify", words);
  const intervalMs = Number(host.variable("WATCHDOG_USEC") ?? 0) / 1000 / 2;
  let stop: (() => void) | undefined;
  return {
    ready: () => {
      notify("--ready", "--status=waiting for questions");
      if (intervalMs > 0) stop = host.every(intervalMs, () => notify("WATCHDOG=1"));
    },
    alive: () => notify("WATCHDOG=1"),
    // The end itself says the rest: a process that was started now would only be killed with the service.
    stopping: () => stop?.(),
  };
}

/**
 * Saves a pool when its process ends: on signals, and at the last moment from an exit handler. Opt-in: a library must
 * not catch signals that nobody asked it to.
 *
 * @module
 */

import { type EndSignal, type ProcessEnd, runtimeProcessEnd } from "../fs/runtime_process_end.ts";

export type { EndSignal, ProcessEnd } from "../fs/runtime_process_end.ts";

/** What is saved; `BackgroundPool` has it. */
export interface Savable {
  /** Saves everything, and ends. */
  close(): Promise<void>;
  /** Saves everything, blocking. */
  flushSync(): void;
}

/** Options of {@linkcode saveOnExit}. */
export interface SaveOnExitOptions {
  /**
   * On which signals everything is saved before the process ends by that signal.
   *
   * @default {["SIGTERM"]}
   */
  signals?: readonly EndSignal[];
  /** Called between the pool's end and the signal: closes the store, say. */
  closed?: () => Promise<void>;
  /**
   * Told of what could not be saved.
   *
   * @default {a line on standard error}
   */
  onError?: (error: unknown) => void;
  /**
   * The end of the process.
   *
   * @default {the real one}
   */
  processEnd?: ProcessEnd;
}

/**
 * Saves a pool whenever the process ends, but by `SIGKILL` or a power cut:
 *
 * * on the signals: everything is saved, the pool closed, and the signal sent again, so that the process ends by it as
 *   it would have (a service manager sees what it expects). A second signal meanwhile saves blocking, and ends at once;
 * * on `process.exit`, or when nothing is left to do: everything is saved blocking, also what is being saved at that
 *   moment, and what has changed since.
 *
 * @param pool The pool.
 * @param options Which signals.
 * @returns Takes all of it away again.
 *
 * @example
 * ```ts
 * import { openStore } from "holdfast";
 * import { BackgroundPool, saveOnExit } from "holdfast/transcript";
 *
 * await using store = await openStore("/tmp/holdfast-example-exit");
 * await using pool = new BackgroundPool(store);
 * const stop = saveOnExit(pool, { signals: ["SIGTERM", "SIGINT"], closed: () => store.close() });
 * stop();
 * ```
 */
export function saveOnExit(pool: Savable, options: SaveOnExitOptions = {}): () => void {
  const { signals = ["SIGTERM"], processEnd = runtimeProcessEnd, onError = printError } = options;
  const undo: (() => void)[] = [];
  const stop = (): void => {
    for (const step of undo.splice(0)) step();
  };
  const flush = (): void => {
    try {
      pool.flushSync();
    } catch (error) {
      onError(error);
    }
  };
  let isEnding = false;
  const end = (signal: EndSignal): void => {
    stop();
    processEnd.raise(signal);
  };
  const onSignal = async (signal: EndSignal): Promise<void> => {
    if (isEnding) {
      flush();
      return end(signal);
    }
    isEnding = true;
    try {
      await pool.close();
      await options.closed?.();
    } catch (error) {
      onError(error);
      flush();
    }
    end(signal);
  };
  for (const signal of signals) undo.push(processEnd.onSignal(signal, () => void onSignal(signal)));
  undo.push(processEnd.onExit(flush));
  return stop;
}

function printError(error: unknown): void {
  console.error(`Not everything could be saved: ${error instanceof Error ? error.message : String(error)}`);
}

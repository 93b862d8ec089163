/**
 * The end of this process: the last moment at which something can be saved, and the signals that ask for it.
 *
 * @module
 */

import process from "node:process";

/** A signal that asks a process to end, and can be caught. */
export type EndSignal = "SIGTERM" | "SIGINT" | "SIGHUP";

/** The end of a process, real or made up by a test. */
export interface ProcessEnd {
  /**
   * Calls back when the process ends by itself or by `process.exit`: nothing can be awaited any more.
   *
   * @returns Takes the callback away.
   */
  onExit(callback: () => void): () => void;
  /**
   * Calls back on a signal, in place of the end of the process.
   *
   * @returns Takes the callback away.
   */
  onSignal(signal: EndSignal, callback: () => void): () => void;
  /** Sends this process a signal: with no callback left, it ends as it would have without us. */
  raise(signal: EndSignal): void;
}

/** This process. */
export const runtimeProcessEnd: ProcessEnd = {
  onExit(callback: () => void): () => void {
    process.on("exit", callback);
    return () => void process.off("exit", callback);
  },
  onSignal(signal: EndSignal, callback: () => void): () => void {
    process.on(signal, callback);
    return () => void process.off(signal, callback);
  },
  raise(signal: EndSignal): void {
    process.kill(process.pid, signal);
  },
};

/**
 * What a store does for its sessions, and what they say of themselves.
 *
 * @module
 */

import type { SessionWorker } from "./session_worker.ts";
import type { StoreContext } from "./store_context.ts";
import type { ResolvedOptions } from "./store_options.ts";

/** What the store does for its sessions. */
export interface SessionHost {
  /** What all parts share. */
  context: StoreContext;
  /** The store's options. */
  options: ResolvedOptions;
  /** Throws if the store is closed. */
  assertOpen(): void;
  /** Called when an open session is about to be written: others may have to make room. */
  used(worker: SessionWorker): void;
  /** Called when an open session has nothing more to do: it may have to make room itself. */
  idle(worker: SessionWorker): void;
}

/** `Session.status`. */
export type SessionStatus = "idle" | "open" | "failed" | "closed";

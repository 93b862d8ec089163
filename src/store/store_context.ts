/**
 * What all parts of an open store share.
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";
import type { StoreCounters } from "./store_counters.ts";
import type { StoreEvent } from "./store_event.ts";
import type { WorkspaceIndex } from "./workspace_index.ts";

/** What is needed to look at the files of a store. */
export interface DirectoryContext {
  /** The port, counted. */
  fileSystem: FileSystem;
  /** The store's directory, absolute. */
  directory: string;
  /** What the store has done so far. */
  counters: StoreCounters;
  /** Tells an event; never throws. */
  report: (event: StoreEvent) => void;
}

/** What all parts of an open store share. */
export interface StoreContext extends DirectoryContext {
  /** Whether logs are filled ahead of their tail. */
  fillAhead: boolean;
  /** How large a log may become, in bytes. */
  sessionBytesMax: number;
  /** Which session of a workspace was written to last. */
  workspaces: WorkspaceIndex;
}

/**
 * The time as it goes into a meta file; never used to order anything (I19).
 *
 * @returns RFC 3339, UTC.
 */
export function timestamp(): string {
  return new Date().toISOString();
}

/**
 * What a store has cost its flash.
 *
 * @module
 */

import { createFileSystemCounters, type FileSystemCounters } from "../fs/counting_filesystem.ts";

/** Counted since the store was opened. */
export interface StoreCounters extends FileSystemCounters {
  /** Calls that appended, a batch counting once. */
  appends: number;
  /** Records that were appended. */
  records: number;
  /** Appends that were found to be in the log already, by `recordId`. */
  duplicates: number;
  /** Groups of appends that went to the log with one write. */
  groups: number;
  /** Meta files written. */
  metaWrites: number;
  /** Times that the index of workspaces was replaced. */
  indexWrites: number;
  /** Sessions that were opened for writing. */
  sessionsOpened: number;
  /** Large values that were written to files of their own; those that were there already are not counted. */
  blobs: number;
  /** Torn ends that were found and repaired. */
  recoveries: number;
  /** Logs that were rewritten by compaction or replace. */
  rewrites: number;
}

/**
 * Counters that all stand at zero.
 *
 * @returns A new object.
 */
export function createStoreCounters(): StoreCounters {
  return {
    ...createFileSystemCounters(),
    appends: 0,
    records: 0,
    duplicates: 0,
    groups: 0,
    metaWrites: 0,
    indexWrites: 0,
    sessionsOpened: 0,
    blobs: 0,
    recoveries: 0,
    rewrites: 0,
  };
}

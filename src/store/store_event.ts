/**
 * What a store tells of itself: nothing that is repaired, skipped or given up is silent.
 *
 * @module
 */

/**
 * What happened.
 *
 * | type | meaning |
 * |---|---|
 * | `torn-tail` | a power cut or a kill left a torn end; it was never acknowledged, and was set aside |
 * | `damaged-line` | a line that no power cut can explain was skipped |
 * | `damaged-blob` | a large value is missing or damaged; the record was given with its preview |
 * | `quarantined` | damaged bytes were set aside before a rewrite |
 * | `quarantine-full` | torn bytes could not be set aside, for want of space |
 * | `meta-rebuilt` | the meta file was missing or damaged; summary and title are gone |
 * | `first-beyond-end` | the meta hides more records than the log has: an older log stands beside a newer meta |
 * | `replace-discarded` | a replace that did not happen was forgotten |
 * | `replace-finished` | a replace that had happened was completed |
 * | `replace-pending` | a replace has happened, and its meta file is still to be written |
 * | `delete-finished` | the rest of a deleted session was removed |
 * | `foreign-appended` | somebody else appended while the session was open |
 * | `lock-taken-over` | the holder of the lock died without releasing it |
 * | `compaction-postponed` | a log that was to be compacted behind a truncation could not be; it is as it was |
 * | `session-failed` | an outcome is unknown; nothing more is written until the session is opened again |
 * | `index-discarded` | the index of workspaces is damaged or cannot be written; sessions are looked at instead |
 * | `session-unreadable` | files of a session cannot be read; it was left out of a list |
 * | `migrated` | an old picoclaw session was taken over |
 * | `migration-skipped` | an old picoclaw session was left alone: newer data, or a message too large |
 */
export type StoreEventType =
  | "torn-tail"
  | "damaged-line"
  | "damaged-blob"
  | "quarantined"
  | "quarantine-full"
  | "meta-rebuilt"
  | "first-beyond-end"
  | "replace-discarded"
  | "replace-finished"
  | "replace-pending"
  | "delete-finished"
  | "foreign-appended"
  | "lock-taken-over"
  | "compaction-postponed"
  | "session-failed"
  | "index-discarded"
  | "session-unreadable"
  | "migrated"
  | "migration-skipped";

/** Something that happened in a store, for `StoreOptions.onEvent`. */
export interface StoreEvent {
  /** What happened. */
  type: StoreEventType;
  /** For a person: what, and what became of it. */
  message: string;
  /** The file concerned. */
  path: string;
  /** The session concerned, where it is known. */
  key?: string;
  /** Where in the file, in bytes. */
  offset?: number;
  /** How many bytes. */
  length?: number;
}

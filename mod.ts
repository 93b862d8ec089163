/**
 * Holdfast: a crash-safe store for the sessions of AI agents on small Linux boards.
 *
 * What was acknowledged is there after the power comes back, exactly once, in order, in a file that a person can read,
 * at the lowest wear that flash allows.
 *
 * @example
 * ```ts
 * import { openStore } from "holdfast";
 *
 * await using store = await openStore("/tmp/holdfast-example");
 * const chat = await store.session("telegram:123");
 * await chat.append({ role: "user", content: "What is the temperature outside?" });
 * await chat.appendAll([
 *   { role: "assistant", tool_calls: [{ id: "c1", name: "read_sensor" }] },
 *   { role: "tool", tool_call_id: "c1", content: "20.5" },
 * ]);
 * console.log(await chat.history());
 * ```
 *
 * @module
 */

export { HoldfastError, type HoldfastErrorCode, type HoldfastErrorDetails } from "./src/errors.ts";
export { type FileSystemCounters } from "./src/fs/counting_filesystem.ts";
export {
  type DirectoryEntry,
  type FileHandle,
  type FileKind,
  type FileLock,
  type FileStat,
  type FileSystem,
  type LockAttempt,
  type OpenOptions,
} from "./src/fs/filesystem.ts";
export { type BlobReference } from "./src/log/blob_member.ts";
export { type JsonObject as RecordObject } from "./src/log/json_text.ts";
export { type AppendReceipt } from "./src/store/group_plan.ts";
export { type BlobCollection } from "./src/store/blob_collection.ts";
export { type BadBlob } from "./src/store/blob_reading.ts";
export { type CompactionOptions, type CompactionResult, type TruncateOptions } from "./src/store/history_edits.ts";
export {
  canonicalWorkspace,
  type DataDirectoryOptions,
  defaultDataDirectory,
  type Environment,
  findDataDirectory,
} from "./src/store/data_directory.ts";
export { openStore } from "./src/store/open_store.ts";
export { type RecordIdOf } from "./src/store/record_ids.ts";
export { type RecordsBackOptions } from "./src/store/records_back.ts";
export { type RetentionOptions, type RetentionStep } from "./src/store/retention.ts";
export { type RetentionLimits, type RetentionReason } from "./src/store/retention_plan.ts";
export { type AppendOptions, type HoldOptions, type RepairReport, Session } from "./src/store/session.ts";
export { type Continuation, type ContinuationOptions } from "./src/store/session_continuation.ts";
export { type KnownFacts, type SessionFacts } from "./src/store/session_facts.ts";
export { SessionHold } from "./src/store/session_hold.ts";
export { type ForkOptions, type ForkProgress, type ForkResult } from "./src/store/session_fork.ts";
export { type SessionStatus } from "./src/store/session_host.ts";
export { type SessionInfo } from "./src/store/session_info.ts";
export { type ListOptions, type ResolveOptions } from "./src/store/session_list.ts";
export { type RecordEntry, SessionReader, type TextEntry } from "./src/store/session_reader.ts";
export { type SessionTail } from "./src/store/session_reading.ts";
export { type SessionParent, type SessionPromotion } from "./src/store/session_meta.ts";
export { type RecordsOptions } from "./src/store/session_records.ts";
export { SessionStore } from "./src/store/session_store.ts";
export {
  type ArchiveReport,
  type DamagedBlob,
  type SessionStats,
  type VerifyReport,
} from "./src/store/session_verification.ts";
export { type StoreCounters } from "./src/store/store_counters.ts";
export { type StoreEvent, type StoreEventType } from "./src/store/store_event.ts";
export {
  type BlobOptions,
  type DurabilityMode,
  type SelfCompactionOptions,
  type StoreOptions,
} from "./src/store/store_options.ts";
export { type TrashEntry } from "./src/store/trash_items.ts";

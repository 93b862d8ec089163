/**
 * Transcripts: typed records on top of a session, one sync per turn.
 *
 * A transcript is a session whose records have types: `session.started`, `message.appended`, `state.patched`,
 * `session.compacted`, `session.forked`, `inference.requested`, `inference.responded`, `system.section.added`,
 * `system.section.removed`, `tools.added`, `tools.removed`. They are in the log in the order of the calls; what they
 * add up to (title, tasks, the messages that lead to the last one) is computed from them and stored nowhere. Records of
 * other types, and members that are not known, are kept.
 *
 * What gencode's store does, and what does it here:
 *
 * | gencode | here |
 * |---|---|
 * | `Start` | `transcript.start`: idempotent |
 * | `AppendMessage` | `transcript.appendMessage`: idempotent by id; the ids are found by one scan, not one per append |
 * | `PatchState` | `transcript.patchState` with `setTitle`, `setTasks`, …, or any path |
 * | `Compact` | `transcript.compactTo`: a boundary; nothing is removed |
 * | `Fork` | `forkTranscript`: `store.fork`, and a record that says so |
 * | `Replace` (every turn) | `transcript.turn`, `turn.commit`: only what is new; `session.replace` where it is meant |
 * | `Load` | `openTranscript(await store.session(key))`, then `state` and `messages` |
 * | `List`, with `includeSidechain` | `listTranscripts` |
 * | `GetLatest` | `latestTranscript` |
 * | `Delete` | `store.delete` |
 * | `PersistToolResult`, hydration | the store's option `blobs` |
 * | `SaveSubagentConversation` | messages with an `agentId`, in one turn; or a session, `start` with `isSidechain` |
 * | `LoadSubagentMessages` | `transcript.messages({ agentId })`; or `messages` of that session |
 *
 * What OmegaLLM's session server does, and what its plan for background persistence (JOB-019c) wanted:
 *
 * | OmegaLLM | here |
 * |---|---|
 * | `new SessionWriter(dir, id, { append })` | `store.session(id)`: always goes on with what is there |
 * | `writer.checkpoint(reason)` with `states` in the index | `checkpoints.make(reason, state)`: one record with all of it |
 * | `findCheckpointBefore`, `getCheckpointState` | `checkpoints.nearest` |
 * | `JumpController.jumpTo`, `:session goto` | `checkpoints.jump`, `checkpoints.replay` |
 * | `:session fork` at a number | `store.fork(from, to, { at })`: checkpoints and receipts come along |
 * | `llmRequest`, `llmResponse`, `getReceipt` | `receipts.record`, `receipts.all`, `receipts.replay`: each occurrence |
 * | `index.json`, `saveIndex` | nothing: it is derived from the log, in memory |
 * | `markDirty`, `updateSavePoint` | `agent.record`, `agent.touch`; what is saved is known by revision |
 * | interval and throttle of saves | `saveIntervalMs`, `saveBytesMin`, `savesAtOnce` of a `BackgroundPool` |
 * | `loadOrCreate`, `maxCachedSessions` | `pool.session`, `maxCachedSessions` |
 * | `forceSave`, `saveSync` at shutdown | `forceSave`, `flushSync`, `saveOnExit` |
 * | session metadata | `agent.metadata()` |
 *
 * @example
 * ```ts
 * import { openStore } from "holdfast";
 * import { openTranscript, setTitle } from "holdfast/transcript";
 *
 * await using store = await openStore("/tmp/holdfast-example");
 * const transcript = openTranscript(await store.session("kitchen"));
 * await transcript.start({ provider: "openai", model: "m" });
 * const turn = transcript.turn();
 * turn.appendMessage({ role: "user", content: "How warm is it?" });
 * turn.appendMessage({ role: "assistant", tool_calls: [{ id: "c1", name: "read_sensor" }] });
 * turn.appendMessage({ role: "tool", tool_call_id: "c1", content: "20.5" });
 * turn.patchState(setTitle("Kitchen"));
 * await turn.commit(); // one sync, all or nothing
 * ```
 *
 * @module
 */

export { type SaveFailure } from "./background_options.ts";
export { BackgroundPool, type BackgroundPoolOptions, type PoolStore } from "./background_pool.ts";
export { type SaveTarget } from "./background_saver.ts";
export { CheckpointIndex, type IndexAnswer } from "./checkpoint_index.ts";
export { type Checkpoint, Checkpoints, type Jump, type NumberedRecord, type RecordLog } from "./checkpoints.ts";
export { forkTranscript, type ForkTranscriptOptions } from "./fork_transcript.ts";
export { type ActiveChain, type ChainEnd, type MessageNode } from "./message_tree.ts";
export {
  type DraftSources,
  type MessageOptions,
  type RecordDraft,
  type RecordOptions,
  type StartOptions,
} from "./record_draft.ts";
export { PooledSession, type PoolTarget, type SessionMetadata } from "./pooled_session.ts";
export { type Receipt, type ReceiptDetails, ReceiptReplay, Receipts } from "./receipts.ts";
export { requestKey } from "./request_key.ts";
export { type EndSignal, type ProcessEnd, type Savable, saveOnExit, type SaveOnExitOptions } from "./save_on_exit.ts";
export {
  applyPatch,
  type PatchOperation,
  type PatchResult,
  removePath,
  setLastPrompt,
  setMode,
  setTag,
  setTasks,
  setTitle,
  setValues,
  setWorktree,
  type TranscriptTask,
  type TranscriptWorktree,
} from "./state_patch.ts";
export {
  type MessagesOptions,
  openTranscript,
  Transcript,
  type TranscriptMessage,
  type TranscriptMessages,
  type TranscriptOptions,
} from "./transcript.ts";
export {
  latestTranscript,
  listTranscripts,
  type TranscriptEntry,
  type TranscriptListOptions,
} from "./transcript_list.ts";
export {
  findUnpairedCalls,
  type PairingFault,
  type PairingFinding,
  type PairingOptions,
  PairingReader,
  pairToolCalls,
} from "./tool_call_pairing.ts";
export { projectTranscript, TranscriptProjection, type TranscriptState } from "./transcript_projection.ts";
export { transcriptDurability, transcriptRecordId, type TranscriptRecordType } from "./transcript_record.ts";
export { type TranscriptReceipt, TranscriptTurn } from "./transcript_turn.ts";
export { TranscriptWriter } from "./transcript_writer.ts";

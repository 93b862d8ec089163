/**
 * The transcripts of a store: newest first, without those of subagents unless asked for.
 *
 * @module
 */

import type { JsonObject } from "../log/json_text.ts";
import type { SessionInfo } from "../store/session_info.ts";
import type { ListOptions } from "../store/session_list.ts";
import type { SessionStore } from "../store/session_store.ts";
import { wholeNumber } from "../store/store_options.ts";
import { openTranscript } from "./transcript.ts";
import type { TranscriptState } from "./transcript_projection.ts";
import { readTranscriptRecord } from "./transcript_record.ts";

/** Options of {@linkcode listTranscripts}. */
export interface TranscriptListOptions extends ListOptions {
  /**
   * Whether sessions that are a subagent's as a whole are listed too.
   *
   * @default {false}
   */
  includeSidechains?: boolean;
}

/** A transcript in a list. */
export interface TranscriptEntry extends SessionInfo {
  /** Whether it is a subagent's as a whole. */
  isSidechain: boolean;
  /** What its start says: provider, model and the like; null if that is not among its first records. */
  session: JsonObject | null;
  /** The whole record of its start, with `cwd`, `gitBranch` and what else is there; null likewise. */
  start: JsonObject | null;
  /** What its records add up to: title, last prompt, tasks. Reads its log. */
  state(): Promise<TranscriptState>;
}

/** Among how many of its first records the start of a session is looked for. */
const headRecords = 8;

/**
 * Lists transcripts, newest first. Each is looked at when it is asked for: whoever wants the newest reads one.
 *
 * Of a log only the first records are read; title and the like are read by `state()` of an entry.
 *
 * @param store The store.
 * @param options Which.
 * @returns The transcripts.
 *
 * @example
 * ```ts
 * import { openStore } from "holdfast";
 * import { listTranscripts } from "holdfast/transcript";
 *
 * await using store = await openStore("/tmp/holdfast-example");
 * for await (const entry of listTranscripts(store, { limit: 3 })) console.log(entry.key, (await entry.state()).title);
 * ```
 */
export async function* listTranscripts(
  store: SessionStore,
  options: TranscriptListOptions = {},
): AsyncGenerator<TranscriptEntry, void> {
  const { limit, includeSidechains = false, ...which } = options;
  let left = limit === undefined ? Infinity : wholeNumber("limit", limit, 0);
  if (left === 0) return;
  for (const info of await store.list(which)) {
    const session = await store.session(info.key);
    const head = await readHead(session.records({ all: true, limit: headRecords }));
    if (head.isSidechain && !includeSidechains) continue;
    yield { ...info, ...head, state: async () => await openTranscript(await store.session(info.key)).state() };
    if (--left <= 0) return;
  }
}

/**
 * The transcript that was written to last.
 *
 * @param store The store.
 * @param options Of which workspace, and whether subagents' count.
 * @returns Its key; null if there is none.
 */
export async function latestTranscript(
  store: SessionStore,
  options: Omit<TranscriptListOptions, "limit" | "after"> = {},
): Promise<string | null> {
  for await (const { key } of listTranscripts(store, { ...options, limit: 1 })) return key;
  return null;
}

async function readHead(
  records: AsyncIterable<{ sequence: number; record: JsonObject }>,
): Promise<Pick<TranscriptEntry, "isSidechain" | "session" | "start">> {
  for await (const { sequence, record } of records) {
    const fact = readTranscriptRecord(record, sequence);
    if (fact.kind === "started") return { isSidechain: fact.isSidechain, session: fact.session, start: record };
  }
  return { isSidechain: false, session: null, start: null };
}

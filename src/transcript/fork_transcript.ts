/**
 * Forks a transcript: `store.fork`, and a record in the fork that says so.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { SessionStore } from "../store/session_store.ts";
import { openTranscript, type Transcript, type TranscriptOptions } from "./transcript.ts";

/** Options of {@linkcode forkTranscript}. */
export interface ForkTranscriptOptions extends TranscriptOptions {
  /**
   * The number of the last record that the fork begins with.
   *
   * @default {the last record}
   */
  at?: number;
  /** Instead of a number: the id of the message that the fork ends with at first. */
  atMessage?: string;
}

/**
 * Makes a transcript that begins with the same records as another, with their ids, times and blobs, and goes on by
 * itself. It ends with `session.forked`, which names the source; the source is not changed, and need not stay.
 *
 * Where it was cut off between the fork and that record, doing it again adds the record.
 *
 * @param store The store.
 * @param from The source's key.
 * @param to The fork's key; there is no such session yet.
 * @param options Up to where.
 * @returns The fork.
 * @throws {HoldfastError} `exists` if there is a session `to`, `not-found` if there is no source, or no such message.
 *
 * @example
 * ```ts
 * import { openStore } from "holdfast";
 * import { forkTranscript, openTranscript } from "holdfast/transcript";
 *
 * await using store = await openStore("/tmp/holdfast-example");
 * await openTranscript(await store.session("plan:1")).appendMessage({ role: "user", content: "Plan a garden." });
 * if (!await store.has("plan:2")) await forkTranscript(store, "plan:1", "plan:2");
 * ```
 */
export async function forkTranscript(
  store: SessionStore,
  from: string,
  to: string,
  options: ForkTranscriptOptions = {},
): Promise<Transcript> {
  const { at, atMessage, ...rest } = options;
  if (at !== undefined && atMessage !== undefined) throw new TypeError("at and atMessage exclude each other");
  const end = atMessage === undefined ? at : await sequenceOf(store, from, atMessage);
  try {
    await store.fork(from, to, end === undefined ? {} : { at: end });
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "exists" || !await isUnmarked(store, from, to)) throw error;
  }
  const fork = openTranscript(await store.session(to), rest);
  const parentSequence = (await fork.session.info()).parent?.sequence ?? null;
  await fork.markForked(from, { id: markId(from), ...(parentSequence === null ? {} : { parentSequence }) });
  return fork;
}

/** Whether it was made by the same fork, and cut off before it was marked. */
async function isUnmarked(store: SessionStore, from: string, to: string): Promise<boolean> {
  const session = await store.session(to);
  if ((await session.info()).parent?.key !== from) return false;
  for await (const { record } of session.records({ all: true })) {
    if (record["type"] === "session.forked" && record["id"] === markId(from)) return false;
  }
  return true;
}

async function sequenceOf(store: SessionStore, key: string, messageId: string): Promise<number> {
  const sequence = await openTranscript(await store.session(key)).sequenceOf(messageId);
  if (sequence === null) throw new HoldfastError("not-found", `No message ${messageId} in the session ${key}`);
  return sequence;
}

function markId(from: string): string {
  return `fork:${from}`;
}

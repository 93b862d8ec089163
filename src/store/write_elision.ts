/**
 * What is as it should be already is not written again: an agent that saves its whole state after each step costs the
 * card nothing where nothing changed, not even the opening of the session.
 *
 * @module
 */

import { splitLine } from "../log/blob_member.ts";
import { isUnchanged } from "./session_facts.ts";
import type { SessionMeta } from "./session_meta.ts";
import { type ReadTarget, readView, withView } from "./session_reading.ts";

/**
 * Whether a session's meta file says already what a change would make it say. An empty change is asked for its own
 * sake: it opens the session for writing, and so recovers it.
 *
 * @param target The session; all that was called before is durable.
 * @param change The change.
 * @returns True if there is nothing to write.
 */
export async function holdsFacts(target: ReadTarget, change: Partial<SessionMeta>): Promise<boolean> {
  if (Object.keys(change).length === 0) return false;
  return await withView(target, (view) => {
    const meta = view?.meta.state === "ok" && view.meta.meta.replacing === undefined ? view.meta.meta : null;
    return Promise.resolve(view !== null && meta !== null && isUnchanged({ ...meta, summary: view.summary }, change));
  });
}

/**
 * Whether a session's active records are already those that are to replace them.
 *
 * @param target The session; all that was called before is durable.
 * @param lines The records, each as one line without the mark.
 * @param summary The summary that comes with them; undefined: it stays as it is.
 * @returns True if there is nothing to write. Reading ends with the first record that is another.
 */
export async function holdsHistory(
  target: ReadTarget,
  lines: readonly string[],
  summary: string | undefined,
): Promise<boolean> {
  if (lines.length === 0) return false;
  return await withView(target, async (view) => {
    const log = view?.log ?? null;
    if (view === null || log === null || view.meta.state !== "ok" || view.meta.meta.replacing !== undefined) {
      return false;
    }
    if (summary !== undefined && summary !== view.summary) return false;
    let matched = 0;
    for await (const records of readView(target, log, { from: 0, all: false, cursor: null })) {
      for (const { text, blobs } of records) {
        const line = lines[matched++];
        if (line === undefined) return false;
        const expected = splitLine(line);
        if (text !== expected.text || blobs !== expected.blobs) return false;
      }
    }
    return matched === lines.length;
  });
}

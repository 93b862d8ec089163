/**
 * Finds the session that was written to last by the times of the files: one look at each log's place in the directory,
 * then the meta files of the newest, one after the other, until one fits. No log is read.
 *
 * @module
 */

import { ifReadable, sessionAt } from "./session_list.ts";
import { sessionTimes } from "./session_times.ts";
import type { DirectoryContext } from "./store_context.ts";

/**
 * Finds the newest session.
 *
 * @param context What the store shares.
 * @param workspace Of which workspace; null: of all.
 * @returns Its key; null if there is none. Of several of one moment, the first by key.
 */
export async function findLatest(context: DirectoryContext, workspace: string | null): Promise<string | null> {
  let found: string | null = null;
  let foundMs = -1;
  for (const { name, modifiedMs } of await sessionTimes(context)) {
    if (found !== null && modifiedMs < foundMs) break;
    const session = await ifReadable(context, name, async () => await sessionAt(context, name));
    const meta = session?.location.meta.state === "ok" ? session.location.meta.meta : null;
    if (session === null || meta?.deleted === true) continue;
    if (workspace !== null && meta?.workspace !== workspace) continue;
    if (found === null || session.key < found) found = session.key;
    foundMs = modifiedMs;
  }
  return found;
}

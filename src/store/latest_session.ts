/**
 * Finds the session that was written to last by the times of the files: one look at each log's place in the directory,
 * then the meta files of the newest, one after the other, until one fits. No log is read.
 *
 * @module
 */

import { statIfThere } from "../log/atomic_file.ts";
import { ifReadable, sessionAt } from "./session_list.ts";
import { sessionFiles, sessionNameOf } from "./session_name.ts";
import type { DirectoryContext } from "./store_context.ts";

/** As many are looked at at a time; a device with one card gains nothing from more. */
const looksAtOnce = 32;

/**
 * Finds the newest session.
 *
 * @param context What the store shares.
 * @param workspace Of which workspace; null: of all.
 * @returns Its key; null if there is none. Of several of one moment, the first by key.
 */
export async function findLatest(context: DirectoryContext, workspace: string | null): Promise<string | null> {
  const times = await modificationTimes(context);
  times.sort((one, other) => other.modifiedMs - one.modifiedMs);
  let found: string | null = null;
  let foundMs = -1;
  for (const { name, modifiedMs } of times) {
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

interface FileTime {
  name: string;
  modifiedMs: number;
}

/** When each name's log was last written; where it has none, its meta file. */
async function modificationTimes(context: DirectoryContext): Promise<FileTime[]> {
  const { fileSystem, directory } = context;
  const withLog = new Map<string, boolean>();
  for (const { name, kind } of await fileSystem.readDirectory(directory)) {
    const session = kind === "file" ? sessionNameOf(name) : null;
    if (session !== null) withLog.set(session.name, withLog.get(session.name) === true || session.file === "log");
  }
  const names = [...withLog];
  const times: FileTime[] = [];
  for (let start = 0; start < names.length; start += looksAtOnce) {
    times.push(
      ...await Promise.all(
        names.slice(start, start + looksAtOnce).map(async ([name, hasLog]) => {
          const files = sessionFiles(directory, name);
          const stat = await statIfThere(fileSystem, hasLog ? files.log : files.meta);
          return { name, modifiedMs: stat?.modifiedMs ?? 0 };
        }),
      ),
    );
  }
  return times;
}

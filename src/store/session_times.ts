/**
 * Which sessions a directory has, and when each was written to, as the file system saw it: no file is opened.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import { statIfThere } from "../log/atomic_file.ts";
import { sessionFiles, sessionNameOf } from "./session_name.ts";
import type { DirectoryContext } from "./store_context.ts";

/** As many sessions are looked at at a time: the answers come one after the other, but the questions need not wait. */
export const looksAtOnce = 16;

/** When the files of a name were written to. */
export interface SessionTime {
  /** The name, without directory and suffix. */
  name: string;
  /** Last write of the log; where there is none, of the meta file; in milliseconds. */
  modifiedMs: number;
}

/**
 * The names that have a log or a meta file.
 *
 * @param context What the store shares.
 * @returns Them, and whether each has a log; none if there is no such directory.
 */
export async function sessionNamesIn(context: DirectoryContext): Promise<Map<string, boolean>> {
  const names = new Map<string, boolean>();
  try {
    for (const { name, kind } of await context.fileSystem.readDirectory(context.directory)) {
      const session = kind === "file" ? sessionNameOf(name) : null;
      if (session !== null) names.set(session.name, names.get(session.name) === true || session.file === "log");
    }
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
  return names;
}

/**
 * When each session was written to.
 *
 * @param context What the store shares.
 * @returns All names, the newest first; those of one moment in order.
 */
export async function sessionTimes(context: DirectoryContext): Promise<SessionTime[]> {
  const { fileSystem, directory } = context;
  const names = [...await sessionNamesIn(context)].sort(([one], [other]) => one < other ? -1 : 1);
  const times: SessionTime[] = [];
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
  return times.sort((one, other) => other.modifiedMs - one.modifiedMs);
}

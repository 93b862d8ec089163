/**
 * What lies in a store's directory, as housekeeping needs to know it: one look at the names, one at each log's place in
 * the directory, and the meta files. No log is read, nothing is written.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import { statIfThere } from "../log/atomic_file.ts";
import { quarantineFiles } from "../log/quarantine.ts";
import { archiveSegments } from "../log/archive.ts";
import { ifReadable, sessionAt } from "./session_list.ts";
import { type SessionFiles, sessionFiles, sessionNameOf } from "./session_name.ts";
import { looksAtOnce } from "./session_times.ts";
import type { DirectoryContext } from "./store_context.ts";

/** A session. */
export interface SurveyedSession {
  /** The name of its files. */
  name: string;
  /** Its paths. */
  files: SessionFiles;
  /** Its key. */
  key: string;
  /** Whether it is gone already, and only its files are still there. */
  isGone: boolean;
  /** The log's size; of one without a log, the meta file's, in bytes. */
  size: number;
  /** Last write of the log; where there is none, of the meta file; in milliseconds. */
  modifiedMs: number;
  /** How many bytes its files have: log, archive and quarantine. */
  bytes: number;
}

/** A file that was set aside. */
export interface SurveyedQuarantine {
  /** The name of the session's files. */
  name: string;
  /** Its path. */
  path: string;
  /** Its size in bytes. */
  size: number;
  /** When it was set aside, in milliseconds. */
  modifiedMs: number;
}

/** What lies there. */
export interface StoreSurvey {
  /** The sessions, in the order of their names. */
  sessions: SurveyedSession[];
  /** What was set aside. */
  quarantine: SurveyedQuarantine[];
  /** Files under temporary names, by the name of the session that left them. */
  temporaries: { name: string; path: string }[];
  /** Names that have a lock and nothing else; whoever locks it next, and lets it go, removes it. */
  locks: string[];
}

const temporaryPattern = /^(.+)\.(?:meta|log)\.tmp$/s;
const lockPattern = /^([^.].*)\.lock$/s;
const sidePattern = /^(.+)\.(quarantine|archive)$/s;

/**
 * Looks at a store.
 *
 * @param context What the store shares.
 * @param onProgress Told how many sessions have been looked at, of how many.
 * @returns What lies there.
 */
export async function surveyStore(
  context: DirectoryContext,
  onProgress: (done: number, all: number) => void = () => undefined,
): Promise<StoreSurvey> {
  const names = new Set<string>();
  const sides = new Map<string, Set<string>>();
  const survey: StoreSurvey = { sessions: [], quarantine: [], temporaries: [], locks: [] };
  for (const { name: fileName, kind } of await namesIn(context)) {
    const session = kind === "file" ? sessionNameOf(fileName) : null;
    const temporary = kind === "file" ? temporaryPattern.exec(fileName)?.[1] : undefined;
    const locked = kind === "file" ? lockPattern.exec(fileName)?.[1] : undefined;
    if (locked !== undefined) survey.locks.push(locked);
    const [, owner = "", side = ""] = kind === "directory" ? sidePattern.exec(fileName) ?? [] : [];
    if (session !== null) names.add(session.name);
    if (side !== "") sides.set(owner, (sides.get(owner) ?? new Set()).add(side));
    if (temporary === undefined) continue;
    survey.temporaries.push({ name: temporary, path: `${context.directory}/${fileName}` });
  }
  survey.locks = survey.locks.filter((name) => !names.has(name));
  const ordered = [...names].sort();
  for (let start = 0; start < ordered.length; start += looksAtOnce) {
    const some = ordered.slice(start, start + looksAtOnce);
    const looked = await Promise.all(
      some.map(async (name) =>
        await ifReadable(
          context,
          name,
          async () => await surveySession(context, name, sides.get(name) ?? new Set(), survey.quarantine),
        )
      ),
    );
    survey.sessions.push(...looked.filter((session) => session !== null));
    onProgress(Math.min(ordered.length, start + looksAtOnce), ordered.length);
  }
  return survey;
}

async function surveySession(
  context: DirectoryContext,
  name: string,
  sides: ReadonlySet<string>,
  quarantine: SurveyedQuarantine[],
): Promise<SurveyedSession | null> {
  const { fileSystem } = context;
  const found = await sessionAt(context, name);
  if (found === null) return null;
  const files = sessionFiles(context.directory, name);
  const log = await statIfThere(fileSystem, files.log);
  const stat = log ?? await statIfThere(fileSystem, files.meta);
  if (stat === null) return null;
  let bytes = log?.size ?? 0;
  if (sides.has("quarantine")) {
    for (const { name: file, size, modifiedMs } of await quarantineFiles(fileSystem, files.quarantine)) {
      bytes += size;
      quarantine.push({ name, path: `${files.quarantine}/${file}`, size, modifiedMs });
    }
  }
  if (sides.has("archive")) {
    for (const { size } of await archiveSegments(fileSystem, files.archive)) bytes += size;
  }
  const { meta } = found.location;
  const isGone = meta.state === "ok" && meta.meta.deleted;
  return { name, files, key: found.key, isGone, size: stat.size, modifiedMs: stat.modifiedMs, bytes };
}

async function namesIn({ fileSystem, directory }: DirectoryContext): Promise<{ name: string; kind: string }[]> {
  try {
    return await fileSystem.readDirectory(directory);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

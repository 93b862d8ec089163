/**
 * What a store shows, asked in every way that it has.
 *
 * @module
 */

import type { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import type { LogEntry } from "./model.ts";
import { filesOf, sessionKeys, storeDirectory, type SubjectSession, type SubjectStore } from "./subject.ts";
import { Violation } from "./violation.ts";
import { type FactName, factTable, type SessionFacts } from "./watched_facts.ts";

/** What the store, or picoclaw, may have in its directory beside sessions, by its name. */
const ownNames: readonly RegExp[] = [
  // Old sessions of picoclaw's, before and after migration, and what picoclaw has not finished.
  /\.json\.tmp$|(?<!\.meta)\.json(\.migrated.*)?$/,
  // What is in it is looked at by those who put it there.
  /^blobs$/,
  /^trash$/,
  /^\.sink$/,
  // Both names that a key may have are locked while a session comes back from the trash; the next to lock removes it.
  /-[0-9a-f]{32}\.lock$/,
];

/** What one session shows. */
export interface ObservedSession {
  /** All records in the log; null: nobody has asked. */
  readonly log: readonly LogEntry[] | null;
  /** The active ones. */
  readonly active: readonly LogEntry[];
  /** The summary. */
  readonly summary: string;
  /** The facts that were asked for. */
  readonly facts: SessionFacts;
}

/**
 * Reads sessions.
 *
 * @param store An open store.
 * @param touched Which sessions: those that anybody has ever written to.
 * @param watched Which facts to ask for too.
 * @param withHidden Whether to ask for hidden records too.
 * @returns What each shows, by index.
 */
export async function observe(
  store: SubjectStore,
  touched: readonly number[],
  watched: readonly FactName[],
  withHidden: boolean,
): Promise<Map<number, ObservedSession>> {
  const sessions = new Map<number, ObservedSession>();
  for (const index of touched) {
    const key = sessionKeys[index] ?? "";
    const session = await store.session(key);
    const facts: { [Name in FactName]?: string } = {};
    const isThere = watched.length > 0 && await store.has(key);
    for (const name of watched) facts[name] = isThere ? await factTable[name].read(session, store) : "";
    const log = withHidden ? await entriesOf(session, true) : null;
    sessions.set(index, { log, active: await entriesOf(session, false), summary: session.summary, facts });
  }
  return sessions;
}

async function entriesOf(session: SubjectSession, all: boolean): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const { sequence, text } of session.texts({ all })) entries.push({ sequence, text });
  return entries;
}

/** The directory as somebody without Holdfast sees it. */
export interface ObservedDirectory {
  /** Files left under temporary names, with their directories. */
  readonly temporaries: readonly string[];
  /** Files in quarantine, with their directories. */
  readonly quarantined: readonly string[];
  /** Names that nobody has asked for. */
  readonly others: readonly string[];
}

/**
 * Lists the store's directory.
 *
 * @param fileSystem The machine.
 * @param touched The sessions that may have files.
 * @param isForeign Whether a path is not the store's, and of no interest.
 * @returns What is there beside logs, meta files and locks.
 */
export async function observeDirectory(
  fileSystem: SimulatedFileSystem,
  touched: readonly number[],
  isForeign: (path: string) => boolean,
): Promise<ObservedDirectory> {
  const temporaries: string[] = [];
  const quarantined: string[] = [];
  const others: string[] = [];
  const known = new Set<string>();
  const temporary = new Set<string>();
  for (const session of touched) {
    const { log, meta, lock, quarantine, archive, origin, logTemporary, metaTemporary } = filesOf(session);
    for (const path of [log, meta, lock, quarantine, archive, origin]) known.add(path);
    temporary.add(logTemporary).add(metaTemporary);
  }
  for (const { name, kind } of await fileSystem.readDirectory(storeDirectory)) {
    const path = `${storeDirectory}/${name}`;
    if (temporary.has(path)) temporaries.push(path);
    else if (ownNames.some((pattern) => pattern.test(name))) continue;
    else if (!known.has(path)) others.push(...isForeign(path) ? [] : [path]);
    else if (kind === "directory" && !path.endsWith(".archive")) {
      for (const inner of await fileSystem.readDirectory(path)) {
        // One unfinished copy of each kind may stay; the next of its kind takes its place.
        if (!inner.name.endsWith(".tmp") && !isForeign(`${path}/${inner.name}`)) {
          quarantined.push(`${path}/${inner.name}`);
        }
      }
    }
  }
  return { temporaries, quarantined: quarantined.sort(), others: others.sort() };
}

/**
 * Checks that a log is valid JSON Lines for any plain line reader (I21).
 *
 * @param fileSystem The machine.
 * @param session Which session.
 * @throws {Violation} If it is not.
 */
export async function checkPlainLines(fileSystem: SimulatedFileSystem, session: number): Promise<void> {
  const text = await readText(fileSystem, filesOf(session).log);
  if (text === null || text === "") return;
  if (!text.endsWith("\n")) throw new Violation("I21", "The log does not end in a line feed after recovery");
  let number = 0;
  for (const line of text.split("\n")) {
    number++;
    if (line === "") continue;
    try {
      JSON.parse(line);
    } catch {
      throw new Violation("I21", `Line ${number} of the log is not JSON: ${JSON.stringify(line.slice(0, 80))}`);
    }
  }
}

/**
 * Reads a file as text.
 *
 * @param fileSystem The machine.
 * @param path The file.
 * @returns Its text; null if there is none.
 */
export async function readText(fileSystem: SimulatedFileSystem, path: string): Promise<string | null> {
  const bytes = await readBytes(fileSystem, path);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

/**
 * Reads a file.
 *
 * @param fileSystem The machine.
 * @param path The file.
 * @returns Its bytes; null if there is none.
 */
export async function readBytes(fileSystem: SimulatedFileSystem, path: string): Promise<Uint8Array | null> {
  try {
    const handle = await fileSystem.open(path, { access: "read" });
    const { size } = await handle.stat();
    const bytes = new Uint8Array(size);
    await handle.read(bytes, 0);
    await handle.close();
    return bytes;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

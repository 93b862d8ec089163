/**
 * Lists the sessions of a store, newest first by the last write as the file system saw it.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import { assertText } from "./session_facts.ts";
import { describeLocation, type RankedInfo, type SessionInfo } from "./session_info.ts";
import { locateSession, logOwner, readSessionMeta, type SessionLocation } from "./session_location.ts";
import { isKey, isNameOf, picoclawName, sessionFiles } from "./session_name.ts";
import { looksAtOnce, sessionNamesIn, sessionTimes } from "./session_times.ts";
import type { DirectoryContext, StoreContext } from "./store_context.ts";
import { wholeNumber } from "./store_options.ts";

/** Options of `SessionStore.list`. */
export interface ListOptions {
  /**
   * Only sessions of this workspace.
   *
   * @default {all}
   */
  workspace?: string;
  /**
   * Only sessions that branch off from this one: forks, and side chains of subagents.
   *
   * @default {all}
   */
  parent?: string;
  /**
   * How many at the most.
   *
   * @default {all}
   */
  limit?: number;
  /** The key of the last session of the page before. */
  after?: string;
}

/** Options of `SessionStore.resolve`. */
export interface ResolveOptions {
  /**
   * Whether an alias comes before a key of the same name, as for picoclaw: the session of that key is then the old one.
   *
   * @default {false}
   */
  aliasesFirst?: boolean;
}

/**
 * Lists sessions.
 *
 * @param context What the store shares.
 * @param options Which.
 * @returns The sessions, newest first; those of one moment by key.
 * @throws {RangeError} If there is no session `after`.
 */
export async function listSessions(context: StoreContext, options: ListOptions): Promise<SessionInfo[]> {
  const limit = options.limit === undefined ? Infinity : wholeNumber("limit", options.limit, 0);
  if (options.workspace !== undefined) assertText("workspace", options.workspace);
  if (options.parent !== undefined) assertText("parent", options.parent);
  if (options.after !== undefined) assertText("after", options.after);
  const times = await sessionTimes(context);
  const found: RankedInfo[] = [];
  let start = options.after === undefined ? 0 : -1;
  for (let next = 0; next < times.length; next += looksAtOnce) {
    // Whoever is written down as newer has been looked at; those of one moment are in order only when all are there.
    const last = start < 0 ? undefined : found[start + limit - 1];
    if (start >= 0 && (limit === 0 || (last !== undefined && (times[next]?.modifiedMs ?? 0) < last.modifiedMs))) break;
    const infos = await Promise.all(
      times.slice(next, next + looksAtOnce).map(async ({ name }) => {
        return await ifReadable(context, name, async () => await describeName(context, name, options));
      }),
    );
    found.push(...infos.filter((info) => info !== null));
    found.sort((one, other) => other.modifiedMs - one.modifiedMs || (one.key < other.key ? -1 : 1));
    if (options.after !== undefined) start = found.findIndex((info) => info.key === options.after) + 1 || -1;
  }
  if (start < 0) throw new RangeError(`No session to list after: ${JSON.stringify(options.after)}`);
  return found.slice(start, start + Math.min(limit, found.length)).map(({ modifiedMs: _, ...info }) => info);
}

/**
 * Finds the session that an alias, or a key, stands for.
 *
 * @param context What the store shares.
 * @param alias The alias.
 * @param options Which comes first.
 * @returns The key; null if nothing has that name.
 */
export async function resolveAlias(
  context: StoreContext,
  alias: string,
  { aliasesFirst = false }: ResolveOptions,
): Promise<string | null> {
  const direct = async () => isKey(alias) && await isSession(context, alias) ? alias : null;
  if (aliasesFirst) return await ownerOfAlias(context, alias) ?? await direct();
  return await direct() ?? await ownerOfAlias(context, alias);
}

async function ownerOfAlias(context: StoreContext, alias: string): Promise<string | null> {
  let found: string | null = null;
  for (const name of [...(await sessionNamesIn(context)).keys()].sort()) {
    const files = sessionFiles(context.directory, name);
    const state = await ifReadable(context, name, async () => await readSessionMeta(context.fileSystem, files, null));
    if (state?.state !== "ok" || state.meta.deleted) continue;
    if (state.meta.key !== alias && state.meta.aliases.includes(alias) && (found === null || state.meta.key < found)) {
      found = state.meta.key;
    }
  }
  return found;
}

/**
 * Whether a key has a session.
 *
 * @param context What the store shares.
 * @param key The key.
 * @returns True if it has a file that is not deleted.
 */
export async function isSession(context: StoreContext, key: string): Promise<boolean> {
  const location = await locateSession(context.fileSystem, context.directory, key);
  return location !== null && !(location.meta.state === "ok" && location.meta.meta.deleted);
}

/** What concerns one file alone; anything else concerns the whole list. */
const fileErrorCodes = new Set(["ELOOP", "EISDIR", "ENOTDIR", "EINVAL", "ENXIO", "EACCES", "EPERM", "EIO", "corrupt"]);

/**
 * Reads something of one session, which, if it cannot be read, hides no other (I17).
 *
 * @param context What the store shares.
 * @param name The name of its files.
 * @param read What to read.
 * @returns What `read` returned; null, and an event, if the session cannot be read.
 */
export async function ifReadable<T>(
  context: DirectoryContext,
  name: string,
  read: () => Promise<T>,
): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined || !fileErrorCodes.has(code)) throw error;
    const { meta: path } = sessionFiles(context.directory, name);
    const message = `Session files of the name ${name} cannot be read, and were left out: ${code}`;
    context.report({ type: "session-unreadable", path, message });
    return null;
  }
}

/** No log is read of a session that is not asked for. */
async function describeName(
  context: StoreContext,
  name: string,
  { workspace, parent }: ListOptions,
): Promise<RankedInfo | null> {
  const found = await sessionAt(context, name);
  if (found === null) return null;
  const meta = found.location.meta.state === "ok" ? found.location.meta.meta : null;
  if (workspace !== undefined && meta?.workspace !== workspace) return null;
  if (parent !== undefined && meta?.parent?.key !== parent) return null;
  return await describeLocation(context, found.location, found.key);
}

/**
 * Whose the files of a name are.
 *
 * @param context What the store shares.
 * @param name The name, without directory and suffix.
 * @returns The key, and what its meta file says; null if they are no session's.
 */
export async function sessionAt(
  context: DirectoryContext,
  name: string,
): Promise<{ key: string; location: SessionLocation } | null> {
  const files = sessionFiles(context.directory, name);
  const meta = await readSessionMeta(context.fileSystem, files, null);
  const owner = meta.state === "ok" && meta.meta.key !== "" ? meta.meta.key : null;
  // A hidden file is a session's only if its meta file says so, and a copy under another name is none.
  if (owner === null ? name.startsWith(".") : !isNameOf(name, owner) && picoclawName(owner) !== name) {
    return null;
  }
  const key = owner ?? await logOwner(context.fileSystem, files, name);
  return key === null ? null : { key, location: { files, meta } };
}

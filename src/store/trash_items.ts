/**
 * What is in the trash, and how it comes out again: back into the store, or away.
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import { archiveSegments } from "../log/archive.ts";
import { statIfThere } from "../log/atomic_file.ts";
import { quarantineFiles } from "../log/quarantine.ts";
import { ifReadable } from "./session_list.ts";
import { locateSession, readMeta } from "./session_location.ts";
import { claimName, lockedError, type SessionClaim } from "./session_lock.ts";
import { type SessionFiles, sessionFiles, sessionNames } from "./session_name.ts";
import {
  bringBack,
  gonePrefix,
  moveToTrash,
  removeGoneItem,
  removeTrashItem,
  trashDirectoryName,
  trashItemFiles,
} from "./session_trash.ts";
import type { DirectoryContext, StoreContext } from "./store_context.ts";

/** A session in the trash. */
export interface TrashEntry {
  /** Its name in the trash: the directory `trash/<id>`. */
  id: string;
  /** The session's key. */
  key: string;
  /** Its title, if it has one. */
  title: string | null;
  /** The workspace that it belonged to. */
  workspace: string | null;
  /** How many bytes its files have: log, archive and quarantine. */
  bytes: number;
  /** When it was put there, as the file system saw it, RFC 3339. */
  trashedAt: string;
}

/** The same with what ages are decided by. */
export interface RankedTrashEntry extends TrashEntry {
  /** When it was put there, as the file system saw it, in milliseconds. */
  modifiedMs: number;
}

/**
 * Lists the trash.
 *
 * @param context What the store shares.
 * @param isStrict Whether an item that cannot be read ends it, rather than being left out, with an event.
 * @returns What is there, the newest first.
 */
export async function listTrash(context: DirectoryContext, isStrict: boolean = false): Promise<RankedTrashEntry[]> {
  const { fileSystem, directory } = context;
  const entries: RankedTrashEntry[] = [];
  for (const id of await trashIds(context)) {
    const files = trashItemFiles(directory, id);
    if (files === null) continue;
    const describe = async (): Promise<RankedTrashEntry | null> => {
      const state = await readMeta(fileSystem, files.meta);
      const stat = await statIfThere(fileSystem, files.meta);
      if (state.state !== "ok" || stat === null) return null;
      const { key, title, workspace } = state.meta;
      const bytes = await bytesOf(context, files);
      const { modifiedMs } = stat;
      return { id, key, title, workspace, bytes, trashedAt: new Date(modifiedMs).toISOString(), modifiedMs };
    };
    const name = `${trashDirectoryName}/${id}/${files.name}`;
    const entry = isStrict ? await describe() : await ifReadable(context, name, describe);
    if (entry !== null) entries.push(entry);
  }
  return entries.sort((one, other) => other.modifiedMs - one.modifiedMs || (one.id < other.id ? 1 : -1));
}

/**
 * The items that are being removed, or whose removal a crash has cut short.
 *
 * @param context What the store shares.
 * @returns Their names in the trash.
 */
export async function goneIds(context: DirectoryContext): Promise<string[]> {
  return (await directoriesIn(context)).filter((name) => name.startsWith(gonePrefix));
}

async function trashIds(context: DirectoryContext): Promise<string[]> {
  return (await directoriesIn(context)).filter((name) => trashItemFiles(context.directory, name) !== null);
}

async function directoriesIn({ fileSystem, directory }: DirectoryContext): Promise<string[]> {
  try {
    const entries = await fileSystem.readDirectory(`${directory}/${trashDirectoryName}`);
    return entries.filter(({ kind }) => kind === "directory").map(({ name }) => name);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

/**
 * How many bytes a session's files have: log, archive and quarantine.
 *
 * @param context What the store shares.
 * @param files Its paths.
 * @returns The sum of their sizes.
 */
export async function bytesOf({ fileSystem }: DirectoryContext, files: SessionFiles): Promise<number> {
  let bytes = (await statIfThere(fileSystem, files.log))?.size ?? 0;
  for (const { size } of await quarantineFiles(fileSystem, files.quarantine)) bytes += size;
  for (const { size } of await archiveSegments(fileSystem, files.archive)) bytes += size;
  return bytes;
}

/**
 * Brings a session back from the trash. Neither the key nor any name that it may have is written meanwhile.
 *
 * @param context What the store shares.
 * @param entry What to bring back.
 * @returns Its summary.
 * @throws {HoldfastError} `exists` if there is a session of that key, or another key has the name of its files;
 * `locked` if somebody is writing one, or the trash is being emptied.
 */
export async function restoreFromTrash(context: StoreContext, entry: TrashEntry): Promise<string> {
  const { fileSystem, directory } = context;
  const files = trashItemFiles(directory, entry.id);
  if (files === null) throw new HoldfastError("not-found", `There is no such item: ${entry.id}`);
  return await whileTrashLocked(context, async () => {
    const claims: SessionClaim[] = [];
    try {
      for (const name of new Set([files.name, ...sessionNames(entry.key)])) {
        const outcome = await claimName(context, sessionFiles(directory, name), entry.key);
        if (outcome !== "taken" && "holder" in outcome) {
          throw lockedError(entry.key, sessionFiles(directory, name), outcome.holder);
        }
        if (outcome !== "taken") claims.push(outcome);
        else if (name === files.name) throw existsError(entry, `another session has the name ${name} now`);
      }
      const [claim] = claims;
      const there = await locateSession(fileSystem, directory, entry.key);
      if (claim === undefined || (there !== null && !(there.meta.state === "ok" && there.meta.meta.deleted))) {
        throw existsError(entry, "there is a session of that key again");
      }
      // What a crash has left half-way goes to its place first.
      if (there?.meta.state === "ok") await moveToTrash(fileSystem, directory, there.files, there.meta.meta);
      return await bringBack(context, entry.id, claim.files);
    } finally {
      for (const claim of claims) await claim.lock.release();
    }
  });
}

function existsError({ id, key }: TrashEntry, why: string): HoldfastError {
  const message = `Session ${JSON.stringify(key)} cannot be brought back: ${why}; ` +
    `it can be read in the trash, as the only session of the store ${trashDirectoryName}/${id}`;
  return new HoldfastError("exists", message);
}

/**
 * Removes a session from the trash, for good.
 *
 * @param context What the store shares.
 * @param id Its name in the trash.
 */
export async function emptyTrash(context: DirectoryContext, id: string): Promise<void> {
  await whileTrashLocked(context, async () => await removeTrashItem(context, id));
}

/**
 * Removes what is left of an item whose removal was cut short.
 *
 * @param context What the store shares.
 * @param goneId One of {@linkcode goneIds}.
 */
export async function removeGone(context: DirectoryContext, goneId: string): Promise<void> {
  await whileTrashLocked(context, async () => await removeGoneItem(context, goneId));
}

/** Bringing back and emptying take turns. */
async function whileTrashLocked<T>(context: DirectoryContext, step: () => Promise<T>): Promise<T> {
  const { fileSystem, directory } = context;
  const path = `${directory}/${trashDirectoryName}/.lock`;
  const attempt = await fileSystem.lock(path, fileSystem.processName ?? "another process");
  if (!attempt.acquired) {
    throw new HoldfastError("locked", `Trash is in use by ${attempt.holder || "another process"}`, { path });
  }
  try {
    return await step();
  } finally {
    await attempt.lock.release();
  }
}

/**
 * The trash: sessions that were put aside instead of being deleted, each in a directory of its own, `trash/1-<name>/`,
 * under the names that its files had. Such a directory is a store of one session: whatever reads a store reads it.
 *
 * Putting there is committed by the meta file, as a deletion is (B3): from the moment at which it says durably that the
 * session is deleted *and* which directory of the trash it goes to, no reader sees the session. Then the files move,
 * and the meta file goes last. Whoever writes the key next finishes what a crash has left, and so does a clean-up.
 *
 * Bringing back goes the same way in the other direction: the meta file is put back first, still saying that the
 * session is on its way to the trash; it stops saying so when everything else is there. So at any moment a session is
 * either in the store or in the trash, whole.
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { archiveSegments, archiveTemporaryName } from "../log/archive.ts";
import {
  createTemporary,
  renameDurably,
  replaceFile,
  statIfThere,
  unlinkIfThere,
  writeFully,
} from "../log/atomic_file.ts";
import { quarantineFiles, quarantineTemporaryNames } from "../log/quarantine.ts";
import { makeOwnDirectory, removeOwnDirectory } from "../log/side_directory.ts";
import { removeSessionFiles } from "./session_files.ts";
import { locateSession, readMeta } from "./session_location.ts";
import { claimSession } from "./session_lock.ts";
import { encodeMeta, type SessionMeta } from "./session_meta.ts";
import { type SessionFiles, sessionFiles } from "./session_name.ts";
import { OpenSession } from "./open_session.ts";
import type { StoreContext } from "./store_context.ts";

/** The directory of the trash in the store's. */
export const trashDirectoryName = "trash";
/** A number, so that one key can be there several times, and the name that the session's files have. */
const itemPattern = /^[1-9]\d{0,5}-([^/]+)$/s;
const itemsMax = 999_999;
/** In front of the name of an item that is being removed. */
export const gonePrefix = "0-";

/** Where a trash is. */
interface TrashPlace {
  /** The port. */
  readonly fileSystem: FileSystem;
  /** The store's directory. */
  readonly directory: string;
}

/**
 * The directory of one item.
 *
 * @param directory The store's directory.
 * @param id The item's name in the trash.
 * @returns Its path.
 */
export function trashItemPath(directory: string, id: string): string {
  return `${directory}/${trashDirectoryName}/${id}`;
}

/**
 * The paths of an item's files.
 *
 * @param directory The store's directory.
 * @param id The item's name in the trash.
 * @returns The paths; null if it is no name of an item, and so leads nowhere.
 */
export function trashItemFiles(directory: string, id: string): SessionFiles | null {
  const name = itemPattern.exec(id)?.[1];
  return name === undefined ? null : sessionFiles(trashItemPath(directory, id), name);
}

/**
 * Puts a session into the trash. Its log is not read: what has to be recovered is, when it is back and written again.
 *
 * @param context What the store shares.
 * @param key The session's key; it is not open here.
 * @param isUnchanged Asked under the lock: whether it may still go.
 * @param onCommitted Called when it is durable that it is in the store no more.
 * @returns The item's name in the trash; null if there was nothing to put there, or it may not go any more.
 * @throws {HoldfastError} `locked` if somebody writes it.
 */
export async function trashSession(
  context: StoreContext,
  key: string,
  isUnchanged: (files: SessionFiles) => Promise<boolean>,
  onCommitted: () => void,
): Promise<string | null> {
  const { fileSystem, directory } = context;
  // A meta file that is missing or damaged is rebuilt from the log, which only an open for writing can.
  if ((await locateSession(fileSystem, directory, key))?.meta.state !== "ok") {
    const opened = await OpenSession.open(context, key);
    await opened.release();
  }
  const { files, lock, meta: state } = await claimSession(context, key);
  try {
    if (state.state !== "ok" || state.meta.deleted || !await isUnchanged(files)) return null;
    const id = await makeItem(context, files.name);
    const meta = { ...state.meta, key, deleted: true, trash: id };
    await replaceFile(fileSystem, files.meta, files.metaTemporary, encodeMeta(meta));
    context.counters.metaWrites++;
    onCommitted();
    await context.workspaces.forget({ key, files }, meta.workspace);
    await moveToTrash(fileSystem, directory, files, meta).catch((error: unknown) => {
      const message = `Session is in the trash, but not all of its files are there yet: ${files.log}`;
      throw new HoldfastError("failed", message, { path: files.log, cause: error });
    });
    return id;
  } finally {
    await lock.release();
  }
}

/** Only the holder of the session's lock makes items of its name. */
async function makeItem({ fileSystem, directory }: TrashPlace, name: string): Promise<string> {
  const trash = `${directory}/${trashDirectoryName}`;
  await makeOwnDirectory(fileSystem, trash);
  for (let number = 1; number <= itemsMax; number++) {
    const id = `${number}-${name}`;
    try {
      await fileSystem.makeDirectory(`${trash}/${id}`, 0o700);
      return id;
    } catch (error) {
      if (systemErrorCode(error) !== "EEXIST") throw error;
      // What a crash has left without any file in it is taken.
      if ((await fileSystem.readDirectory(`${trash}/${id}`)).length === 0) return id;
    }
  }
  throw new HoldfastError("io", `Trash is full of sessions of this name; empty it: ${trash}`, { path: trash });
}

/**
 * Moves the files of a session whose meta file says durably that it is in the trash; does the rest of it after a crash.
 *
 * @param fileSystem The port.
 * @param directory The store's directory.
 * @param files The session's paths.
 * @param meta What its meta file says.
 */
export async function moveToTrash(
  fileSystem: FileSystem,
  directory: string,
  files: SessionFiles,
  meta: SessionMeta,
): Promise<void> {
  const item = meta.trash === undefined ? null : trashItemFiles(directory, meta.trash);
  // Where it says nothing that can be a place, it is deleted and no more.
  if (item === null || meta.trash === undefined) return await removeSessionFiles(fileSystem, files);
  const path = trashItemPath(directory, meta.trash);
  await makeOwnDirectory(fileSystem, `${directory}/${trashDirectoryName}`);
  await makeOwnDirectory(fileSystem, path);
  await unlinkIfThere(fileSystem, files.logTemporary);
  await unlinkIfThere(fileSystem, files.metaTemporary);
  await moveFiles(fileSystem, files, item);
  await fileSystem.syncDirectory(path);
  await fileSystem.syncDirectory(directory);
  const settled = { ...meta, deleted: false, trash: undefined };
  await replaceFile(fileSystem, item.meta, item.metaTemporary, encodeMeta(settled));
  await unlinkIfThere(fileSystem, files.meta);
  await fileSystem.syncDirectory(directory);
}

/** All but the meta file; what has moved already is passed over. */
async function moveFiles(fileSystem: FileSystem, from: SessionFiles, to: SessionFiles): Promise<void> {
  await renameIfThere(fileSystem, from.log, to.log);
  await renameIfThere(fileSystem, from.origin, to.origin);
  const set = (await quarantineFiles(fileSystem, from.quarantine)).map(({ name }) => name);
  const segments = (await archiveSegments(fileSystem, from.archive)).map(({ path }) => path);
  await moveDirectory(fileSystem, from.quarantine, to.quarantine, set);
  const names = segments.map((path) => path.slice(from.archive.length + 1));
  await moveDirectory(fileSystem, from.archive, to.archive, names);
}

/** Files that are not ours stay, and the directory with them (I16). */
async function moveDirectory(
  fileSystem: FileSystem,
  from: string,
  to: string,
  names: readonly string[],
): Promise<void> {
  if (names.length > 0) {
    await makeOwnDirectory(fileSystem, to);
    for (const name of names) await renameIfThere(fileSystem, `${from}/${name}`, `${to}/${name}`);
    await fileSystem.syncDirectory(to);
    await fileSystem.syncDirectory(from);
  }
  for (const left of [...quarantineTemporaryNames, archiveTemporaryName]) {
    await unlinkIfThere(fileSystem, `${from}/${left}`);
  }
  await removeOwnDirectory(fileSystem, from);
}

/** After a power cut a file may have both names, of which a rename would leave both. */
async function renameIfThere(fileSystem: FileSystem, from: string, to: string): Promise<void> {
  const stat = await statIfThere(fileSystem, from);
  if (stat === null) return;
  if (stat.inode !== 0 && (await statIfThere(fileSystem, to))?.inode === stat.inode) await fileSystem.unlink(from);
  else await fileSystem.rename(from, to);
}

/**
 * Brings a session back. Its key's names are locked, and there is no session of its key.
 *
 * @param place The store.
 * @param id The item's name in the trash.
 * @param files The session's paths in the store.
 * @returns Its summary.
 */
export async function bringBack(place: TrashPlace, id: string, files: SessionFiles): Promise<string> {
  const { fileSystem, directory } = place;
  const item = trashItemFiles(directory, id);
  const state = item === null ? null : await readMeta(fileSystem, item.meta);
  if (item === null || state?.state !== "ok") {
    throw new HoldfastError("not-found", `There is nothing in the trash under ${JSON.stringify(id)}`);
  }
  const { meta } = state;
  const onItsWay = encodeMeta({ ...meta, deleted: true, trash: id });
  await replaceFile(fileSystem, files.meta, files.metaTemporary, onItsWay);
  // What it will say takes its space before anything is moved: a full disk must not hold it up half-way.
  const handle = await createTemporary(fileSystem, files.metaTemporary, await statIfThere(fileSystem, files.meta));
  try {
    await writeFully(handle, encodeMeta(meta), 0);
    await handle.syncData();
  } finally {
    await handle.close();
  }
  await moveFiles(fileSystem, item, files);
  await fileSystem.syncDirectory(directory);
  await unlinkIfThere(fileSystem, item.meta);
  await fileSystem.syncDirectory(trashItemPath(directory, id));
  await removeItemDirectory(place, id);
  await renameDurably(fileSystem, files.metaTemporary, files.meta);
  return meta.summary;
}

async function removeItemDirectory({ fileSystem, directory }: TrashPlace, id: string): Promise<void> {
  await removeOwnDirectory(fileSystem, trashItemPath(directory, id));
  await fileSystem.syncDirectory(`${directory}/${trashDirectoryName}`);
}

/**
 * Removes an item of the trash, for good. From its new name on nothing of it can be brought back, whatever crashes.
 *
 * @param place The store.
 * @param id The item's name in the trash.
 */
export async function removeTrashItem(place: TrashPlace, id: string): Promise<void> {
  const { fileSystem, directory } = place;
  const path = trashItemPath(directory, id);
  if (trashItemFiles(directory, id) === null || await statIfThere(fileSystem, path) === null) return;
  const goneId = gonePrefix + id;
  await removeGoneItem(place, goneId);
  await fileSystem.rename(path, trashItemPath(directory, goneId));
  await fileSystem.syncDirectory(`${directory}/${trashDirectoryName}`);
  await removeGoneItem(place, goneId);
}

/**
 * Removes what is left of an item whose removal a crash has cut short.
 *
 * @param place The store.
 * @param goneId The name that it has got.
 */
export async function removeGoneItem(place: TrashPlace, goneId: string): Promise<void> {
  const { fileSystem, directory } = place;
  const name = itemPattern.exec(goneId.slice(gonePrefix.length))?.[1];
  const path = trashItemPath(directory, goneId);
  if (!goneId.startsWith(gonePrefix) || name === undefined || await statIfThere(fileSystem, path) === null) return;
  await removeSessionFiles(fileSystem, sessionFiles(path, name));
  await removeItemDirectory(place, goneId);
}

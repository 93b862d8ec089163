/**
 * Claims a key's files for writing: one writer per session, across processes and runtimes (I15), and one session per
 * name. The lock on the name settles who may make the meta file; the meta file says whose the name is.
 *
 * @module
 */

import { HoldfastError, toHoldfastError } from "../errors.ts";
import type { FileLock, FileSystem } from "../fs/filesystem.ts";
import { statIfThere } from "../log/atomic_file.ts";
import { locateSession, logOwner, type MetaState, readSessionMeta } from "./session_location.ts";
import type { StoreContext } from "./store_context.ts";
import { type SessionFiles, sessionFiles, sessionNames } from "./session_name.ts";

/** A name that is ours to write. */
export interface SessionClaim {
  /** The session's paths. */
  files: SessionFiles;
  /** The lock on them. */
  lock: FileLock;
  /** The meta file as it is under the lock. */
  meta: MetaState;
}

/** How often, a second each, a name is waited for whose holder has not yet said for which key it is. */
const waitsMax = 5;
const waitMs = 1000;

/**
 * Claims the files of a key.
 *
 * @param context What the store shares.
 * @param key The session's key.
 * @returns The claim; {@linkcode FileLock.release} ends it.
 * @throws {HoldfastError} `locked` if somebody else writes the session; the message names the holder.
 */
export async function claimSession(context: StoreContext, key: string): Promise<SessionClaim> {
  try {
    return await claimAnyName(context, key);
  } catch (error) {
    throw toHoldfastError(error, "claiming the session", context.directory);
  }
}

async function claimAnyName(context: StoreContext, key: string): Promise<SessionClaim> {
  const { fileSystem, directory } = context;
  for (let waits = 0;;) {
    const location = await locateSession(fileSystem, directory, key);
    const names = location === null ? [...sessionNames(key)] : [location.files.name];
    let held: { files: SessionFiles; holder: string } | null = null;
    for (const name of names) {
      const files = sessionFiles(directory, name);
      const outcome = await claimName(context, files, key, location !== null);
      if (outcome === "taken") continue;
      if ("lock" in outcome) return outcome;
      held = { files, holder: outcome.holder };
      break;
    }
    if (held !== null && (location !== null || waits === waitsMax)) throw lockedError(key, held.files, held.holder);
    if (held === null) {
      const message = `Every name for session ${JSON.stringify(key)} belongs to another key; look at its meta files`;
      throw new HoldfastError("io", message, { path: directory });
    }
    // Another key may be taking the name at this moment; its meta file will tell.
    waits++;
    await fileSystem.waitForChange(held.files.meta, AbortSignal.timeout(waitMs));
  }
}

/**
 * Claims one name for a key.
 *
 * @param context What the store shares.
 * @param files The paths of that name.
 * @param key The session's key.
 * @param isLocated Whether the name was just found to be the key's: then that is not looked at before the lock as well.
 * @returns The claim; `taken` if the name is another key's; who holds its lock.
 */
export async function claimName(
  context: StoreContext,
  files: SessionFiles,
  key: string,
  isLocated = false,
): Promise<SessionClaim | "taken" | { holder: string }> {
  const { fileSystem } = context;
  if (!isLocated && await ownerOf(fileSystem, files, key, await readSessionMeta(fileSystem, files, key)) === "other") {
    return "taken";
  }
  const leftBehind = await statIfThere(fileSystem, files.lock);
  const attempt = await fileSystem.lock(files.lock, holderText(fileSystem, key)).catch((error: unknown) => {
    throw toHoldfastError(error, "locking the session", files.lock);
  });
  if (!attempt.acquired) return { holder: attempt.holder };
  let keep = false;
  try {
    const meta = await readSessionMeta(fileSystem, files, key);
    if (await ownerOf(fileSystem, files, key, meta) === "other") return "taken";
    // Whoever releases a lock removes its file.
    if (leftBehind !== null && leftBehind.inode === (await statIfThere(fileSystem, files.lock))?.inode) {
      const message = "Lock was taken over: its last holder ended without releasing it";
      context.report({ type: "lock-taken-over", key, path: files.lock, message });
    }
    keep = true;
    return { files, lock: attempt.lock, meta };
  } finally {
    if (!keep) await attempt.lock.release();
  }
}

async function ownerOf(
  fileSystem: FileSystem,
  files: SessionFiles,
  key: string,
  meta: MetaState,
): Promise<"us" | "other" | "nobody"> {
  if (meta.state === "ok" && meta.meta.key !== "") return meta.meta.key === key ? "us" : "other";
  const owner = await logOwner(fileSystem, files, key);
  if (owner === key) return "us";
  // A log whose owner is unknown is somebody's.
  return owner === null && !(await hasLog(fileSystem, files)) ? "nobody" : "other";
}

async function hasLog(fileSystem: FileSystem, files: SessionFiles): Promise<boolean> {
  return await fileSystem.stat(files.log).then(() => true, () => false);
}

function holderText(fileSystem: FileSystem, key: string): string {
  return `${fileSystem.processName ?? "another process"}, session ${JSON.stringify(key)}`;
}

/** The error for a session that somebody else writes. */
export function lockedError(key: string, files: SessionFiles, holder: string): HoldfastError {
  const itself = `, session ${JSON.stringify(key)}`;
  const named = holder.endsWith(itself) ? holder.slice(0, -itself.length) : holder;
  const by = named === "" ? "another process, which has not said which" : named;
  return new HoldfastError("locked", `Session ${JSON.stringify(key)} is being written by ${by}`, { path: files.lock });
}

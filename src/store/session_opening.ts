/**
 * What comes before a session is open for writing, once its lock is held: what a crash left over is taken away, the log
 * is recovered. And how a new log begins.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { statIfThere, unlinkIfThere } from "../log/atomic_file.ts";
import { LogWriter, type WritableLog } from "../log/log_writer.ts";
import { chainStartOn } from "../log/record_chain.ts";
import { blobIntent } from "./blob_files.ts";
import { removeSessionFiles } from "./session_files.ts";
import type { SessionClaim } from "./session_lock.ts";
import { newMeta, type SessionMeta } from "./session_meta.ts";
import type { SessionFiles } from "./session_name.ts";
import { type OpenedLog, openLog, setMetaAside } from "./session_recovery.ts";
import { moveToTrash } from "./session_trash.ts";
import { type StoreContext, timestamp } from "./store_context.ts";

/** What was found of a session whose lock is held. */
export interface FoundSession {
  /** The recovered log; null if there is none. */
  log: OpenedLog | null;
  /** What meta file and log say together, or a new meta. */
  meta: SessionMeta;
  /** Whether the meta file is missing, or was damaged and set aside. */
  isNew: boolean;
}

/**
 * Finishes what a crash left over, and recovers the log.
 *
 * @param context What the store shares.
 * @param key The session's key.
 * @param claim Its lock and its paths.
 * @returns What was found.
 */
export async function findSession(context: StoreContext, key: string, claim: SessionClaim): Promise<FoundSession> {
  const { fileSystem } = context;
  const { files } = claim;
  let meta = claim.meta.state === "ok" ? claim.meta.meta : null;
  if (meta?.deleted === true) {
    if (meta.trash === undefined) await removeSessionFiles(fileSystem, files);
    else await moveToTrash(fileSystem, context.directory, files, meta);
    const message = `${meta.trash === undefined ? "Removed" : "Moved to the trash"} the rest of a deleted session`;
    context.report({ type: "delete-finished", key, path: files.meta, message });
    meta = null;
  }
  if (claim.meta.state === "damaged") await setMetaAside(context, key, files, claim.meta.reason);
  await unlinkIfThere(fileSystem, files.metaTemporary);
  await unlinkIfThere(fileSystem, files.logTemporary);
  // What a killed predecessor left would look like an append of ours that does not end.
  const intent = blobIntent(context, files);
  if (await statIfThere(fileSystem, intent) !== null) await unlinkIfThere(fileSystem, intent);
  const log = await openLog(context, key, files, meta);
  const known = log?.meta ?? meta ?? newMeta(key, timestamp());
  return { log, meta: meta?.key === "" ? { ...known, key } : known, isNew: meta === null };
}

/**
 * Makes a new log; its name is durable before the first acknowledgement (C11).
 *
 * @param context What the store shares.
 * @param files The session's paths.
 * @param seed What seeds its first line.
 * @param sequenceMin The number that its first record has.
 * @returns The log.
 * @throws As the port does: `EEXIST` if there is one already.
 */
export async function createLog(
  context: StoreContext,
  files: SessionFiles,
  seed: number,
  sequenceMin: number,
): Promise<WritableLog> {
  const { fileSystem, directory } = context;
  const handle = await fileSystem.open(files.log, { access: "write", create: "exclusive" });
  try {
    await fileSystem.syncDirectory(directory);
  } catch (error) {
    await handle.close();
    throw new HoldfastError("failed", `New log's name may not be durable: ${files.log}`, { cause: error });
  }
  return { handle, path: files.log, position: chainStartOn(seed), sequenceMin };
}

/**
 * A writer on a log, which tells of what somebody else appends.
 *
 * @param context What the store shares.
 * @param key The session's key.
 * @param log The log.
 * @returns The writer.
 */
export function openWriter(context: StoreContext, key: string, log: WritableLog): LogWriter {
  return new LogWriter(
    context.fileSystem,
    log,
    (offset, length) => {
      const message = "Somebody else appended while the session was open; our records go on behind";
      context.report({ type: "foreign-appended", key, path: log.path, offset, length, message });
    },
    context.fillAhead,
  );
}

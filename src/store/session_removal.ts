/**
 * Deleting a session: committed by its meta file, then its files go (B3).
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { OpenSession } from "./open_session.ts";
import { removeLogFiles, removeSessionFiles } from "./session_files.ts";

/**
 * Deletes an open session. Once `onCommitted` was called it is gone for every reader, whatever fails after that; the
 * rest is removed when the key is next written.
 *
 * @param session The open session; afterwards it can only be released.
 * @param onCommitted Called when the deletion is durable.
 * @returns False if there was nothing to delete.
 */
export async function removeSession(session: OpenSession, onCommitted: () => void): Promise<boolean> {
  if (!session.exists) return false;
  try {
    await session.writeMeta(deletion);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "disk-full") throw error;
    await removeOnFullDisk(session);
  }
  onCommitted();
  await session.context.workspaces.forget(session, session.meta.workspace);
  try {
    await removeSessionFiles(session.context.fileSystem, session.files);
  } catch (error) {
    // Not a refusal of which nothing has happened: the session is gone, its files are not.
    throw outcomeUnknown(session, "Session is deleted, but not all of its files are removed yet", error);
  }
  return true;
}

const deletion = { deleted: true, sealed: undefined };

/**
 * Where there is no space for a new meta file, only the log can make some (I14). A crash in between leaves the session
 * without records but with its summary; deleting it again finishes that.
 */
async function removeOnFullDisk(session: OpenSession): Promise<void> {
  try {
    // What is unlinked takes space until it is closed.
    await session.closeLog();
    await removeLogFiles(session.context.fileSystem, session.files);
    await session.writeMeta(deletion);
  } catch (error) {
    // Not a refusal of which nothing has happened: records may be gone.
    throw outcomeUnknown(session, "Outcome of a deletion is unknown", error);
  }
}

function outcomeUnknown(session: OpenSession, what: string, cause: unknown): HoldfastError {
  return new HoldfastError("failed", `${what}: ${session.files.log}`, { path: session.files.log, cause });
}

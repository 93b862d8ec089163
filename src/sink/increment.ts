/**
 * What goes into the next object of a session: read, and made durable, before it is sent.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { statIfThere } from "../log/atomic_file.ts";
import type { BlobReference } from "../log/blob_member.ts";
import type { Session } from "../store/session.ts";
import { locateSession } from "../store/session_location.ts";
import { sessionFiles } from "../store/session_name.ts";
import { isSessionId } from "./object_names.ts";
import { type BucketLine, encodeBucketLine } from "./record_lines.ts";
import type { UploadContext } from "./session_upload.ts";
import type { SessionProgress } from "./sink_cursor.ts";

/** What goes into one object. */
export interface Increment {
  /** Its records. */
  lines: BucketLine[];
  /** Their large values. */
  blobs: BlobReference[];
  /** How long the lines are together. */
  bytes: number;
  /** Whether there is more than fits into one object. */
  hasMore: boolean;
}

/**
 * Reads the id of a session from its meta file.
 *
 * @param context The store.
 * @param key The session's key.
 * @returns It; null if it has none.
 */
export async function readSessionId(
  { fileSystem, directory }: Pick<UploadContext, "fileSystem" | "directory">,
  key: string,
): Promise<string | null> {
  const location = await locateSession(fileSystem, directory, key);
  const id = location?.meta.state === "ok" ? location.meta.meta.id : null;
  return isSessionId(id) ? id : null;
}

/**
 * Makes sure that what was just read of a session is its own: it may have been deleted meanwhile, and there may be
 * another one of its key, with the same numbers, which has another id, or none.
 *
 * @param context The store.
 * @param progress The session.
 * @throws {HoldfastError} `io` if it is another one now.
 */
export async function assertSameSession(
  context: Pick<UploadContext, "fileSystem" | "directory">,
  { id, key }: Pick<SessionProgress, "id" | "key">,
): Promise<void> {
  if (await readSessionId(context, key) === id) return;
  throw new HoldfastError("io", "It was removed while it was read, or is another one now");
}

/**
 * Reads what comes next of a session, and makes sure that it is durable.
 *
 * @param context What uploads work with.
 * @param session The session.
 * @param progress How far it is.
 * @returns What goes into the next object; nothing if all is sent.
 * @throws {HoldfastError} `io` if the session was replaced meanwhile.
 */
export async function nextIncrement(
  context: UploadContext,
  session: Session,
  progress: SessionProgress,
): Promise<Increment> {
  const increment: Increment = { lines: [], blobs: [], bytes: 0, hasMore: false };
  let { checksum } = progress;
  const log = await openLog(context, session);
  try {
    const range = { from: progress.next, all: true, previews: true, durable: true };
    for await (const { sequence, text, blobs = [] } of session.texts(range)) {
      const line = encodeBucketLine(text, sequence, blobs, checksum);
      if (increment.bytes > 0 && increment.bytes + line.bytes.length > context.objectBytesMax) {
        increment.hasMore = true;
        break;
      }
      checksum = line.checksum;
      increment.lines.push(line);
      increment.blobs.push(...blobs);
      increment.bytes += line.bytes.length;
    }
    if (increment.lines.length > 0) {
      await log?.settle();
      await assertSameSession(context, progress);
    }
  } finally {
    await log?.close();
  }
  return increment;
}

/**
 * A session that another process may be writing: what was read of it is made durable on a handle of our own, and must
 * have been in the log that has the name. One that this process has open shows only what is durable.
 */
async function openLog(
  { fileSystem, directory, counters }: UploadContext,
  session: Session,
): Promise<{ settle: () => Promise<void>; close: () => Promise<void> } | null> {
  if (session.status === "open") return null;
  const location = await locateSession(fileSystem, directory, session.key);
  if (location === null) return null;
  const path = sessionFiles(directory, location.files.name).log;
  if (await statIfThere(fileSystem, path) === null) return null;
  const handle = await fileSystem.open(path, { access: "read" });
  const settle = async (): Promise<void> => {
    await handle.syncData();
    await fileSystem.syncDirectory(directory);
    counters.syncs++;
    if ((await statIfThere(fileSystem, path))?.inode === (await handle.stat()).inode) return;
    throw new HoldfastError("io", `Log was replaced while it was read, and is read again: ${path}`, { path });
  };
  return { settle, close: async () => await handle.close() };
}

/**
 * Joins the lines of an increment.
 *
 * @param increment The increment.
 * @returns What the object holds.
 */
export function joinIncrement({ lines, bytes }: Increment): Uint8Array {
  const all = new Uint8Array(bytes);
  let offset = 0;
  for (const line of lines) {
    all.set(line.bytes, offset);
    offset += line.bytes.length;
  }
  return all;
}

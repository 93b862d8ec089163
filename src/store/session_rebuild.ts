/**
 * Makes a session of a log that was put together elsewhere: brought back from off the device, say. All of it is there
 * after a crash, or none.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { FileHandle } from "../fs/filesystem.ts";
import { replaceFile, statIfThere } from "../log/atomic_file.ts";
import { LogLines } from "../log/log_lines.ts";
import { type ChainPosition, chainStart, RecordChain } from "../log/record_chain.ts";
import { makeSeal } from "../log/seal.ts";
import { countRange } from "./line_count.ts";
import { removeSessionFiles } from "./session_files.ts";
import { claimSession } from "./session_lock.ts";
import { encodeMeta, newMeta, type SessionMeta } from "./session_meta.ts";
import { type StoreContext, timestamp } from "./store_context.ts";

/** What the new session's meta file says beside what the log does. */
export type RebuiltFacts = Pick<
  SessionMeta,
  "id" | "summary" | "title" | "workspace" | "scope" | "aliases" | "parent" | "createdAt"
>;

/** A log that is to become a session's. */
export interface RebuildPlan {
  /** The session's key; it seeds the log. */
  key: string;
  /** The log, in the store's file system; it is renamed. */
  path: string;
  /** The number of the first active record. */
  first: number;
  /** What else is known of the session. */
  facts: RebuiltFacts;
}

/**
 * Makes a session of a log, after following its chain from the first line to the last.
 *
 * @param context What the store shares.
 * @param plan Which log, and whose it becomes.
 * @returns How many lines it has.
 * @throws {HoldfastError} `exists` if there is a session of that key, `corrupt` if a line of the log is not whole,
 * `locked` if somebody is writing a session of that key.
 */
export async function rebuildSession(context: StoreContext, plan: RebuildPlan): Promise<number> {
  const { fileSystem } = context;
  const { key, path } = plan;
  const claim = await claimSession(context, key);
  const { files } = claim;
  try {
    const isRest = claim.meta.state === "ok" && claim.meta.meta.deleted;
    if (!isRest && (claim.meta.state !== "missing" || await statIfThere(fileSystem, files.log) !== null)) {
      throw new HoldfastError("exists", `There is a session ${JSON.stringify(key)} already`, { path: files.meta });
    }
    const handle = await fileSystem.open(path, { access: "read" });
    try {
      const { end, skip } = await followChain(handle, plan);
      const lines = await countRange(handle, 0, end.offset);
      await handle.syncData();
      if (isRest) await removeSessionFiles(fileSystem, files);
      const write = async (meta: SessionMeta): Promise<void> => {
        await replaceFile(fileSystem, files.meta, files.metaTemporary, encodeMeta(meta));
        context.counters.metaWrites++;
      };
      const now = timestamp();
      // Until the last step, whoever looks sees the rest of a deleted session.
      await write({ ...newMeta(key, now), deleted: true });
      await fileSystem.rename(path, files.log);
      await fileSystem.syncDirectory(context.directory);
      const sealed = await makeSeal(handle, end, lines) ?? undefined;
      const { facts, first } = plan;
      const createdAt = facts.createdAt || now;
      const meta = { ...newMeta(key, now), ...facts, createdAt, first, skip, count: lines, sealed };
      await write(meta);
      await context.workspaces.touch({ key, files }, meta.workspace);
      return lines;
    } finally {
      await handle.close();
    }
  } finally {
    await claim.lock.release();
  }
}

/** Every line must be one of ours that fits the one before it, or a foreign one; the end must be a line's. */
async function followChain(
  handle: FileHandle,
  { key, path, first }: RebuildPlan,
): Promise<{ end: ChainPosition; skip: number }> {
  const { size } = await handle.stat();
  const start = chainStart(key);
  const chain = new RecordChain(start);
  const reader = new LogLines(handle, 0, size);
  let skip = 0;
  while (await reader.fill()) {
    for (let line = reader.next(); line !== null; line = reader.next()) {
      const verdict = chain.take(line);
      const isWhole = verdict?.kind === "foreign" || (verdict?.kind === "own" && verdict.verified);
      if (verdict === null || !isWhole || !line.terminated) {
        const { offset } = line;
        throw new HoldfastError("corrupt", `Log to be taken over is damaged at ${offset}: ${path}`, { path, offset });
      }
      if (verdict.sequence < first) skip = verdict.rawIndex + 1;
    }
  }
  return { end: { offset: size, checksum: chain.checksum, sequence: chain.sequenceNext, rawCount: null }, skip };
}

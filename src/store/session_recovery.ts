/**
 * Opens a session's log for writing: finds the seal, recovers the end, decides what the meta file and the log say
 * together, and tells what was found.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import type { FileHandle } from "../fs/filesystem.ts";
import { sweepArchive } from "../log/archive.ts";
import { LogLines } from "../log/log_lines.ts";
import { recoverLog, type RecoveryReport } from "../log/log_recovery.ts";
import { setAside } from "../log/quarantine.ts";
import { type ChainPosition, chainStartOn } from "../log/record_chain.ts";
import { findSeal } from "../log/seal.ts";
import { newMeta, type SessionMeta } from "./session_meta.ts";
import type { SessionFiles } from "./session_name.ts";
import { lostOrigin, seedOf } from "./session_origin.ts";
import { firstActive, hasReplaced } from "./session_view.ts";
import { type StoreContext, timestamp } from "./store_context.ts";

/** A log that was opened and recovered. */
export interface OpenedLog {
  /** The log, open for writing. */
  handle: FileHandle;
  /** Where it goes on; everything in front is durable. */
  position: ChainPosition;
  /** What meta file and log say together. */
  meta: SessionMeta;
  /** Whether the meta file must be written before anything is built on it. */
  metaStale: boolean;
  /** Where the seal ends that was found, in bytes. */
  sealedOffset: number;
}

/**
 * Opens and recovers a log.
 *
 * @param context What the store shares.
 * @param key The session's key.
 * @param files Its paths.
 * @param meta What its meta file says; null if there is none to go by.
 * @returns The log; null if the session has none.
 */
export async function openLog(
  context: StoreContext,
  key: string,
  files: SessionFiles,
  meta: SessionMeta | null,
): Promise<OpenedLog | null> {
  let handle: FileHandle;
  try {
    handle = await context.fileSystem.open(files.log, { access: "write" });
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
  try {
    const { size } = await handle.stat();
    await sweepArchive(context.fileSystem, files.archive, handle);
    const origin = await lostOrigin(context.fileSystem, files, key, meta);
    const start = chainStartOn(seedOf(key, { seed: meta?.seed, ...origin }));
    const floor = meta?.sealed === undefined ? start : await findSeal(handle, meta.sealed, size) ?? start;
    const { modifiedMs } = await handle.stat();
    const report = await recoverLog(context.fileSystem, handle, floor, files.quarantine);
    // Sessions are listed by the time of their last write, and this is none.
    if (report.rewrittenBytes > 0) await handle.setModified?.(modifiedMs).catch(() => undefined);
    reportRecovery(context, key, files, report);
    const { position } = report;
    const first = await firstActive(handle, start, position.offset, meta);
    const said = { ...meta ?? newMeta(key, timestamp()), ...origin };
    const skip = first < position.sequence ? said.skip : Math.min(said.skip, await countLines(handle, position));
    const known = { ...said, first, skip };
    const replaced = await settleReplace(context, key, files, handle, known);
    if (first > position.sequence) reportFirstBeyondEnd(context, key, files, first, position);
    const metaStale = replaced !== known || report.keptInPlace || skip !== said.skip ||
      origin.seed !== undefined;
    return { handle, position, meta: replaced, metaStale, sealedOffset: floor.offset };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A `skip` beyond the lines would hide from picoclaw what is appended next (W13). */
async function countLines(handle: FileHandle, position: ChainPosition): Promise<number> {
  if (position.rawCount !== null) return position.rawCount;
  const lines = new LogLines(handle, 0, position.offset);
  while (await lines.fill()) while (lines.next() !== null);
  return lines.rawCount;
}

/** A replace whose log is there is finished, any other is forgotten, before the next append (H12). */
async function settleReplace(
  context: StoreContext,
  key: string,
  files: SessionFiles,
  handle: FileHandle,
  meta: SessionMeta,
): Promise<SessionMeta> {
  const { replacing } = meta;
  if (replacing === undefined) return meta;
  const happened = await hasReplaced(handle, meta);
  const message = happened ? "Completed a replace that had happened" : "Forgot a replace that had not happened";
  context.report({ type: happened ? "replace-finished" : "replace-discarded", key, path: files.meta, message });
  const settled = { ...meta, replacing: undefined };
  return happened ? { ...settled, skip: 0, summary: replacing.summary ?? meta.summary } : settled;
}

function reportRecovery(context: StoreContext, key: string, files: SessionFiles, report: RecoveryReport): void {
  if (report.torn.length > 0) context.counters.recoveries++;
  for (const { offset, length, quarantineName } of report.torn) {
    const where = quarantineName === null ? "was dropped, as there is no space" : `was set aside as ${quarantineName}`;
    const type = quarantineName === null ? "quarantine-full" : "torn-tail";
    const message = `Torn end of the log, never acknowledged, ${where}`;
    context.report({ type, key, path: files.log, offset, length, message });
  }
}

function reportFirstBeyondEnd(
  context: StoreContext,
  key: string,
  files: SessionFiles,
  first: number,
  position: ChainPosition,
): void {
  const message = `Meta file hides records up to ${first}, but the log ends before ${position.sequence}; ` +
    `an older log may stand beside a newer meta file, and numbers go on from ${first}`;
  context.report({ type: "first-beyond-end", key, path: files.log, offset: position.offset, message });
}

/**
 * Sets a damaged meta file aside before a new one takes its place.
 *
 * @param context What the store shares.
 * @param key The session's key.
 * @param files Its paths.
 * @param reason What is wrong with it.
 */
export async function setMetaAside(
  context: StoreContext,
  key: string,
  files: SessionFiles,
  reason: string,
): Promise<void> {
  const { fileSystem } = context;
  const handle = await fileSystem.open(files.meta, { access: "read" });
  try {
    const { size } = await handle.stat();
    if (size === 0) return;
    const name = await setAside(fileSystem, files.quarantine, handle, { kind: "meta", offset: 0, length: size });
    const message = `Damaged meta file (${reason}) was set aside as ${name}`;
    context.report({ type: "quarantined", key, path: files.meta, offset: 0, length: size, message });
  } finally {
    await handle.close();
  }
}

/**
 * A look at a store's health whose cost does not grow with its logs: meta files, locks, and the unsealed end of each
 * log. Nothing is written, no lock is taken, and a session that is being written is looked at like any other.
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import { statIfThere } from "../log/atomic_file.ts";
import { findAnchor } from "../log/chain_anchor.ts";
import { readRecords } from "../log/log_reader.ts";
import { ifReadable, sessionAt } from "./session_list.ts";
import { sessionFiles } from "./session_name.ts";
import { sessionNamesIn } from "./session_times.ts";
import { closeView, type LogView, openView, type SessionView } from "./session_view.ts";
import type { DirectoryContext } from "./store_context.ts";

/** What a quick look at a session found. */
export interface QuickReport {
  /** The session's key. */
  key: string;
  /** Whether nothing is damaged or missing. A torn tail is no fault: the next writer sets it aside. */
  ok: boolean;
  /** The log's size in bytes. */
  bytes: number;
  /** How many bytes of its end were looked at. */
  bytesChecked: number;
  /** Lines in there that are no record and that no power cut explains. */
  damaged: { offset: number; length: number; reason: string }[];
  /** What a power cut tore at the end, never acknowledged. */
  tornTail: { offset: number; length: number } | null;
  /** Numbers of records that were durable, as the meta file knows, and that the log ends before; absent: none. */
  missing?: { from: number; to: number };
  /** The state of the meta file. */
  meta: "ok" | "missing" | "damaged";
  /** Why the meta file is damaged. */
  metaReason?: string;
  /** The lock: `present` is a writer, or one that was killed; `blocked`: what has its name is no file. */
  lock: "none" | "present" | "blocked";
}

/** More than this of a log's end is not looked at: as much as can ever be unsynced, in bytes. */
const endBytesMax = 1024 * 1024;

/**
 * Looks at every session of a store, one after the other.
 *
 * @param context What is needed to look at its files.
 * @param onProgress Told how many sessions have been looked at, of how many.
 * @returns A report for each session that can be read; of others `context.report` is told.
 */
export async function* quickCheckStore(
  context: DirectoryContext,
  onProgress: (done: number, all: number) => Promise<void> = () => Promise.resolve(),
): AsyncGenerator<QuickReport> {
  const names = [...(await sessionNamesIn(context)).keys()].sort();
  for (const [index, name] of names.entries()) {
    await onProgress(index, names.length);
    const report = await ifReadable(context, name, async () => {
      const found = await sessionAt(context, name);
      return found === null ? null : await quickCheckSession(context, found.key);
    });
    if (report !== null) yield report;
  }
}

/**
 * Looks at one session.
 *
 * @param context What is needed to look at its files.
 * @param key The session's key.
 * @returns What was found; null if there is no such session.
 */
export async function quickCheckSession(context: DirectoryContext, key: string): Promise<QuickReport | null> {
  const { fileSystem, directory } = context;
  const view = await openView(fileSystem, directory, key);
  if (view === null) return null;
  try {
    const { meta, log } = view;
    const lock = await lockState(context, view);
    const report: QuickReport = {
      key,
      ok: true,
      bytes: log?.size ?? 0,
      bytesChecked: 0,
      damaged: [],
      tornTail: null,
      meta: meta.state,
      ...(meta.state === "damaged" ? { metaReason: meta.reason } : {}),
      lock,
    };
    if (log !== null) await checkEnd(log, report);
    const { kept, tornEnd } = log?.tail ?? { kept: { sequence: 0, offset: 0 }, tornEnd: 0 };
    if (tornEnd > kept.offset && await isStillTorn(context, key, kept.offset, tornEnd)) {
      report.tornTail = { offset: kept.offset, length: tornEnd - kept.offset };
    }
    const durableNext = meta.state === "ok" ? meta.meta.sealed?.next ?? 0 : 0;
    if (kept.sequence < durableNext) report.missing = { from: kept.sequence, to: durableNext - 1 };
    const isWhole = report.damaged.length === 0 && report.missing === undefined;
    report.ok = isWhole && meta.state === "ok" && lock !== "blocked";
    return report;
  } finally {
    await closeView(view);
  }
}

/** From the seal on, or where that is further back, from the nearest place from which the log can be read. */
async function checkEnd(log: LogView, report: QuickReport): Promise<void> {
  const end = log.tail.kept.offset;
  const isNear = end - log.floor.offset <= endBytesMax;
  const start = isNear ? log.floor : await findAnchor(log.handle, log.floor, end, 0);
  const onDamage = (
    { offset, length, reason, dead }: { offset: number; length: number; reason: string; dead?: true },
  ) => {
    if (dead !== true) report.damaged.push({ offset, length, reason });
  };
  const plan = { start, tail: log.tail, sequenceMin: 0, withContent: false, onDamage };
  for await (const _ of readRecords(log.handle, plan)) { /* Only what is no record is of interest. */ }
  report.bytesChecked = Math.max(0, end - start.offset);
}

/** A torn end that has changed by the time of a second look is a writer in mid-write (H11). */
async function isStillTorn(context: DirectoryContext, key: string, offset: number, tornEnd: number): Promise<boolean> {
  const again = await openView(context.fileSystem, context.directory, key);
  const tail = again?.log?.tail;
  await closeView(again);
  return tail?.kept.offset === offset && tail.tornEnd === tornEnd;
}

async function lockState(context: DirectoryContext, view: SessionView): Promise<QuickReport["lock"]> {
  try {
    const stat = await statIfThere(context.fileSystem, sessionFiles(context.directory, view.files.name).lock);
    return stat === null ? "none" : stat.kind === "file" ? "present" : "blocked";
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw new HoldfastError("io", `Lock file cannot be looked at: ${code}`, { path: view.files.lock, cause: error });
  }
}

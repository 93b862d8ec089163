/**
 * Looks at every line of a session, to verify it or to measure it, without the lock and without writing.
 *
 * @module
 */

import { archiveSegments, readArchive } from "../log/archive.ts";
import { readReferences } from "../log/blob_member.ts";
import { type LogRecord, readRecords } from "../log/log_reader.ts";
import { quarantineFiles } from "../log/quarantine.ts";
import type { DamagedLine } from "../log/record_chain.ts";
import { type BadBlob, checkBlobs } from "./blob_reading.ts";
import { notFound, planOf, type ReadTarget, withView } from "./session_reading.ts";
import type { SessionFiles } from "./session_name.ts";
import type { LogView, SessionView } from "./session_view.ts";

/** What verification found; nothing of it is repaired by looking. */
export interface VerifyReport {
  /** The session's key. */
  key: string;
  /** Whether nothing is damaged, torn or missing. */
  ok: boolean;
  /** Records that can be read, hidden ones too. */
  records: number;
  /** Of these, those whose checksum fits. */
  verified: number;
  /** Of these, those that came without a checksum, from picoclaw or by hand. */
  foreign: number;
  /** Of these, those that stand behind a broken line that cannot vouch for them. */
  unverified: number;
  /** Lines that are no record and that no power cut explains; they are skipped. */
  damaged: { offset: number; length: number; reason: string }[];
  /** What a power cut tore at the end, never acknowledged; it goes to quarantine at the next write. */
  tornTail: { offset: number; length: number } | null;
  /** What is in the archive; absent: there is none. */
  archive?: ArchiveReport;
  /** How many large values are kept in files of their own. */
  blobs: number;
  /** Those of which that is missing or damaged; each record's text in the log is all there is of them. */
  damagedBlobs: DamagedBlob[];
  /** Numbers of records that were durable, as the meta file knows, and that the log ends before; absent: none. */
  missing?: { from: number; to: number };
  /** The state of the meta file. */
  meta: "ok" | "missing" | "damaged";
  /** Why the meta file is damaged. */
  metaReason?: string;
}

/** What verification found in an archive. */
export interface ArchiveReport {
  /** Records that can be read, each number once; those that are in the log as well do not count. */
  records: number;
  /** Lines that are no record, with the name of their file in the archive. */
  damaged: { file: string; offset: number; length: number; reason: string }[];
}

/** A large value that is missing or damaged. */
export interface DamagedBlob extends BadBlob {
  /** The number of the record that it belongs to. */
  sequence: number;
}

/** How much a session holds, in records and bytes. */
export interface SessionStats {
  /** The session's key. */
  key: string;
  /** Records that can be read, hidden ones too. */
  records: number;
  /** Lines that a compaction would remove: hidden and damaged ones. */
  dead: number;
  /** The log's size in bytes. */
  bytes: number;
  /** Of it, blank bytes behind the last record. */
  fillBytes: number;
  /** Bytes that were set aside. */
  quarantineBytes: number;
  /** Bytes of records that compaction removed and kept. */
  archiveBytes: number;
  /** How many files hold large values of its records; other sessions may have some of them in common. */
  blobs: number;
  /** Their bytes. */
  blobBytes: number;
}

/**
 * Looks at every line of a session and at its meta file.
 *
 * @param target Which session.
 * @returns What was found.
 * @throws {HoldfastError} `not-found` if there is no such session.
 */
export async function verifySession(target: ReadTarget): Promise<VerifyReport> {
  return await withView(target, async (view) => {
    if (view === null) throw notFound(target.key);
    const { log, meta } = view;
    const report: VerifyReport = {
      key: target.key,
      ok: true,
      records: 0,
      verified: 0,
      foreign: 0,
      unverified: 0,
      damaged: [],
      tornTail: null,
      blobs: 0,
      damagedBlobs: [],
      meta: meta.state,
      ...(meta.state === "damaged" ? { metaReason: meta.reason } : {}),
    };
    if (log !== null) {
      const onDamage = ({ offset, length, reason, dead }: DamagedLine) => {
        if (dead !== true) report.damaged.push({ offset, length, reason });
      };
      const plan = { ...planOf(target, log), sequenceMin: 0, withContent: false, withBlobs: true, onDamage };
      for await (const records of readRecords(log.handle, plan)) {
        for (const record of records) {
          countTrust(report, record);
          await verifyBlobs(target, report, record);
        }
      }
      const { kept, tornEnd } = log.tail;
      if (tornEnd > kept.offset && await isStillTorn(target, log)) {
        report.tornTail = { offset: kept.offset, length: tornEnd - kept.offset };
      }
    }
    const archive = log === null ? null : await verifyArchive(target, view, log, report);
    if (archive !== null) report.archive = archive;
    const durableNext = meta.state === "ok" ? meta.meta.sealed?.next ?? 0 : 0;
    const from = log?.tail.kept.sequence ?? 0;
    if (from < durableNext) report.missing = { from, to: durableNext - 1 };
    const isWhole = report.damaged.length === 0 && report.tornTail === null && report.missing === undefined;
    const isComplete = report.damagedBlobs.length === 0 && (archive === null || archive.damaged.length === 0);
    report.ok = isWhole && isComplete && meta.state === "ok";
    return report;
  });
}

async function verifyArchive(
  target: ReadTarget,
  view: SessionView,
  log: LogView,
  session: VerifyReport,
): Promise<ArchiveReport | null> {
  const { fileSystem } = target.context;
  const { archive } = view.files;
  if ((await archiveSegments(fileSystem, archive)).length === 0) return null;
  const first = readRecords(log.handle, {
    ...planOf(target, log),
    sequenceMin: 0,
    withContent: false,
    onDamage: ignore,
  });
  const group = await first.next();
  await first.return({ offset: 0, checksum: null, sequence: 0, rawCount: null });
  const below = group.done === true ? Infinity : group.value[0]?.sequence ?? Infinity;
  const report: ArchiveReport = { records: 0, damaged: [] };
  const onDamage = ({ offset, length, reason }: DamagedLine, path: string): void => {
    report.damaged.push({ file: path.slice(archive.length + 1), offset, length, reason });
  };
  const read = { seed: log.start.checksum ?? 0, from: 0, below, withContent: false, onDamage };
  for await (const records of readArchive(fileSystem, archive, read)) {
    report.records += records.length;
    for (const record of records) await verifyBlobs(target, session, record);
  }
  return report;
}

function ignore(): void {}

/** A torn end that has changed by the time of a second look is a writer in mid-write (H11). */
async function isStillTorn(target: ReadTarget, log: LogView): Promise<boolean> {
  return await withView(target, (view) => {
    const again = view?.log?.tail;
    return Promise.resolve(again?.kept.offset === log.tail.kept.offset && again.tornEnd === log.tail.tornEnd);
  });
}

/**
 * Measures a session.
 *
 * @param target Which session.
 * @returns Records and bytes.
 * @throws {HoldfastError} `not-found` if there is no such session.
 */
export async function measureSession(target: ReadTarget): Promise<SessionStats> {
  return await withView(target, async (view) => {
    if (view === null) throw notFound(target.key);
    const { log, files } = view;
    const quarantined = await quarantineFiles(target.context.fileSystem, files.quarantine);
    const quarantineBytes = quarantined.reduce((sum, file) => sum + file.size, 0);
    const archiveBytes = await measureArchive(target, files, log);
    const counts = { records: 0, dead: 0, bytes: 0, fillBytes: 0, blobs: 0, blobBytes: 0 };
    const stats: SessionStats = { key: target.key, ...counts, quarantineBytes, archiveBytes };
    if (log === null) return stats;
    const onDamage = () => stats.dead++;
    const plan = { ...planOf(target, log), sequenceMin: 0, withContent: false, withBlobs: true, onDamage };
    const blobs = new Map<string, number>();
    for await (const records of readRecords(log.handle, plan)) {
      for (const record of records) {
        if (record.blobs === undefined) continue;
        for (const { hash, bytes } of readReferences(record.blobs)) blobs.set(hash, bytes);
      }
      stats.records += records.length;
      stats.dead += records.filter((record) => record.sequence < log.first).length;
    }
    stats.blobs = blobs.size;
    for (const bytes of blobs.values()) stats.blobBytes += bytes;
    return { ...stats, bytes: log.size, fillBytes: Math.max(0, log.size - log.tail.tornEnd) };
  });
}

/** A file counts once, however many names it has, and the log's own not at all. */
async function measureArchive(target: ReadTarget, files: SessionFiles, log: LogView | null): Promise<number> {
  const inode = log === null ? null : (await log.handle.stat()).inode;
  const sizes = new Map<number, number>();
  for (const segment of await archiveSegments(target.context.fileSystem, files.archive)) {
    if (segment.inode !== inode) sizes.set(segment.inode, segment.size);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

async function verifyBlobs({ context }: ReadTarget, report: VerifyReport, record: LogRecord): Promise<void> {
  if (record.blobs === undefined) return;
  report.blobs += readReferences(record.blobs).length;
  const bad = await checkBlobs(context, record.blobs);
  report.damagedBlobs.push(...bad.map((blob) => ({ sequence: record.sequence, ...blob })));
}

function countTrust(report: VerifyReport, record: LogRecord): void {
  report.records++;
  if (record.trust === "verified") report.verified++;
  else if (record.trust === "unverified") report.unverified++;
  else report.foreign++;
}

/**
 * Keeps what compaction removes: in `<name>.archive/`, one file for each compaction, named by the numbers of the
 * records that it stands for: `0-41.jsonl`.
 *
 * Such a file is the old log itself under a second name: nothing is copied. It may hold more than its name says, the
 * records that stayed in the log; they are passed over by their numbers. Where the file system has no second names, or
 * lines of the old log were damaged, the removed records alone are written anew. A file is never changed afterwards.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import type { FileHandle, FileSystem } from "../fs/filesystem.ts";
import { readWhole, statIfThere, unlinkIfThere } from "./atomic_file.ts";
import { makeOwnDirectory, removeOwnDirectory, standsAsDirectory } from "./side_directory.ts";
import { type RewrittenRecord, writeNewLog } from "./compaction.ts";
import { type LogRecord, type ReadPlan, readRecords } from "./log_reader.ts";
import { chainStartOn, type DamagedLine } from "./record_chain.ts";

/** One file of an archive. */
export interface ArchiveSegment {
  /** Its path. */
  path: string;
  /** The number of the first record that it stands for. */
  first: number;
  /** The number of the last one. */
  last: number;
  /** Its size in bytes. */
  size: number;
  /** Its inode: where it is the log's own, the compaction was not finished. */
  inode: number;
}

/** Records that are about to be removed from a log. */
export interface RemovedRange {
  /** The number of the first. */
  first: number;
  /** The number of the last. */
  last: number;
}

/** Matches the names that this room gives; nothing else in the directory is touched (I16). */
const namePattern = /^(\d{1,16})-(\d{1,16})(?:\.(\d{1,6}))?\.jsonl$/;
/** The name of a segment that a crash has left unfinished. */
export const archiveTemporaryName: string = "segment.tmp";
/** How a file system says that a file can have no second name. */
const noLinkCodes: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"]);
/** A segment that stands there already is compared with no more than this, in bytes. */
const comparedBytesMax = 64 * 1024 * 1024;

/**
 * What an archive holds.
 *
 * @param fileSystem The port.
 * @param directory The session's archive directory.
 * @returns Its files, in the order of their numbers; none if there is no such directory.
 */
export async function archiveSegments(fileSystem: FileSystem, directory: string): Promise<ArchiveSegment[]> {
  if (!await standsAsDirectory(fileSystem, directory)) return [];
  const segments: (ArchiveSegment & { copy: number })[] = [];
  for (const { name, kind } of await fileSystem.readDirectory(directory)) {
    const match = namePattern.exec(name);
    if (kind !== "file" || match === null) continue;
    const path = `${directory}/${name}`;
    const stat = await statIfThere(fileSystem, path);
    if (stat === null) continue;
    const { size, inode } = stat;
    segments.push({ path, first: Number(match[1]), last: Number(match[2]), copy: Number(match[3] ?? 1), size, inode });
  }
  segments.sort((one, other) => one.first - other.first || one.last - other.last || one.copy - other.copy);
  return segments.map(({ copy: _, ...segment }) => segment);
}

/**
 * Keeps a log under a second name; durable when it resolves.
 *
 * @param fileSystem The port.
 * @param directory The session's archive directory; made if need be.
 * @param path The log, or a segment of another archive; nobody changes it afterwards.
 * @param range Which of its records count.
 * @returns False if a file can have no second name here.
 */
export async function linkSegment(
  fileSystem: FileSystem,
  directory: string,
  path: string,
  range: RemovedRange,
): Promise<boolean> {
  await makeOwnDirectory(fileSystem, directory);
  const inode = (await fileSystem.stat(path)).inode;
  for (let copy = 1;; copy++) {
    const target = segmentPath(directory, range, copy);
    try {
      await fileSystem.link(path, target);
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== undefined && noLinkCodes.has(code)) return false;
      if (code !== "EEXIST") throw error;
      // Of a compaction that was not finished it is the same file already.
      if ((await statIfThere(fileSystem, target))?.inode !== inode) continue;
    }
    await fileSystem.syncDirectory(directory);
    return true;
  }
}

/**
 * Writes records into a new segment; durable when it resolves.
 *
 * @param fileSystem The port.
 * @param directory The session's archive directory; made if need be.
 * @param range The records' numbers.
 * @param seed What seeds the session's log.
 * @param records The records.
 */
export async function writeSegment(
  fileSystem: FileSystem,
  directory: string,
  range: RemovedRange,
  seed: number,
  records: AsyncIterable<readonly RewrittenRecord[]>,
): Promise<void> {
  await makeOwnDirectory(fileSystem, directory);
  const temporaryPath = `${directory}/${archiveTemporaryName}`;
  const { handle } = await writeNewLog(fileSystem, temporaryPath, null, seed, records);
  await handle.close();
  for (let copy = 1;; copy++) {
    const target = segmentPath(directory, range, copy);
    if (await statIfThere(fileSystem, target) === null) {
      await fileSystem.rename(temporaryPath, target);
      break;
    }
    // Of a compaction that was not finished it has the same bytes.
    if (!await holdSame(fileSystem, temporaryPath, target)) continue;
    await unlinkIfThere(fileSystem, temporaryPath);
    break;
  }
  await fileSystem.syncDirectory(directory);
}

/**
 * Takes away what a compaction that was not finished left in an archive: second names of the log that is in use.
 *
 * @param fileSystem The port.
 * @param directory The session's archive directory.
 * @param log The session's log, open.
 */
export async function sweepArchive(fileSystem: FileSystem, directory: string, log: FileHandle): Promise<void> {
  const { linkCount, inode } = await log.stat();
  if (linkCount < 2) return;
  let isChanged = false;
  for (const segment of await archiveSegments(fileSystem, directory)) {
    if (segment.inode !== inode) continue;
    await unlinkIfThere(fileSystem, segment.path);
    isChanged = true;
  }
  if (isChanged) await fileSystem.syncDirectory(directory);
}

/** What is read of an archive. */
export interface ArchiveRead {
  /** What seeds the session's log. */
  seed: number;
  /** The lowest number. */
  from: number;
  /** The lowest number that is not wanted any more. */
  below: number;
  /**
   * Whether texts and values are wanted.
   *
   * @default {true}
   */
  withContent?: boolean;
  /** Called for each line that is no record. */
  onDamage: (line: DamagedLine, path: string) => void;
}

/**
 * Reads the records of an archive in order, each number once.
 *
 * @param fileSystem The port.
 * @param directory The session's archive directory.
 * @param read Which records.
 * @returns The records, in groups as they are read.
 */
export async function* readArchive(
  fileSystem: FileSystem,
  directory: string,
  read: ArchiveRead,
): AsyncGenerator<LogRecord[], void> {
  let from = read.from;
  for (const segment of await archiveSegments(fileSystem, directory)) {
    if (segment.last < from || segment.first >= read.below) continue;
    const handle = await fileSystem.open(segment.path, { access: "read" });
    try {
      const end = Math.min(read.below - 1, segment.last);
      const onDamage = (line: DamagedLine): void => {
        // What is damaged behind the segment's last record is the log's to tell.
        if (line.dead !== true && line.sequence <= segment.last) read.onDamage(line, segment.path);
      };
      const plan = { ...segmentPlan(segment.size, read.seed), sequenceMin: from, onDamage };
      const content = read.withContent === undefined ? {} : { withContent: read.withContent, withBlobs: true };
      for await (const records of readRecords(handle, { ...plan, ...content })) {
        const wanted = records.filter(({ sequence }) => sequence <= end);
        if (wanted.length > 0) yield wanted;
        if (wanted.length < records.length) break;
      }
      from = end + 1;
    } finally {
      await handle.close();
    }
  }
}

/**
 * The plan of a read of a whole segment: all of it was durable when it became one.
 *
 * @param size Its size in bytes.
 * @param seed What seeds the session's log.
 * @returns The plan.
 */
export function segmentPlan(size: number, seed: number): ReadPlan {
  const start = chainStartOn(seed);
  const kept = { ...start, offset: size };
  const tail = {
    durableOffset: size,
    kept,
    keptTerminated: true,
    torn: [],
    tornEnd: size,
    hasOwn: false,
    size,
    keptGlued: false,
    breaks: 0,
  };
  return { start, tail, sequenceMin: 0, onDamage: () => undefined };
}

/**
 * Removes an archive, durably. Files that are not ours stay, and the directory with them.
 *
 * @param fileSystem The port.
 * @param directory The session's archive directory.
 */
export async function removeArchive(fileSystem: FileSystem, directory: string): Promise<void> {
  if (!await standsAsDirectory(fileSystem, directory)) return;
  for (const { path } of await archiveSegments(fileSystem, directory)) await unlinkIfThere(fileSystem, path);
  await unlinkIfThere(fileSystem, `${directory}/${archiveTemporaryName}`);
  await fileSystem.syncDirectory(directory);
  await removeOwnDirectory(fileSystem, directory);
}

/**
 * Records up to a number.
 *
 * @param groups Records, in groups.
 * @param last The highest number that is wanted.
 * @returns The records, in groups.
 */
export async function* recordsUpTo(
  groups: AsyncIterable<readonly LogRecord[]>,
  last: number,
): AsyncGenerator<readonly LogRecord[]> {
  for await (const records of groups) {
    yield records.filter(({ sequence }) => sequence <= last);
    if ((records.at(-1)?.sequence ?? 0) > last) return;
  }
}

function segmentPath(directory: string, { first, last }: RemovedRange, copy: number): string {
  return `${directory}/${first}-${last}${copy === 1 ? "" : `.${copy}`}.jsonl`;
}

async function holdSame(fileSystem: FileSystem, one: string, other: string): Promise<boolean> {
  const sizes = [await fileSystem.stat(one), await fileSystem.stat(other)].map(({ size }) => size);
  if (sizes[0] !== sizes[1] || (sizes[0] ?? 0) > comparedBytesMax) return false;
  const [first, second] = [
    await readWhole(fileSystem, one, comparedBytesMax),
    await readWhole(fileSystem, other, comparedBytesMax),
  ];
  return first !== null && second !== null && first.every((byte, index) => byte === second[index]);
}

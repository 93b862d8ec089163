/**
 * The port around another, counting what passes: what a store costs its flash.
 *
 * @module
 */
import type { FileHandle, FileSystem, OpenOptions } from "./filesystem.ts";

/** What was asked of a file system. Calls that fail are counted too; bytes only as far as they were confirmed. */
export interface FileSystemCounters {
  /** Files opened. */
  opens: number;
  /** Files opened with leave to make them; those that were there already too. */
  creates: number;
  /** Calls of `read`. */
  reads: number;
  /** Bytes that these returned. */
  bytesRead: number;
  /** Calls of `write`. */
  writes: number;
  /** Bytes that these took. */
  bytesWritten: number;
  /** Calls of `syncData`. */
  syncs: number;
  /** Calls of `syncDirectory`. */
  directorySyncs: number;
  /** Files cut or grown. */
  truncates: number;
  /** Names changed. */
  renames: number;
  /** Second names given. */
  links: number;
  /** Files made that share another's bytes. */
  clones: number;
  /** Names removed. */
  unlinks: number;
  /** Directories made. */
  directoriesMade: number;
}

/**
 * Counters that all stand at zero.
 *
 * @returns A new object.
 */
export function createFileSystemCounters(): FileSystemCounters {
  return {
    opens: 0,
    creates: 0,
    reads: 0,
    bytesRead: 0,
    writes: 0,
    bytesWritten: 0,
    syncs: 0,
    directorySyncs: 0,
    truncates: 0,
    renames: 0,
    links: 0,
    clones: 0,
    unlinks: 0,
    directoriesMade: 0,
  };
}

/**
 * Counts what is asked of a file system, and changes nothing.
 *
 * Locks and waiting for changes are passed through uncounted; blocking calls count like their twins.
 *
 * @param inner The file system that does the work.
 * @param counters Where to count; may be shared by several.
 * @returns A file system that behaves like `inner`.
 */
export function countingFileSystem(inner: FileSystem, counters: FileSystemCounters): FileSystem {
  return {
    ...(inner.processName === undefined ? {} : { processName: inner.processName }),
    overwritesInPlace: async (path) => await inner.overwritesInPlace?.(path) ?? true,
    async open(path: string, options: OpenOptions): Promise<FileHandle> {
      counters.opens++;
      if ((options.create ?? "never") !== "never") counters.creates++;
      return countingFileHandle(await inner.open(path, options), counters);
    },
    stat: (path) => inner.stat(path),
    ...(inner.statSync === undefined ? {} : { statSync: inner.statSync.bind(inner) }),
    readDirectory: (path) => inner.readDirectory(path),
    makeDirectory(path, mode) {
      counters.directoriesMade++;
      return inner.makeDirectory(path, mode);
    },
    removeDirectory: (path) => inner.removeDirectory(path),
    rename(from, to) {
      counters.renames++;
      return inner.rename(from, to);
    },
    link(from, to) {
      counters.links++;
      return inner.link(from, to);
    },
    ...(inner.cloneFile === undefined ? {} : { cloneFile: countingClone(inner.cloneFile.bind(inner), counters) }),
    unlink(path) {
      counters.unlinks++;
      return inner.unlink(path);
    },
    syncDirectory(path) {
      counters.directorySyncs++;
      return inner.syncDirectory(path);
    },
    lock: (path, holder) => inner.lock(path, holder),
    waitForChange: (path, signal) => inner.waitForChange(path, signal),
    ...(inner.startTimer === undefined ? {} : { startTimer: inner.startTimer.bind(inner) }),
    realPath: (path) => inner.realPath(path),
  };
}

/** Only what was shared counts: a refusal is the rule on ext4, and costs nothing. */
function countingClone(
  clone: NonNullable<FileSystem["cloneFile"]>,
  counters: FileSystemCounters,
): NonNullable<FileSystem["cloneFile"]> {
  return async (from, to) => {
    await clone(from, to);
    counters.clones++;
  };
}

/** It is a write and a sync. */
function countingDurableWrite(
  writeDurable: NonNullable<FileHandle["writeDurable"]>,
  counters: FileSystemCounters,
): NonNullable<FileHandle["writeDurable"]> {
  return async (bytes, offset) => {
    counters.writes++;
    counters.syncs++;
    const count = await writeDurable(bytes, offset);
    counters.bytesWritten += count;
    return count;
  };
}

function countingFileHandle(inner: FileHandle, counters: FileSystemCounters): FileHandle {
  return {
    async read(buffer, offset) {
      counters.reads++;
      const count = await inner.read(buffer, offset);
      counters.bytesRead += count;
      return count;
    },
    async write(bytes, offset) {
      counters.writes++;
      const count = await inner.write(bytes, offset);
      counters.bytesWritten += count;
      return count;
    },
    ...(inner.writeDurable === undefined
      ? {}
      : { writeDurable: countingDurableWrite(inner.writeDurable.bind(inner), counters) }),
    truncate(size) {
      counters.truncates++;
      return inner.truncate(size);
    },
    syncData() {
      counters.syncs++;
      return inner.syncData();
    },
    stat: () => inner.stat(),
    ...(inner.pathSync === undefined ? {} : { pathSync: inner.pathSync.bind(inner) }),
    setMode: (mode) => inner.setMode(mode),
    setOwner: (userId, groupId) => inner.setOwner(userId, groupId),
    ...(inner.setModified === undefined ? {} : { setModified: inner.setModified.bind(inner) }),
    readSync(buffer, offset) {
      counters.reads++;
      const count = inner.readSync(buffer, offset);
      counters.bytesRead += count;
      return count;
    },
    writeSync(bytes, offset) {
      counters.writes++;
      const count = inner.writeSync(bytes, offset);
      counters.bytesWritten += count;
      return count;
    },
    syncDataSync() {
      counters.syncs++;
      inner.syncDataSync();
    },
    close: () => inner.close(),
  };
}

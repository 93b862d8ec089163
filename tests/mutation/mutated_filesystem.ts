/**
 * A port that leaves out a step which the store relies on, and says that it was done.
 *
 * @module
 */

import type {
  DirectoryEntry,
  FileHandle,
  FileStat,
  FileSystem,
  LockAttempt,
  OpenOptions,
} from "../../src/fs/filesystem.ts";

/** A step that can be left out, and of what: the path that the call names, or that the file was opened by. */
export interface PortStep {
  /** Which. */
  readonly method: "syncData" | "syncDirectory" | "truncate" | "unlink" | "lock";
  /** Of what. */
  readonly path: string;
}

/** Says of each step whether it is left out. */
export type LeaveOut = (step: PortStep) => boolean;

/** A file system on which some calls do nothing, and say that they did. */
export class MutatedFileSystem implements FileSystem {
  readonly #inner: FileSystem;
  readonly #leaveOut: LeaveOut;

  /** Wraps a file system. */
  constructor(inner: FileSystem, leaveOut: LeaveOut) {
    this.#inner = inner;
    this.#leaveOut = leaveOut;
  }

  get processName(): string {
    return this.#inner.processName ?? "a process";
  }

  async open(path: string, options: OpenOptions): Promise<FileHandle> {
    return mutatedFile(await this.#inner.open(path, options), path, this.#leaveOut);
  }

  stat(path: string): Promise<FileStat> {
    return this.#inner.stat(path);
  }

  readDirectory(path: string): Promise<DirectoryEntry[]> {
    return this.#inner.readDirectory(path);
  }

  makeDirectory(path: string, mode: number): Promise<void> {
    return this.#inner.makeDirectory(path, mode);
  }

  removeDirectory(path: string): Promise<void> {
    return this.#inner.removeDirectory(path);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#inner.rename(from, to);
  }

  link(from: string, to: string): Promise<void> {
    return this.#inner.link(from, to);
  }

  async unlink(path: string): Promise<void> {
    if (!this.#leaveOut({ method: "unlink", path })) await this.#inner.unlink(path);
  }

  async syncDirectory(path: string): Promise<void> {
    if (!this.#leaveOut({ method: "syncDirectory", path })) await this.#inner.syncDirectory(path);
  }

  async lock(path: string, holder: string): Promise<LockAttempt> {
    if (!this.#leaveOut({ method: "lock", path })) return await this.#inner.lock(path, holder);
    return { acquired: true, lock: { release: async () => {} } };
  }

  waitForChange(path: string, signal: AbortSignal): Promise<void> {
    return this.#inner.waitForChange(path, signal);
  }

  async overwritesInPlace(path: string): Promise<boolean> {
    return await this.#inner.overwritesInPlace?.(path) ?? true;
  }

  realPath(path: string): Promise<string> {
    return this.#inner.realPath(path);
  }
}

function mutatedFile(handle: FileHandle, path: string, leaveOut: LeaveOut): FileHandle {
  return {
    read: (buffer, offset) => handle.read(buffer, offset),
    write: (bytes, offset) => handle.write(bytes, offset),
    writeDurable: async (bytes, offset) => {
      if (handle.writeDurable === undefined || leaveOut({ method: "syncData", path })) {
        return await handle.write(bytes, offset);
      }
      return await handle.writeDurable(bytes, offset);
    },
    truncate: async (size) => {
      if (!leaveOut({ method: "truncate", path })) await handle.truncate(size);
    },
    syncData: async () => {
      if (!leaveOut({ method: "syncData", path })) await handle.syncData();
    },
    stat: () => handle.stat(),
    setMode: (mode) => handle.setMode(mode),
    setOwner: (userId, groupId) => handle.setOwner(userId, groupId),
    readSync: (buffer, offset) => handle.readSync(buffer, offset),
    writeSync: (bytes, offset) => handle.writeSync(bytes, offset),
    syncDataSync: () => {
      if (!leaveOut({ method: "syncData", path })) handle.syncDataSync();
    },
    close: () => handle.close(),
  };
}

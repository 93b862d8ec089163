/**
 * A port that leaves out a step which the store relies on, to see whether the laboratory notices.
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

/** A call, as a mutation sees it. */
export interface MutableCall {
  /** Which. */
  readonly method: "syncData" | "syncDirectory" | "truncate" | "write" | "unlink";
  /** Of what. */
  readonly path: string;
  /** Behind which calls of the same open file: what was done to it before, in order. */
  readonly before: readonly string[];
  /** The bytes of a write. */
  readonly bytes?: Uint8Array;
}

/** Says of each call whether it is left out. */
export type LeaveOut = (call: MutableCall) => boolean;

/** A file system on which some calls do nothing, and say that they did. */
export class MutatedFileSystem implements FileSystem {
  readonly #inner: FileSystem;
  readonly #leaveOut: LeaveOut;
  readonly #names: string[] = [];

  /** Wraps a file system. */
  constructor(inner: FileSystem, leaveOut: LeaveOut) {
    this.#inner = inner;
    this.#leaveOut = leaveOut;
  }

  async open(path: string, options: OpenOptions): Promise<FileHandle> {
    const handle = await this.#inner.open(path, options);
    this.#names.push(`open ${path}`);
    return mutatedFile(handle, path, this.#leaveOut);
  }

  stat(path: string): Promise<FileStat> {
    return this.#inner.stat(path);
  }

  readDirectory(path: string): Promise<DirectoryEntry[]> {
    return this.#inner.readDirectory(path);
  }

  makeDirectory(path: string, mode: number): Promise<void> {
    this.#names.push(`mkdir ${path}`);
    return this.#inner.makeDirectory(path, mode);
  }

  removeDirectory(path: string): Promise<void> {
    this.#names.push(`rmdir ${path}`);
    return this.#inner.removeDirectory(path);
  }

  rename(from: string, to: string): Promise<void> {
    this.#names.push(`rename ${to}`);
    return this.#inner.rename(from, to);
  }

  link(from: string, to: string): Promise<void> {
    return this.#inner.link(from, to);
  }

  async unlink(path: string): Promise<void> {
    if (this.#leaveOut({ method: "unlink", path, before: this.#names })) return;
    this.#names.push(`unlink ${path}`);
    await this.#inner.unlink(path);
  }

  async syncDirectory(path: string): Promise<void> {
    const isLeftOut = this.#leaveOut({ method: "syncDirectory", path, before: this.#names });
    this.#names.push(`sync ${path}`);
    if (!isLeftOut) await this.#inner.syncDirectory(path);
  }

  lock(path: string, holder: string): Promise<LockAttempt> {
    this.#names.push(`lock ${path}`);
    return this.#inner.lock(path, holder);
  }

  waitForChange(path: string, signal: AbortSignal): Promise<void> {
    return this.#inner.waitForChange(path, signal);
  }

  realPath(path: string): Promise<string> {
    return this.#inner.realPath(path);
  }
}

function mutatedFile(handle: FileHandle, path: string, leaveOut: LeaveOut): FileHandle {
  const before: string[] = [];
  const isLeftOut = (method: MutableCall["method"], bytes?: Uint8Array): boolean => {
    const call = bytes === undefined ? { method, path, before } : { method, path, before, bytes };
    const answer = leaveOut(call);
    before.push(method);
    return answer;
  };
  return {
    read: (buffer, offset) => handle.read(buffer, offset),
    write: async (bytes, offset) => isLeftOut("write", bytes) ? bytes.length : await handle.write(bytes, offset),
    truncate: async (size) => {
      if (!isLeftOut("truncate")) await handle.truncate(size);
    },
    syncData: async () => {
      if (!isLeftOut("syncData")) await handle.syncData();
    },
    stat: () => handle.stat(),
    setMode: (mode) => handle.setMode(mode),
    setOwner: (userId, groupId) => handle.setOwner(userId, groupId),
    readSync: (buffer, offset) => handle.readSync(buffer, offset),
    writeSync: (bytes, offset) => handle.writeSync(bytes, offset),
    syncDataSync: () => handle.syncDataSync(),
    close: () => handle.close(),
  };
}

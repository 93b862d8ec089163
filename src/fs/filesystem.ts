/**
 * The port: the only way by which Holdfast touches the outside world. Types and their durability contract, no more.
 *
 * There is one implementation over a real operating system (`runtime_filesystem.ts`); the power-loss laboratory is
 * another. Each method says what is durable when it resolves, and what is unknown when it rejects.
 *
 * Errors are the operating system's, told apart by their string `code` (`ENOENT`, `EEXIST`, `ENOSPC`, …) and nothing
 * else. Paths are joined with `/`. Symbolic links are never followed at the end of a path: opening one is `ELOOP`.
 *
 * @module
 */

/** What a name in a directory leads to. */
export type FileKind = "file" | "directory" | "other";

/** What the file system says of a file, from its cache: nothing here is durable by being reported. */
export interface FileStat {
  /** `other` is everything that is neither a file nor a directory; symbolic links too. */
  kind: FileKind;
  /** In bytes. */
  size: number;
  /** Tells two files apart while both exist; `0` where the file system has none. */
  inode: number;
  /** How many names lead to the file; `0`: it was removed while open. */
  linkCount: number;
  /** Permission bits only, `0o600`. */
  mode: number;
  /** The owner. */
  userId: number;
  /** The owning group. */
  groupId: number;
  /** Last write as the file system saw it, in milliseconds; never used to order records (I19). */
  modifiedMs: number;
}

/** One name in a directory. */
export interface DirectoryEntry {
  /** The name alone, without its directory. */
  name: string;
  /** What it leads to. */
  kind: FileKind;
}

/** How {@linkcode FileSystem.open} opens a file. */
export interface OpenOptions {
  /** `write` can also read. */
  access: "read" | "write";
  /**
   * Whether a missing file is made. `exclusive` fails with `EEXIST` if there is one already. An existing file is
   * never truncated. The new name is durable only after {@linkcode FileSystem.syncDirectory} of its directory.
   *
   * @default {"never"}
   */
  create?: "never" | "if-missing" | "exclusive";
  /**
   * Permission bits of a file that is made, whatever the umask.
   *
   * @default {0o600}
   */
  mode?: number;
}

/** What reading needs of an open file. */
export type ReadableFile = Pick<FileHandle, "read">;

/** An open file. Every position is a byte offset from the start; there is no cursor and no append mode. */
export interface FileHandle {
  /**
   * Reads at an offset.
   *
   * @param buffer Filled from its start; at most its length.
   * @param offset Where in the file.
   * @returns How many bytes were read; `0` at or behind the end of the file, fewer than asked only at the end.
   */
  read(buffer: Uint8Array, offset: number): Promise<number>;
  /**
   * Writes at an offset, growing the file if needed. Nothing is durable before a sync.
   *
   * When it rejects, or resolves to fewer bytes than given, any part of the bytes may be in the file, and may
   * become durable.
   *
   * @param bytes What to write.
   * @param offset Where in the file.
   * @returns How many bytes were written.
   */
  write(bytes: Uint8Array, offset: number): Promise<number>;
  /**
   * Writes bytes inside the file at an offset, and makes these bytes durable: a write and a sync in one call, for the
   * pages that it touches. It says nothing of what was written before, nor of a size. Where it is missing, or the
   * system has none, a write and a sync do the same.
   *
   * When it rejects, the bytes may or may not be in the file and durable, as after a failed
   * {@linkcode FileHandle.syncData}.
   *
   * @param bytes What to write; ends at or before the end of the file.
   * @param offset Where in the file.
   * @returns How many bytes were written; all of those are durable.
   */
  writeDurable?(bytes: Uint8Array, offset: number): Promise<number>;
  /** Cuts or grows (with NUL) the file to a size. Not durable before a sync. */
  truncate(size: number): Promise<void>;
  /**
   * Makes all written bytes, and the size needed to read them, durable (`fdatasync`). Says nothing of the name.
   *
   * When it rejects, each byte written since the last sync may or may not be durable, and a later sync that resolves
   * proves nothing about them: the caller must not acknowledge, and must not try again on this handle.
   */
  syncData(): Promise<void>;
  /** What the file system says of the file now. */
  stat(): Promise<FileStat>;
  /**
   * By which path the file is known now, in the file system's own words: equal answers mean that the same name still
   * leads to the file, a different one nothing at all. A look at what the kernel has in memory; undefined where it
   * cannot be told.
   */
  pathSync?(): string | undefined;
  /** Sets the permission bits. */
  setMode(mode: number): Promise<void>;
  /** Sets owner and group; rejects with `EPERM` unless privileged. */
  setOwner(userId: number, groupId: number): Promise<void>;
  /** Sets the time of the last write, as {@linkcode FileStat.modifiedMs} says it; a courtesy that is never durable. */
  setModified?(modifiedMs: number): Promise<void>;
  /** {@linkcode FileHandle.read}, blocking; for `flushSync` only. */
  readSync(buffer: Uint8Array, offset: number): number;
  /** {@linkcode FileHandle.write}, blocking; for `flushSync` only. */
  writeSync(bytes: Uint8Array, offset: number): number;
  /** {@linkcode FileHandle.syncData}, blocking; for `flushSync` only. */
  syncDataSync(): void;
  /** Gives the handle back. Makes nothing durable; never retried. */
  close(): Promise<void>;
}

/** An exclusive lock that the kernel frees when its holder dies. */
export interface FileLock {
  /** Removes the lock file and frees the lock. */
  release(): Promise<void>;
}

/** The answer of {@linkcode FileSystem.lock}. */
export type LockAttempt =
  | { acquired: true; lock: FileLock }
  | {
    acquired: false;
    /** What the holder wrote about itself; empty if it had not yet. */
    holder: string;
  };

/** A file system, real or simulated. */
export interface FileSystem {
  /** Who we are, for the one that is refused a lock: `process 4711 (node)`. */
  readonly processName?: string;
  /** Opens a file; `ELOOP` on a symbolic link, `EISDIR` or `EINVAL` on what is not a file. */
  open(path: string, options: OpenOptions): Promise<FileHandle>;
  /** What a name leads to, without following a symbolic link; `ENOENT` if nothing. */
  stat(path: string): Promise<FileStat>;
  /**
   * {@linkcode FileSystem.stat}, blocking: for one look at what the kernel has in memory, where a trip to another
   * thread would cost more than the look.
   */
  statSync?(path: string): FileStat;
  /** The names in a directory, in no order. */
  readDirectory(path: string): Promise<DirectoryEntry[]>;
  /** Makes one directory (not its parents); `EEXIST` if the name is taken. Durable after a sync of its parent. */
  makeDirectory(path: string, mode: number): Promise<void>;
  /** Removes an empty directory. Durable after a sync of its parent. */
  removeDirectory(path: string): Promise<void>;
  /**
   * Gives a file another name in one step, replacing what has that name. Durable after
   * {@linkcode FileSystem.syncDirectory}; before it either name may come back after a power cut. When it rejects, the
   * outcome is unknown.
   */
  rename(from: string, to: string): Promise<void>;
  /** Gives a file a second name; `EEXIST` if that is taken. Durable after a sync of the directory. */
  link(from: string, to: string): Promise<void>;
  /**
   * Makes a new file that shares the bytes of another until one of them is changed (a reflink), with its permission
   * bits; `EEXIST` if the name is taken. Where bytes cannot be shared (ext4), it makes nothing and rejects with
   * `ENOTSUP`. Neither the name nor what it holds is durable before syncs of its own.
   */
  cloneFile?(from: string, to: string): Promise<void>;
  /** Removes a name. Durable after a sync of the directory; until then it may come back. */
  unlink(path: string): Promise<void>;
  /** Makes the names in a directory durable: what was made, renamed and removed in it. Not what the files hold. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes an exclusive lock without waiting. The lock file is made if need be; the kernel frees the lock when the
   * process dies, however it dies. No clock is involved (I15).
   *
   * @param path The lock file.
   * @param holder What to write into it about ourselves, for the one that is refused.
   */
  lock(path: string, holder: string): Promise<LockAttempt>;
  /**
   * Resolves when the file at a path may have changed, been replaced or removed since the call, or when the signal
   * is aborted. May resolve for nothing.
   */
  waitForChange(path: string, signal: AbortSignal): Promise<void>;
  /**
   * Whether a block that is written again keeps its place, so that room can be made ahead of need. False on file
   * systems that copy on write (btrfs, ZFS, bcachefs, overlays); true where it cannot be told.
   */
  overwritesInPlace?(path: string): Promise<boolean>;
  /**
   * Calls back once after a delay, and never keeps a process alive that has nothing else to do. Where it is missing
   * there is no clock: what waits for one waits until it is asked for (`flush`).
   *
   * @param delayMs How long, in milliseconds.
   * @param callback What is called.
   * @returns Cancels it.
   */
  startTimer?(delayMs: number, callback: () => void): () => void;
  /** The absolute path with every symbolic link resolved. */
  realPath(path: string): Promise<string>;
}

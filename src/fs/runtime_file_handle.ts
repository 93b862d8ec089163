/**
 * Open files of the real operating system, over `node:fs`.
 *
 * Plain descriptors and callbacks rather than the `FileHandle` of `node:fs/promises`: Node 26 kills a process whose
 * garbage collector meets an unclosed one. Every position is given explicitly and checked, because `node:fs` takes a
 * negative or fractional one for "wherever the cursor is".
 *
 * @module
 */
import {
  chmod,
  close,
  constants,
  fchmod,
  fchown,
  fdatasync,
  fdatasyncSync,
  fstat,
  ftruncate,
  futimes,
  open,
  read,
  readSync,
  type Stats,
  write,
  writeSync,
} from "node:fs";
import { systemErrorCode } from "../errors.ts";
import type { FileHandle, FileKind, FileStat, OpenOptions } from "./filesystem.ts";
import { codedError, settled } from "./runtime_callback.ts";
import { descriptorPath } from "./runtime_descriptor_path.ts";
import { isPermissionModelOn, PermittedFile } from "./runtime_permission.ts";
import { SynchronousWrites } from "./runtime_synchronous_writes.ts";

/** A pipe or device must neither be waited for nor become our terminal; for files both flags mean nothing. */
const HARMLESS = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
/** How often a file may vanish and reappear between two system calls before we give up. */
const CREATE_ATTEMPTS_MAX = 100;
/** Permission bits with set-user, set-group and sticky. */
const MODE_BITS = 0o7777;

/**
 * What `node:fs` calls it, in the port's words.
 *
 * @param entry Facts or a directory entry of `node:fs`.
 * @returns The kind.
 */
export function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): FileKind {
  if (entry.isFile()) return "file";
  return entry.isDirectory() ? "directory" : "other";
}

/**
 * The facts of `node:fs` in the port's words.
 *
 * @param stats Facts of `node:fs`.
 * @returns The port's facts.
 */
export function fileStatOf(stats: Stats): FileStat {
  return {
    kind: kindOf(stats),
    size: stats.size,
    inode: stats.ino,
    linkCount: stats.nlink,
    mode: stats.mode & MODE_BITS,
    userId: stats.uid,
    groupId: stats.gid,
    modifiedMs: stats.mtimeMs,
  };
}

/**
 * Opens a regular file, and nothing else, as {@linkcode FileSystem.open} promises.
 *
 * @param path The file.
 * @param options How.
 * @returns The open file.
 */
export async function openRuntimeFile(path: string, options: OpenOptions): Promise<FileHandle> {
  const descriptor = await openRuntimeDescriptor(path, options);
  const writablePath = options.access === "write" ? path : undefined;
  if (!isPermissionModelOn()) return new RuntimeFileHandle(descriptor, writablePath);
  let permitted: PermittedFile | undefined;
  await closedOnFailure(descriptor, async () => {
    permitted = await PermittedFile.open(path, descriptor);
    if (permitted === undefined) throw codedError("ESTALE", `was replaced while it was opened, open '${path}'`);
  });
  return new RuntimeFileHandle(descriptor, writablePath, permitted);
}

/**
 * {@linkcode openRuntimeFile} for a caller that needs the descriptor itself, and closes it.
 *
 * @param path The file.
 * @param options How.
 * @returns The descriptor, close-on-exec.
 */
export async function openRuntimeDescriptor(path: string, options: OpenOptions): Promise<number> {
  const flags = HARMLESS | (options.access === "write" ? constants.O_RDWR : constants.O_RDONLY);
  const mode = options.mode ?? 0o600;
  switch (options.create ?? "never") {
    case "never":
      return await openExisting(path, flags);
    case "exclusive":
      return await createExclusively(path, flags, mode);
    case "if-missing":
      return await openOrCreate(path, flags, mode);
  }
}

/** Whether the file is ours to give a mode to is known only from exclusive creation. */
async function openOrCreate(path: string, flags: number, mode: number): Promise<number> {
  for (let attempt = 1;; attempt++) {
    try {
      return await openExisting(path, flags);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT" || attempt >= CREATE_ATTEMPTS_MAX) throw error;
    }
    try {
      return await createExclusively(path, flags, mode);
    } catch (error) {
      if (systemErrorCode(error) !== "EEXIST") throw error;
    }
  }
}

async function openExisting(path: string, flags: number): Promise<number> {
  const descriptor = await settled<number>((done) => open(path, flags, done));
  return await closedOnFailure(descriptor, async () => {
    const stats = await settled<Stats>((done) => fstat(descriptor, done));
    if (stats.isDirectory()) throw codedError("EISDIR", `is a directory, open '${path}'`);
    if (!stats.isFile()) throw codedError("EINVAL", `is not a regular file, open '${path}'`);
  });
}

async function createExclusively(path: string, flags: number, mode: number): Promise<number> {
  const creation = flags | constants.O_CREAT | constants.O_EXCL;
  const descriptor = await settled<number>((done) => open(path, creation, mode, done));
  return await closedOnFailure(descriptor, async () => {
    const stats = await settled<Stats>((done) => fstat(descriptor, done));
    if ((stats.mode & MODE_BITS) === mode) return;
    if (!isPermissionModelOn()) return await settled((done) => fchmod(descriptor, mode, done));
    await settled((done) => chmod(path, mode, done));
  });
}

async function closedOnFailure(descriptor: number, use: () => Promise<void>): Promise<number> {
  try {
    await use();
    return descriptor;
  } catch (error) {
    await settled((done) => close(descriptor, done));
    throw error;
  }
}

/**
 * Makes sure that a number is a byte offset or size.
 *
 * @param value The number.
 * @throws {RangeError} If it is negative, fractional or beyond what a number holds exactly.
 */
function checkBytes(value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`Not a byte offset or size: ${value}`);
}

/**
 * An open file.
 *
 * The number of a closed descriptor soon belongs to another file. So nothing is started after `close`, and `close`
 * waits for what was started before: no late write can land in a stranger's file.
 */
class RuntimeFileHandle implements FileHandle {
  readonly #descriptor: number;
  readonly #writablePath: string | undefined;
  readonly #permitted: PermittedFile | undefined;
  #synchronous: Promise<SynchronousWrites | undefined> | undefined;
  #closed = false;
  #running = 0;
  #idle: (() => void) | undefined;

  constructor(descriptor: number, writablePath: string | undefined, permitted?: PermittedFile) {
    this.#descriptor = descriptor;
    this.#writablePath = writablePath;
    this.#permitted = permitted;
  }

  async read(buffer: Uint8Array, offset: number): Promise<number> {
    checkBytes(offset);
    let total = 0;
    while (total < buffer.length) {
      const start = total;
      const count = await this.#run<number>((descriptor, done) =>
        read(descriptor, buffer, start, buffer.length - start, offset + start, done)
      );
      if (count === 0) break;
      total += count;
    }
    return total;
  }

  async write(bytes: Uint8Array, offset: number): Promise<number> {
    checkBytes(offset);
    return await this.#run<number>((descriptor, done) => write(descriptor, bytes, 0, bytes.length, offset, done));
  }

  async writeDurable(bytes: Uint8Array, offset: number): Promise<number> {
    checkBytes(offset);
    return await this.#counted(async () => {
      const path = this.#writablePath;
      if (path !== undefined) this.#synchronous ??= SynchronousWrites.open(path, this.#descriptor);
      const [synchronous, descriptor, permitted] = [await this.#synchronous, this.#descriptor, this.#permitted];
      if (synchronous !== undefined) return await synchronous.write(bytes, offset);
      const count = await settled<number>((done) => write(descriptor, bytes, 0, bytes.length, offset, done));
      if (permitted === undefined) await settled((done) => fdatasync(descriptor, done));
      else await permitted.syncData();
      return count;
    });
  }

  async truncate(size: number): Promise<void> {
    checkBytes(size);
    await this.#run((descriptor, done) => ftruncate(descriptor, size, done));
  }

  async syncData(): Promise<void> {
    const permitted = this.#permitted;
    if (permitted === undefined) await this.#run(fdatasync);
    else await this.#counted(() => permitted.syncData());
  }

  async stat(): Promise<FileStat> {
    return fileStatOf(await this.#run<Stats>((descriptor, done) => fstat(descriptor, done)));
  }

  pathSync(): string | undefined {
    return descriptorPath(this.#open());
  }

  async setMode(mode: number): Promise<void> {
    const permitted = this.#permitted;
    if (permitted === undefined) await this.#run((descriptor, done) => fchmod(descriptor, mode, done));
    else await this.#counted(() => permitted.setMode(mode));
  }

  async setModified(modifiedMs: number): Promise<void> {
    // A little more, as what is cut off in between is not to make it the millisecond before.
    const seconds = (modifiedMs + 0.001) / 1000;
    const permitted = this.#permitted;
    if (permitted === undefined) await this.#run((descriptor, done) => futimes(descriptor, seconds, seconds, done));
    else await this.#counted(() => permitted.setModified(seconds));
  }

  async setOwner(userId: number, groupId: number): Promise<void> {
    const permitted = this.#permitted;
    if (permitted === undefined) await this.#run((descriptor, done) => fchown(descriptor, userId, groupId, done));
    else await this.#counted(() => permitted.setOwner(userId, groupId));
  }

  readSync(buffer: Uint8Array, offset: number): number {
    checkBytes(offset);
    const descriptor = this.#open();
    let total = 0;
    while (total < buffer.length) {
      const count = readSync(descriptor, buffer, total, buffer.length - total, offset + total);
      if (count === 0) break;
      total += count;
    }
    return total;
  }

  writeSync(bytes: Uint8Array, offset: number): number {
    checkBytes(offset);
    return writeSync(this.#open(), bytes, 0, bytes.length, offset);
  }

  syncDataSync(): void {
    fdatasyncSync(this.#open());
  }

  async close(): Promise<void> {
    const descriptor = this.#open();
    this.#closed = true;
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle = resolve);
    await this.#permitted?.close();
    await (await this.#synchronous)?.close();
    await settled((done) => close(descriptor, done));
  }

  #open(): number {
    if (this.#closed) throw codedError("EBADF", "the file was closed");
    return this.#descriptor;
  }

  async #run<T = void>(
    call: (descriptor: number, done: (error: Error | null | undefined, value: T) => void) => void,
  ): Promise<T> {
    const descriptor = this.#open();
    return await this.#counted(() => settled<T>((done) => call(descriptor, done)));
  }

  async #counted<T>(call: () => Promise<T>): Promise<T> {
    this.#open();
    this.#running++;
    try {
      return await call();
    } finally {
      this.#running--;
      if (this.#running === 0) this.#idle?.();
    }
  }
}

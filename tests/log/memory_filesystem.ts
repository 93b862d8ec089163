/**
 * A file system in memory for the tests of the log: no power loss, but every call can be seen, refused or cut short.
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

/** A call that changes something or makes it durable, as it comes in. */
export interface MemoryCall {
  name: string;
  path: string;
  offset: number;
  bytes: Uint8Array;
}

/** May throw to refuse a call, or return how many bytes a write takes. */
export type MemoryHook = (call: MemoryCall) => number | void | Promise<void>;

interface MemoryInode {
  inode: number;
  bytes: Uint8Array;
  size: number;
  mode: number;
  userId: number;
  groupId: number;
  linkCount: number;
  modifiedMs: number;
}

const none = new Uint8Array(0);

/** An error as the operating system throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Files and directories in memory; see the module's comment. */
export class MemoryFileSystem implements FileSystem {
  /** Every call that changes something or makes it durable, as `name path offset length`. */
  readonly calls: string[] = [];
  /** How many bytes were asked for by reads. */
  bytesRead = 0;
  /** How many files are open. */
  openCount = 0;
  hook: MemoryHook = () => {};
  readonly #files = new Map<string, MemoryInode>();
  readonly #directories = new Set<string>(["/"]);
  #inodes = 1;
  #clock = 0;

  /** Puts a file there. */
  put(path: string, bytes: Uint8Array | string): void {
    const content = typeof bytes === "string" ? new TextEncoder().encode(bytes) : Uint8Array.from(bytes);
    const node = this.#newInode(0o600);
    node.bytes = content;
    node.size = content.length;
    this.#files.set(path, node);
  }

  /** What a file holds. */
  get(path: string): Uint8Array {
    const node = this.#node(path);
    return node.bytes.slice(0, node.size);
  }

  /** What a file holds, as text. */
  text(path: string): string {
    return new TextDecoder().decode(this.get(path));
  }

  /** The paths of all files, in order. */
  paths(): string[] {
    return [...this.#files.keys()].sort();
  }

  /** Sees a call, and passes it to the hook. */
  seen(name: string, path: string, offset = 0, bytes: Uint8Array = none): number | undefined {
    this.calls.push(
      name.startsWith("write") || name === "truncate" ? `${name} ${path} ${offset} ${bytes.length}` : `${name} ${path}`,
    );
    const answer = this.hook({ name, path, offset, bytes });
    return typeof answer === "number" ? answer : undefined;
  }

  async open(path: string, options: OpenOptions): Promise<FileHandle> {
    let node = this.#files.get(path);
    if (node !== undefined && options.create === "exclusive") throw systemError("EEXIST");
    if (node === undefined) {
      if (options.create === undefined || options.create === "never") throw systemError("ENOENT");
      this.seen("create", path);
      node = this.#newInode(options.mode ?? 0o600);
      this.#files.set(path, node);
    }
    this.openCount++;
    return new MemoryFile(this, path, node);
  }

  async stat(path: string): Promise<FileStat> {
    if (this.#directories.has(path)) return { ...statOf(this.#newInode(0o700)), kind: "directory" };
    return statOf(this.#node(path));
  }

  async readDirectory(path: string): Promise<DirectoryEntry[]> {
    if (!this.#directories.has(path)) throw systemError("ENOENT");
    const prefix = `${path}/`;
    const names = (paths: Iterable<string>, kind: "file" | "directory"): DirectoryEntry[] =>
      [...paths].filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes("/"))
        .map((name) => ({ name: name.slice(prefix.length), kind }));
    return [...names(this.#files.keys(), "file"), ...names(this.#directories, "directory")];
  }

  async makeDirectory(path: string): Promise<void> {
    if (this.#directories.has(path)) throw systemError("EEXIST");
    this.seen("mkdir", path);
    this.#directories.add(path);
  }

  async removeDirectory(path: string): Promise<void> {
    this.seen("rmdir", path);
    this.#directories.delete(path);
  }

  async rename(from: string, to: string): Promise<void> {
    const node = this.#node(from);
    this.seen("rename", `${from} ${to}`);
    const replaced = this.#files.get(to);
    if (replaced !== undefined) replaced.linkCount--;
    this.#files.delete(from);
    this.#files.set(to, node);
  }

  async link(from: string, to: string): Promise<void> {
    this.seen("link", `${from} ${to}`);
    this.#files.set(to, this.#node(from));
  }

  async unlink(path: string): Promise<void> {
    const node = this.#node(path);
    this.seen("unlink", path);
    node.linkCount--;
    this.#files.delete(path);
  }

  async syncDirectory(path: string): Promise<void> {
    this.seen("syncDirectory", path);
  }

  lock(): Promise<LockAttempt> {
    throw systemError("ENOTSUP");
  }

  async waitForChange(): Promise<void> {}

  async realPath(path: string): Promise<string> {
    return path;
  }

  /** The time of the next change: rises with every one. */
  tick(): number {
    return ++this.#clock;
  }

  #newInode(mode: number): MemoryInode {
    const inode = this.#inodes++;
    const owner = { userId: 1000, groupId: 1000 };
    return { inode, bytes: none, size: 0, mode, ...owner, linkCount: 1, modifiedMs: this.tick() };
  }

  #node(path: string): MemoryInode {
    const node = this.#files.get(path);
    if (node === undefined) throw systemError("ENOENT");
    return node;
  }
}

class MemoryFile implements FileHandle {
  readonly #fileSystem: MemoryFileSystem;
  readonly #path: string;
  readonly #node: MemoryInode;
  #closed = false;

  constructor(fileSystem: MemoryFileSystem, path: string, node: MemoryInode) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#node = node;
  }

  async read(buffer: Uint8Array, offset: number): Promise<number> {
    return this.readSync(buffer, offset);
  }

  async write(bytes: Uint8Array, offset: number): Promise<number> {
    await Promise.resolve();
    return this.writeSync(bytes, offset, "write");
  }

  async truncate(size: number): Promise<void> {
    await Promise.resolve();
    this.#assertOpen();
    this.#fileSystem.seen("truncate", this.#path, size);
    if (size > this.#node.size) this.#grow(size);
    this.#node.bytes.fill(0, Math.min(size, this.#node.size));
    this.#node.size = size;
  }

  async syncData(): Promise<void> {
    await Promise.resolve();
    this.#assertOpen();
    this.#fileSystem.seen("sync", this.#path);
  }

  async stat(): Promise<FileStat> {
    this.#assertOpen();
    return statOf(this.#node);
  }

  async setMode(mode: number): Promise<void> {
    this.#fileSystem.seen("setMode", this.#path);
    this.#node.mode = mode;
  }

  async setOwner(userId: number, groupId: number): Promise<void> {
    this.#fileSystem.seen("setOwner", this.#path);
    Object.assign(this.#node, { userId, groupId });
  }

  readSync(buffer: Uint8Array, offset: number): number {
    this.#assertOpen();
    const part = this.#node.bytes.subarray(offset, Math.min(this.#node.size, offset + buffer.length));
    if (offset >= this.#node.size) return 0;
    buffer.set(part);
    this.#fileSystem.bytesRead += part.length;
    return part.length;
  }

  writeSync(bytes: Uint8Array, offset: number, name = "writeSync"): number {
    this.#assertOpen();
    const accepted = this.#fileSystem.seen(name, this.#path, offset, bytes) ?? bytes.length;
    this.#grow(offset + accepted);
    this.#node.bytes.set(bytes.subarray(0, accepted), offset);
    this.#node.size = Math.max(this.#node.size, offset + accepted);
    this.#node.modifiedMs = this.#fileSystem.tick();
    return accepted;
  }

  syncDataSync(): void {
    this.#assertOpen();
    this.#fileSystem.seen("syncSync", this.#path);
  }

  async close(): Promise<void> {
    this.#assertOpen();
    this.#closed = true;
    this.#fileSystem.openCount--;
  }

  #assertOpen(): void {
    if (this.#closed) throw systemError("EBADF");
  }

  #grow(size: number): void {
    if (size <= this.#node.bytes.length) return;
    const grown = new Uint8Array(Math.max(size, this.#node.bytes.length * 2));
    grown.set(this.#node.bytes.subarray(0, this.#node.size));
    this.#node.bytes = grown;
  }
}

function statOf(node: MemoryInode): FileStat {
  const { inode, size, mode, userId, groupId, linkCount, modifiedMs } = node;
  return { kind: "file", inode, size, mode, userId, groupId, linkCount, modifiedMs };
}

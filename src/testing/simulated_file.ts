/**
 * An open file of a simulated file system.
 *
 * @module
 */

import type { FileHandle, FileStat } from "../fs/filesystem.ts";
import type { Choices } from "./crash_choices.ts";
import { type FileNode, PAGE_BYTES, readBytes, type TreeNode } from "./file_tree.ts";
import type { PageCache } from "./page_cache.ts";
import { lookUp } from "./path_lookup.ts";
import type { SimulatedMachine, SimulatedProcess } from "./simulated_machine.ts";
import { systemError } from "./system_error.ts";
import { failSyncFile, type SyncCost, type SyncFaultMode, syncFile, syncRange } from "./writeback.ts";

/** An open file of a {@linkcode SimulatedFileSystem}; made by its `open` only. */
export class SimulatedFile implements FileHandle {
  readonly #machine: SimulatedMachine;
  readonly #process: SimulatedProcess;
  readonly #inode: number;
  readonly #path: string;
  readonly #canWrite: boolean;
  #isOpen = true;
  #fault: { mode: SyncFaultMode; choices: Choices; code: string } | undefined;
  #hasLateError = false;

  /**
   * Opens an inode.
   *
   * @param machine Where.
   * @param process For whom.
   * @param inode What.
   * @param path How it was found, for messages.
   * @param canWrite Whether for writing.
   */
  constructor(
    machine: SimulatedMachine,
    process: SimulatedProcess,
    inode: number,
    path: string,
    canWrite: boolean,
  ) {
    this.#machine = machine;
    this.#process = process;
    this.#inode = inode;
    this.#path = path;
    this.#canWrite = canWrite;
    machine.countOpen(inode, 1);
    process.openFiles.add(this);
    machine.openFiles.add(this);
  }

  /** {@inheritDoc FileHandle.read} */
  async read(buffer: Uint8Array, offset: number): Promise<number> {
    return await this.#answer("read", this.readSync(buffer, offset));
  }

  /** {@inheritDoc FileHandle.write} */
  async write(bytes: Uint8Array, offset: number): Promise<number> {
    return await this.#answer("write", this.writeSync(bytes, offset));
  }

  /** {@inheritDoc FileHandle.writeDurable} */
  async writeDurable(bytes: Uint8Array, offset: number): Promise<number> {
    const { size } = this.#file("write", true);
    if (offset + bytes.length > size) {
      throw new RangeError(`Durable writes stay inside the file: ${offset + bytes.length} > ${size}`);
    }
    const count = this.writeSync(bytes, offset);
    this.#sync((pages) => syncRange(pages, this.#inode, offset, offset + count));
    return await this.#answer("write", count);
  }

  /** {@inheritDoc FileHandle.pathSync} */
  pathSync(): string | undefined {
    this.#file("readlink", false);
    try {
      const { node } = lookUp(this.#machine.pages.cache, this.#path, "readlink", false);
      return node?.inode === this.#inode ? this.#path : undefined;
    } catch {
      return undefined;
    }
  }

  /** {@inheritDoc FileHandle.syncData} */
  async syncData(): Promise<void> {
    await this.#answer("fdatasync", this.syncDataSync());
  }

  /** Reads at an offset. */
  readSync(buffer: Uint8Array, offset: number): number {
    const file = this.#file("read", false);
    checkOffset(offset);
    const length = readBytes(file, buffer, offset);
    this.#machine.look(this.#inode);
    const { counters } = this.#machine;
    counters.reads++;
    counters.readBytes += length;
    return length;
  }

  /** Writes at an offset, page by page. */
  writeSync(bytes: Uint8Array, offset: number): number {
    this.#file("write", true);
    checkOffset(offset);
    const { pages, counters } = this.#machine;
    const range = this.#machine.onStep === undefined ? "" : `${this.#path} ${offset}..${offset + bytes.length}`;
    this.#machine.step(this.#process, "before", "write", range);
    const call = pages.startCall();
    // The caller may use its buffer again.
    const copy = bytes.slice();
    counters.writes++;
    let done = 0;
    while (done < copy.length) {
      const position = offset + done;
      const length = Math.min(PAGE_BYTES - (position % PAGE_BYTES), copy.length - done);
      if (!this.#hasSpace(position)) {
        if (done === 0) throw systemError("ENOSPC", "write", this.#path);
        break;
      }
      pages.write(this.#inode, this.#path, call, copy.subarray(done, done + length), position);
      done += length;
      counters.writtenBytes += length;
      this.#machine.fileChanged(this.#inode);
      this.#machine.step(this.#process, "after", "a page of write", range);
    }
    return done;
  }

  #hasSpace(position: number): boolean {
    const { pages } = this.#machine;
    const index = Math.floor(position / PAGE_BYTES);
    const isTaken = pages.cache.file(this.#inode)?.pages[index] !== undefined ||
      pages.disk.file(this.#inode)?.pages[index] !== undefined;
    return isTaken || this.#machine.hasSpace(1);
  }

  /** {@inheritDoc FileHandle.truncate} */
  async truncate(size: number): Promise<void> {
    await this.#answer("truncate", this.truncateSync(size));
  }

  /** Cuts or grows the file. */
  truncateSync(size: number): void {
    const file = this.#file("truncate", true);
    checkOffset(size);
    const machine = this.#machine;
    const text = machine.onStep === undefined ? "" : `${this.#path} ${file.size} -> ${size}`;
    machine.step(this.#process, "before", "truncate", text);
    if (size === 0 && file.size > 0) machine.emptied.add(this.#inode);
    machine.pages.truncate(this.#inode, this.#path, size);
    machine.counters.truncations++;
    machine.fileChanged(this.#inode);
    machine.step(this.#process, "after", "truncate", text);
  }

  /** Makes bytes and size durable. */
  syncDataSync(): void {
    this.#file("fdatasync", false);
    this.#sync((pages) => syncFile(pages, this.#inode));
  }

  #sync(makeDurable: (pages: PageCache) => SyncCost): void {
    const machine = this.#machine;
    machine.step(this.#process, "before", "fdatasync", this.#path);
    machine.counters.syncs++;
    if (this.#hasLateError) {
      this.#hasLateError = false;
      throw systemError("EIO", "fdatasync", this.#path);
    }
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault === undefined) {
      machine.pages.device?.beforeSync(machine.pages);
      const cost = makeDurable(machine.pages);
      machine.counters.syncedPages += cost.pages;
      if (cost.metadata) machine.counters.metadataSyncs++;
      machine.step(this.#process, "after", "fdatasync", this.#path);
      return;
    }
    failSyncFile(machine.pages, this.#inode, fault.mode, fault.choices);
    // The kernel tells each handle that is open now, once; one that is opened later hears nothing.
    for (const other of this.#machine.openFiles) {
      if (other instanceof SimulatedFile && other.#inode === this.#inode) other.#hasLateError = true;
    }
    this.#hasLateError = fault.mode === "late";
    machine.step(this.#process, "after", "a failed fdatasync", this.#path);
    if (fault.mode !== "late") throw systemError(fault.code, "fdatasync", this.#path);
  }

  /** {@inheritDoc FileHandle.stat} */
  async stat(): Promise<FileStat> {
    return statOf(this.#machine, this.#file("stat", false));
  }

  /** {@inheritDoc FileHandle.setMode} */
  async setMode(mode: number): Promise<void> {
    const { userId, groupId } = this.#file("chmod", false);
    this.#setAttributes("chmod", mode & 0o7777, userId, groupId);
  }

  /** {@inheritDoc FileHandle.setOwner} */
  async setOwner(userId: number, groupId: number): Promise<void> {
    const file = this.#file("chown", false);
    const isSame = file.userId === userId && file.groupId === groupId;
    if (!isSame && this.#machine.options.privileged !== true) throw systemError("EPERM", "chown", this.#path);
    this.#setAttributes("chown", file.mode, userId, groupId);
  }

  #setAttributes(call: string, mode: number, userId: number, groupId: number): void {
    this.#machine.step(this.#process, "before", call, this.#path);
    this.#machine.pages.setAttributes(this.#inode, this.#path, { mode, userId, groupId });
    this.#machine.step(this.#process, "after", call, this.#path);
  }

  /** {@inheritDoc FileHandle.close} */
  async close(): Promise<void> {
    this.closeSync();
  }

  /** Closes the file. */
  closeSync(): void {
    this.#machine.check(this.#process, "close", this.#path);
    if (!this.#isOpen) throw systemError("EBADF", "close", this.#path);
    const { pages, emptied } = this.#machine;
    if (pages.rules.model === "ordered" && emptied.delete(this.#inode)) {
      const path = this.#path;
      pages.issue({ kind: "allocate", inode: this.#inode, path, forced: 0 });
    }
    this.#process.openFiles.delete(this);
    this.abandon();
  }

  /** Closes the file as the kernel does when its process has died. */
  abandon(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#machine.openFiles.delete(this);
    this.#machine.countOpen(this.#inode, -1);
  }

  /**
   * Makes the next sync of this file fail.
   *
   * @param mode What the failure leaves behind.
   * @param choices Which of the file's pending operations got to the disk all the same.
   * @param code What it rejects with.
   */
  failNextSync(mode: SyncFaultMode, choices: Choices, code: string): void {
    this.#fault = { mode, choices, code };
  }

  #answer<T>(call: string, value: T): T | Promise<T> {
    return this.#machine.answer(this.#process, call, this.#path, value);
  }

  #file(call: string, writes: boolean): FileNode {
    this.#machine.check(this.#process, call, this.#path);
    const file = this.#isOpen ? this.#machine.pages.cache.file(this.#inode) : undefined;
    if (file === undefined || (writes && !this.#canWrite)) throw systemError("EBADF", call, this.#path);
    return file;
  }
}

function checkOffset(offset: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError(`Not a byte offset: ${offset}`);
}

/** What a file system says of a node. */
export function statOf(machine: SimulatedMachine, node: TreeNode): FileStat {
  const { kind, inode, linkCount, mode, userId, groupId, modifiedMs } = node;
  const size = node.kind === "file" ? node.size : node.kind === "other" ? node.target.length : PAGE_BYTES;
  const stat = { kind, size, inode, linkCount, mode, userId, groupId, modifiedMs };
  if (!machine.contentWatches.some(({ inodes }) => inodes.has(inode))) return stat;
  return Object.defineProperty(stat, "size", {
    enumerable: true,
    get: () => {
      machine.look(inode);
      return size;
    },
  });
}

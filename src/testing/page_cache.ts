/**
 * A kernel's two views of one file system: what programs see at once, and what a power cut leaves.
 *
 * `cache` is what programs see. `disk`, with what is forced of `pending`, is durable. The rest of `pending` is at the
 * mercy of {@linkcode PageCache.afterCrash}. It knows inodes, not paths, and checks nothing; `writeback.ts` moves
 * operations from `pending` to `disk`.
 *
 * @module
 */

import { type Choices, decideOutcomes } from "./crash_choices.ts";
import { applyOutcomes, reachableTree } from "./crash_image.ts";
import { type Attributes, type FileTree, type Page, PAGE_BYTES, type TreeNode } from "./file_tree.ts";
import { mixHashes } from "./image_hash.ts";
import { type DeviceMemory, rememberWrite } from "./lying_device.ts";
import type { CrashRules, DataOperation, NameOperation, NewOperation, PendingOperation } from "./pending_operations.ts";

/** A change of names as it is issued. */
export type NameChange = Omit<NameOperation, "id" | "kind" | "forced">;

/** For operations and for states of disks, of all machines: copies share them. */
let nextNumber = 1;

/** The two views of a file system, and what stands between them. */
export class PageCache {
  /** The rules of a power cut. */
  readonly rules: CrashRules;
  /** What programs see. */
  readonly cache: FileTree;
  /** What is durable, but for what is forced of the pending operations. */
  readonly disk: FileTree;
  /** What is not durable yet, in the order of issue. */
  pending: PendingOperation[] = [];
  /** The size that a file has when all pending is written, where a failed sync made that differ from the cache's. */
  readonly promisedSizes: Map<number, number> = new Map();
  /** The next free inode. */
  nextInode: number;
  /** What a lying device needs to know of the past; undefined for an honest one. */
  device: DeviceMemory | undefined;
  #calls = 0;
  #diskVersion = nextNumber++;

  /**
   * Wraps two views.
   *
   * @param rules The rules of a power cut.
   * @param cache What programs see.
   * @param disk What is durable.
   * @param nextInode The next free inode.
   */
  constructor(rules: CrashRules, cache: FileTree, disk: FileTree, nextInode: number) {
    this.rules = rules;
    this.cache = cache;
    this.disk = disk;
    this.nextInode = nextInode;
  }

  /** A copy with the same views; files that are open but have no name are not in its cache. */
  clone(): PageCache {
    const copy = new PageCache(this.rules, this.cache.clone(), this.disk.clone(), this.nextInode);
    for (const [inode, node] of copy.cache.nodes) if (node.linkCount === 0) copy.cache.nodes.delete(inode);
    copy.pending = this.pending.slice();
    for (const [inode, size] of this.promisedSizes) copy.promisedSizes.set(inode, size);
    copy.device = this.device?.clone();
    copy.#calls = this.#calls;
    copy.#diskVersion = this.#diskVersion;
    return copy;
  }

  /** A number for the next write call. */
  startCall(): number {
    return ++this.#calls;
  }

  /** Puts an operation at the end of those that are not durable. */
  issue(operation: NewOperation): void {
    const issued = { id: nextNumber++, ...operation };
    this.pending.push(issued);
    this.device?.issued.push(issued);
  }

  /** To be called when anything of the disk has changed, or of what is forced of the pending operations. */
  diskChanged(): void {
    this.#diskVersion = nextNumber++;
  }

  /** Adds a node that no name leads to yet, to both views. */
  make(node: TreeNode): void {
    this.cache.nodes.set(node.inode, node);
    this.disk.nodes.set(node.inode, node);
  }

  /** Changes names in the cache, and issues the change. */
  changeNames(change: NameChange): void {
    const { target, source, inode } = change;
    if (source !== undefined) this.cache.mutableDirectory(source.directory)?.entries.delete(source.name);
    if (target !== undefined) this.cache.mutableDirectory(target.directory)?.entries.set(target.name, inode);
    this.issue({ kind: "name", forced: 0, ...change });
  }

  /** Counts the names of an inode up or down, and forgets it when it has none and is not open. */
  countName(inode: number, difference: number, isOpen: boolean): void {
    const node = this.cache.mutableNode(inode);
    if (node === undefined) return;
    node.linkCount += difference;
    if (node.linkCount <= 0 && !isOpen) this.cache.nodes.delete(inode);
  }

  /** Writes bytes that lie in one page, and that nobody changes afterwards. */
  write(inode: number, path: string, call: number, bytes: Uint8Array, offset: number): void {
    const index = Math.floor(offset / PAGE_BYTES);
    if (this.device !== undefined) this.cache.disown();
    const file = this.cache.mutableFile(inode);
    if (file === undefined) return;
    const promised = this.promisedSizes.get(inode);
    const before: Page | undefined = file.pages[index];
    const sizeBefore = file.size;
    file.size = Math.max(sizeBefore, offset + bytes.length);
    this.cache.writeBytes(file, bytes, offset);
    if (promised === undefined) {
      this.#issueWrite(inode, path, call, bytes, offset, sizeBefore);
    } else {
      // After a failed sync a page that looks clean may be on no disk: a write to it makes all of it dirty again.
      const start = index * PAGE_BYTES;
      const whole = file.pages[index]?.bytes.slice(0, Math.min(PAGE_BYTES, file.size - start)) ?? bytes;
      this.#issueWrite(inode, path, call, whole, start, promised);
      this.promisedSizes.set(inode, Math.max(promised, start + whole.length));
    }
    if (this.device !== undefined) rememberWrite(this.device, inode, index, before?.bytes);
  }

  #issueWrite(inode: number, path: string, call: number, bytes: Uint8Array, offset: number, size: number): void {
    const end = offset + bytes.length;
    const page = Math.floor(offset / PAGE_BYTES) * PAGE_BYTES;
    const fresh = end > size && size <= page;
    const start = Math.max(page, Math.min(size, offset));
    if (start < offset) {
      // The NUL between the old end and the write are in the page too.
      const whole = new Uint8Array(end - start);
      whole.set(bytes, offset - start);
      this.#issueWrite(inode, path, call, whole, start, size);
      return;
    }
    const first = Math.floor((offset - page) / this.rules.sectorBytes);
    const last = Math.ceil((end - page) / this.rules.sectorBytes);
    if (end > size) this.issue({ kind: "grow", inode, path, forced: 0, call, from: size, to: end, fresh });
    const sectors = (1 << last) - (1 << first);
    const data: Omit<DataOperation, "id"> = {
      kind: "data",
      inode,
      path,
      forced: 0,
      call,
      offset,
      bytes,
      sectors,
      fresh,
    };
    this.issue(data);
  }

  /** Cuts or grows a file. */
  truncate(inode: number, path: string, size: number): void {
    const file = this.cache.mutableFile(inode);
    if (file === undefined || file.size === size) return;
    this.issue({ kind: "size", inode, path, forced: 0, from: file.size, to: size });
    this.cache.resize(file, size);
    if (this.promisedSizes.has(inode)) this.promisedSizes.set(inode, size);
  }

  /** Sets owner and permission bits. */
  setAttributes(inode: number, path: string, attributes: Attributes): void {
    const node = this.cache.mutableNode(inode);
    if (node === undefined) return;
    Object.assign(node, attributes);
    this.issue({ kind: "attributes", inode, path, forced: 0, attributes });
  }

  /** How many pages are taken: those a program can see, and those that a power cut could still bring back. */
  usedPages(): number {
    let used = 0;
    for (const [inode, node] of this.cache.nodes) used += Math.max(nodePages(node), nodePages(this.disk.get(inode)));
    for (const [inode, node] of this.disk.nodes) if (!this.cache.nodes.has(inode)) used += nodePages(node);
    return used;
  }

  /** What becomes of each pending operation under some choices. */
  outcomes(choices: Choices): number[] {
    const device = this.device?.read(this, choices);
    if (device === undefined) return decideOutcomes(this.pending, choices, this.rules);
    return decideOutcomes(device.pending, choices, device.rules, device.consumed);
  }

  /** One number below 2^53 for what a power cut leaves under some choices: equal numbers are equal disks. */
  cutIdentity(choices: Choices): number {
    let identity = mixHashes(this.#diskVersion, 0);
    const device = this.device?.read(this, choices);
    // What a device damages depends on more than what survives.
    if (device !== undefined) { for (const choice of choices) identity = mixHashes(identity, choice & 0x7fffffff); }
    const pending = device?.pending ?? this.pending;
    const outcomes = decideOutcomes(pending, choices, device?.rules ?? this.rules, device?.consumed);
    for (let index = 0; index < outcomes.length; index++) {
      const outcome = outcomes[index] as number;
      if (outcome !== 0) identity = mixHashes(identity, (pending[index] as PendingOperation).id * 4096 + outcome);
    }
    return identity;
  }

  /** The two views, equal, after a power cut. */
  afterCrash(choices: Choices, seed: number): PageCache {
    const device = this.device?.read(this, choices);
    const disk = (device?.disk ?? this.disk).clone();
    const pending = device?.pending ?? this.pending;
    const rules = device?.rules ?? this.rules;
    applyOutcomes(disk, pending, decideOutcomes(pending, choices, rules, device?.consumed), rules, seed);
    const tree = reachableTree(disk);
    device?.damage(tree, seed);
    const after = new PageCache(this.rules, tree, tree.clone(), this.nextInode);
    after.device = this.device?.fresh();
    return after;
  }

  /** What is durable now, to be looked at. */
  durableTree(seed: number): FileTree {
    if (this.pending.every((operation) => operation.forced === 0)) return this.disk;
    const disk = this.disk.clone();
    applyOutcomes(disk, this.pending, decideOutcomes(this.pending, [], this.rules), this.rules, seed);
    return disk;
  }
}

function nodePages(node: TreeNode | undefined): number {
  if (node === undefined) return 0;
  if (node.kind !== "file") return node.kind === "directory" ? 1 : 0;
  let pages = 0;
  for (const page of node.pages) if (page !== undefined) pages++;
  return pages;
}

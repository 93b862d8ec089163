/**
 * A tree of files in memory that is cheap to copy: what the cache shows, or what the disk holds.
 *
 * Nodes and 4 KiB pages are shared between copies. Each carries the token of the one tree that may change it in place;
 * everybody else copies it first. Copying a tree therefore costs one small map, whatever the files hold.
 *
 * @module
 */

/** The unit in which a kernel caches a file and a device is written. */
export const PAGE_BYTES = 4096;

/** The inode of the top directory. */
export const ROOT_INODE = 1;

/** 4 KiB of a file. */
export interface Page {
  /** Who may change it in place. */
  owner: object;
  /** Exactly {@linkcode PAGE_BYTES} bytes. */
  readonly bytes: Uint8Array;
  /** Remembered by `image_hash.ts`; `-1`: not known. */
  hash: number;
}

/** Owner and permission bits. */
export interface Attributes {
  /** Permission bits. */
  mode: number;
  /** The owner. */
  userId: number;
  /** The owning group. */
  groupId: number;
}

interface NodeCommon extends Attributes {
  readonly inode: number;
  owner: object;
  modifiedMs: number;
  linkCount: number;
}

/** A file. Bytes behind `size` in its last page are NUL; a missing page reads NUL. */
export interface FileNode extends NodeCommon {
  /** Tells it from the others. */
  readonly kind: "file";
  /** In bytes. */
  size: number;
  /** By page number. */
  pages: (Page | undefined)[];
}

/** A directory. */
export interface DirectoryNode extends NodeCommon {
  /** Tells it from the others. */
  readonly kind: "directory";
  /** Inodes by name. */
  entries: Map<string, number>;
}

/** A symbolic link. */
export interface SymbolicLinkNode extends NodeCommon {
  /** Tells it from the others. */
  readonly kind: "other";
  /** Where it leads. */
  readonly target: string;
}

/** What an inode is. */
export type TreeNode = FileNode | DirectoryNode | SymbolicLinkNode;

/** Pages are cut out of larger pieces: to make, and to collect, one buffer for each takes longer than to fill it. */
const PIECE_PAGES = 16;
let piece = new ArrayBuffer(0);
let pieceUsed = PIECE_PAGES;

/** A page of zeros. */
function takePage(): Uint8Array {
  if (pieceUsed === PIECE_PAGES) {
    piece = new ArrayBuffer(PIECE_PAGES * PAGE_BYTES);
    pieceUsed = 0;
  }
  return new Uint8Array(piece, pieceUsed++ * PAGE_BYTES, PAGE_BYTES);
}

/** A tree of files that shares what it can with its copies. */
export class FileTree {
  /** Every node by inode, also those that no name leads to. */
  readonly nodes: Map<number, TreeNode>;
  #owner: object = {};

  /**
   * Wraps nodes, which are taken to be shared.
   *
   * @param nodes By inode.
   */
  constructor(nodes: Map<number, TreeNode>) {
    this.nodes = nodes;
  }

  /** A copy; neither sees the other's later changes. */
  clone(): FileTree {
    this.disown();
    return new FileTree(new Map(this.nodes));
  }

  /** Gives up the right to change anything in place, because somebody else now holds it too. */
  disown(): void {
    this.#owner = {};
  }

  /** The node of an inode, not to be changed. */
  get(inode: number): TreeNode | undefined {
    return this.nodes.get(inode);
  }

  /** The file of an inode, not to be changed; undefined if it is none. */
  file(inode: number): FileNode | undefined {
    const node = this.nodes.get(inode);
    return node?.kind === "file" ? node : undefined;
  }

  /** The directory of an inode, not to be changed; undefined if it is none. */
  directory(inode: number): DirectoryNode | undefined {
    const node = this.nodes.get(inode);
    return node?.kind === "directory" ? node : undefined;
  }

  /** The file of an inode, to be changed. */
  mutableFile(inode: number): FileNode | undefined {
    const node = this.file(inode);
    if (node === undefined || node.owner === this.#owner) return node;
    const copy: FileNode = { ...node, owner: this.#owner, pages: node.pages.slice() };
    this.nodes.set(inode, copy);
    return copy;
  }

  /** The directory of an inode, to be changed. */
  mutableDirectory(inode: number): DirectoryNode | undefined {
    const node = this.directory(inode);
    if (node === undefined || node.owner === this.#owner) return node;
    const copy: DirectoryNode = { ...node, owner: this.#owner, entries: new Map(node.entries) };
    this.nodes.set(inode, copy);
    return copy;
  }

  /** The node of an inode, to be changed in its own fields (not its pages or entries). */
  mutableNode(inode: number): TreeNode | undefined {
    const node = this.nodes.get(inode);
    if (node === undefined || node.owner === this.#owner) return node;
    if (node.kind === "file") return this.mutableFile(inode);
    if (node.kind === "directory") return this.mutableDirectory(inode);
    const copy: SymbolicLinkNode = { ...node, owner: this.#owner };
    this.nodes.set(inode, copy);
    return copy;
  }

  /** Puts bytes into the pages of a file, whatever its size, which does not change. */
  writeBytes(file: FileNode, bytes: Uint8Array, offset: number): void {
    let done = 0;
    while (done < bytes.length) {
      const within = (offset + done) % PAGE_BYTES;
      const length = Math.min(PAGE_BYTES - within, bytes.length - done);
      const page = this.mutablePage(file, Math.floor((offset + done) / PAGE_BYTES));
      page.bytes.set(length === bytes.length ? bytes : bytes.subarray(done, done + length), within);
      done += length;
    }
  }

  /** A page of a file that may be changed, to be changed. */
  mutablePage(file: FileNode, index: number): Page {
    const page = file.pages[index];
    if (page !== undefined && page.owner === this.#owner) {
      page.hash = -1;
      return page;
    }
    const bytes = takePage();
    if (page !== undefined) bytes.set(page.bytes);
    const copy: Page = { owner: this.#owner, bytes, hash: -1 };
    while (file.pages.length < index) file.pages.push(undefined);
    file.pages[index] = copy;
    return copy;
  }

  /** Sets the size of a file; what is cut off is gone, what is added reads NUL. */
  resize(file: FileNode, size: number): void {
    file.size = size;
    const pageCount = Math.ceil(size / PAGE_BYTES);
    if (file.pages.length > pageCount) file.pages.length = pageCount;
    const within = size % PAGE_BYTES;
    const last = within === 0 ? undefined : file.pages[pageCount - 1];
    if (last === undefined || isZero(last.bytes, within)) return;
    this.mutablePage(file, pageCount - 1).bytes.fill(0, within);
  }
}

/**
 * An empty tree: a top directory and nothing in it.
 *
 * @param attributes Of the top directory.
 * @param modifiedMs Its time.
 * @returns The tree.
 */
export function emptyTree(attributes: Attributes, modifiedMs: number): FileTree {
  const root: DirectoryNode = {
    kind: "directory",
    inode: ROOT_INODE,
    owner: {},
    entries: new Map(),
    modifiedMs,
    linkCount: 1,
    ...attributes,
  };
  return new FileTree(new Map([[ROOT_INODE, root]]));
}

/**
 * Copies bytes of a file into a buffer.
 *
 * @param file The file.
 * @param buffer Filled from its start.
 * @param offset Where in the file.
 * @returns How many bytes were copied.
 */
export function readBytes(file: FileNode, buffer: Uint8Array, offset: number): number {
  const length = Math.max(0, Math.min(buffer.length, file.size - offset));
  let done = 0;
  while (done < length) {
    const within = (offset + done) % PAGE_BYTES;
    const part = Math.min(PAGE_BYTES - within, length - done);
    const page = file.pages[Math.floor((offset + done) / PAGE_BYTES)];
    if (page === undefined) buffer.fill(0, done, done + part);
    else buffer.set(part === PAGE_BYTES ? page.bytes : page.bytes.subarray(within, within + part), done);
    done += part;
  }
  return length;
}

function isZero(bytes: Uint8Array, start: number): boolean {
  for (let index = start; index < bytes.length; index++) {
    if (bytes[index] !== 0) return false;
  }
  return true;
}

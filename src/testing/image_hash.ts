/**
 * One number for all that a tree of files holds, to count distinct states with.
 *
 * @module
 */

import { type FileNode, type FileTree, PAGE_BYTES, ROOT_INODE } from "./file_tree.ts";

const TWO_TO_32 = 0x1_0000_0000;

/** Two lanes of 32 bits, folded into one integer of 53 bits: one chance in 20,000 of a collision among a million. */
class Hash {
  #high = 0x811c9dc5 | 0;
  #low = 0x9747b28c | 0;

  add(word: number): void {
    this.#high = Math.imul(this.#high ^ word, 0x01000193) ^ (this.#low >>> 13);
    this.#low = Math.imul(this.#low ^ (word + 0x7f4a7c15), 0x85ebca6b) ^ (this.#high >>> 15);
  }

  addNumber(value: number): void {
    this.add(Math.floor(value / TWO_TO_32) | 0);
    this.add(value | 0);
  }

  addText(text: string): void {
    for (let index = 0; index < text.length; index++) this.add(text.charCodeAt(index));
    this.add(-1);
  }

  value(): number {
    return (this.#high >>> 11) * TWO_TO_32 + (this.#low >>> 0);
  }
}

const ZERO_PAGE_HASH = hashPage(new Uint8Array(PAGE_BYTES));

function hashPage(bytes: Uint8Array): number {
  const hash = new Hash();
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
  for (let index = 0; index < words.length; index++) hash.add(words[index] as number);
  return hash.value();
}

function hashFile(hash: Hash, file: FileNode): void {
  hash.addNumber(file.size);
  const pageCount = Math.ceil(file.size / PAGE_BYTES);
  for (let index = 0; index < pageCount; index++) {
    const page = file.pages[index];
    if (page !== undefined && page.hash === -1) page.hash = hashPage(page.bytes);
    hash.addNumber(page === undefined ? ZERO_PAGE_HASH : page.hash);
  }
}

/**
 * Hashes every name that can be reached, and what it leads to. Attributes and times do not count.
 *
 * @param tree The tree.
 * @param isSkipped Whether what a file holds does not count, by its path; its name counts. Nothing, by default.
 * @param skipped Gets the inodes of files that were skipped.
 * @returns An integer below 2^53, the same on every runtime.
 */
export function hashTree(tree: FileTree, isSkipped?: (path: string) => boolean, skipped?: Set<number>): number {
  let high = 0;
  let low = 0;
  const visit = (inode: number, path: string, depth: number): void => {
    const node = tree.get(inode);
    if (node === undefined || depth > 64) return;
    const hash = new Hash();
    hash.addText(path);
    hash.addText(node.kind);
    if (node.kind === "file") {
      if (isSkipped?.(path) === true) skipped?.add(inode);
      else hashFile(hash, node);
    } else if (node.kind === "other") hash.addText(node.target);
    else for (const [name, child] of node.entries) visit(child, `${path}/${name}`, depth + 1);
    // A sum, so that the order of the names in a directory does not matter.
    const value = hash.value();
    high = (high + Math.floor(value / TWO_TO_32)) | 0;
    low = (low + value) | 0;
  };
  visit(ROOT_INODE, "", 0);
  const whole = new Hash();
  whole.add(high);
  whole.add(low);
  return whole.value();
}

/**
 * A number for two numbers.
 *
 * @param one An integer below 2^53.
 * @param other Another.
 * @returns An integer below 2^53.
 */
export function mixHashes(one: number, other: number): number {
  let high = (one / 0x1_0000_0000 | 0) ^ Math.imul(other | 0, 0x9e3779b1);
  let low = (one | 0) ^ Math.imul((other / 0x1_0000_0000) | 0, 0x85ebca6b) ^ other;
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0);
}

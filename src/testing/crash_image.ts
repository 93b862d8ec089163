/**
 * The disk after a power cut: what was durable, and what survived of the rest, in the order in which it was issued.
 *
 * @module
 */

import { type FileNode, FileTree, PAGE_BYTES, ROOT_INODE, type TreeNode } from "./file_tree.ts";
import { noise, remains } from "./garbage.ts";
import {
  type CrashRules,
  type DataOperation,
  type Garbage,
  GROWN_NOISE,
  GROWN_ZERO,
  type GrowOperation,
  NAME_CLEARED,
  NAME_REMOVED,
  NAME_SET,
  type NameOperation,
  type PendingOperation,
  sizeAfterSteps,
  type SizeOperation,
} from "./pending_operations.ts";

/**
 * Brings operations onto a disk.
 *
 * @param disk Changed in place.
 * @param pending In the order of issue.
 * @param outcomes One for each operation; `0` leaves it out.
 * @param rules The rules.
 * @param seed For the garbage in bytes that nothing was written to.
 * @param found Gets that garbage, by the operation that uncovered it.
 */
export function applyOutcomes(
  disk: FileTree,
  pending: readonly PendingOperation[],
  outcomes: readonly number[],
  rules: CrashRules,
  seed: number,
  found?: Map<number, Garbage>,
): void {
  const touched = new Set<number>();
  for (let index = 0; index < pending.length; index++) {
    const operation = pending[index] as PendingOperation;
    const outcome = outcomes[index] as number;
    if (operation.kind === "name") {
      if (operation.made !== undefined && disk.get(operation.inode) === undefined) {
        disk.nodes.set(operation.inode, operation.made);
      }
      if (outcome !== 0) applyName(disk, operation, outcome);
    }
    if (outcome === 0 || operation.kind === "name" || operation.kind === "allocate") continue;
    if (operation.kind === "attributes") {
      const node = disk.mutableNode(operation.inode);
      if (node !== undefined) Object.assign(node, operation.attributes);
      continue;
    }
    const file = disk.mutableFile(operation.inode);
    if (file === undefined) continue;
    touched.add(operation.inode);
    if (operation.kind === "data") applyData(disk, file, operation, outcome, rules);
    else if (operation.kind === "size") applySize(disk, file, operation, outcome, rules);
    else {
      const uncovered = file.size < operation.from;
      const garbage = applyGrowth(disk, file, operation, outcome, seed);
      if (garbage !== undefined) found?.set(operation.id, garbage);
      if (uncovered) restoreData(disk, file, pending, outcomes, index, rules);
    }
  }
  for (const inode of touched) {
    const file = disk.mutableFile(inode);
    if (file !== undefined) disk.resize(file, file.size);
  }
}

/** Sets and removes names. */
export function applyName(disk: FileTree, operation: NameOperation, outcome: number): void {
  const { target, source } = operation;
  if (operation.action === "rmdir") {
    // A directory goes only when it is empty on the disk too.
    const directory = disk.directory(operation.inode);
    if (directory !== undefined && directory.entries.size > 0) return;
  }
  if (target !== undefined && (outcome & NAME_CLEARED) !== 0) {
    disk.mutableDirectory(target.directory)?.entries.delete(target.name);
  }
  if (source !== undefined && (outcome & NAME_REMOVED) !== 0) {
    disk.mutableDirectory(source.directory)?.entries.delete(source.name);
  }
  if (target !== undefined && (outcome & NAME_SET) !== 0) {
    disk.mutableDirectory(target.directory)?.entries.set(target.name, operation.inode);
  }
}

function applyData(disk: FileTree, file: FileNode, operation: DataOperation, mask: number, rules: CrashRules): void {
  const { offset, bytes } = operation;
  if (mask === operation.sectors) {
    disk.writeBytes(file, bytes, offset);
    return;
  }
  const page = Math.floor(offset / PAGE_BYTES) * PAGE_BYTES;
  for (let sector = 0; mask >> sector !== 0; sector++) {
    if (((mask >> sector) & 1) === 0) continue;
    const start = Math.max(offset, page + sector * rules.sectorBytes);
    const end = Math.min(offset + bytes.length, page + (sector + 1) * rules.sectorBytes);
    disk.writeBytes(file, bytes.subarray(start - offset, end - offset), start);
  }
}

function applySize(disk: FileTree, file: FileNode, operation: SizeOperation, steps: number, rules: CrashRules): void {
  const size = sizeAfterSteps(operation, steps, rules);
  if (operation.to > operation.from) {
    // Only grows: what was written behind the end that the disk knows of shows now.
    file.size = Math.max(file.size, size);
  } else if (size === operation.to || size < file.size) {
    // A truncation sets the size, also where an earlier growth was lost: those bytes read NUL.
    disk.resize(file, size);
  }
}

function applyGrowth(
  disk: FileTree,
  file: FileNode,
  operation: GrowOperation,
  outcome: number,
  seed: number,
): Garbage | undefined {
  const start = file.size;
  if (operation.to <= start) return undefined;
  file.size = operation.to;
  if (outcome === GROWN_ZERO) return undefined;
  const mixed = Math.imul(seed ^ operation.inode, 0x9e3779b1) ^ Math.imul(start, 0x85ebca6b) ^ operation.to;
  const length = operation.to - start;
  const bytes = outcome === GROWN_NOISE ? noise(length, start, mixed) : remains(length, start, mixed, disk);
  // Pages between the old end and the write were never allocated: they read NUL in any case.
  const page = Math.floor((operation.to - 1) / PAGE_BYTES) * PAGE_BYTES;
  if (page > operation.from && page > start) bytes.fill(0, Math.max(operation.from - start, 0), page - start);
  const { garbage } = operation;
  if (garbage !== undefined) {
    const known = garbage.bytes.subarray(Math.max(0, start - garbage.offset));
    bytes.set(known, Math.max(0, garbage.offset - start));
  }
  disk.writeBytes(file, bytes, start);
  return { offset: start, bytes };
}

/** Writes earlier data again over the garbage of a growth that uncovered it. */
function restoreData(
  disk: FileTree,
  file: FileNode,
  pending: readonly PendingOperation[],
  outcomes: readonly number[],
  until: number,
  rules: CrashRules,
): void {
  let first = 0;
  for (let index = 0; index < until; index++) {
    const operation = pending[index] as PendingOperation;
    if (operation.kind === "size" && operation.inode === file.inode && outcomes[index] !== 0) first = index;
  }
  for (let index = first; index < until; index++) {
    const operation = pending[index] as PendingOperation;
    const outcome = outcomes[index] as number;
    if (operation.kind !== "data" || operation.inode !== file.inode || outcome === 0) continue;
    applyData(disk, file, operation, outcome, rules);
  }
}

/**
 * Forgets what no name leads to, and counts the names anew.
 *
 * @param disk The disk; not changed.
 * @returns What a kernel finds on it after the power is back.
 */
export function reachableTree(disk: FileTree): FileTree {
  const names = new Map<number, number>([[ROOT_INODE, 1]]);
  const waiting = [ROOT_INODE];
  for (let inode = waiting.pop(); inode !== undefined; inode = waiting.pop()) {
    const directory = disk.directory(inode);
    if (directory === undefined) continue;
    for (const child of directory.entries.values()) {
      const count = names.get(child) ?? 0;
      names.set(child, count + 1);
      if (count === 0) waiting.push(child);
    }
  }
  const nodes = new Map<number, TreeNode>();
  for (const [inode, count] of names) {
    const node = disk.get(inode)?.linkCount === count ? disk.get(inode) : disk.mutableNode(inode);
    if (node === undefined) continue;
    if (node.linkCount !== count) node.linkCount = count;
    nodes.set(inode, node);
  }
  disk.disown();
  return new FileTree(nodes);
}

/**
 * How operations get from the cache to the disk: by a sync, by a sync that fails, or because the kernel felt like it.
 *
 * @module
 */

import { type Choices, decideOutcomes, isSequenced, pullsBytes } from "./crash_choices.ts";
import { applyName, applyOutcomes } from "./crash_image.ts";
import { PAGE_BYTES, ROOT_INODE } from "./file_tree.ts";
import type { PageCache } from "./page_cache.ts";
import {
  type Garbage,
  NAME_REMOVED,
  NAME_SET,
  type NameOperation,
  type PendingOperation,
  wholeOutcome,
} from "./pending_operations.ts";

/** What a sync brought onto the disk. */
export interface SyncCost {
  /** How many different pages of 4 KiB. */
  pages: number;
  /** Whether a size or a name had to be committed too. */
  metadata: boolean;
}

/**
 * What a failed sync leaves behind. The error is the same (`EIO`), the state is not:
 *
 * - `dropped`: the dirty pages leave the cache; reading gives what the disk holds, the size stays
 * - `kept`: the cache keeps the bytes, clean: no later sync writes them, unless they are written again (case A3)
 * - `reverted`: the file in the cache is again what the disk holds, its size too
 * - `false`: everything is durable, the error is a lie
 * - `late`: as `kept`, but this sync resolves, and the next one rejects
 */
export type SyncFaultMode = "dropped" | "kept" | "reverted" | "false" | "late";

function isContentOf(operation: PendingOperation, inode: number): boolean {
  return operation.inode === inode && operation.kind !== "name" && operation.kind !== "attributes";
}

/** Makes the bytes and the size of a file durable. */
export function syncFile(pages: PageCache, inode: number): SyncCost {
  const touched = new Set<number>();
  let metadata = false;
  for (const operation of pages.pending) {
    if (!isContentOf(operation, inode)) continue;
    if (operation.kind === "data") touched.add(Math.floor(operation.offset / PAGE_BYTES));
    else if (operation.forced === 0) metadata = true;
  }
  if (pages.promisedSizes.has(inode) || pages.pending.some((operation) => isContentOf(operation, inode))) {
    pages.diskChanged();
  }
  // A new size enters the one sequence: all that was issued before is committed with it.
  if (metadata && pages.rules.model === "ordered") commitSequence(pages, pages.pending.length);
  const own = pages.pending.filter((operation) => isContentOf(operation, inode));
  if (pages.promisedSizes.has(inode)) applyWhole(pages, own);
  else shareWithDisk(pages, inode);
  if (own.length > 0) pages.pending = pages.pending.filter((operation) => !isContentOf(operation, inode));
  return { pages: touched.size, metadata };
}

/**
 * Makes some pages of a file durable, and nothing else: what a write does that syncs by itself. A size or a name that
 * is pending stays so, which is harsher than Linux.
 *
 * @param pages The views.
 * @param inode The file.
 * @param start Where the bytes start.
 * @param end Where they end; their pages are written as a whole, with what was written to them before.
 * @returns What it cost.
 */
export function syncRange(pages: PageCache, inode: number, start: number, end: number): SyncCost {
  const [first, last] = [Math.floor(start / PAGE_BYTES), Math.floor((end - 1) / PAGE_BYTES)];
  const touched = new Set<number>();
  pages.pending = pages.pending.map((operation) => {
    if (operation.inode !== inode || operation.kind !== "data") return operation;
    const page = Math.floor(operation.offset / PAGE_BYTES);
    if (page < first || page > last) return operation;
    touched.add(page);
    return { ...operation, forced: wholeOutcome(operation, pages.rules) };
  });
  pages.diskChanged();
  settle(pages);
  return { pages: touched.size, metadata: false };
}

/** Fails to make a file durable; the choices say which of its pending operations got there all the same. */
export function failSyncFile(pages: PageCache, inode: number, mode: SyncFaultMode, choices: Choices): void {
  if (mode === "false") {
    syncFile(pages, inode);
    return;
  }
  pages.diskChanged();
  const own = pages.pending.filter((operation) => isContentOf(operation, inode));
  const { disk, cache, rules } = pages;
  applyOutcomes(disk, own, decideOutcomes(own, choices, rules), rules, inode);
  pages.pending = pages.pending.filter((operation) => !isContentOf(operation, inode));
  const durable = disk.file(inode);
  const file = cache.mutableFile(inode);
  if (durable === undefined || file === undefined) return;
  if (mode === "kept" || mode === "late") {
    pages.promisedSizes.set(inode, durable.size);
    return;
  }
  disk.disown();
  file.pages = durable.pages.slice();
  if (mode === "reverted") {
    file.size = durable.size;
    pages.promisedSizes.delete(inode);
  } else {
    pages.promisedSizes.set(inode, durable.size);
    const size = file.size;
    cache.resize(file, Math.min(size, durable.size));
    file.size = size;
  }
}

function shareWithDisk(pages: PageCache, inode: number): void {
  const file = pages.cache.file(inode);
  const durable = pages.disk.file(inode);
  if (file === undefined) return;
  // Shared from now on: whoever changes it next copies it first.
  pages.cache.disown();
  const { mode, userId, groupId } = durable ?? file;
  pages.disk.nodes.set(inode, { ...file, mode, userId, groupId });
}

function applyWhole(pages: PageCache, operations: readonly PendingOperation[]): void {
  const outcomes = operations.map((operation) =>
    operation.kind === "grow" && operation.forced !== 0 ? operation.forced : wholeOutcome(operation, pages.rules)
  );
  applyOutcomes(pages.disk, operations, outcomes, pages.rules, 0);
}

/** Makes the names in a directory durable. */
export function syncDirectory(pages: PageCache, directory: number): SyncCost {
  const touches = (operation: PendingOperation): operation is NameOperation =>
    operation.kind === "name" &&
    (operation.target?.directory === directory || operation.source?.directory === directory);
  const last = pages.pending.findLastIndex(touches);
  if (last === -1) return { pages: 0, metadata: false };
  pages.diskChanged();
  if (pages.rules.model === "ordered") {
    commitSequence(pages, last + 1);
    return { pages: 0, metadata: true };
  }
  const left: PendingOperation[] = [];
  for (const operation of pages.pending) {
    if (!touches(operation)) {
      left.push(operation);
      continue;
    }
    const { target, source, ...rest } = operation;
    const hasTarget = target?.directory === directory;
    const hasSource = source?.directory === directory;
    commitName(pages, operation, (hasTarget ? NAME_SET : 0) | (hasSource ? NAME_REMOVED : 0));
    // Of a rename across directories, the other half stays open.
    if (target !== undefined && !hasTarget) left.push({ ...rest, target });
    else if (source !== undefined && !hasSource) left.push({ ...rest, source, replaces: false });
  }
  pages.pending = left;
  forgetUnnamed(pages);
  return { pages: 0, metadata: true };
}

function commitName(pages: PageCache, operation: NameOperation, outcome: number): void {
  if (operation.action === "rmdir" && operation.source !== undefined) {
    pages.disk.mutableDirectory(operation.source.directory)?.entries.delete(operation.source.name);
  } else applyName(pages.disk, operation, outcome);
}

/** Makes durable what is in the one sequence in front of an index, with what it pulls along (ORDERED). */
function commitSequence(pages: PageCache, until: number): void {
  const { pending, disk, rules } = pages;
  const pulledUntil = new Map<number, number>();
  for (let index = 0; index < until; index++) {
    const operation = pending[index] as PendingOperation;
    if (pullsBytes(operation)) pulledUntil.set(operation.inode, index);
  }
  const left: PendingOperation[] = [];
  for (let index = 0; index < pending.length; index++) {
    const operation = pending[index] as PendingOperation;
    const isContent = operation.kind === "data" || operation.kind === "grow";
    const isForced = isContent ? index < (pulledUntil.get(operation.inode) ?? -1) : index < until;
    if (!isForced) left.push(operation);
    else if (operation.kind === "name") commitName(pages, operation, NAME_SET | NAME_REMOVED);
    else if (operation.kind === "attributes") {
      const node = disk.mutableNode(operation.inode);
      if (node !== undefined) Object.assign(node, operation.attributes);
    } else if (operation.kind !== "allocate") left.push({ ...operation, forced: wholeOutcome(operation, rules) });
  }
  pages.pending = left;
  settle(pages);
  forgetUnnamed(pages);
}

/** Writes some of what is pending to the disk, as a kernel does at any moment it likes; the seed is for garbage. */
export function writeBack(pages: PageCache, choices: Choices, seed: number): void {
  const { rules } = pages;
  const outcomes = decideOutcomes(pages.pending, choices, rules);
  // What it uncovers depends on what else the disk holds now, and stays the same however that changes.
  const garbage = new Map<number, Garbage>();
  applyOutcomes(pages.disk.clone(), pages.pending, outcomes, rules, seed, garbage);
  pages.diskChanged();
  let sequenced = 0;
  pages.pending = pages.pending.map((operation, index) => {
    const outcome = outcomes[index] as number;
    if (outcome === 0) return operation;
    if (rules.model === "ordered" && isSequenced(operation)) {
      sequenced = index + 1;
      return operation;
    }
    if (operation.kind === "name" && outcome !== wholeOutcome(operation, rules)) return operation;
    const forced = { ...operation, forced: outcome };
    const found = garbage.get(operation.id);
    return forced.kind === "grow" && found !== undefined ? { ...forced, garbage: found } : forced;
  });
  if (sequenced > 0) commitSequence(pages, sequenced);
  settle(pages);
}

/** Moves files of which everything is forced to the disk for good. */
function settle(pages: PageCache): void {
  const { pending, rules } = pages;
  if (pending.every((operation) => operation.forced === 0)) return;
  const open = new Set<number>();
  for (const operation of pending) {
    if (operation.kind === "name" || operation.kind === "attributes") continue;
    const isSettled = operation.kind === "grow"
      ? operation.forced !== 0
      : operation.forced === wholeOutcome(operation, rules);
    if (!isSettled) open.add(operation.inode);
  }
  const settled = pending.filter((operation) => isContentOf(operation, operation.inode) && !open.has(operation.inode));
  if (settled.length === 0) return;
  applyWhole(pages, settled);
  const done = new Set(settled);
  pages.pending = pending.filter((operation) => !done.has(operation));
}

/** Forgets files that no name can lead to any more: here space returns. */
function forgetUnnamed(pages: PageCache): void {
  const { disk, cache, pending } = pages;
  const named = new Set<number>([ROOT_INODE]);
  for (const node of disk.nodes.values()) {
    if (node.kind === "directory") { for (const child of node.entries.values()) named.add(child); }
  }
  for (const operation of pending) {
    if (operation.kind === "name" && operation.target !== undefined) named.add(operation.inode);
  }
  for (const inode of disk.nodes.keys()) {
    if (named.has(inode) || cache.nodes.has(inode)) continue;
    disk.nodes.delete(inode);
    pages.pending = pages.pending.filter((operation) => operation.inode !== inode);
  }
}

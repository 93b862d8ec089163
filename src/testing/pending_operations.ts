/**
 * What the cache shows and the disk does not hold yet, in steps so small that each either happens or does not.
 *
 * | call | steps |
 * |---|---|
 * | create, mkdir, link | one {@linkcode NameOperation} that sets a name |
 * | unlink, rmdir | one that removes a name |
 * | rename | one that sets a name and removes another |
 * | write inside the file | one {@linkcode DataOperation} per page, each sector for itself |
 * | write past the end | per page a {@linkcode GrowOperation}, then its data |
 * | truncate, either way | one {@linkcode SizeOperation} |
 * | chmod, chown | one {@linkcode AttributesOperation} |
 * | close after a truncation to nothing | one {@linkcode AllocateOperation} (ORDERED only: `auto_da_alloc`) |
 *
 * Operations are never changed once made, so that copies of a file system share them.
 *
 * @module
 */

import { type Attributes, PAGE_BYTES, type TreeNode } from "./file_tree.ts";

/** How much a file system promises beyond what was synced. */
export type CrashModel = "ordered" | "weak";

/** The smallest part of a file that reaches the disk whole or not at all. */
export type SectorBytes = 512 | 4096;

interface OperationCommon {
  /** Tells it from all others; what is left of it after a writeback has the same. */
  readonly id: number;
  /** The file or directory that it changes. */
  readonly inode: number;
  /** Its path when it was issued, for people. */
  readonly path: string;
  /** The least outcome it can still have, because writeback got that far; `0`: none. */
  readonly forced: number;
}

/** Bytes for one page. Its outcome is a mask of the sectors that reach the disk. */
export interface DataOperation extends OperationCommon {
  /** Tells it from the others. */
  readonly kind: "data";
  /** Which write call it is of. */
  readonly call: number;
  /** Where in the file. */
  readonly offset: number;
  /** What; all inside one page. */
  readonly bytes: Uint8Array;
  /** The sectors of the page that it touches, one bit each. */
  readonly sectors: number;
  /** Whether it fills a page that had no block before: such a page comes with the growth in front of it (ORDERED). */
  readonly fresh: boolean;
}

/** A new size because of a write past the end. Its outcome says what the bytes read that nothing was written to. */
export interface GrowOperation extends OperationCommon {
  /** Tells it from the others. */
  readonly kind: "grow";
  /** Which write call it is of. */
  readonly call: number;
  /** The size before. */
  readonly from: number;
  /** The size after. */
  readonly to: number;
  /** Whether the page had no block before. */
  readonly fresh: boolean;
  /** What stands where nothing was written, once writeback has brought it onto the disk: it stays as it is there. */
  readonly garbage?: Garbage;
}

/** Bytes that a file has, but that nobody wrote. */
export interface Garbage {
  /** Where in the file. */
  readonly offset: number;
  /** What is there. */
  readonly bytes: Uint8Array;
}

/** A new size because of a truncation. Its outcome is how many of its steps were done, page by page from the end. */
export interface SizeOperation extends OperationCommon {
  /** Tells it from the others. */
  readonly kind: "size";
  /** The size before. */
  readonly from: number;
  /** The size after. */
  readonly to: number;
}

/** New permission bits or owners. */
export interface AttributesOperation extends OperationCommon {
  /** Tells it from the others. */
  readonly kind: "attributes";
  /** All of them, as they are after it. */
  readonly attributes: Attributes;
}

/** From here on no later change of a name is durable without the bytes written to the file before (ORDERED). */
export interface AllocateOperation extends OperationCommon {
  /** Tells it from the others. */
  readonly kind: "allocate";
}

/** A name in a directory. */
export interface Name {
  /** The inode of the directory. */
  readonly directory: number;
  /** The name in it. */
  readonly name: string;
}

/** Names set and removed. Its outcome is a mask of {@linkcode NAME_SET}, {@linkcode NAME_REMOVED}, {@linkcode NAME_CLEARED}. */
export interface NameOperation extends OperationCommon {
  /** Tells it from the others. */
  readonly kind: "name";
  /** The call. */
  readonly action: "create" | "mkdir" | "symlink" | "link" | "unlink" | "rmdir" | "rename";
  /** The name that leads to the inode afterwards. */
  readonly target?: Name;
  /** The name that is gone afterwards. */
  readonly source?: Name;
  /** The path of the target of a rename or link, for people. */
  readonly targetPath?: string;
  /** Whether the target was the name of something else. */
  readonly replaces: boolean;
  /** What it made, still empty. */
  readonly made?: TreeNode;
}

/** A step before it is issued. */
export type NewOperation<T = PendingOperation> = T extends PendingOperation ? Omit<T, "id"> : never;

/** One step that is not on the disk yet. */
export type PendingOperation =
  | DataOperation
  | GrowOperation
  | SizeOperation
  | AttributesOperation
  | AllocateOperation
  | NameOperation;

/** Outcome bit: the target name leads to the inode. */
export const NAME_SET = 1;
/** Outcome bit: the source name is gone. */
export const NAME_REMOVED = 2;
/** Outcome bit: what had the target name before has lost it (only where renames are not atomic). */
export const NAME_CLEARED = 4;

/** Outcome of a growth: bytes without data are noise. */
export const GROWN_NOISE = 1;
/** Outcome of a growth: bytes without data are remains of this or another file. */
export const GROWN_STALE = 2;
/** Outcome of a growth: bytes without data read NUL. */
export const GROWN_ZERO = 3;

/** The rules that decide which outcomes there are. */
export interface CrashRules {
  /** How much is promised. */
  readonly model: CrashModel;
  /** What reaches the disk whole. */
  readonly sectorBytes: SectorBytes;
  /** Whether a rename may be seen in the middle, as on FAT (WEAK only). */
  readonly splitRenames: boolean;
}

/** How many steps a truncation has. */
function sizeSteps(operation: SizeOperation, rules: CrashRules): number {
  if (rules.model === "ordered" || operation.to >= operation.from) return 1;
  return Math.ceil(operation.from / PAGE_BYTES) - Math.floor(operation.to / PAGE_BYTES);
}

/** The size of a file after some of the steps of a truncation. */
export function sizeAfterSteps(operation: SizeOperation, steps: number, rules: CrashRules): number {
  const all = sizeSteps(operation, rules);
  if (steps >= all) return operation.to;
  return (Math.ceil(operation.from / PAGE_BYTES) - steps) * PAGE_BYTES;
}

function nameOutcomes(operation: NameOperation, rules: CrashRules): readonly number[] {
  const { target, source } = operation;
  if (target === undefined) return [0, NAME_REMOVED];
  if (source === undefined) return [0, NAME_SET];
  const whole = NAME_SET | NAME_REMOVED;
  if (rules.model === "ordered") return [0, whole];
  const across = target.directory !== source.directory;
  if (!rules.splitRenames) return across ? [0, NAME_SET, whole] : [0, whole];
  return [0, NAME_CLEARED, NAME_CLEARED | NAME_REMOVED, NAME_SET, whole];
}

/**
 * How many outcomes an operation has to choose from. The first is always that nothing of it is on the disk, the last
 * that all is.
 *
 * @param operation The operation.
 * @param rules The rules.
 * @returns 1 if another operation decides, else more.
 */
export function outcomeCount(operation: PendingOperation, rules: CrashRules): number {
  switch (operation.kind) {
    case "data":
      // A fresh page comes with its growth, or not at all.
      if (operation.fresh && rules.model === "ordered") return 1;
      return operation.sectors / (operation.sectors & -operation.sectors) + 1;
    case "grow":
      return rules.model === "ordered" ? 2 : 4;
    case "size":
      return sizeSteps(operation, rules) + 1;
    case "name":
      return nameOutcomes(operation, rules).length;
    default:
      return 2;
  }
}

/**
 * The outcome that a number stands for.
 *
 * @param operation The operation.
 * @param index From 0 to one less than {@linkcode outcomeCount}.
 * @param rules The rules.
 * @returns The outcome, in the operation's own terms.
 */
export function outcomeAt(operation: PendingOperation, index: number, rules: CrashRules): number {
  switch (operation.kind) {
    case "data":
      return index * (operation.sectors & -operation.sectors);
    case "grow":
      return rules.model === "ordered" && index === 1 ? GROWN_ZERO : index;
    case "name":
      return nameOutcomes(operation, rules)[index] ?? 0;
    default:
      return index;
  }
}

/**
 * The outcome that all of an operation is on the disk.
 *
 * @param operation The operation.
 * @param rules The rules.
 * @returns The outcome, in the operation's own terms.
 */
export function wholeOutcome(operation: PendingOperation, rules: CrashRules): number {
  if (operation.kind === "data") return operation.sectors;
  return outcomeAt(operation, outcomeCount(operation, rules) - 1, rules);
}

/** Says what an operation does, in words. */
export function operationText(operation: PendingOperation): string {
  switch (operation.kind) {
    case "data":
      return `write ${operation.path} ${operation.offset}..${operation.offset + operation.bytes.length}`;
    case "grow":
      return `grow ${operation.path} ${operation.from} -> ${operation.to}`;
    case "size":
      return `truncate ${operation.path} ${operation.from} -> ${operation.to}`;
    case "attributes":
      return `chmod ${operation.path} ${operation.attributes.mode.toString(8)}`;
    case "allocate":
      return `allocate ${operation.path}`;
    case "name": {
      const to = operation.targetPath === undefined ? "" : ` -> ${operation.targetPath}`;
      return `${operation.action} ${operation.path}${to}${operation.replaces ? " (replacing)" : ""}`;
    }
  }
}

/** Says what became of an operation, in words. */
export function outcomeText(operation: PendingOperation, outcome: number, rules: CrashRules): string {
  if (outcome === 0) return "lost";
  if (operation.kind === "grow") {
    if (outcome === GROWN_ZERO) return "kept";
    return outcome === GROWN_NOISE ? "kept, noise where no data is" : "kept, old bytes where no data is";
  }
  if (outcome === wholeOutcome(operation, rules)) return "kept";
  switch (operation.kind) {
    case "data":
      return `torn, sectors ${sectorList(outcome)} of ${sectorList(operation.sectors)}`;
    case "size":
      return `in part, to ${sizeAfterSteps(operation, outcome, rules)}`;
    default:
      return outcome === NAME_SET ? "in part, both names" : "in part, the old target is gone";
  }
}

function sectorList(mask: number): string {
  const list: number[] = [];
  for (let sector = 0; mask >> sector !== 0; sector++) {
    if (((mask >> sector) & 1) === 1) list.push(sector);
  }
  return list.join(",");
}

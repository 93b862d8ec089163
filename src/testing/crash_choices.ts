/**
 * Which of the pending operations survive a power cut: any list of integers, made into what the rules allow.
 *
 * One integer per pending operation, in the order in which they were issued; missing ones are 0. Each is taken modulo
 * the number of outcomes its operation has: `0` is always "lost", `-1` always "all of it". What the rules forbid is
 * corrected towards *lost*, except where an operation that survives cannot be without an earlier one (an older write to
 * the same sector, the bytes of a page that a rename pulled along): that one survives too.
 *
 * ORDERED: names, truncations and attributes survive as a prefix of their sequence. A growth takes part from the moment
 * its page is written back, which may be any time after the write: it needs all that was issued before the write, and
 * nothing needs it, except a later rename over an existing name (`auto_da_alloc`). WEAK: no rules but existence.
 *
 * @module
 */

import { PAGE_BYTES } from "./file_tree.ts";
import {
  type CrashRules,
  type DataOperation,
  outcomeAt,
  outcomeCount,
  type PendingOperation,
  wholeOutcome,
} from "./pending_operations.ts";

/** What survives a power cut, as any list of integers; see the module's documentation. */
export type Choices = readonly number[];

/** The non-negative remainder, so that every integer is a choice. */
export function choose(choices: Choices, index: number, count: number): number {
  const choice = choices[index];
  if (choice === undefined || count <= 1 || !Number.isFinite(choice)) return 0;
  const rest = Math.trunc(choice) % count;
  return rest < 0 ? rest + count : rest;
}

/**
 * Decides what becomes of each pending operation.
 *
 * @param pending In the order of issue.
 * @param choices Any integers.
 * @param rules The rules.
 * @param first Where in the choices the first operation's is.
 * @returns One outcome for each operation, in its own terms; `0` is lost.
 */
export function decideOutcomes(
  pending: readonly PendingOperation[],
  choices: Choices,
  rules: CrashRules,
  first = 0,
): number[] {
  const outcomes = new Array<number>(pending.length);
  for (let index = 0; index < pending.length; index++) {
    const operation = pending[index] as PendingOperation;
    const choice = choose(choices, first + index, outcomeCount(operation, rules));
    const chosen = outcomeAt(operation, choice, rules);
    if (operation.forced === 0) outcomes[index] = chosen;
    else if (operation.kind === "data") outcomes[index] = operation.forced | chosen;
    else if (operation.kind === "grow") outcomes[index] = operation.forced;
    else outcomes[index] = Math.max(operation.forced, chosen);
  }
  if (rules.model === "ordered") {
    const pulledUntil = keepPrefix(pending, outcomes);
    keepGrowth(pending, outcomes, pulledUntil, rules);
  }
  keepOlderVersions(pending, outcomes);
  return outcomes;
}

/** Whether an operation is in the one sequence of which a prefix survives (ORDERED). */
export function isSequenced(operation: PendingOperation): boolean {
  return operation.kind !== "data" && operation.kind !== "grow";
}

/** Whether an operation takes the bytes of its file along, when it is in the sequence (ORDERED). */
export function pullsBytes(operation: PendingOperation): boolean {
  return operation.kind === "allocate" ||
    (operation.kind === "name" && operation.action === "rename" && operation.replaces);
}

/** Cuts the sequence at the first lost operation; returns up to which index the bytes of a file are pulled along. */
function keepPrefix(pending: readonly PendingOperation[], outcomes: number[]): Map<number, number> {
  const pulledUntil = new Map<number, number>();
  const grown = new Map<number, boolean>();
  let open = true;
  for (let index = 0; index < pending.length; index++) {
    const operation = pending[index] as PendingOperation;
    if (operation.kind === "data") continue;
    const kept = outcomes[index] !== 0 && (open || operation.forced !== 0);
    if (operation.kind === "grow") {
      // Sizes grow page by page: a growth needs the one before it.
      const survives = kept && (grown.get(operation.inode) !== false || operation.forced !== 0);
      grown.set(operation.inode, survives);
      if (!survives) outcomes[index] = 0;
      continue;
    }
    if (!kept) {
      open = false;
      outcomes[index] = 0;
      continue;
    }
    if (operation.kind === "size") grown.delete(operation.inode);
    if (pullsBytes(operation)) {
      pulledUntil.set(operation.inode, index);
      grown.delete(operation.inode);
    }
  }
  return pulledUntil;
}

/** Keeps what a kept rename pulled along, and the bytes of each fresh page exactly when its growth is kept (ORDERED). */
function keepGrowth(
  pending: readonly PendingOperation[],
  outcomes: number[],
  pulledUntil: ReadonlyMap<number, number>,
  rules: CrashRules,
): void {
  for (let index = 0; index < pending.length; index++) {
    const operation = pending[index] as PendingOperation;
    if (operation.kind !== "data" && operation.kind !== "grow") continue;
    if (index < (pulledUntil.get(operation.inode) ?? -1)) outcomes[index] = wholeOutcome(operation, rules);
    else if (operation.kind === "data" && operation.fresh) {
      // A fresh page's growth stands directly before it.
      outcomes[index] = outcomes[index - 1] === 0 ? 0 : operation.sectors;
    }
  }
}

/** A sector that is written back holds everything written to it so far: an older write survives with a newer one. */
function keepOlderVersions(pending: readonly PendingOperation[], outcomes: number[]): void {
  const later = new Map<string, number>();
  let datas = 0;
  for (const operation of pending) if (operation.kind === "data") datas++;
  if (datas < 2) return;
  for (let index = pending.length - 1; index >= 0; index--) {
    const operation = pending[index] as PendingOperation;
    if (operation.kind !== "data") continue;
    const key = pageKey(operation);
    const kept = later.get(key) ?? 0;
    const outcome = (outcomes[index] as number) | (kept & operation.sectors);
    outcomes[index] = outcome;
    later.set(key, kept | outcome);
  }
}

function pageKey(operation: DataOperation): string {
  return `${operation.inode}:${Math.floor(operation.offset / PAGE_BYTES)}`;
}

/**
 * A power cut in words, for people who have to understand a failure.
 *
 * @module
 */

import type { Choices } from "./crash_choices.ts";
import { DEVICE_CHOICES } from "./lying_device.ts";
import type { PageCache } from "./page_cache.ts";
import { operationText, outcomeCount, outcomeText, type PendingOperation } from "./pending_operations.ts";

/** What a pending operation changes; see {@linkcode PendingDescription.kind}. */
export type PendingKind = "data" | "grow" | "size" | "attributes" | "allocate" | "name";

/** A step that a power cut could take, as explorers see it. */
export interface PendingDescription {
  /** Where in the choices its own is. */
  readonly choice: number;
  /**
   * What it does: put bytes into one page, grow a file by a write, set its size by a truncation, set its attributes,
   * tie its bytes to what follows, or change names.
   */
  readonly kind: PendingKind;
  /** What it concerns, at the time of the call. */
  readonly path: string;
  /** Tells files apart, whatever they are called. */
  readonly inode: number;
  /** Which write call it belongs to; `0` for other calls. */
  readonly call: number;
  /** How many outcomes it has; the last is that all of it survives. */
  readonly outcomes: number;
  /** Whether it fills a page that had no block on the disk. */
  readonly fresh: boolean;
  /** In words. */
  readonly text: string;
}

/** Lists what a power cut could take. */
export function describePending(pages: PageCache): PendingDescription[] {
  const first = pages.device === undefined ? 0 : DEVICE_CHOICES;
  return pages.pending.map((operation, index) => ({
    choice: first + index,
    kind: operation.kind,
    path: operation.path,
    inode: operation.inode,
    call: operation.kind === "data" || operation.kind === "grow" ? operation.call : 0,
    outcomes: outcomeCount(operation, pages.rules),
    fresh: (operation.kind === "data" || operation.kind === "grow") && operation.fresh,
    text: operationText(operation),
  }));
}

/** Tells what becomes of everything that is pending. */
export function describeChoices(pages: PageCache, choices: Choices): string {
  const device = pages.device?.read(pages, choices);
  const pending = device?.pending ?? pages.pending;
  const rules = device?.rules ?? pages.rules;
  const outcomes = pages.outcomes(choices);
  const lines = [`${pending.length} pending operations (${rules.model}, sectors of ${rules.sectorBytes} bytes)`];
  if (device !== undefined) lines.push(`  the device ${device.text}`);
  for (let index = 0; index < pending.length; index++) {
    const operation = pending[index] as PendingOperation;
    lines.push(`  ${operationText(operation)}: ${outcomeText(operation, outcomes[index] as number, rules)}`);
  }
  return lines.join("\n");
}

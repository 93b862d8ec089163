/**
 * Which records of a branched session are its conversation: the newest record, and back from it parent by parent. Pure,
 * and the same for all formats whose records name their parents: pi (`id`, `parentId`), Claude Code (`uuid`,
 * `parentUuid`) and gencode (`messageId`, `parentId`).
 *
 * - A record without an id of its own (a header, a setting, a marker) belongs to every branch.
 * - A record of a side chain does not lead the conversation on, unless there is nothing but side chains.
 * - Results of tools that ran at the same time are siblings, of which the chain passes through one; all of them are of
 *   the branch that their calls are on.
 * - A parent that is not there (its line may be damaged) is taken for the record in front: damage must not make a
 *   conversation shorter than it is.
 *
 * Of each record some sixty bytes are remembered, and never its text.
 *
 * @module
 */
import type { JsonObject } from "../log/json_text.ts";
import { listOf, objectOf, textOf } from "./fact_values.ts";

/** The place of a record in a tree. */
export interface TreeEntry {
  /** Its own id. */
  id: string;
  /** That of the record that it follows; null for a first one. */
  parent: string | null;
  /** Whether it is of a side chain. */
  isAside: boolean;
  /** Whether it holds the result of a tool. */
  isResult: boolean;
}

/**
 * Finds the place of a record in a tree.
 *
 * @param record A record, decoded.
 * @returns The place; undefined for a record that has none.
 */
export function treeEntryOf(record: JsonObject): TreeEntry | undefined {
  const { type, id, parentId, message, uuid, parentUuid, logicalParentUuid, isSidechain } = record;
  if (type === "message.appended") {
    const messageId = textOf(objectOf(message)["messageId"]);
    if (messageId === undefined) return undefined;
    return { id: messageId, parent: textOf(parentId) ?? null, isAside: false, isResult: false };
  }
  if (typeof uuid === "string" && parentUuid !== undefined) {
    // Behind a compaction the chain begins anew, and names its real parent beside that.
    const parent = textOf(parentUuid) ?? textOf(logicalParentUuid) ?? null;
    const isResult = listOf(objectOf(message)["content"]).some((part) => objectOf(part)["type"] === "tool_result");
    return { id: uuid, parent, isAside: isSidechain === true, isResult };
  }
  if (typeof type !== "string" || typeof id !== "string" || parentId === undefined) return undefined;
  return { id, parent: textOf(parentId) ?? null, isAside: false, isResult: false };
}

/** Finds the active branch of a session, record by record. */
export class ActiveBranch {
  readonly #entries: (Omit<TreeEntry, "id"> & { position: number })[] = [];
  readonly #byId = new Map<string, number>();
  #count = 0;

  /**
   * Takes the next record, in order.
   *
   * @param record The record, decoded.
   */
  add(record: JsonObject): void {
    const position = this.#count++;
    const entry = treeEntryOf(record);
    if (entry === undefined) return;
    const { id, ...place } = entry;
    this.#byId.set(id, this.#entries.length);
    this.#entries.push({ ...place, position });
  }

  /**
   * To be asked once all records have been added.
   *
   * @returns The positions, from 0, of the records that are not on the active branch.
   */
  offBranch(): Set<number> {
    const on = this.#chain();
    const off = new Set<number>();
    for (const [index, { position, parent, isResult, isAside }] of this.#entries.entries()) {
      if (on.has(index)) continue;
      const caller = parent === null || !isResult || isAside ? undefined : this.#byId.get(parent);
      if (caller === undefined || !on.has(caller)) off.add(position);
    }
    return off;
  }

  #chain(): Set<number> {
    const chain = new Set<number>();
    let leaf = this.#entries.findLastIndex(({ isAside }) => !isAside);
    if (leaf < 0) leaf = this.#entries.length - 1;
    for (let index = leaf; index >= 0 && !chain.has(index);) {
      chain.add(index);
      const parent = this.#entries[index]?.parent ?? null;
      if (parent === null) break;
      index = this.#byId.get(parent) ?? index - 1;
    }
    return chain;
  }
}

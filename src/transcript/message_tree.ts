/**
 * The messages of one chain, linked by their parents, and which of them lead to the last: the active chain. Total:
 * cycles, parents that are not there, and ids that come twice are in files that others have written.
 *
 * @module
 */

/** A message as its chain knows it. What it says is in the log. */
export interface MessageNode {
  /** The message's id. */
  id: string;
  /** The id of the message before it; null if it is the first. */
  parentId: string | null;
  /** The number of its record. */
  sequence: number;
}

/**
 * Where a chain ends when it is walked from its last message back: at a message without a parent (`start`), at the
 * boundary of a compaction, at a record that was truncated (`hidden`), at a parent that is not there (`missing`), or at
 * a message that was walked over before (`cycle`).
 */
export type ChainEnd = "start" | "boundary" | "hidden" | "missing" | "cycle";

/** The messages from the beginning to the last one. */
export interface ActiveChain {
  /** The messages in order, the oldest first. */
  nodes: MessageNode[];
  /** Why there is none in front of the first. */
  end: ChainEnd;
  /** With `missing`: the parent that is not there. */
  missingId?: string;
}

/** What limits a chain. */
export interface ChainLimits {
  /** The id of the oldest message that counts; null: no limit. */
  boundaryId: string | null;
  /** The number of the first record that is active. */
  first: number;
  /** Ids of messages in other chains: a parent among them begins this one. */
  isElsewhere: (id: string) => boolean;
}

/** Messages of one chain. An id that comes twice is the later message, at the later place. */
export class MessageTree {
  readonly #nodes = new Map<string, MessageNode>();
  /** Ids in the order of their records, those that come twice twice. */
  readonly #order: string[] = [];
  /** How many messages name each id as their parent, also one that is not there. */
  readonly #children = new Map<string, number>();
  /** The last message; undefined while that must be looked up. */
  #leafId: string | null | undefined = null;

  /** How many messages there are, each id once. */
  get size(): number {
    return this.#nodes.size;
  }

  /**
   * Adds a message.
   *
   * @param node The message.
   */
  add(node: MessageNode): void {
    const { id, parentId } = node;
    const before = this.#nodes.get(id);
    if (before !== undefined && before.parentId !== null) this.#count(before.parentId, -1);
    this.#nodes.set(id, node);
    this.#order.push(id);
    if (parentId !== null) this.#count(parentId, 1);
    this.#leafId = before === undefined && !this.#children.has(id) ? id : undefined;
  }

  /**
   * Finds a message.
   *
   * @param id Its id.
   * @returns The message, or undefined.
   */
  find(id: string): MessageNode | undefined {
    return this.#nodes.get(id);
  }

  /**
   * The last message: the last one that no other follows; where each is followed by one, the last.
   *
   * @returns Its id; null if there is no message.
   */
  leaf(): string | null {
    if (this.#leafId !== undefined) return this.#leafId;
    let found = this.#order.at(-1) ?? null;
    for (let index = this.#order.length - 1; index >= 0; index--) {
      const id = this.#order[index];
      if (id === undefined || this.#children.has(id)) continue;
      found = id;
      break;
    }
    this.#leafId = found;
    return found;
  }

  /**
   * Walks from the last message back.
   *
   * @param limits Where to stop.
   * @returns The messages that were walked over, in the order in which they follow each other.
   */
  chain(limits: ChainLimits): ActiveChain {
    const nodes: MessageNode[] = [];
    const seen = new Set<string>();
    let id = this.leaf();
    let end: ChainEnd = "start";
    while (id !== null) {
      const node: MessageNode | undefined = this.#nodes.get(id);
      if (node === undefined) {
        if (limits.isElsewhere(id)) break;
        return { nodes: nodes.reverse(), end: "missing", missingId: id };
      }
      if (seen.has(id)) end = "cycle";
      else if (node.sequence < limits.first) end = "hidden";
      if (end !== "start") break;
      seen.add(id);
      nodes.push(node);
      if (id === limits.boundaryId) {
        end = "boundary";
        break;
      }
      id = node.parentId;
    }
    return { nodes: nodes.reverse(), end };
  }

  #count(id: string, change: number): void {
    const count = (this.#children.get(id) ?? 0) + change;
    if (count > 0) this.#children.set(id, count);
    else this.#children.delete(id);
  }
}

/**
 * What a transcript's records add up to: the current state, which messages there are, and which of them lead to the
 * last. What messages say stays in the log. Pure, and total: no record makes it throw.
 *
 * @module
 */

import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import { RecordIds } from "../store/record_ids.ts";
import { type ActiveChain, MessageTree } from "./message_tree.ts";
import { applyPatch, type PatchOperation, type TranscriptTask, type TranscriptWorktree } from "./state_patch.ts";
import { readTranscriptRecord, recordName, transcriptRecordId } from "./transcript_record.ts";

/** What a transcript's records add up to. A snapshot: it does not change when records are appended. */
export interface TranscriptState {
  /** The title; null if there is none. */
  title: string | null;
  /** What the user said last; null if nothing is known. */
  lastPrompt: string | null;
  /** The tag; null if there is none. */
  tag: string | null;
  /** The mode; null if there is none. */
  mode: string | null;
  /** The tasks. */
  tasks: TranscriptTask[];
  /** The working copy; null if there is none. */
  worktree: TranscriptWorktree | null;
  /** Everything that patches have set, the paths above included, as it was set. */
  values: JsonObject;
  /** What `session.started` says: provider, model and the like; null if there is no such record. */
  session: JsonObject | null;
  /** The key of the session that this one was forked from; null if it was not. */
  forkedFrom: string | null;
  /** Whether the whole transcript is a subagent's. */
  isSidechain: boolean;
  /** The oldest message that counts since the last compaction; null if there was none. */
  boundaryId: string | null;
  /** Sections of the system prompt, by their names. */
  systemSections: Map<string, JsonObject>;
  /** Tools, by their names. */
  tools: Map<string, JsonObject>;
  /** Messages of the main chain, each once, those before the boundary too. */
  messageCount: number;
  /** The agents that have side chains here. */
  agentIds: string[];
  /** Requests to a model that no answer followed. */
  unansweredInferences: number;
  /** Records of types that are not known; they are in the log. */
  unknownRecords: number;
  /** Operations of patches that could not be applied. */
  refusedOperations: number;
}

/** How a message's name begins. */
const messagePrefix = recordName("message.appended", "");

/** How many of the newest records that are no messages are remembered by their ids. */
const namesMax = 10_000;

/** Adds up records, one after the other. */
export class TranscriptProjection {
  /** The number of the first record that is active: messages before it are hidden. */
  first = 0;
  /** Records that are no messages; those are found in their trees. */
  readonly #names = new RecordIds(namesMax);
  readonly #trees = new Map<string | null, MessageTree>([[null, new MessageTree()]]);
  readonly #boundaries = new Map<string | null, string | null>();
  readonly #sections = new Map<string, JsonObject>();
  readonly #tools = new Map<string, JsonObject>();
  #values: JsonObject = {};
  #started: { sequence: number; isSidechain: boolean; session: JsonObject } | null = null;
  #forkedFrom: string | null = null;
  #next = 0;
  #unanswered = 0;
  #unknown = 0;
  #refused = 0;

  /** One past the number of the last record that was added. */
  get next(): number {
    return this.#next;
  }

  /** The number of the record that started the session; null if there is none. */
  get startedSequence(): number | null {
    return this.#started?.sequence ?? null;
  }

  /**
   * Adds a record. Records come in the order of their numbers.
   *
   * @param sequence Its number.
   * @param record The record; it must not be changed any more.
   */
  add(sequence: number, record: JsonObject): void {
    this.#next = Math.max(this.#next, sequence + 1);
    const fact = readTranscriptRecord(record, sequence);
    if (fact.kind !== "message") this.#names.add(transcriptRecordId(record), sequence);
    switch (fact.kind) {
      case "message": {
        const { id, parentId, agentId } = fact.place;
        this.#tree(agentId).add({ id, parentId, sequence });
        break;
      }
      case "started": {
        const { isSidechain, session } = fact;
        this.#started = { sequence: this.#started?.sequence ?? sequence, isSidechain, session };
        break;
      }
      case "compacted":
        this.#boundaries.set(fact.agentId, fact.boundaryId);
        break;
      case "forked":
        this.#forkedFrom = fact.parentKey;
        break;
      case "patched":
        this.#patch(fact.operations);
        break;
      case "section":
        if (fact.section === null) this.#sections.delete(fact.name);
        else this.#sections.set(fact.name, fact.section);
        break;
      case "tools":
        for (const [index, toolName] of fact.names.entries()) {
          const tool = fact.tools?.[index];
          if (tool === undefined) this.#tools.delete(toolName);
          else this.#tools.set(toolName, tool);
        }
        break;
      case "inference":
        this.#unanswered = fact.isAnswer ? Math.max(0, this.#unanswered - 1) : this.#unanswered + 1;
        break;
      case "other":
        this.#unknown++;
    }
  }

  /**
   * Finds a record by the name that {@linkcode transcriptRecordId} gives: any message, and the newest 10,000 others.
   *
   * @param name The name.
   * @returns The number of the record that has it, or undefined.
   */
  find(name: string): number | undefined {
    if (!name.startsWith(messagePrefix)) return this.#names.find(name);
    const id = name.slice(messagePrefix.length);
    for (const tree of this.#trees.values()) {
      const node = tree.find(id);
      if (node !== undefined) return node.sequence;
    }
    return undefined;
  }

  /**
   * The last message of a chain: what the next one follows.
   *
   * @param agentId Whose side chain; null: the main chain.
   * @returns The message's id; null if there is none.
   */
  leaf(agentId: string | null): string | null {
    return this.#trees.get(agentId)?.leaf() ?? null;
  }

  /**
   * The messages that lead to the last.
   *
   * @param agentId Whose side chain; null: the main chain.
   * @returns The messages in order.
   */
  chain(agentId: string | null): ActiveChain {
    const chainId = this.#chainId(agentId);
    const tree = this.#trees.get(chainId);
    if (tree === undefined) return { nodes: [], end: "start" };
    return tree.chain({
      boundaryId: this.#boundaries.get(chainId) ?? null,
      first: this.first,
      isElsewhere: (id) => [...this.#trees.values()].some((other) => other !== tree && other.find(id) !== undefined),
    });
  }

  /** What all of it adds up to. */
  state(): TranscriptState {
    // Copies: what the caller does with them changes nothing here.
    const values = structuredClone(this.#values);
    const text = (name: string): string | null => typeof values[name] === "string" ? values[name] : null;
    const tasks: unknown = values["tasks"];
    return {
      title: text("title"),
      lastPrompt: text("lastPrompt"),
      tag: text("tag"),
      mode: text("mode"),
      tasks: Array.isArray(tasks) ? tasks.filter(isJsonObject) : [],
      worktree: isJsonObject(values["worktree"]) ? values["worktree"] : null,
      values,
      session: structuredClone(this.#started?.session ?? null),
      forkedFrom: this.#forkedFrom,
      isSidechain: this.#started?.isSidechain ?? false,
      boundaryId: this.#boundaries.get(this.#chainId(null)) ?? null,
      systemSections: structuredClone(this.#sections),
      tools: structuredClone(this.#tools),
      messageCount: this.#trees.get(this.#chainId(null))?.size ?? 0,
      agentIds: [...this.#trees.keys()].filter((agentId) => agentId !== null),
      unansweredInferences: this.#unanswered,
      unknownRecords: this.#unknown,
      refusedOperations: this.#refused,
    };
  }

  /** A transcript that is a subagent's as a whole has its messages in that agent's chain. */
  #chainId(agentId: string | null): string | null {
    if (agentId !== null || this.#started?.isSidechain !== true) return agentId;
    if ((this.#trees.get(null)?.size ?? 0) > 0) return null;
    return [...this.#trees.keys()].find((key) => key !== null) ?? null;
  }

  #tree(agentId: string | null): MessageTree {
    const known = this.#trees.get(agentId);
    if (known !== undefined) return known;
    const tree = new MessageTree();
    this.#trees.set(agentId, tree);
    return tree;
  }

  #patch(operations: readonly PatchOperation[]): void {
    const { state, refused } = applyPatch(this.#values, operations);
    this.#values = state;
    this.#refused += refused;
  }
}

/**
 * Adds up records.
 *
 * @param records Records with their numbers, in order.
 * @returns What they add up to; ask it for `state()` and `chain(null)`.
 */
export function projectTranscript(records: Iterable<{ sequence: number; record: JsonObject }>): TranscriptProjection {
  const projection = new TranscriptProjection();
  for (const { sequence, record } of records) projection.add(sequence, record);
  return projection;
}

/**
 * A transcript: typed records on top of a session, and what they add up to.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import type { JsonObject } from "../log/json_text.ts";
import type { Session } from "../store/session.ts";
import { wholeNumber } from "../store/store_options.ts";
import { AppendOrder } from "./append_order.ts";
import type { ActiveChain } from "./message_tree.ts";
import { type DraftSources, linkedRecord, type RecordDraft } from "./record_draft.ts";
import { recordName } from "./transcript_record.ts";
import { TranscriptProjection, type TranscriptState } from "./transcript_projection.ts";
import { type TranscriptReceipt, TranscriptTurn } from "./transcript_turn.ts";
import { startId, TranscriptWriter } from "./transcript_writer.ts";

/** Options of {@linkcode openTranscript}. */
export interface TranscriptOptions {
  /**
   * Makes the ids of records that are given none.
   *
   * @default {random UUIDs}
   */
  createId?: () => string;
  /**
   * Tells the time that records carry. Nothing depends on it: order and identity do not.
   *
   * @default {the clock of the machine}
   */
  now?: () => Date;
}

/** A message of a transcript. */
export interface TranscriptMessage {
  /** The message's id. */
  id: string;
  /** The id of the message that it follows; null if it is the first. */
  parentId: string | null;
  /** The number of its record. */
  sequence: number;
  /** What was said. */
  message: JsonObject;
  /** The whole record, with every member that it has. */
  record: JsonObject;
}

/** The messages that lead to the last one. */
export interface TranscriptMessages extends Pick<ActiveChain, "end" | "missingId"> {
  /** The messages in order, the oldest first. */
  messages: TranscriptMessage[];
  /** How many messages of the chain were left out in front of them, for `last`. */
  dropped: number;
}

/** Options of `Transcript.messages`. */
export interface MessagesOptions {
  /** That agent's side chain, instead of the main chain. */
  agentId?: string;
  /**
   * How many messages at the most: the last ones. Only as much of the log is read.
   *
   * @default {all}
   */
  last?: number;
}

/**
 * Opens a session as a transcript. Nothing is read before it is needed: the first append, or the first question, scans
 * the log once; from then on what the records add up to is kept beside them.
 *
 * Each method that appends a record resolves when the record is as durable as its type asks for; `turn` collects
 * records that are to be there all together.
 *
 * @param session A session. Only one transcript at a time should write it, and nobody beside it.
 * @param options Where ids and times come from.
 * @returns The transcript.
 *
 * @example
 * ```ts
 * import { openStore } from "holdfast";
 * import { openTranscript, setTitle } from "holdfast/transcript";
 *
 * await using store = await openStore("/tmp/holdfast-example");
 * const transcript = openTranscript(await store.session("balcony"));
 * await transcript.start({ provider: "anthropic", model: "m" });
 * const turn = transcript.turn();
 * turn.appendMessage({ role: "user", content: "Is it warm?" });
 * turn.appendMessage({ role: "assistant", content: "20.5 degrees." });
 * turn.patchState(setTitle("The balcony"));
 * await turn.commit(); // one sync; after a power cut all three are there, or none
 * console.log((await transcript.messages()).messages.length, (await transcript.state()).title);
 * ```
 */
export function openTranscript(session: Session, options: TranscriptOptions = {}): Transcript {
  const { createId = randomUUID, now = () => new Date() } = options;
  return new Transcript(session, { createId, now });
}

/** Typed records on top of a session. Made by {@linkcode openTranscript}. */
export class Transcript extends TranscriptWriter<Promise<TranscriptReceipt>> {
  /** The session underneath. What is appended to it directly is found at the next look, by a new scan. */
  readonly session: Session;
  readonly #sources: DraftSources;
  readonly #order: AppendOrder;
  #projection: TranscriptProjection | null = null;
  /** Records that are on their way, by their names. */
  readonly #underWay = new Map<string, Promise<number>>();

  /**
   * For {@linkcode openTranscript}.
   *
   * @param session The session underneath.
   * @param sources Where ids and times come from.
   */
  constructor(session: Session, sources: DraftSources) {
    super(sources);
    this.session = session;
    this.#sources = sources;
    const isNeeded = (): boolean => this.#projection === null;
    this.#order = new AppendOrder({
      get isNeeded() {
        return isNeeded();
      },
      prepare: async () => {
        this.#projection = await scan(session);
      },
    });
  }

  /** The session's key. */
  get key(): string {
    return this.session.key;
  }

  /**
   * Begins a turn. Nothing is written before it is committed; several may be open.
   *
   * @returns An empty turn.
   */
  turn(): TranscriptTurn {
    return new TranscriptTurn(this.#sources, async (drafts) => await this.#append([...drafts], "durable"));
  }

  /**
   * What all records add up to: title, tag, mode, tasks, worktree and everything else that was set.
   *
   * @returns A snapshot.
   */
  async state(): Promise<TranscriptState> {
    return (await this.#look()).state();
  }

  /**
   * The messages that lead to the last one, from the boundary of the last compaction on.
   *
   * Never throws for what is in the log: `end` says why there is no message in front of the first.
   *
   * @param options Which chain, and how much of it.
   * @returns The messages.
   */
  async messages(options: MessagesOptions = {}): Promise<TranscriptMessages> {
    const { agentId = null } = options;
    const last = options.last === undefined ? Infinity : wholeNumber("last", options.last, 0);
    const { nodes: chain, ...rest } = (await this.#look()).chain(agentId);
    const dropped = Math.max(0, chain.length - last);
    const nodes = chain.slice(dropped);
    const records = await this.#read(nodes.map(({ sequence }) => sequence));
    const messages = nodes.flatMap(({ id, parentId, sequence }) => {
      const record = records.get(sequence);
      if (record === undefined) return [];
      const message: unknown = record["message"];
      return [{ id, parentId, sequence, message: isObject(message) ? message : {}, record }];
    });
    return { messages, dropped, ...rest };
  }

  /**
   * Whether a message is in the log, hidden or not.
   *
   * @param id The message's id.
   * @returns True if an append of it would be a duplicate.
   */
  async has(id: string): Promise<boolean> {
    return await this.sequenceOf(id) !== null;
  }

  /**
   * Finds a message.
   *
   * @param id The message's id.
   * @returns The number of its record; null if it is not in the log.
   */
  async sequenceOf(id: string): Promise<number | null> {
    return (await this.#look()).find(recordName("message.appended", id)) ?? null;
  }

  /**
   * Forgets what the records add up to: the next append, or the next question, scans the log anew. For a session that
   * another process writes, or whose history was changed by `truncate`, `replace` or `compact`.
   */
  refresh(): void {
    this.#projection = null;
  }

  /** Appends a record on its own. */
  protected override async submit(draft: () => RecordDraft): Promise<TranscriptReceipt> {
    const made = draft();
    const [receipt] = await this.#append([made], made.durability);
    if (receipt === undefined) throw new Error("append returned no receipt");
    return receipt;
  }

  async #look(): Promise<TranscriptProjection> {
    return await new Promise((resolve, reject) => {
      const run = async (): Promise<void> => resolve(this.#known());
      this.#order.add({ isLinked: false, run, fail: reject });
    });
  }

  async #append(drafts: readonly RecordDraft[], durability: "durable" | "buffered"): Promise<TranscriptReceipt[]> {
    if (drafts.length === 0) return [];
    return await new Promise((resolve, reject) => {
      const isLinked = drafts.some((draft) => draft.link !== null);
      const run = async (): Promise<void> => await this.#handOver(drafts, durability).then(resolve, reject);
      this.#order.add({ isLinked, run, fail: reject });
    });
  }

  /** What is in the log is left out; the rest goes to the session during the call, as one batch. */
  async #handOver(
    drafts: readonly RecordDraft[],
    durability: "durable" | "buffered",
  ): Promise<TranscriptReceipt[]> {
    const projection = this.#known();
    const leaves = new Map<string | null, string>();
    const names: string[] = [];
    const records: JsonObject[] = [];
    const places = drafts.map((draft): Place => {
      const { name, link, id } = draft;
      const before = this.#find(projection, draft);
      const own = names.indexOf(name);
      if (before === undefined && own < 0) {
        const leaf = link === null ? null : leaves.get(link.agentId) ?? projection.leaf(link.agentId);
        records.push(linkedRecord(draft, leaf));
        names.push(name);
      }
      if (link !== null) leaves.set(link.agentId, id);
      return before ?? (own < 0 ? { index: records.length - 1, duplicate: false } : { index: own, duplicate: true });
    });
    const sequences = records.length === 0 ? Promise.resolve([]) : this.#write(projection, records, durability);
    for (const [index, name] of names.entries()) this.#track(name, sequences.then((numbers) => numbers[index] ?? 0));
    const numbers = await sequences;
    const receipts = places.map(async (place, index): Promise<TranscriptReceipt> => {
      const id = drafts[index]?.id ?? "";
      if (!("index" in place)) return { id, sequence: await place.sequence, duplicate: true };
      return { id, sequence: numbers[place.index] ?? 0, duplicate: place.duplicate };
    });
    const settled = await Promise.all(receipts);
    if (records.length === 0 && durability === "durable") await this.#makeDurable();
    return settled;
  }

  async #write(
    projection: TranscriptProjection,
    records: readonly JsonObject[],
    durability: "durable" | "buffered",
  ): Promise<number[]> {
    const receipts = await this.session.appendAll(records, { durability });
    for (const [index, { sequence, duplicate }] of receipts.entries()) {
      const record = records[index];
      if (record !== undefined && !duplicate && sequence === projection.next) projection.add(sequence, record);
      // Somebody else has written the session.
      else if (this.#projection === projection) this.#projection = null;
    }
    return receipts.map(({ sequence }) => sequence);
  }

  /** What is found in the log may be what a killed process has written, and nobody has synced: opening it does. */
  async #makeDurable(): Promise<void> {
    if (this.session.status === "idle") await this.session.update({});
    await this.session.flush();
  }

  /** Where a record is that need not be appended; one on its way counts, and settles with it. */
  #find(projection: TranscriptProjection, draft: RecordDraft): { sequence: number | Promise<number> } | undefined {
    const isStart = draft.name === recordName("session.started", startId);
    const known = projection.find(draft.name) ?? (isStart ? projection.startedSequence ?? undefined : undefined);
    const sequence = known ?? this.#underWay.get(draft.name);
    return sequence === undefined ? undefined : { sequence };
  }

  #track(name: string, sequence: Promise<number>): void {
    this.#underWay.set(name, sequence);
    const forget = (): void => void this.#underWay.delete(name);
    sequence.then(forget, forget);
  }

  #known(): TranscriptProjection {
    if (this.#projection === null) throw new Error("transcript was asked before it was scanned");
    return this.#projection;
  }

  async #read(sequences: readonly number[]): Promise<Map<number, JsonObject>> {
    const wanted = new Set(sequences);
    const found = new Map<number, JsonObject>();
    if (wanted.size === 0) return found;
    const from = sequences.reduce((low, sequence) => Math.min(low, sequence));
    for await (const { sequence, record } of this.session.records({ from, all: true })) {
      if (wanted.delete(sequence)) found.set(sequence, record);
      if (wanted.size === 0) break;
    }
    return found;
  }
}

/** Where a draft's record is: in the log, or at an index of the batch. */
type Place = { sequence: number | Promise<number> } | { index: number; duplicate: boolean };

/** Reads a session once. Hidden records count for ids and state, not for the chain of messages. */
async function scan(session: Session): Promise<TranscriptProjection> {
  const projection = new TranscriptProjection();
  for await (const { sequence, record } of session.records({ all: true })) projection.add(sequence, record);
  if (projection.next === 0) return projection;
  projection.first = projection.next;
  for await (const { sequence } of session.records({ limit: 1 })) projection.first = sequence;
  return projection;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

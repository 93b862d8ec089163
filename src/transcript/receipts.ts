/**
 * Receipts of model calls: what was answered to which request, each occurrence by itself and in order, so that a run
 * can be replayed without calling a model.
 *
 * A receipt is one record with the whole answer. The index from requests to receipts is derived from the log, in
 * memory: nothing is lost with it, and nothing is written for it.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import type { RecordLog } from "./checkpoints.ts";
import { requestKey } from "./request_key.ts";

/** The type of the records that hold receipts. */
export const receiptType = "receipt.recorded";

/** A receipt. */
export interface Receipt {
  /** The number of its record. */
  sequence: number;
  /** The request's key: {@linkcode requestKey}. */
  key: string;
  /** The whole answer, as `JSON.parse` gives it. */
  response: unknown;
  /** The request, where it was kept. */
  request?: unknown;
  /** How long the call took, in milliseconds, where that was told. */
  durationMs?: number;
  /** What the call used, where that was told. */
  tokens?: unknown;
}

/** What is told of a call beside request and answer. */
export interface ReceiptDetails {
  /** How long it took, in milliseconds. */
  durationMs?: number;
  /** What it used. */
  tokens?: unknown;
  /**
   * Whether the request is kept too. Requests hold the conversation so far, which is in the log already: each kept
   * one makes the log grow by all of it.
   *
   * @default {false}
   */
  keepRequest?: boolean;
}

/**
 * The receipts of one session.
 *
 * @example
 * ```ts
 * import { openStore } from "holdfast";
 * import { Receipts } from "holdfast/transcript";
 *
 * await using store = await openStore("/tmp/holdfast-example-receipts");
 * const receipts = new Receipts(await store.session("agent"));
 * const request = { model: "m", messages: [{ role: "user", content: "roll a die" }] };
 * await receipts.record(request, { text: "4" });
 * await receipts.record(request, { text: "6" }); // the same request again: another answer, kept beside the first
 * const replay = receipts.replay();
 * console.log((await replay.next(request)).response, (await replay.next(request)).response);
 * ```
 */
export class Receipts {
  readonly #log: RecordLog;
  /** The numbers of the receipts of each key, in order. */
  #index = new Map<string, number[]>();
  /** What is in front of this number is in the index. */
  #indexedTo = 0;
  #indexing: Promise<void> = Promise.resolve();

  /**
   * Reads nothing yet.
   *
   * @param log The session.
   */
  constructor(log: RecordLog) {
    this.#log = log;
  }

  /**
   * Records an answer; durable when it resolves.
   *
   * @param request What was asked; anything that JSON can hold.
   * @param response The whole answer; anything that JSON can hold.
   * @param details What else is told.
   * @returns The receipt.
   * @throws {TypeError} If JSON cannot hold it.
   * @throws As `Session.append`.
   */
  async record(request: unknown, response: unknown, details: ReceiptDetails = {}): Promise<Receipt> {
    const key = requestKey(request);
    const encoded: string | undefined = JSON.stringify(response);
    if (encoded === undefined) throw new TypeError("response must be something that JSON can hold");
    const { durationMs, tokens, keepRequest = false } = details;
    const facts: JsonObject = {
      key,
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(tokens === undefined ? {} : { tokens }),
    };
    const kept = keepRequest ? { request } : {};
    const record: JsonObject = { type: receiptType, receipt: facts, ...kept, response: JSON.parse(encoded) };
    const { sequence } = await this.#log.append(record, { durability: "durable" });
    const receipt = readReceipt(record, sequence);
    if (receipt === null) throw new TypeError("request cannot be kept");
    return receipt;
  }

  /**
   * All receipts of a request that are in the log, in the order in which the calls were made.
   *
   * @param request What was asked.
   * @returns The receipts.
   */
  async *all(request: unknown): AsyncGenerator<Receipt, void> {
    const key = requestKey(request);
    for (let index = 0;; index++) {
      const receipt = await this.#nth(key, index);
      if (receipt === null) return;
      yield receipt;
    }
  }

  /**
   * Begins a replay: every call of {@linkcode ReceiptReplay.next} gives the next answer to its request.
   *
   * @param options From which record on, and up to which, receipts count: those of one part of a run.
   * @returns The replay.
   */
  replay(options: { from?: number; to?: number } = {}): ReceiptReplay {
    const { from = 0, to = Infinity } = options;
    return new ReceiptReplay(async (key, taken) => {
      await this.#catchUp();
      const first = (this.#index.get(key) ?? []).findIndex((sequence) => sequence >= from);
      const receipt = first < 0 ? null : await this.#nth(key, first + taken);
      return receipt !== null && receipt.sequence <= to ? receipt : null;
    }, this);
  }

  async #nth(key: string, index: number, isSecondLook = false): Promise<Receipt | null> {
    await this.#catchUp();
    const sequence = this.#index.get(key)?.[index];
    if (sequence === undefined) return null;
    for await (const entry of this.#log.records({ from: sequence, limit: 1, all: true })) {
      const receipt = entry.sequence === sequence ? readReceipt(entry.record, sequence) : null;
      if (receipt?.key === key) return receipt;
    }
    if (isSecondLook) return null;
    // The log was rewritten since: what was derived from the old one is derived anew.
    this.#index = new Map();
    this.#indexedTo = 0;
    return await this.#nth(key, index, true);
  }

  async #catchUp(): Promise<void> {
    this.#indexing = this.#indexing.catch(() => undefined).then(async () => await this.#readOn());
    await this.#indexing;
  }

  async #readOn(): Promise<void> {
    for await (const { sequence, record } of this.#log.records({ from: this.#indexedTo, all: true })) {
      const receipt = readReceipt(record, sequence);
      this.#indexedTo = sequence + 1;
      if (receipt === null) continue;
      const known = this.#index.get(receipt.key);
      if (known === undefined) this.#index.set(receipt.key, [sequence]);
      else known.push(sequence);
    }
  }
}

/** Answers to requests, each occurrence in its turn. Made by {@linkcode Receipts.replay}. */
export class ReceiptReplay {
  readonly #find: (key: string, taken: number) => Promise<Receipt | null>;
  readonly #receipts: Receipts;
  /** How many of each key were taken. */
  readonly #taken = new Map<string, number>();

  /**
   * For {@linkcode Receipts}.
   *
   * @param find Finds the receipt of a key behind as many as were taken.
   * @param receipts Where new ones go.
   */
  constructor(find: (key: string, taken: number) => Promise<Receipt | null>, receipts: Receipts) {
    this.#find = find;
    this.#receipts = receipts;
  }

  /**
   * The next answer to a request.
   *
   * @param request What is asked.
   * @returns The receipt of the call that asked it next.
   * @throws {HoldfastError} `not-found` if there is none any more.
   */
  async next(request: unknown): Promise<Receipt> {
    const key = requestKey(request);
    const receipt = await this.#take(key);
    if (receipt !== null) return receipt;
    const message = `No receipt of this request is left (${key.slice(0, 12)}…, ${this.#taken.get(key) ?? 0} taken)`;
    throw new HoldfastError("not-found", message);
  }

  /**
   * The next answer to a request; where there is none any more, the call is made, and its receipt recorded. So a run
   * that was cut off goes on where it was, without asking anything twice.
   *
   * @param request What is asked.
   * @param perform Makes the call.
   * @returns The answer.
   */
  async call(request: unknown, perform: () => Promise<unknown>): Promise<unknown> {
    const key = requestKey(request);
    const receipt = await this.#take(key);
    if (receipt !== null) return receipt.response;
    const recorded = await this.#receipts.record(request, await perform());
    this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    return recorded.response;
  }

  async #take(key: string): Promise<Receipt | null> {
    const taken = this.#taken.get(key) ?? 0;
    // Counted at once: calls that are made together each get their own.
    this.#taken.set(key, taken + 1);
    const receipt = await this.#find(key, taken);
    if (receipt === null) this.#taken.set(key, (this.#taken.get(key) ?? 1) - 1);
    return receipt;
  }
}

function readReceipt(record: JsonObject, sequence: number): Receipt | null {
  const { type, receipt, response, request } = record;
  if (type !== receiptType || !isJsonObject(receipt) || !("response" in record)) return null;
  const { key, durationMs, tokens } = receipt;
  if (typeof key !== "string") return null;
  return {
    sequence,
    key,
    response,
    ...(request === undefined ? {} : { request }),
    ...(typeof durationMs === "number" ? { durationMs } : {}),
    ...(tokens === undefined ? {} : { tokens }),
  };
}

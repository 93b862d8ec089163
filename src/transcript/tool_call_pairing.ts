/**
 * Tool calls and their results, paired: a view of a history that a provider accepts, and what is wrong with one.
 *
 * A crash between a call and its result, a result that came too late, a truncation between the two: providers refuse a
 * history with such a pair torn apart. What is appended with `appendAll` cannot be torn; what came from elsewhere can.
 *
 * Two shapes are known, message by message. OpenAI's: `tool_calls` of an assistant's message, answered by messages of
 * the role `tool` directly behind it. Anthropic's: blocks `tool_use` in an assistant's content, answered by blocks
 * `tool_result` at the beginning of the user's message directly behind it. Everything else is left as it is.
 *
 * @module
 */

import { isJsonObject, type JsonObject } from "../log/json_text.ts";

/** How a history is mended. */
export interface PairingOptions {
  /**
   * What becomes of a call without a result: `close` gives it one that says so, `leave-out` takes it out of its
   * message, and the message, too, if it says nothing else.
   *
   * @default {"close"}
   */
  unanswered?: "close" | "leave-out";
  /**
   * What the result of a call says that has none.
   *
   * @default {"No result: the call was interrupted before it finished."}
   */
  resultText?: string;
}

/** What can be wrong with a call or a result. */
export type PairingFault =
  /** A call without a result, and the conversation went on. */
  | "unanswered-call"
  /** A call without a result at the end of the history: it may still come. */
  | "open-call"
  /** A call without an id, or with one that the same message has already: nothing can answer it. */
  | "unanswerable-call"
  /** A result without a call in front of it. */
  | "orphan-result"
  /** A second result of a call. */
  | "duplicate-result"
  /** A result that is not directly behind its call. */
  | "misplaced-result";

/** Something that a provider would refuse. */
export interface PairingFinding {
  /** What is wrong. */
  fault: PairingFault;
  /** Which message, counted from 0. */
  index: number;
  /** The call's id; empty if it has none. */
  id: string;
}

type Shape = "openai" | "anthropic";

/** A call, and where its result is. */
interface Call {
  shape: Shape;
  id: string;
  index: number;
  result: Result | null;
}

/** A result: a whole message, or a block of one. */
interface Result {
  index: number;
  place: number;
  body: JsonObject;
}

/**
 * A view of a history that a provider accepts: each call is answered directly behind it, each result has its call. One
 * that is accepted as it is comes back unchanged, message by message the same objects; none is ever changed.
 *
 * @param history Messages, oldest first.
 * @param options What becomes of calls without a result.
 * @returns The messages to show to the model.
 *
 * @example
 * ```ts
 * import { pairToolCalls } from "holdfast/transcript";
 *
 * const history = [
 *   { role: "assistant", content: null, tool_calls: [{ id: "c1", type: "function" }] },
 *   { role: "user", content: "Are you still there?" }, // killed in the middle of a call, and asked again
 * ];
 * console.log(pairToolCalls(history).map(({ role }) => role)); // assistant, tool, user
 * ```
 */
export function pairToolCalls(history: readonly JsonObject[], options: PairingOptions = {}): JsonObject[] {
  const { unanswered = "close", resultText = "No result: the call was interrupted before it finished." } = options;
  const pairs = new Pairs();
  const calls = history.map((message) => pairs.take(message).calls);
  const view: JsonObject[] = [];
  /** The blocks of these messages that are no results have been given out already. */
  const hosts = new Set<number>();
  for (const [index, message] of history.entries()) {
    if (message["role"] === "tool" || hosts.has(index)) continue;
    const own = calls[index] ?? [];
    const kept = unanswered === "close" ? own : own.filter(({ result }) => result !== null);
    const shown = withoutTorn(message, kept);
    if (shown !== null) view.push(shown);
    for (const { body } of resultsOf(kept, "openai", resultText)) view.push(body);
    const blocks = resultsOf(kept, "anthropic", resultText);
    if (blocks.length === 0) continue;
    const host = hostOf(history, index, blocks);
    if (host !== null) hosts.add(host);
    view.push(hostMessage(host === null ? undefined : history[host], blocks));
  }
  return view;
}

/**
 * What a provider would refuse in a history.
 *
 * @param history Messages, oldest first.
 * @returns What is wrong, in the order of the messages.
 */
export function findUnpairedCalls(history: readonly JsonObject[]): PairingFinding[] {
  const reader = new PairingReader();
  const findings = history.flatMap((message) => reader.take(message));
  return [...findings, ...reader.end()].sort((one, other) => one.index - other.index);
}

/** How many answered calls are remembered, to tell a second result from one without a call. */
const answeredMax = 10_000;

/**
 * Looks at a history message by message, with memory for unanswered calls only. What is wrong is said as soon as it is
 * known.
 */
export class PairingReader {
  readonly #pairs = new Pairs();

  /**
   * Looks at the next message.
   *
   * @param message The message.
   * @param index The number by which findings name it, higher than that of the one before; counted from 0 by default.
   * @returns What is wrong that was not known before.
   */
  take(message: JsonObject, index?: number): PairingFinding[] {
    return this.#pairs.take(message, index).findings;
  }

  /**
   * The history ends here.
   *
   * @returns The calls that have no result.
   */
  end(): PairingFinding[] {
    return this.#pairs.end();
  }
}

/** Each result belongs to the last call of its id in front of it that has none. */
class Pairs {
  readonly #open = new Map<string, Call>();
  readonly #answered = new Set<string>();
  #index = 0;
  /** The last message that is not a whole result. */
  #lastOther = -1;
  /** The last message that says anything but results. */
  #lastTalk = -1;

  /** The calls of the next message that something can answer, and what is wrong. */
  take(message: JsonObject, index: number = this.#index): { calls: Call[]; findings: PairingFinding[] } {
    this.#index = index + 1;
    const findings: PairingFinding[] = [];
    const add = (fault: PairingFault, id: string): void => void findings.push({ fault, index, id });
    for (const result of resultsIn(message)) this.#answer(result, index, add);
    if (message["role"] !== "tool") this.#lastOther = index;
    if (!isResultsOnly(message)) this.#lastTalk = index;
    const calls: Call[] = [];
    for (const { shape, id } of callsIn(message)) {
      if (id === "" || calls.some((other) => other.id === id && other.shape === shape)) {
        add("unanswerable-call", id);
        continue;
      }
      const name = `${shape} ${id}`;
      const before = this.#open.get(name);
      if (before !== undefined) findings.push({ fault: "unanswered-call", index: before.index, id });
      const call: Call = { shape, id, index, result: null };
      calls.push(call);
      // Behind the others: they are reported in the order of their messages.
      this.#open.delete(name);
      this.#open.set(name, call);
      this.#answered.delete(name);
    }
    return { calls, findings };
  }

  end(): PairingFinding[] {
    return [...this.#open.values()].map(({ index, id }) => {
      return { fault: this.#lastTalk <= index ? "open-call" : "unanswered-call", index, id };
    });
  }

  #answer(result: FoundResult, index: number, add: (fault: PairingFault, id: string) => void): void {
    const { shape, id, place, isFirst, body } = result;
    const name = `${shape} ${id}`;
    const call = this.#open.get(name);
    if (call === undefined) return add(this.#answered.has(name) ? "duplicate-result" : "orphan-result", id);
    this.#open.delete(name);
    if (this.#answered.size >= answeredMax) this.#answered.clear();
    this.#answered.add(name);
    call.result = { index, place, body };
    // A provider looks directly behind the call, and at the beginning of a message.
    if (this.#lastOther > call.index || !isFirst) add("misplaced-result", id);
  }
}

interface FoundResult {
  shape: Shape;
  id: string;
  place: number;
  /** Whether nothing but results stands in front of it in its message. */
  isFirst: boolean;
  body: JsonObject;
}

function callsIn(message: JsonObject): { shape: Shape; id: string }[] {
  if (message["role"] !== "assistant") return [];
  const { tool_calls: calls, content } = message;
  const list: unknown[] = Array.isArray(calls) ? calls : [];
  const openai = list.map((call) => ({ shape: "openai" as const, id: idOf(call, "id") }));
  const anthropic = usesIn(content).map((block) => ({ shape: "anthropic" as const, id: idOf(block, "id") }));
  return [...openai, ...anthropic];
}

function resultsIn(message: JsonObject): FoundResult[] {
  const { role, content } = message;
  if (role === "tool") {
    return [{ shape: "openai", id: idOf(message, "tool_call_id"), place: 0, isFirst: true, body: message }];
  }
  if (!Array.isArray(content)) return [];
  const found: FoundResult[] = [];
  for (const [place, block] of content.entries()) {
    if (!isResultBlock(block)) continue;
    // Only a user's message can answer.
    const id = role === "user" ? idOf(block, "tool_use_id") : "";
    found.push({ shape: "anthropic", id, place, isFirst: found.length === place, body: block });
  }
  return found;
}

function isResultsOnly({ role, content }: JsonObject): boolean {
  return role === "tool" || (Array.isArray(content) && content.length > 0 && content.every(isResultBlock));
}

function usesIn(content: unknown): JsonObject[] {
  if (!Array.isArray(content)) return [];
  return content.filter((block: unknown): block is JsonObject => isJsonObject(block) && block["type"] === "tool_use");
}

function idOf(value: unknown, name: string): string {
  const id = isJsonObject(value) ? value[name] : undefined;
  return typeof id === "string" ? id : "";
}

function isResultBlock(block: unknown): block is JsonObject {
  return isJsonObject(block) && block["type"] === "tool_result";
}

/** A message without results and without calls that are not kept; null if nothing is left of it. */
function withoutTorn(message: JsonObject, kept: readonly Call[]): JsonObject | null {
  const { role, tool_calls: calls, content } = message;
  let shown = message;
  if (role === "assistant" && Array.isArray(calls)) {
    const ids = idsOf(kept, "openai");
    const left = calls.filter((call: unknown) => ids.delete(idOf(call, "id")));
    if (left.length === 0) {
      const { tool_calls: _, ...rest } = shown;
      shown = rest;
    } else if (left.length < calls.length) {
      shown = { ...shown, tool_calls: left };
    }
  }
  if (Array.isArray(content)) {
    const ids = idsOf(kept, "anthropic");
    const left = content.filter((block: unknown) => {
      if (isResultBlock(block)) return false;
      const isCall = role === "assistant" && isJsonObject(block) && block["type"] === "tool_use";
      return !isCall || ids.delete(idOf(block, "id"));
    });
    if (left.length < content.length) shown = { ...shown, content: left };
  }
  return shown === message || saysSomething(shown) ? shown : null;
}

function idsOf(calls: readonly Call[], shape: Shape): Set<string> {
  return new Set(calls.filter((call) => call.shape === shape).map(({ id }) => id));
}

const thinking = new Set<unknown>(["thinking", "redacted_thinking"]);

/** Thoughts alone are no message. */
function saysSomething({ tool_calls: calls, content }: JsonObject): boolean {
  if (Array.isArray(calls) && calls.length > 0) return true;
  if (!Array.isArray(content)) return content !== "" && content !== null && content !== undefined;
  return content.some((block: unknown) => !isJsonObject(block) || !thinking.has(block["type"]));
}

/** The results of a message's calls, in the order in which they came; those that are made up come last. */
function resultsOf(calls: readonly Call[], shape: Shape, text: string): Result[] {
  const own = calls.filter((call) => call.shape === shape);
  const results: Result[] = own.flatMap(({ result }) => result === null ? [] : [result]);
  results.sort((one, other) => one.index - other.index || one.place - other.place);
  for (const { id, result } of own) {
    if (result !== null) continue;
    const body = shape === "openai"
      ? { role: "tool", tool_call_id: id, content: text }
      : { type: "tool_result", tool_use_id: id, content: text, is_error: true };
    results.push({ index: Infinity, place: 0, body });
  }
  return results;
}

/** The user's message that stands directly behind a call and has a result of it; it gets them all. */
function hostOf(history: readonly JsonObject[], index: number, blocks: readonly Result[]): number | null {
  for (let next = index + 1; next < history.length; next++) {
    if (history[next]?.["role"] === "tool") continue;
    return blocks.some((block) => block.index === next) ? next : null;
  }
  return null;
}

function hostMessage(host: JsonObject | undefined, results: readonly Result[]): JsonObject {
  const bodies = results.map(({ body }) => body);
  const content = host?.["content"];
  if (host === undefined || !Array.isArray(content)) return { role: "user", content: bodies };
  const wanted = [...bodies, ...content.filter((block: unknown) => !isResultBlock(block))];
  const isSame = wanted.length === content.length && wanted.every((block, place) => block === content[place]);
  return isSame ? host : { ...host, content: wanted };
}

/**
 * Asks a model behind an OpenAI-compatible endpoint (llama.cpp's server, Ollama, and others), and streams its answer.
 *
 * @module
 */

import { eventData } from "./event_stream.ts";

/** A message, as the endpoint takes it. */
export type ChatMessage = Readonly<Record<string, unknown>>;

/** A call of a tool. */
export interface ToolCall {
  /** The model's id for it. */
  readonly id: string;
  /** Which tool. */
  readonly name: string;
  /** JSON text, as the model wrote it. */
  readonly arguments: string;
}

/** What the model said. */
export interface ChatAnswer {
  /** Its text; empty if it only calls tools. */
  readonly content: string;
  /** The tools that it calls. */
  readonly toolCalls: readonly ToolCall[];
}

/** Where the model is. */
export interface ChatEndpoint {
  /** Its base address, up to `/v1`. */
  readonly url: string;
  /** Which model; many local servers ignore it. */
  readonly model: string;
  /** Sent as a bearer token; null: none. */
  readonly apiKey: string | null;
  /** How long the model may be silent, in milliseconds. */
  readonly silenceMsMax: number;
}

/** The body of a response, as the runtime types it. */
export type ResponseBody = NonNullable<Response["body"]>;

/** What a client needs of its runtime. */
export interface ChatRuntime {
  /** As `fetch`. */
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** The lines of a body. */
  lines(body: ResponseBody): AsyncIterable<string>;
}

/** Why there is no answer: nobody is at the address, the conversation does not fit the model, or something else. */
export type ChatErrorReason = "unreachable" | "too long" | "failed";

/** Why there is no answer, in words for the person at the board. */
export class ChatError extends Error {
  override readonly name = "ChatError";
  /** Why, for whoever can do something about it. */
  readonly reason: ChatErrorReason;

  /**
   * Creates an error.
   *
   * @param message What happened and what to do.
   * @param reason Why.
   * @param cause What was thrown.
   */
  constructor(message: string, reason: ChatErrorReason = "failed", cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/**
 * Asks once.
 *
 * @param endpoint Where the model is.
 * @param runtime The runtime's streams.
 * @param messages The conversation.
 * @param tools What it may call, in the endpoint's shape.
 * @param onText Gets the text as it comes.
 * @param signal Ends the request.
 * @returns The whole answer.
 * @throws {ChatError} There is none, or only half of one.
 */
export async function askModel(
  endpoint: ChatEndpoint,
  runtime: ChatRuntime,
  messages: readonly ChatMessage[],
  tools: readonly unknown[],
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<ChatAnswer> {
  const silence = new SilenceLimit(endpoint.silenceMsMax, signal);
  try {
    const body = await post(endpoint, runtime, messages, tools, silence);
    const answer = new GrowingAnswer(onText);
    for await (const data of eventData(silence.listen(runtime.lines(body)))) {
      if (data === "[DONE]") return answer.finish();
      answer.take(data);
    }
    // Some servers close without a mark; a reason to finish says as much.
    if (answer.isFinished) return answer.finish();
    throw new ChatError("The model's answer ended in the middle: the server closed the connection");
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof ChatError) throw error;
    if (silence.isOver) throw new ChatError(`The model has been silent for ${endpoint.silenceMsMax / 1000} s`);
    throw new ChatError(`The connection to the model broke off: ${messageOf(error)}`, "failed", error);
  } finally {
    silence.stop();
  }
}

async function post(
  endpoint: ChatEndpoint,
  runtime: ChatRuntime,
  messages: readonly ChatMessage[],
  tools: readonly unknown[],
  silence: SilenceLimit,
): Promise<ResponseBody> {
  const headers: Record<string, string> = { "content-type": "application/json", accept: "text/event-stream" };
  if (endpoint.apiKey !== null) headers.authorization = `Bearer ${endpoint.apiKey}`;
  const request = { model: endpoint.model, stream: true, messages, ...(tools.length === 0 ? {} : { tools }) };
  let response: Response;
  try {
    response = await silence.orEnd(runtime.fetch(`${endpoint.url.replace(/\/$/, "")}/chat/completions`, {
      method: "POST",
      headers,
      body: JSON.stringify(request),
      signal: silence.signal,
    }));
  } catch (error) {
    if (silence.signal.aborted) throw error;
    throw new ChatError(`No model answers at ${endpoint.url}: ${messageOf(error)}`, "unreachable", error);
  }
  if (!response.ok) {
    const text = (await silence.orEnd(response.text())).trim().slice(0, 300);
    const reason = isTooLong(response.status, text) ? "too long" : "failed";
    throw new ChatError(`The model's server refused: ${response.status} ${response.statusText} ${text}`.trim(), reason);
  }
  if (response.body === null) throw new ChatError("The model's server sent no body");
  return response.body;
}

/** There is no status of its own for it; llama.cpp, vLLM and OpenAI all speak of the context. */
function isTooLong(status: number, text: string): boolean {
  return status === 413 || (status === 400 || status === 500) && /context|too long|too many tokens/i.test(text);
}

/**
 * Ends a request when nothing has come for a while, or from outside. That is waited for beside the answer: once garbage
 * was collected, Deno 2.9 has forgotten the signal of a request whose headers have come, and reads for ever.
 */
class SilenceLimit {
  readonly #controller = new AbortController();
  readonly #limitMs: number;
  readonly #outer: AbortSignal;
  readonly #ended: Promise<never>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  isOver = false;

  constructor(limitMs: number, outer: AbortSignal) {
    this.#limitMs = limitMs;
    this.#outer = outer;
    const { signal } = this.#controller;
    this.#ended = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    this.#ended.catch(() => {});
    outer.addEventListener("abort", this.#abort);
    if (outer.aborted) this.#abort();
    this.#heard();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves as a promise does, unless the end comes first: rejects then. */
  async orEnd<Value>(promise: Promise<Value>): Promise<Value> {
    return await Promise.race([this.#ended, promise]);
  }

  /** Lets lines through. Each counts: a server that is still at the question may send comments meanwhile. */
  async *listen(lines: AsyncIterable<string>): AsyncGenerator<string> {
    const iterator = lines[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.orEnd(iterator.next());
        if (next.done === true) return;
        this.#heard();
        yield next.value;
      }
    } finally {
      // Not waited for: one that still reads answers when its read does.
      iterator.return?.().catch(() => {});
    }
  }

  #heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.isOver = true;
      this.#controller.abort();
    }, this.#limitMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#abort);
    // Whatever is still being read is let go.
    this.#controller.abort();
  }

  readonly #abort = (): void => this.#controller.abort();
}

/** Puts the pieces of an answer together. */
class GrowingAnswer {
  readonly #onText: (text: string) => void;
  #content = "";
  readonly #calls = new Map<number, { id: string; name: string; arguments: string }>();
  isFinished = false;

  constructor(onText: (text: string) => void) {
    this.#onText = onText;
  }

  take(data: string): void {
    const chunk = parseObject(data);
    if (chunk === null) throw new ChatError(`The model's server sent what is no JSON: ${data.slice(0, 100)}`);
    if (isObject(chunk.error)) throw new ChatError(`The model's server failed: ${String(chunk.error.message)}`);
    const choice = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined;
    if (!isObject(choice)) return;
    if (typeof choice.finish_reason === "string") this.isFinished = true;
    const { delta } = choice;
    if (!isObject(delta)) return;
    if (typeof delta.content === "string" && delta.content !== "") {
      this.#content += delta.content;
      this.#onText(delta.content);
    }
    if (Array.isArray(delta.tool_calls)) delta.tool_calls.forEach((piece, at) => this.#takeCall(piece, at));
  }

  #takeCall(piece: unknown, at: number): void {
    if (!isObject(piece)) return;
    const index = typeof piece.index === "number" ? piece.index : at;
    const call = this.#calls.get(index) ?? { id: "", name: "", arguments: "" };
    this.#calls.set(index, call);
    if (typeof piece.id === "string" && piece.id !== "") call.id = piece.id;
    if (!isObject(piece.function)) return;
    if (typeof piece.function.name === "string") call.name += piece.function.name;
    if (typeof piece.function.arguments === "string") call.arguments += piece.function.arguments;
  }

  finish(): ChatAnswer {
    const toolCalls = [...this.#calls].sort(([left], [right]) => left - right).map(([index, call]) => ({
      ...call,
      id: call.id === "" ? `call_${index}` : call.id,
    }));
    return { content: this.#content, toolCalls };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}

/**
 * A model's server on this machine, as llama.cpp and Ollama speak, that does what a test tells it.
 *
 * @module
 */

import { createServer, type Server, type ServerResponse } from "node:http";

/** One answer: what is sent, event by event, and how it ends. */
export interface PretendAnswer {
  /** The `choices[0].delta` of each event. */
  deltas?: readonly Record<string, unknown>[];
  /** Lines that are sent as they are, in place of events. */
  raw?: string;
  /** How it ends: whole; the connection is cut; nothing more ever comes; or it is whole but without the mark. */
  ending?: "whole" | "cut" | "silent" | "unmarked";
  /** The status code; @default {200} */
  status?: number;
}

/** A request that the server got. */
export interface PretendRequest {
  /** The conversation. */
  messages: { role: string; content?: string; tool_calls?: { id: string }[]; tool_call_id?: string }[];
  /** The tools on offer. */
  tools?: unknown[];
}

/** The server. */
export class PretendModel {
  readonly requests: PretendRequest[] = [];
  readonly #server: Server;
  #onRequest: (() => void) | undefined;

  /**
   * Starts a server.
   *
   * @param answer Gives the answer to the n-th request, from 0.
   * @param port Where it listens; 0: anywhere.
   */
  static async start(
    answer: (request: PretendRequest, number: number) => PretendAnswer,
    port = 0,
  ): Promise<PretendModel> {
    const model = new PretendModel(answer);
    await new Promise<void>((resolve) => model.#server.listen(port, "127.0.0.1", resolve));
    return model;
  }

  constructor(answer: (request: PretendRequest, number: number) => PretendAnswer) {
    this.#server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => body += text).on("end", () => {
        const parsed: PretendRequest = JSON.parse(body);
        const number = this.requests.push(parsed) - 1;
        send(response, refusal(parsed) ?? answer(parsed, number));
        this.#onRequest?.();
      });
    });
  }

  /** Its address, up to `/v1`. */
  get url(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("The server does not listen");
    return `http://127.0.0.1:${address.port}/v1`;
  }

  /** Resolves with the next request. */
  async nextRequest(): Promise<void> {
    await new Promise<void>((resolve) => this.#onRequest = resolve);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Providers refuse a history with a call without its result, or a result without its call. */
function refusal({ messages }: PretendRequest): PretendAnswer | undefined {
  let open = new Set<string>();
  for (const message of messages) {
    if (message.role === "tool") {
      if (!open.delete(message.tool_call_id ?? "")) {
        return { status: 400, raw: '{"error":"a result without its call"}' };
      }
      continue;
    }
    if (open.size > 0) return { status: 400, raw: '{"error":"a call without its result"}' };
    open = new Set((message.tool_calls ?? []).map(({ id }) => id));
  }
  return open.size > 0 ? { status: 400, raw: '{"error":"a call without its result"}' } : undefined;
}

function send(response: ServerResponse, { deltas = [], raw, ending = "whole", status = 200 }: PretendAnswer): void {
  response.writeHead(status, { "content-type": "text/event-stream" });
  if (raw !== undefined) response.write(raw);
  for (const delta of deltas) response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`);
  if (ending === "silent") return;
  if (ending === "cut") return void response.flushHeaders(), void setImmediate(() => response.destroy());
  const last = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
  if (raw === undefined) response.write(`data: ${JSON.stringify(last)}\n\n`);
  if (ending === "whole" && raw === undefined) response.write("data: [DONE]\n\n");
  response.end();
}

/** The deltas of an answer in words, a few characters each. */
export function words(text: string): PretendAnswer {
  return { deltas: text.match(/.{1,5}/gs)?.map((content) => ({ content })) ?? [] };
}

/** The deltas of a call of the sensor, in pieces. */
export function sensorCall(id: string): PretendAnswer {
  return {
    deltas: [
      { role: "assistant", content: null },
      { tool_calls: [{ index: 0, id, type: "function", function: { name: "read_sensor", arguments: "" } }] },
      { tool_calls: [{ index: 0, function: { arguments: "{" } }] },
      { tool_calls: [{ index: 0, function: { arguments: "}" } }] },
    ],
  };
}

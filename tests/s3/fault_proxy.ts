/** Stands between a client and a server, and does to requests what networks do. On loopback only. */
import { createServer, type IncomingMessage, request as forward, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** `lost`: the server has done it, and the answer never comes; `half`: half of the request's body, or of the answer's. */
export type ProxyFault = "none" | "drop" | "lost" | "500" | "503" | "hang" | "half";

export class FaultProxy {
  /** Asked for each request, when it arrives. */
  fault: (method: string, path: string) => ProxyFault = () => "none";
  requests = 0;
  readonly #target: URL;
  readonly #server: Server;
  readonly #hanging = new Set<ServerResponse>();

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => request.socket.destroy());
    });
  }

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get endpoint(): string {
    const address = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    for (const response of this.#hanging) response.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++;
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const method = request.method ?? "GET";
    const fault = this.fault(method, request.url ?? "");
    if (fault === "drop") return void request.socket.destroy();
    if (fault === "hang") return void this.#hanging.add(response);
    if (fault === "500" || fault === "503") {
      response.writeHead(Number(fault), { "content-type": "application/xml" });
      const code = fault === "503" ? "SlowDown" : "InternalError";
      return void response.end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
    }
    const { hostname, port } = this.#target;
    await new Promise<void>((resolve, reject) => {
      const onward = forward(
        { hostname, port, method, path: request.url, headers: request.headers, agent: false },
        (answer) => {
          const parts: Uint8Array[] = [];
          answer.on("data", (part) => parts.push(part));
          answer.on("error", reject);
          answer.on("end", () => {
            if (fault === "lost") return resolve(void request.socket.destroy());
            const bytes = Buffer.concat(parts);
            response.writeHead(answer.statusCode ?? 502, answer.headers);
            if (fault !== "half" || bytes.length === 0) return resolve(void response.end(bytes));
            response.write(bytes.subarray(0, bytes.length >> 1), () => request.socket.destroy());
            resolve();
          });
        },
      );
      onward.on("error", reject);
      if (fault === "half" && body.length > 1) {
        onward.write(body.subarray(0, body.length >> 1), () => onward.destroy(new Error("cut off")));
      } else onward.end(body);
    });
  }
}

/** A small S3 in memory over HTTP, with conditional writes and every fault that a network has. On loopback only. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { BucketSettings } from "../../src/sink/mod.ts";
import { HiddenText } from "../../src/sink/mod.ts";

/** What becomes of one request. `lost`: it is done, and the answer never comes. `stall`: half an answer, and no more. */
export type HttpFault = "none" | "drop" | "lost" | "500" | "503" | "hang" | "half" | "stall";

export const accessKeyId = "AKIDTESTTESTTEST";
export const secretAccessKey = "very/secret+key/that-must-not-show";

export class S3Server {
  readonly held = new Map<string, Uint8Array>();
  readonly seen: string[] = [];
  fault: (method: string, name: string) => HttpFault = () => "none";
  readonly #server: Server;
  readonly #hanging = new Set<ServerResponse>();

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => request.socket.destroy());
    });
  }

  static async start(): Promise<S3Server> {
    const server = new S3Server();
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get endpoint(): string {
    const address = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${address.port}`;
  }

  settings(more: Partial<BucketSettings> = {}): BucketSettings {
    return {
      endpoint: this.endpoint,
      bucket: "boards",
      region: "default",
      prefix: "",
      accessKeyId: new HiddenText(accessKeyId),
      secretAccessKey: new HiddenText(secretAccessKey),
      encryptionKey: null,
      ...more,
    };
  }

  environment(): Record<string, string> {
    return {
      HOLDFAST_S3_ENDPOINT: this.endpoint,
      HOLDFAST_S3_BUCKET: "boards",
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
  }

  async close(): Promise<void> {
    for (const response of this.#hanging) response.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.endpoint);
    const [, bucket = "", ...parts] = decodeURIComponent(url.pathname).split("/");
    const name = parts.join("/");
    const method = request.method ?? "";
    this.seen.push(`${method} ${name}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const fault = this.fault(method, name);
    if (fault === "drop") return void request.socket.destroy();
    if (fault === "hang") return void this.#hanging.add(response);
    if (fault === "500") return sendError(response, 500, "InternalError");
    if (fault === "503") return sendError(response, 503, "SlowDown");
    const signedBy = /Credential=([^/]+)\//.exec(request.headers.authorization ?? "")?.[1];
    if (signedBy !== accessKeyId) return sendError(response, 403, "InvalidAccessKeyId");
    if (bucket !== "boards") return sendError(response, 404, "NoSuchBucket");
    if (method === "PUT") {
      if (request.headers["if-none-match"] === "*" && this.held.has(name)) {
        return sendError(response, 412, "PreconditionFailed");
      }
      const bytes = joined(chunks);
      // What was cut off on its way is not taken.
      if (bytes.length !== Number(request.headers["content-length"])) return sendError(response, 400, "IncompleteBody");
      this.held.set(name, bytes);
      if (fault === "lost" || fault === "half") return void request.socket.destroy();
      return void response.writeHead(200, { etag: '"x"' }).end();
    }
    if (name === "" && url.searchParams.has("list-type")) return this.#list(response, url.searchParams);
    const bytes = this.held.get(name);
    if (bytes === undefined) return sendError(response, 404, "NoSuchKey");
    response.writeHead(200, { "content-length": String(bytes.length) });
    if (fault === "stall") {
      this.#hanging.add(response);
      return void response.write(bytes.subarray(0, bytes.length >> 1));
    }
    if (fault === "half" || fault === "lost") {
      response.write(bytes.subarray(0, bytes.length >> 1), () => request.socket.destroy());
      return;
    }
    response.end(bytes);
  }

  /** Three names a page, so that there are pages. */
  #list(response: ServerResponse, query: URLSearchParams): void {
    const prefix = query.get("prefix") ?? "";
    const behind = query.get("continuation-token") ?? "";
    const names = [...this.held.keys()].filter((name) => name.startsWith(prefix) && name > behind).sort();
    const page = names.slice(0, 3);
    const isTruncated = names.length > page.length;
    const contents = page.map((name) => `<Contents><Key>${name}</Key><Size>1</Size></Contents>`).join("");
    const token = isTruncated ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "";
    response.writeHead(200, { "content-type": "application/xml" });
    response.end(
      `<?xml version="1.0"?><ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${token}${contents}</ListBucketResult>`,
    );
  }
}

function sendError(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}

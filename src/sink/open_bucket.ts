/**
 * A bucket on any server that speaks S3, by way of the package `s3mini`, which is loaded here and nowhere else.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { BucketSettings } from "./bucket_settings.ts";
import type { ObjectStore } from "./object_store.ts";
import { isSealed, sealObjects } from "./sealed_objects.ts";

/** Options of `openBucket`. */
export interface BucketOptions {
  /**
   * How long a request may take, in milliseconds.
   *
   * @default {60000}
   */
  requestTimeoutMs?: number;
}

/** What is used of the client. */
interface Client {
  putObject(
    name: string,
    bytes: Uint8Array,
    type: string,
    encryption: undefined,
    headers: Record<string, string>,
  ): Promise<Response>;
  getObjectResponse(name: string, options: Record<string, string>): Promise<Response | null>;
  listObjectsPaged(
    delimiter: string,
    prefix: string,
    count: number,
    token: string | undefined,
  ): Promise<{ objects: { Key: string }[] | null; nextContinuationToken?: string } | null | undefined>;
}

/**
 * Opens a bucket. Sends nothing yet.
 *
 * @param settings Where it is; see `readBucketSettings`.
 * @param options How requests are sent.
 * @returns The bucket, encrypting if the settings have a key.
 * @throws {HoldfastError} `not-found` if the package `s3mini` is not installed.
 */
export async function openBucket(settings: BucketSettings, options: BucketOptions = {}): Promise<ObjectStore> {
  const { requestTimeoutMs = 60_000 } = options;
  if (!Number.isFinite(requestTimeoutMs) || requestTimeoutMs <= 0) {
    throw new RangeError(`requestTimeoutMs must be more than 0, not ${requestTimeoutMs}`);
  }
  const aborter = new AbortController();
  const { endpoint, bucket, region, prefix, accessKeyId, secretAccessKey, encryptionKey } = settings;
  const client: Client = new (await loadClient())({
    accessKeyId: accessKeyId.reveal(),
    secretAccessKey: secretAccessKey.reveal(),
    endpoint: `${endpoint}/${bucket}`,
    region,
    // A function of our own also keeps the client from taking another path on one of the runtimes.
    fetch: async (input, init) => {
      const signal = AbortSignal.any([aborter.signal, AbortSignal.timeout(requestTimeoutMs)]);
      return await fetch(input, { ...init, signal, redirect: "error" });
    },
  });
  const objects = new Bucket(client, `${endpoint}/${bucket}/${prefix}`, prefix, () => aborter.abort());
  return encryptionKey === null ? objects : await sealObjects(objects, encryptionKey.reveal());
}

async function loadClient(): Promise<typeof import("s3mini").S3mini> {
  try {
    return (await import("s3mini")).S3mini;
  } catch {
    throw new HoldfastError("not-found", "The package s3mini is not installed; run: npm install s3mini");
  }
}

class Bucket implements ObjectStore {
  readonly place: string;
  readonly #client: Client;
  readonly #prefix: string;
  readonly #abort: () => void;

  constructor(client: Client, place: string, prefix: string, abort: () => void) {
    this.place = place;
    this.#client = client;
    this.#prefix = prefix;
    this.#abort = abort;
  }

  async create(name: string, bytes: Uint8Array): Promise<"created" | "exists"> {
    try {
      await this.#put(name, bytes, { "if-none-match": "*" });
      return "created";
    } catch (error) {
      if (statusOf(error) === 412) return "exists";
      throw requestError("making", name, error);
    }
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#put(name, bytes, {});
    } catch (error) {
      throw requestError("writing", name, error);
    }
  }

  async read(name: string): Promise<Uint8Array | null> {
    try {
      const response = await this.#client.getObjectResponse(this.#prefix + name, {});
      if (response === null) return null;
      const bytes = new Uint8Array(await response.arrayBuffer());
      const expected = response.headers.get("content-length");
      const isEncoded = response.headers.get("content-encoding") !== null;
      if (expected !== null && !isEncoded && Number(expected) !== bytes.length) {
        throw new Error(`only ${bytes.length} of ${expected} bytes came`);
      }
      return bytes;
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw requestError("reading", name, error);
    }
  }

  async *list(prefix: string): AsyncGenerator<string, void> {
    let token: string | undefined;
    do {
      let page;
      try {
        page = await this.#client.listObjectsPaged("/", this.#prefix + prefix, 1000, token);
      } catch (error) {
        throw requestError("listing", prefix, error);
      }
      if (page === null || page === undefined) {
        throw new HoldfastError("io", "Failed while listing the bucket: there is no such bucket");
      }
      for (const { Key: name } of page.objects ?? []) yield name.slice(this.#prefix.length);
      token = page.nextContinuationToken;
    } while (token !== undefined);
  }

  abort(): void {
    this.#abort();
  }

  async #put(name: string, bytes: Uint8Array, headers: Record<string, string>): Promise<void> {
    const response = await this.#client.putObject(this.#prefix + name, bytes, typeOf(name, bytes), undefined, headers);
    await response.body?.cancel();
  }
}

function typeOf(name: string, bytes: Uint8Array): string {
  if (isSealed(bytes)) return "application/octet-stream";
  if (name.endsWith(".jsonl")) return "application/jsonl";
  return name.endsWith(".json") ? "application/json" : "application/octet-stream";
}

function statusOf(error: unknown): number | null {
  if (typeof error !== "object" || error === null || !("status" in error)) return null;
  return typeof error.status === "number" ? error.status : null;
}

/**
 * Says what a person needs, and nothing of the request: what the client or the runtime throws may hold headers, and is
 * not passed on.
 */
function requestError(doing: string, name: string, error: unknown): HoldfastError {
  const status = statusOf(error);
  const reason = status === null ? networkReason(error) : statusReason(status, error);
  return new HoldfastError("io", `Failed while ${doing} object ${name}: ${reason}`);
}

function statusReason(status: number, error: unknown): string {
  const code = typeof error === "object" && error !== null && "serviceCode" in error ? String(error.serviceCode) : "";
  const safeCode = /^[A-Za-z]{1,40}$/.test(code) && code !== "Unknown" ? `, ${code}` : "";
  const hints: Readonly<Record<number, string>> = {
    401: "; look at the credentials",
    403: "; look at the credentials, what they may do, and the clock of this device",
    404: "; look at the bucket's name",
  };
  return `the server answered ${status}${safeCode}${hints[status] ?? ""}`;
}

function networkReason(error: unknown): string {
  for (let at = error; typeof at === "object" && at !== null; at = "cause" in at ? at.cause : null) {
    if ("name" in at && at.name === "TimeoutError") return "no answer in time";
    if ("name" in at && at.name === "AbortError") return "it was given up";
    if ("code" in at && at.code === "ERR_ACCESS_DENIED") return "not allowed, run again with the --allow-net option";
    if ("code" in at && typeof at.code === "string" && /^[A-Za-z_]{2,40}$/.test(at.code)) return at.code;
    // Deno's, where the program may not reach the host; it names nothing but that.
    if (at instanceof Error && /^Requires net access to "[^"]{1,300}"/.test(at.message)) return at.message;
    if (at instanceof Error && /^only \d+ of \d+ bytes came$/.test(at.message)) return at.message;
  }
  return "the connection failed";
}

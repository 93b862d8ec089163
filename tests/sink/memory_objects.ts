/** A bucket in memory, whose requests can be made to fail in every way that a network has. */
import type { ObjectStore } from "../../src/sink/mod.ts";

export { type BucketHistory, readBucket } from "../../src/torture/bucket_reading.ts";

/** What becomes of a request: it fails before it is done, or behind it, so that the answer is lost. */
export type Fault = "none" | "before" | "after";

export class MemoryObjects implements ObjectStore {
  readonly held: Map<string, Uint8Array>;
  readonly place: string;
  requests = 0;
  creations = 0;
  bytesIn = 0;
  /** Asked before each request. */
  fault: (request: string, name: string) => Fault = () => "none";

  constructor(held: Map<string, Uint8Array> = new Map(), place = "memory") {
    this.place = place;
    this.held = held;
  }

  async create(name: string, bytes: Uint8Array): Promise<"created" | "exists"> {
    return await this.#request("create", name, () => {
      if (this.held.has(name)) return "exists";
      this.creations++;
      this.bytesIn += bytes.length;
      this.held.set(name, bytes.slice());
      return "created";
    });
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    await this.#request("replace", name, () => void this.held.set(name, bytes.slice()));
  }

  async read(name: string): Promise<Uint8Array | null> {
    return await this.#request("read", name, () => this.held.get(name)?.slice() ?? null);
  }

  async *list(prefix: string): AsyncGenerator<string, void> {
    const names = await this.#request("list", prefix, () => [...this.held.keys()]);
    yield* names.filter((name) => name.startsWith(prefix)).sort();
  }

  async #request<T>(request: string, name: string, work: () => T): Promise<T> {
    this.requests++;
    const fault = this.fault(request, name);
    await Promise.resolve();
    if (fault === "before") throw new Error("the connection was refused");
    const result = work();
    if (fault === "after") throw new Error("the connection was lost");
    return result;
  }
}

/** A bucket in memory, whose requests can be made to fail in every way that a network has. */
import { firstPosition, type LinePosition, readBucketLines, type ReadLine } from "../../src/sink/record_lines.ts";
import { readManifestName, readRecordsName, recordsPrefix } from "../../src/sink/object_names.ts";
import { type Manifest, parseManifest } from "../../src/sink/manifest.ts";
import type { ObjectStore } from "../../src/sink/mod.ts";

/** What becomes of a request: it fails before it is done, or behind it, so that the answer is lost. */
export type Fault = "none" | "before" | "after";

export class MemoryObjects implements ObjectStore {
  readonly held: Map<string, Uint8Array>;
  requests = 0;
  creations = 0;
  bytesIn = 0;
  /** Asked before each request. */
  fault: (request: string, name: string) => Fault = () => "none";

  constructor(held: Map<string, Uint8Array> = new Map()) {
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

/** What a bucket says of one session, by the rules of the layout and nothing else. */
export interface BucketHistory {
  manifest: Manifest;
  lines: ReadLine[];
}

/** Reads every session of a bucket, strictly: a gap, a second copy or a broken chain is an error. */
export function readBucket(held: ReadonlyMap<string, Uint8Array>): Map<string, BucketHistory> {
  const found = new Map<string, BucketHistory>();
  const ids = new Set([...held.keys()].map((name) => readManifestName(name)?.id).filter((id) => id !== undefined));
  for (const id of ids) {
    const manifests = [...held].filter(([name]) => readManifestName(name)?.id === id).sort()
      .map(([name, bytes]) => parseManifest(name, new TextDecoder().decode(bytes)));
    const manifest = manifests.at(-1);
    if (manifest === undefined) continue;
    const lines: ReadLine[] = [];
    let position: LinePosition = firstPosition(manifest.key);
    const names = [...held.keys()].filter((name) => name.startsWith(recordsPrefix(id))).sort();
    for (const name of names) {
      const place = readRecordsName(name);
      if (place === null) throw new Error(`what is ${name}?`);
      const above = manifests.find(({ epoch }) => epoch === place.epoch + 1);
      if (above !== undefined && place.from >= above.from) continue;
      if (place.from !== position.next) throw new Error(`${name} does not go on at ${position.next}`);
      const read = readBucketLines(name, held.get(name) ?? new Uint8Array(), position);
      lines.push(...read.lines);
      position = read.end;
    }
    found.set(id, { manifest, lines });
  }
  return found;
}

/**
 * The bucket that a sink under test sends to: it loses nothing when the board's power is cut, makes an object once, and
 * its answers can be lost.
 *
 * @module
 */

import type { ObjectStore } from "../sink/object_store.ts";
import type { BucketModel } from "./bucket_model.ts";
import type { Experiment } from "./experiment.ts";

/** What becomes of a request: it never arrives, or it is done and the answer never comes. */
export type RequestFault = "none" | "refused" | "lost";

/** A request. */
export interface BucketRequest {
  /** Which verb. */
  readonly verb: "create" | "replace" | "read" | "list";
  /** The object. */
  readonly name: string;
  /** Which one it is, from 1. */
  readonly ordinal: number;
}

/** The bucket of an experiment. */
export class LaboratoryBucket implements ObjectStore {
  /** Asked when a request is made; what it does meanwhile happens while the request is under way. */
  onRequest: (request: BucketRequest) => RequestFault | Promise<RequestFault> = () => "none";
  readonly #experiment: Experiment;
  #requests = 0;

  /**
   * Creates it.
   *
   * @param experiment Whose bucket it is; what it holds is part of the experiment's world.
   */
  constructor(experiment: Experiment) {
    this.#experiment = experiment;
  }

  /** Requests are counted from 1 again. */
  begin(): void {
    this.#requests = 0;
  }

  /** See {@linkcode ObjectStore}. */
  async create(name: string, bytes: Uint8Array): Promise<"created" | "exists"> {
    return await this.#request("create", name, (bucket) => {
      return bucket.objects.has(name) ? [bucket, "exists"] : [bucket.with(name, bytes.slice()), "created"];
    });
  }

  /** See {@linkcode ObjectStore}. */
  async replace(name: string, bytes: Uint8Array): Promise<void> {
    await this.#request("replace", name, (bucket) => [bucket.with(name, bytes.slice()), null]);
  }

  /** See {@linkcode ObjectStore}. */
  async read(name: string): Promise<Uint8Array | null> {
    return await this.#request("read", name, (bucket) => [bucket, bucket.objects.get(name)?.slice() ?? null]);
  }

  /** See {@linkcode ObjectStore}. */
  async *list(prefix: string): AsyncGenerator<string, void> {
    const names = await this.#request("list", prefix, (bucket) => [bucket, [...bucket.objects.keys()]]);
    yield* names.filter((name) => name.startsWith(prefix)).sort();
  }

  async #request<T>(
    verb: BucketRequest["verb"],
    name: string,
    work: (bucket: BucketModel) => [after: BucketModel, result: T],
  ): Promise<T> {
    const fault = await this.onRequest({ verb, name, ordinal: ++this.#requests });
    if (fault === "refused") throw new Error("the connection was refused");
    const { world } = this.#experiment;
    const [after, result] = work(world.bucket);
    if (after !== world.bucket) {
      this.#experiment.world = world.withBucket(after);
      // The board's power may be cut here: the bucket has it, and the board does not know.
      this.#experiment.fileSystem.onStep?.(0, `after the bucket took ${name}`);
    }
    if (fault === "lost") throw new Error("the connection was lost");
    return result;
  }
}

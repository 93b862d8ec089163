/**
 * What a bucket has: its sessions, and the objects of each, in order.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import {
  manifestObject,
  manifestPrefix,
  readManifestName,
  readRecordsName,
  recordsObject,
  recordsPrefix,
  sessionPrefix,
} from "./object_names.ts";
import type { ObjectStore } from "./object_store.ts";

/** One session of a bucket. */
export interface BucketSession {
  /** What its newest manifest says. */
  manifest: Manifest;
  /** From which number on each epoch counts, the first one's first. */
  epochs: readonly number[];
}

/**
 * Lists the sessions of a bucket. Reads every manifest once, and the names of all objects.
 *
 * @param objects The bucket.
 * @returns The sessions, in the order of their ids.
 * @throws {HoldfastError} `io` if the bucket cannot be reached, `corrupt` if a manifest is none.
 */
export async function* listBucketSessions(objects: ObjectStore): AsyncGenerator<BucketSession, void> {
  let id: string | null = null;
  for await (const name of objects.list(sessionPrefix())) {
    const found = readManifestName(name);
    if (found === null || found.id === id) continue;
    id = found.id;
    const session = await readBucketSession(objects, id);
    if (session !== null) yield session;
  }
}

/**
 * Reads what a bucket says of one session.
 *
 * @param objects The bucket.
 * @param id The session's id.
 * @returns It; null if there is none.
 */
export async function readBucketSession(objects: ObjectStore, id: string): Promise<BucketSession | null> {
  const epochs: number[] = [];
  let manifest: Manifest | null = null;
  for await (const listed of objects.list(manifestPrefix(id))) {
    const place = readManifestName(listed);
    if (place === null) continue;
    const name = manifestObject(id, place.epoch);
    const bytes = await objects.read(name);
    if (bytes === null) continue;
    manifest = parseManifest(name, new TextDecoder().decode(bytes));
    if (place.epoch !== epochs.length + 1) {
      throw new HoldfastError("corrupt", `Object ${manifestObject(id, epochs.length + 1)} is missing`);
    }
    epochs.push(manifest.from);
  }
  return manifest === null ? null : { manifest, epochs };
}

/** One object of records of a session. */
export interface RecordsObject {
  /** Its name. */
  name: string;
  /** No record in it has a lower number. */
  from: number;
}

/**
 * Lists the objects of a session's records that count, in order: what an epoch wrote behind the place where the next
 * one took over does not.
 *
 * @param objects The bucket.
 * @param session The session.
 * @returns The objects.
 */
export async function* listRecordsObjects(
  objects: ObjectStore,
  { manifest: { id }, epochs }: BucketSession,
): AsyncGenerator<RecordsObject, void> {
  for await (const listed of objects.list(recordsPrefix(id))) {
    const place = readRecordsName(listed);
    if (place === null || place.from >= (epochs[place.epoch] ?? Infinity)) continue;
    yield { name: recordsObject(id, place), from: place.from };
  }
}

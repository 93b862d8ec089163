/**
 * Brings a session back from a bucket: its objects one behind the other are its log again. What has arrived stays where
 * it is when the connection or the power goes, and is followed from its first line before anything else is asked for.
 *
 * @module
 */

import { HoldfastError, toHoldfastError } from "../errors.ts";
import type { FileHandle, FileSystem } from "../fs/filesystem.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { replaceFile, writeFully } from "../log/atomic_file.ts";
import { type BlobReference, readReferences } from "../log/blob_member.ts";
import { LogLines } from "../log/log_lines.ts";
import { chainStart, readJson, RecordChain } from "../log/record_chain.ts";
import { lineFeed, readMark } from "../log/record_format.ts";
import { blobHash } from "../store/blob_values.ts";
import { blobDirectory, blobPath, openBlobDirectory, readBlob } from "../store/blob_files.ts";
import { rebuildSession } from "../store/session_rebuild.ts";
import type { SessionStore } from "../store/session_store.ts";
import type { StoreContext } from "../store/store_context.ts";
import { createStoreCounters } from "../store/store_counters.ts";
import { WorkspaceIndex } from "../store/workspace_index.ts";
import { type BucketSession, listRecordsObjects, type RecordsObject } from "./bucket_sessions.ts";
import { blobObject } from "./object_names.ts";
import type { ObjectStore } from "./object_store.ts";
import { firstPosition, type LinePosition, readBucketLines } from "./record_lines.ts";
import { SinkCursor, sinkDirectory } from "./sink_cursor.ts";

/** Options of `pullSession`. */
export interface PullOptions {
  /**
   * The port: the one that the store was opened with.
   *
   * @default {the runtime's}
   */
  fileSystem?: FileSystem;
  /** Told of each object that has arrived. */
  onProgress?: (progress: PullProgress) => void;
  /** Ends it at the next safe place; a later pull goes on from there. */
  signal?: AbortSignal;
}

/** How far a pull is. */
export interface PullProgress {
  /** All records below this number have arrived. */
  next: number;
  /** How many bytes the log has so far. */
  bytes: number;
}

/** What a pull did. */
export interface PullResult {
  /** The session's key. */
  key: string;
  /** `pulled`: it is here now; `present`: it was here already, with all that the bucket has. */
  outcome: "pulled" | "present";
  /** How many records it has. */
  records: number;
  /** How many bytes its log has. */
  bytes: number;
  /** Large values that the bucket does not have; their previews stay. */
  blobsMissing: number;
}

/** The part of a log that has arrived. */
interface Arrived {
  handle: FileHandle;
  bytes: number;
  records: number;
  position: LinePosition;
}

/**
 * Brings a session back from a bucket. Its records, numbers, facts and large values are those that it had; the lines
 * are chained anew, and checked from the first to the last.
 *
 * The device goes on with the session from there: the sink of the other one is fenced off when it sends next.
 *
 * @param store The store, open for writing, that has no session of its key.
 * @param objects The bucket.
 * @param session Which; from `listBucketSessions`.
 * @param options Who is told how far it is.
 * @returns What was done.
 * @throws {HoldfastError} `exists` if there is another session of its key, or an older state of this one; `corrupt` if
 * the bucket's objects do not fit together; `io` if it cannot be reached. What has arrived stays for the next call.
 */
export async function pullSession(
  store: SessionStore,
  objects: ObjectStore,
  session: BucketSession,
  options: PullOptions = {},
): Promise<PullResult> {
  try {
    return await pull(store, objects, session, options);
  } catch (error) {
    throw toHoldfastError(error, "pulling the session", store.directory);
  }
}

async function pull(
  store: SessionStore,
  objects: ObjectStore,
  session: BucketSession,
  options: PullOptions,
): Promise<PullResult> {
  const { fileSystem = runtimeFileSystem } = options;
  const { manifest } = session;
  const { key, id } = manifest;
  const present = await presentSession(store, objects, session);
  if (present !== null) return present;
  const cursor = await SinkCursor.open(fileSystem, store.directory, objects.place ?? null);
  try {
    const path = `${sinkDirectory(store.directory)}/${id}.part`;
    const context = contextOf(fileSystem, store.directory);
    const arrived = await openArrived(fileSystem, path, key);
    let blobsMissing: number;
    try {
      await fetchRecords(objects, session, arrived, options);
      await arrived.handle.syncData();
      blobsMissing = await fetchBlobs(context, objects, id, arrived, options);
    } finally {
      await arrived.handle.close();
    }
    const { position, bytes, records } = arrived;
    if (records === 0) throw new HoldfastError("not-found", `The bucket has no records of session ${id}`);
    const { summary, title, workspace, aliases, parent, createdAt, first } = manifest;
    const facts = { id, summary, title, workspace, aliases, parent, createdAt, scope: manifest.scope ?? undefined };
    await rebuildSession(context, { key, path, first, facts });
    cursor.sessions.set(id, { id, key, epoch: 0, manifest: 0, ...position });
    await cursor.save();
    return { key, outcome: "pulled", records, bytes, blobsMissing };
  } finally {
    await cursor.release();
  }
}

async function presentSession(
  store: SessionStore,
  objects: ObjectStore,
  session: BucketSession,
): Promise<PullResult | null> {
  const { key, id } = session.manifest;
  if (!await store.has(key)) return null;
  const own = await store.session(key);
  if ((await own.facts()).id !== id) {
    throw new HoldfastError("exists", `There is another session ${JSON.stringify(key)} already, with another history`);
  }
  let last = -1;
  let name: string | null = null;
  for await (const object of listRecordsObjects(objects, session)) ({ name, from: last } = object);
  const newest = name === null ? null : await objects.read(name);
  if (newest !== null) last += readBucketLength(newest) - 1;
  for await (const { sequence } of own.recordsBack({ limit: 1, all: true })) {
    const { records, bytes } = await own.info();
    if (sequence >= last) return { key, outcome: "present", records, bytes, blobsMissing: 0 };
  }
  const message = `Session ${JSON.stringify(key)} is here already, and older than in the bucket; remove it first`;
  throw new HoldfastError("exists", message);
}

/** At least as many numbers as lines. */
function readBucketLength(object: Uint8Array): number {
  return object.reduce((lines, byte) => byte === lineFeed ? lines + 1 : lines, 0);
}

/** The files of a store, for what is done with no session of it open. */
function contextOf(fileSystem: FileSystem, directory: string): StoreContext {
  const files = { fileSystem, directory, counters: createStoreCounters(), report: () => undefined };
  return { ...files, fillAhead: false, sessionBytesMax: Infinity, workspaces: new WorkspaceIndex(files) };
}

/** Whole lines that fit are kept; what was cut off in the middle goes. */
async function openArrived(fileSystem: FileSystem, path: string, key: string): Promise<Arrived> {
  const handle = await fileSystem.open(path, { access: "write", create: "if-missing" });
  try {
    const { size } = await handle.stat();
    const chain = new RecordChain(chainStart(key));
    const lines = new LogLines(handle, 0, size);
    let bytes = 0;
    let records = 0;
    let position = firstPosition(key);
    reading: while (await lines.fill()) {
      for (let line = lines.next(); line !== null; line = lines.next()) {
        const verdict = chain.take(line);
        const fits = verdict?.kind === "foreign" || (verdict?.kind === "own" && verdict.verified);
        if (!fits || !line.terminated) break reading;
        bytes = line.offset + line.length + 1;
        records++;
        position = { next: chain.sequenceNext, checksum: chain.checksum };
      }
    }
    if (bytes < size) await handle.truncate(bytes);
    return { handle, bytes, records, position };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function fetchRecords(
  objects: ObjectStore,
  session: BucketSession,
  arrived: Arrived,
  options: PullOptions,
): Promise<void> {
  let waiting: RecordsObject | null = null;
  for await (const object of listRecordsObjects(objects, session)) {
    // What ends where the next one begins is here already if that one's first number is wanted, or a later one.
    if (waiting !== null && object.from > arrived.position.next) await fetchObject(objects, waiting, arrived, options);
    waiting = object;
  }
  if (waiting !== null) await fetchObject(objects, waiting, arrived, options);
  if (arrived.position.next < session.manifest.next) {
    throw new HoldfastError("corrupt", `The bucket lost records: once it had all below ${session.manifest.next}`);
  }
}

async function fetchObject(
  objects: ObjectStore,
  { name, from }: RecordsObject,
  arrived: Arrived,
  { onProgress, signal }: PullOptions,
): Promise<void> {
  if (signal?.aborted === true) {
    throw new HoldfastError("io", "The pull was interrupted; the next one goes on from here");
  }
  const { next } = arrived.position;
  if (from > next) throw new HoldfastError("corrupt", `Records ${next} to ${from - 1} are missing in the bucket`);
  const object = await objects.read(name);
  if (object === null) throw new HoldfastError("corrupt", `Object ${name} is missing`);
  const bytes = object.subarray(offsetOf(object, from, next));
  if (bytes.length === 0) return;
  const { lines, end } = readBucketLines(name, bytes, arrived.position);
  await writeFully(arrived.handle, bytes, arrived.bytes);
  arrived.bytes += bytes.length;
  arrived.records += lines.length;
  arrived.position = end;
  onProgress?.({ next: end.next, bytes: arrived.bytes });
}

/** Where in an object the first line with at least a number stands; its end if there is none. */
function offsetOf(object: Uint8Array, from: number, wanted: number): number {
  let sequence = from - 1;
  for (let offset = 0; offset < object.length;) {
    const feed = object.indexOf(lineFeed, offset);
    const end = feed < 0 ? object.length : feed;
    const verdict = readMark(object.subarray(offset, end));
    sequence = verdict.kind === "marked" ? verdict.mark.sequence : sequence + 1;
    if (sequence >= wanted) return offset;
    offset = end + 1;
  }
  return object.length;
}

/** One at a time, and only those that are not here. */
async function fetchBlobs(
  context: StoreContext,
  objects: ObjectStore,
  id: string,
  { handle, bytes }: Arrived,
  { signal }: PullOptions,
): Promise<number> {
  const lines = new LogLines(handle, 0, bytes);
  let missing = 0;
  while (await lines.fill()) {
    for (let line = lines.next(); line !== null; line = lines.next()) {
      const verdict = line.bytes === null ? null : readMark(line.bytes);
      if (line.bytes === null || verdict?.kind !== "marked") continue;
      // Only a line with references ends so.
      if (line.bytes[verdict.mark.bodyLength - 1] !== 0x7d) continue;
      const blobs = readJson(line.bytes, verdict.mark.bodyLength)?.blobs;
      if (blobs === undefined) continue;
      for (const blob of readReferences(blobs)) {
        if (signal?.aborted === true) throw new HoldfastError("io", "The pull was interrupted; the next one goes on");
        if (!await fetchBlob(context, objects, id, blob)) missing++;
      }
    }
  }
  return missing;
}

async function fetchBlob(
  context: StoreContext,
  objects: ObjectStore,
  id: string,
  blob: BlobReference,
): Promise<boolean> {
  if ("bytes" in await readBlob(context, blob)) return true;
  const bytes = await objects.read(blobObject(id, blob.hash));
  if (bytes === null || blobHash(bytes) !== blob.hash) return false;
  await openBlobDirectory(context);
  await replaceFile(context.fileSystem, blobPath(context, blob.hash), `${blobDirectory(context)}/${id}.tmp`, bytes);
  await context.fileSystem.syncDirectory(context.directory);
  return true;
}

/**
 * Sends what is new of one session: objects of records by number, each made once and never changed, then the manifest.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import type { BlobReference } from "../log/blob_member.ts";
import { crc32 } from "../log/checksum.ts";
import { readBlob } from "../store/blob_files.ts";
import type { Session } from "../store/session.ts";
import { locateSession } from "../store/session_location.ts";
import { readSummary } from "../store/session_view.ts";
import { type ArchivedFacts, encodeManifest, type Manifest, parseManifest } from "./manifest.ts";
import { blobObject, manifestObject, recordsObject } from "./object_names.ts";
import type { ObjectStore } from "./object_store.ts";
import { assertSameSession, type Increment, joinIncrement, nextIncrement } from "./increment.ts";
import { firstPosition, type LinePosition, readBucketLines } from "./record_lines.ts";
import type { SessionProgress } from "./sink_cursor.ts";
import type { SinkCounters, SinkEvent } from "./sink_report.ts";

/** What an upload works with. */
export interface UploadContext {
  /** The bucket. */
  objects: ObjectStore;
  /** The port, for syncs of the sink's own, and large values. */
  fileSystem: FileSystem;
  /** The store's directory. */
  directory: string;
  /** This device's id. */
  device: string;
  /** An object of records is not made larger, unless by one record. */
  objectBytesMax: number;
  /** What the sink has done. */
  counters: SinkCounters;
  /** Makes a session's id. */
  createId: () => string;
  /** Tells an event; never throws. */
  report: (event: SinkEvent) => void;
  /** Whether to stop at the next safe place. */
  isStopping: () => boolean;
}

/** The bucket did not answer, or refused: nothing is wrong with the session, and it is tried again later. */
export class BucketUnreachable extends HoldfastError {
  /**
   * Creates it.
   *
   * @param message What the bucket said.
   */
  constructor(message: string) {
    super("io", message);
  }
}

/** Somebody else's records stand where ours should: the session needs an id of its own. */
export class SessionDiverged extends Error {
  /**
   * Creates it.
   *
   * @param reason What was found.
   */
  constructor(reason: string) {
    super(reason);
    this.name = "SessionDiverged";
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Sends everything of a session that is not in the bucket yet.
 *
 * @param context What it works with.
 * @param session The session.
 * @param progress How far it is; moves on with each object that is known to be there.
 * @throws {SessionDiverged} If the bucket has another history under this id.
 * @throws {HoldfastError} `io` if the bucket cannot be reached; all that is known is in `progress`.
 */
export async function uploadSession(
  context: UploadContext,
  session: Session,
  progress: SessionProgress,
): Promise<void> {
  if (progress.epoch === 0) await claim(context, session, progress);
  else await assertOwned(context, progress);
  while (!context.isStopping()) {
    const increment = await nextIncrement(context, session, progress);
    if (increment.lines.length === 0) break;
    for (const blob of increment.blobs) await sendBlob(context, progress, blob);
    const isSent = await sendIncrement(context, session, progress, increment);
    // What was appended meanwhile goes with the next round: else a session that is never silent would be sent record by
    // record.
    if (isSent && !increment.hasMore) break;
  }
  await sendManifest(context, session, progress);
}

/**
 * Says in the bucket that a session was deleted on the device. Its objects stay.
 *
 * @param context What it works with.
 * @param progress Which session.
 */
export async function markDeleted(context: UploadContext, progress: SessionProgress): Promise<void> {
  if (progress.epoch === 0) return;
  const name = manifestObject(progress.id, progress.epoch);
  const bytes = await readObject(context, name);
  if (bytes === null) return;
  const manifest = parseManifest(name, decoder.decode(bytes));
  if (manifest.device !== context.device || manifest.deleted) return;
  await replaceObject(context, name, encodeManifest({ ...manifest, next: progress.next, deleted: true }));
}

/** The first manifest of an epoch can be made by one device only. */
async function claim(context: UploadContext, session: Session, progress: SessionProgress): Promise<void> {
  const facts = await factsOf(context, session, progress.next);
  for (let epoch = 1;; epoch++) {
    const name = manifestObject(progress.id, epoch);
    const text = encodeManifest(manifestOf(context, { ...progress, epoch }, facts, progress.next));
    if (await createObject(context, name, encoder.encode(text)) === "created") {
      progress.epoch = epoch;
      progress.manifest = 0;
      return;
    }
    const bytes = await readObject(context, name);
    if (bytes === null) throw new HoldfastError("io", `Object ${name} came and went`);
    const found = parseManifest(name, decoder.decode(bytes));
    if (found.device === context.device) {
      const above = await readObject(context, manifestObject(progress.id, epoch + 1));
      if (above === null) {
        await adoptEpoch(context, session, progress, epoch);
        progress.epoch = epoch;
        return;
      }
    }
    // What another device has written so far must be ours, too; then we go on behind it, and fence it off.
    await adoptEpoch(context, session, progress, epoch);
  }
}

async function adoptEpoch(
  context: UploadContext,
  session: Session,
  progress: SessionProgress,
  epoch: number,
): Promise<void> {
  const above = manifestObject(progress.id, epoch + 1);
  const bytes = await readObject(context, above);
  const end = bytes === null ? Infinity : parseManifest(above, decoder.decode(bytes)).from;
  while (progress.next < end && await adoptObject(context, session, progress, epoch));
}

/** Costs one small read a round, and finds out that the session is somebody else's now. */
async function assertOwned(context: UploadContext, progress: SessionProgress): Promise<void> {
  const bytes = await readObject(context, manifestObject(progress.id, progress.epoch + 1));
  if (bytes === null) return;
  throw new SessionDiverged("another device has taken the session over");
}

async function sendBlob(context: UploadContext, progress: SessionProgress, blob: BlobReference): Promise<void> {
  const { fileSystem, directory, counters } = context;
  const read = await readBlob({ fileSystem, directory }, blob);
  if ("reason" in read) {
    const message = `Blob ${blob.hash} of session ${JSON.stringify(progress.key)} was not sent: ${read.reason}`;
    context.report({ type: "blob-missing", key: progress.key, message });
    return;
  }
  const outcome = await createObject(context, blobObject(progress.id, blob.hash), read.bytes);
  if (outcome === "created") counters.blobs++;
}

/** False if something was there already, which may be less, or more, than the increment. */
async function sendIncrement(
  context: UploadContext,
  session: Session,
  progress: SessionProgress,
  increment: Increment,
): Promise<boolean> {
  const last = increment.lines.at(-1);
  if (last === undefined) return false;
  const name = recordsObject(progress.id, { epoch: progress.epoch, from: progress.next });
  if (await createObject(context, name, joinIncrement(increment)) === "exists") {
    if (!await adoptObject(context, session, progress, progress.epoch)) {
      throw new HoldfastError("io", `Object ${name} came and went`);
    }
    return false;
  }
  context.counters.objects++;
  context.counters.records += increment.lines.length;
  progress.next = last.next;
  progress.checksum = last.checksum;
  return true;
}

/**
 * There is an object already where the next one would be: an answer that was lost, a cursor that is behind, or
 * somebody else's. The records decide.
 */
async function adoptObject(
  context: UploadContext,
  session: Session,
  progress: SessionProgress,
  epoch: number,
): Promise<boolean> {
  const name = recordsObject(progress.id, { epoch, from: progress.next });
  const bytes = await readObject(context, name);
  if (bytes === null) return false;
  const start: LinePosition = progress.next === 0 ? firstPosition(progress.key) : progress;
  const { lines, end } = readFound(name, bytes, start);
  const lastSequence = lines.at(-1)?.sequence ?? 0;
  const waiting = new Map(lines.map((line) => [line.sequence, line.text]));
  let reached = -1;
  const range = { from: progress.next, all: true, previews: true, durable: true };
  for await (const { sequence, text } of session.texts(range)) {
    reached = sequence;
    if (sequence > lastSequence) break;
    // What only the bucket has was compacted away on the device, or replaced, since it was sent.
    if (waiting.get(sequence) === text.trim()) continue;
    throw new SessionDiverged(`record ${sequence} is another one in the bucket`);
  }
  if (reached < lastSequence) throw new SessionDiverged("the bucket has records that the device has not");
  progress.next = end.next;
  progress.checksum = end.checksum;
  context.counters.adopted++;
  return true;
}

/** What does not fit is somebody else's. */
function readFound(name: string, bytes: Uint8Array, start: LinePosition): ReturnType<typeof readBucketLines> {
  try {
    return readBucketLines(name, bytes, start);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "corrupt") throw error;
    throw new SessionDiverged(error.message);
  }
}

async function sendManifest(context: UploadContext, session: Session, progress: SessionProgress): Promise<void> {
  const facts = await factsOf(context, session, progress.next);
  const checksum = crc32(encoder.encode(JSON.stringify([progress.epoch, facts])));
  if (checksum === progress.manifest) return;
  await assertSameSession(context, progress);
  const name = manifestObject(progress.id, progress.epoch);
  const bytes = await readObject(context, name);
  const from = bytes === null ? 0 : parseManifest(name, decoder.decode(bytes)).from;
  await replaceObject(context, name, encodeManifest(manifestOf(context, progress, facts, from)));
  progress.manifest = checksum;
}

function manifestOf(
  { device }: UploadContext,
  { id, epoch, next }: SessionProgress,
  facts: ArchivedFacts,
  from: number,
): Manifest {
  return { id, epoch, device, from, next, deleted: false, ...facts };
}

/** What a compaction or a replace has taken away is not active, whatever the meta file says meanwhile. */
async function factsOf(
  { fileSystem, directory }: UploadContext,
  session: Session,
  next: number,
): Promise<ArchivedFacts> {
  const location = await locateSession(fileSystem, directory, session.key);
  const meta = location?.meta.state === "ok" ? location.meta.meta : null;
  let first = next;
  for await (const { sequence } of session.texts({ limit: 1, previews: true, durable: true })) first = sequence;
  return {
    key: session.key,
    first: Math.max(meta?.first ?? 0, first),
    summary: await readSummary(fileSystem, directory, session.key),
    title: meta?.title ?? null,
    workspace: meta?.workspace ?? null,
    scope: meta?.scope ?? null,
    aliases: meta?.aliases ?? [],
    parent: meta?.parent ?? null,
    createdAt: meta?.createdAt ?? "",
  };
}

async function createObject(
  { objects, counters }: UploadContext,
  name: string,
  bytes: Uint8Array,
): Promise<"created" | "exists"> {
  counters.requests++;
  counters.bytesSent += bytes.length;
  return await reaching(async () => await objects.create(name, bytes));
}

async function replaceObject({ objects, counters }: UploadContext, name: string, text: string): Promise<void> {
  const bytes = encoder.encode(text);
  counters.requests++;
  counters.bytesSent += bytes.length;
  await reaching(async () => await objects.replace(name, bytes));
}

async function readObject({ objects, counters }: UploadContext, name: string): Promise<Uint8Array | null> {
  counters.requests++;
  return await reaching(async () => await objects.read(name));
}

async function reaching<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw new BucketUnreachable(error instanceof Error ? error.message : String(error));
  }
}

/**
 * The operations of a sink: it sends, beside whatever else is done, and with every fault that a network has; what is in
 * the bucket is a prefix of the durable history, each record once, and in the end all of it.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import { blobObject } from "../sink/object_names.ts";
import { blobHash } from "../store/blob_values.ts";
import { type BucketHistory, readBucket } from "./bucket_reading.ts";
import { describeError, type Experiment } from "./experiment.ts";
import * as forks from "./fork_changes.ts";
import { LaboratoryBucket, type RequestFault } from "./laboratory_bucket.ts";
import type { LogEntry } from "./model.ts";
import type { Operation } from "./operations.ts";
import * as changes from "./session_changes.ts";
import { sessionKeys, storeDirectory, type SubjectStore } from "./subject.ts";
import type { SubjectSink } from "./subject_sink.ts";
import { Violation } from "./violation.ts";

type Change = (experiment: Experiment, operation: Operation) => Promise<void>;

/** What is done while a request of the sink's is under way, by name. */
export const besides: Readonly<Record<string, Change>> = {
  append: changes.append,
  truncate: changes.truncate,
  replace: changes.replace,
  compact: changes.compact,
  archive: forks.compactToArchive,
  delete: changes.remove,
  recreate: changes.recreate,
  renew,
  fork: forks.fork,
  title: changes.setTitle,
};

/** Another session of the key, that soon has as many records as the old one: which of them are whose? */
async function renew(experiment: Experiment, operation: Operation): Promise<void> {
  await changes.remove(experiment, operation);
  await changes.appendBatch(experiment, {
    ...operation,
    sizes: ["small", "small", "small", "small", "small", "small"],
  });
}

/** How often a sink tries that loses every answer; each time it gets one object further. */
const attemptsMax = 200;

/**
 * Sends what is durable. `lost`: no answer to the making of an object arrives, each time, until all is there;
 * `refused`: the third request is, and the sink gives up; `forgotten`: the sink's cursor is gone; `other`: another
 * process sends, as `holdfast push` beside an agent.
 */
export async function send(experiment: Experiment, { variant }: Operation): Promise<void> {
  experiment.world = experiment.world.withBucket(experiment.world.bucket.inUse());
  if (variant === "other") {
    // A session that somebody holds gets its id from nobody else.
    return await withAnotherSink(experiment, async (_, sink) => void await flush(experiment, sink, false, ["locked"]));
  }
  if (variant === "forgotten") {
    const { sink, fileSystem } = experiment;
    experiment.sink = null;
    await sink?.close();
    await fileSystem.unlink(`${storeDirectory}/.sink/cursor.json`).catch(() => undefined);
    await fileSystem.syncDirectory(`${storeDirectory}/.sink`).catch(() => undefined);
  }
  const opened = await ownSink(experiment);
  if (opened === null) return;
  const { sink, bucket } = opened;
  const known = new Set<string>();
  bucket.onRequest = ({ verb, name, ordinal }): RequestFault => {
    if (variant === "refused") return ordinal === 3 ? "refused" : "none";
    if (variant !== "lost" || verb !== "create" || known.has(name)) return "none";
    known.add(name);
    return "lost";
  };
  for (let attempt = 0; attempt < (variant === "lost" ? attemptsMax : 1); attempt++) {
    if (await flush(experiment, sink, variant === "lost" || variant === "refused")) break;
  }
  bucket.onRequest = () => "none";
}

/**
 * Sends while something else is done: `append 2` is an append while the second request is under way; `append 2 other`
 * the same, and another process sends.
 */
export async function sendBeside(experiment: Experiment, operation: Operation): Promise<void> {
  experiment.world = experiment.world.withBucket(experiment.world.bucket.inUse());
  const [name = "append", place = "1", who] = (operation.variant ?? "append 1").split(" ");
  const change = besides[name];
  if (change === undefined) return;
  const work = async (bucket: LaboratoryBucket, sink: SubjectSink): Promise<void> => {
    await whileSending(experiment, bucket, sink, Number(place), async () => await change(experiment, operation));
  };
  if (who === "other") return await withAnotherSink(experiment, work);
  const opened = await ownSink(experiment);
  if (opened !== null) await work(opened.bucket, opened.sink);
}

async function whileSending(
  experiment: Experiment,
  bucket: LaboratoryBucket,
  sink: SubjectSink,
  place: number,
  change: () => Promise<void>,
): Promise<void> {
  let violation: unknown = null;
  let isDone = false;
  bucket.onRequest = async ({ ordinal }): Promise<RequestFault> => {
    if (ordinal !== place) return "none";
    isDone = true;
    // What is thrown here is for the experiment, not for the sink.
    await change().catch((error: unknown) => void (violation = error));
    return "none";
  };
  await flush(experiment, sink, true, ["io", "closed", "not-found", "locked"]);
  bucket.onRequest = () => "none";
  if (violation !== null) throw violation;
  if (!isDone) await change();
}

/** Buckets of sinks that are open, so that one sink can be given one fault after the other. */
const buckets = new WeakMap<SubjectSink, LaboratoryBucket>();

async function ownSink(experiment: Experiment): Promise<{ sink: SubjectSink; bucket: LaboratoryBucket } | null> {
  if (experiment.sink === null) {
    try {
      experiment.sink = await openOn(experiment, await experiment.store());
    } catch (error) {
      if (experiment.expectsErrors && systemErrorCode(error) !== undefined) return null;
      throw new Violation("error", `The sink could not be opened: ${describeError(error)}`);
    }
  }
  const bucket = experiment.sink === null ? undefined : buckets.get(experiment.sink);
  if (experiment.sink === null || bucket === undefined) return null;
  // Requests are counted for each operation.
  bucket.begin();
  return { sink: experiment.sink, bucket };
}

async function openOn(experiment: Experiment, store: SubjectStore): Promise<SubjectSink | null> {
  const bucket = new LaboratoryBucket(experiment);
  const sink = await store.sinks?.open({
    objects: bucket,
    createId: () => `00000000-0000-4000-8000-${String(experiment.label()).padStart(12, "0")}`,
    onEvent: ({ type, message }) => {
      if (type === "session-renamed") renames.set(experiment, message);
    },
  });
  if (sink === undefined) return null;
  buckets.set(sink, bucket);
  return sink;
}

/** What a sink has said of a history that it did not find again; nobody else sends to this bucket. */
const renames = new WeakMap<Experiment, string>();

async function withAnotherSink(
  experiment: Experiment,
  work: (bucket: LaboratoryBucket, sink: SubjectSink) => Promise<void>,
): Promise<void> {
  const { sink: own } = experiment;
  experiment.sink = null;
  await own?.close();
  const other = await experiment.openAnother(false);
  try {
    const sink = await openOn(experiment, other);
    const bucket = sink === null ? undefined : buckets.get(sink);
    if (sink === null || bucket === undefined) return;
    await work(bucket, sink);
    await sink.close();
  } catch (error) {
    if (error instanceof Violation || !experiment.expectsErrors) throw error;
  } finally {
    await other.close();
  }
}

/** Sends; false if the bucket could not be reached. */
async function flush(
  experiment: Experiment,
  sink: SubjectSink,
  mayFail: boolean,
  expected: readonly string[] = mayFail ? ["io", "closed", "not-found"] : [],
): Promise<boolean> {
  let failed: ReadonlyMap<string, Error>;
  try {
    failed = await sink.flush();
  } catch (error) {
    if (mayFail || experiment.expectsErrors) return false;
    throw new Violation("error", `The sink could not send: ${describeError(error)}`);
  }
  const rename = renames.get(experiment);
  if (rename !== undefined) throw new Violation("S1", `The bucket has what the device has not: ${rename}`);
  for (const [key, error] of failed) {
    if (expected.includes(systemErrorCode(error) ?? "none")) continue;
    // What the sink did to a session, it did as the store's user.
    await experiment.settle(Math.max(0, sessionKeys.indexOf(key)), () => Promise.reject(error));
  }
  return failed.size === 0;
}

/** After a recovery: first what is there may be there, then all of it comes. */
export async function checkBucket(experiment: Experiment): Promise<void> {
  const store = await experiment.store();
  await compare(experiment, store, false);
  const opened = await ownSink(experiment);
  if (opened === null) return;
  await flush(experiment, opened.sink, false);
  await compare(experiment, store, true);
}

async function compare(experiment: Experiment, store: SubjectStore, isAll: boolean): Promise<void> {
  const { bucket } = experiment.world;
  let histories: Map<string, BucketHistory>;
  try {
    histories = readBucket(bucket.objects);
  } catch (error) {
    throw new Violation("S2", `The bucket's objects do not fit together: ${describeError(error)}`);
  }
  for (const [id, { manifest, lines }] of histories) {
    // The whole of a large value is in an object of its own.
    const whole = lines.filter(({ blobs }) => blobs.length === 0);
    if (bucket.areOfOneLife(sessionKeys.indexOf(manifest.key), whole)) continue;
    throw new Violation("S1", `No life of ${manifest.key} ever had the records of ${id}: ${textOf(lines)}`);
  }
  for (const session of experiment.touched) {
    const key = sessionKeys[session] ?? "";
    if (!await store.has(key)) continue;
    const target = await store.session(key);
    const id = (await target.facts?.())?.id ?? null;
    const shown: LogEntry[] = [];
    for await (const { sequence, text } of target.texts({ all: true, previews: true })) shown.push({ sequence, text });
    const history = id === null ? undefined : histories.get(id);
    if (history !== undefined) compareLines(history, shown);
    if (isAll && (history?.lines.at(-1)?.sequence ?? -1) !== (shown.at(-1)?.sequence ?? -1)) {
      throw new Violation("S3", `Of ${textOf(shown)} the bucket has ${textOf(history?.lines ?? [])}`);
    }
    if (isAll && history !== undefined) compareManifest(history, session, experiment);
    for (const { hash } of history?.lines.flatMap(({ blobs }) => blobs) ?? []) {
      const bytes = bucket.objects.get(blobObject(id ?? "", hash));
      if (bytes === undefined || blobHash(bytes) !== hash) throw new Violation("S2", `No large value ${hash}`);
    }
  }
}

/** A prefix of what the device shows; beside it, what was hidden when it was compacted away, or replaced. */
function compareLines({ lines }: BucketHistory, shown: readonly LogEntry[]): void {
  const device = new Map(shown.map(({ sequence, text }) => [sequence, text]));
  const last = shown.at(-1)?.sequence ?? -1;
  const sent = new Set<number>();
  for (const { sequence, text } of lines) {
    if (sent.has(sequence)) throw new Violation("S2", `Record ${sequence} is there twice: ${textOf(lines)}`);
    sent.add(sequence);
    const own = device.get(sequence);
    if (own === undefined ? sequence < last : own === text) continue;
    throw new Violation("S1", `The bucket has ${textOf(lines)}, the device only ${textOf(shown)}`);
  }
  const end = lines.at(-1)?.sequence ?? -1;
  const gap = shown.find(({ sequence }) => sequence < end && !sent.has(sequence));
  if (gap !== undefined) {
    throw new Violation("S2", `Record ${gap.sequence} is missing in the bucket: ${textOf(lines)} of ${textOf(shown)}`);
  }
}

function compareManifest({ manifest }: BucketHistory, session: number, experiment: Experiment): void {
  const model = experiment.model(session);
  if (manifest.deleted) throw new Violation("S3", `The bucket says that ${manifest.key} was deleted`);
  if (model.effects.length > 0 || manifest.summary === model.latest.summary) return;
  throw new Violation("S3", `The manifest says ${manifest.summary}, not ${model.latest.summary}`);
}

function textOf(lines: readonly LogEntry[]): string {
  return `[${
    lines.map(({ sequence, text }) => `${sequence}:${/"content":"(\d+)/.exec(text)?.[1] ?? text.slice(0, 20)}`).join(
      " ",
    )
  }]`;
}

/**
 * Begins to send a store's sessions to a bucket.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { toHoldfastError } from "../errors.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import type { SessionStore } from "../store/session_store.ts";
import type { ObjectStore } from "./object_store.ts";
import { Sink } from "./sink.ts";
import { SinkCursor, sinkDirectory } from "./sink_cursor.ts";
import { createSinkCounters, type SinkEvent } from "./sink_report.ts";
import { SinkSchedule } from "./sink_schedule.ts";

/** Options of `openSink`. */
export interface SinkOptions {
  /** The bucket: from `openBucket`, or anything with its verbs. */
  objects: ObjectStore;
  /**
   * How long, in milliseconds, between two looks at what is new, and so how much one object of records gathers; 0: it
   * does nothing by itself, only what `flush` asks for.
   *
   * @default {30000}
   */
  intervalMs?: number;
  /**
   * The longest wait after failures, in milliseconds. The first is about a second, each next one twice as long.
   *
   * @default {600000}
   */
  backoffMaxMs?: number;
  /**
   * An object of records is not made larger, in bytes, unless by one record.
   *
   * @default {1048576}
   */
  objectBytesMax?: number;
  /**
   * How often, in milliseconds, the cursor is written when it has changed. It may be behind: that costs requests after
   * a crash, never records.
   *
   * @default {600000}
   */
  cursorIntervalMs?: number;
  /**
   * Told of what the sink does by itself; it must not throw.
   *
   * @default {nobody is told}
   */
  onEvent?: (event: SinkEvent) => void;
  /**
   * The port: the one that the store was opened with. Its timers are the sink's only clock.
   *
   * @default {the runtime's}
   */
  fileSystem?: FileSystem;
  /**
   * From 0 up to 1, for the jitter of the waits.
   *
   * @default {Math.random}
   */
  random?: () => number;
  /**
   * Makes the id of this device, or of a session: a UUID in lower case, never the same twice on any device.
   *
   * @default {`randomUUID` of `node:crypto`}
   */
  createId?: () => string;
}

/**
 * Begins to send a store's sessions to a bucket, in the background. Close the sink before the store.
 *
 * Appends cost what they cost without it: it reads what is durable already, and writes nothing but its own cursor, and
 * once the id of each session into that one's meta file.
 *
 * @param store The store, open for writing.
 * @param options The bucket, and how often.
 * @returns The sink.
 * @throws {RangeError} If an option is out of range.
 * @throws {HoldfastError} `locked` if another sink is at work on the store; `disk-full`, `read-only` or `io` if its
 * cursor cannot be written. The store is not concerned.
 *
 * @example
 * ```ts
 * import { openStore } from "holdfast";
 * import { type ObjectStore, openSink } from "holdfast/sink";
 *
 * const held = new Map<string, Uint8Array>();
 * const objects: ObjectStore = {
 *   create: async (name, bytes) => held.has(name) ? "exists" : (held.set(name, bytes), "created"),
 *   replace: async (name, bytes) => void held.set(name, bytes),
 *   read: async (name) => held.get(name) ?? null,
 *   async *list(prefix) {
 *     yield* [...held.keys()].filter((name) => name.startsWith(prefix)).sort();
 *   },
 * };
 * await using store = await openStore("/tmp/holdfast-sink-example");
 * await using sink = await openSink(store, { objects });
 * await (await store.session("telegram:123")).append({ role: "user", content: "hi" });
 * await sink.flush();
 * console.log([...held.keys()]);
 * ```
 */
export async function openSink(store: SessionStore, options: SinkOptions): Promise<Sink> {
  const {
    objects,
    intervalMs = 30_000,
    backoffMaxMs = 600_000,
    objectBytesMax = 1024 * 1024,
    cursorIntervalMs = 600_000,
    onEvent = () => undefined,
    fileSystem = runtimeFileSystem,
    random = Math.random,
    createId = randomUUID,
  } = options;
  inRange("intervalMs", intervalMs, 0, 24 * 3600_000);
  inRange("backoffMaxMs", backoffMaxMs, 1_000, 24 * 3600_000);
  inRange("objectBytesMax", objectBytesMax, 1, 64 * 1024 * 1024);
  inRange("cursorIntervalMs", cursorIntervalMs, 0, 24 * 3600_000);
  const cursor = await openCursor(fileSystem, store.directory, objects.place ?? null, createId);
  const report = (event: SinkEvent): void => {
    try {
      onEvent(event);
    } catch {
      // A listener's mistake must not stop the sink.
    }
  };
  const { directory } = store;
  const { device } = cursor;
  const counters = createSinkCounters();
  const context = { objects, fileSystem, directory, device, objectBytesMax, counters, createId, report };
  const schedule = new SinkSchedule({ intervalMs, backoffMaxMs, fileSystem, random });
  const sink = new Sink({ store, context, cursor, schedule, cursorIntervalMs });
  if (intervalMs > 0) sink.start();
  return sink;
}

async function openCursor(
  fileSystem: FileSystem,
  directory: string,
  place: string | null,
  createId: () => string,
): Promise<SinkCursor> {
  try {
    const cursor = await SinkCursor.open(fileSystem, directory, place, createId);
    try {
      // A claim must be known for ours after a crash.
      await cursor.save();
      return cursor;
    } catch (error) {
      await cursor.release();
      throw error;
    }
  } catch (error) {
    throw toHoldfastError(error, "opening the sink", sinkDirectory(directory));
  }
}

function inRange(name: string, value: number, least: number, most: number): void {
  if (Number.isFinite(value) && value >= least && value <= most) return;
  throw new RangeError(`${name} must be from ${least} to ${most}, not ${value}`);
}

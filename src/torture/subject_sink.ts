/**
 * A sink on a store under test.
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";
import type { ObjectStore } from "../sink/object_store.ts";
import { openSink } from "../sink/open_sink.ts";
import type { SinkEvent } from "../sink/sink_report.ts";
import type { SessionStore } from "../store/session_store.ts";

/** A sink under test; the calls of `Sink` that the laboratory uses. */
export interface SubjectSink {
  /** Sends everything that is durable. */
  flush(): Promise<ReadonlyMap<string, Error>>;
  /** Ends it. */
  close(): Promise<void>;
}

/** How a sink under test is opened. */
export interface SubjectSinkOptions {
  /** Where it sends to. */
  readonly objects: ObjectStore;
  /** Told of events. */
  readonly onEvent: (event: SinkEvent) => void;
  /** Makes ids that are the same in each run. */
  readonly createId: () => string;
}

/** Opens the sink of a store under test. */
export interface SubjectSinks {
  /** Opens it. */
  open(options: SubjectSinkOptions): Promise<SubjectSink>;
}

/** Objects are so small that a history is many. */
const objectBytesMax = 120;

/**
 * Gives a store what sends it away.
 *
 * @param store The store.
 * @param fileSystem The one that it was opened with.
 * @param open What opens a sink: the product's own, or a mutant's.
 * @returns The same store, with sinks.
 */
export function withSinks<Store extends SessionStore>(
  store: Store,
  fileSystem: FileSystem,
  open: typeof openSink = openSink,
): Store & { sinks: SubjectSinks } {
  const sinks: SubjectSinks = {
    open: async (options) => await open(store, { ...options, fileSystem, intervalMs: 0, objectBytesMax }),
  };
  return Object.assign(store, { sinks });
}

/**
 * `Session.records`: paging, and following a session that this or another process is writing.
 *
 * @module
 */

import type { LogRecord } from "../log/log_reader.ts";
import { readWithArchive } from "./archive_reading.ts";
import { openTarget, type ReadRange, type ReadTarget } from "./session_reading.ts";
import { closeView, type SessionView } from "./session_view.ts";
import type { SessionWorker } from "./session_worker.ts";
import { wholeNumber } from "./store_options.ts";

/** Options of `Session.records`. */
export interface RecordsOptions {
  /**
   * The lowest number.
   *
   * @default {the first active record}
   */
  from?: number;
  /**
   * How many at the most.
   *
   * @default {all}
   */
  limit?: number;
  /**
   * Hidden records too, as far as they are still in the log or in its archive.
   *
   * @default {false}
   */
  all?: boolean;
  /**
   * Whether to wait for more, until the signal is aborted, the limit reached, or the session deleted.
   *
   * @default {false}
   */
  follow?: boolean;
  /**
   * Whether large values stay as the previews that the log has of them, and their files are not read.
   *
   * @default {false}
   */
  previews?: boolean;
  /**
   * Whether only what is durable already is read, and nothing is waited for or made durable: for one who reads beside
   * the appends and must not cost them anything. What another process writes is shown as without it.
   *
   * @default {false}
   */
  durable?: boolean;
  /** Ends a read that follows; the records just end. */
  signal?: AbortSignal;
}

/**
 * Reads the records of one moment.
 *
 * @param target Which session.
 * @param options Which records.
 * @returns The records, in groups.
 */
export async function* readAllRecords(
  target: ReadTarget,
  options: RecordsOptions,
): AsyncGenerator<readonly LogRecord[], void> {
  const range = rangeOf(options);
  let left = limitOf(options);
  const view = await openTarget(target);
  try {
    const log = view?.log ?? null;
    if (view === null || log === null || left === 0) return;
    for await (const records of readWithArchive(target, view, log, range)) {
      if (isAborted(options)) return;
      yield records.length > left ? records.slice(0, left) : records;
      left -= records.length;
      if (left <= 0) return;
    }
  } finally {
    await closeView(view);
  }
}

/**
 * Reads records and waits for more.
 *
 * @param worker The session.
 * @param options Which records.
 * @returns The records, in groups: durable ones only where this process writes them.
 */
export async function* followRecords(
  worker: SessionWorker,
  options: RecordsOptions,
): AsyncGenerator<readonly LogRecord[], void> {
  const range = rangeOf(options);
  const { directory } = worker.host.context;
  let left = limitOf(options);
  let seen = false;
  let path = directory;
  while (left > 0 && !isAborted(options) && worker.status !== "closed") {
    const wait = new Wait(worker, path, options.signal);
    let view: SessionView | null = null;
    try {
      view = await openTarget(worker.target);
      // What was there and is gone was deleted.
      if (view === null && seen) return;
      seen ||= view !== null;
      const { from } = range;
      const log = view?.log ?? null;
      const parts = view === null || log === null ? null : readWithArchive(worker.target, view, log, range);
      for (let part = await parts?.next(); part !== undefined; part = await parts?.next()) {
        if (part.done === true) {
          range.cursor = part.value;
          break;
        }
        if (isAborted(options)) return;
        const records = part.value.length > left ? part.value.slice(0, left) : part.value;
        range.from = (records.at(-1)?.sequence ?? range.from - 1) + 1;
        yield records;
        left -= records.length;
        if (left <= 0) return;
      }
      await closeView(view);
      const watched = path;
      path = view?.files.log ?? directory;
      if (range.from === from && path === watched) await wait.over();
    } finally {
      wait.end();
      await closeView(view);
    }
  }
}

/** Begins before the look at the log, so that nothing that is committed meanwhile is slept through. */
class Wait {
  readonly #controller = new AbortController();
  readonly #changed: Promise<void>;
  readonly #signal: AbortSignal | undefined;
  readonly #unsubscribe: () => void;
  readonly #wake = (): void => this.#controller.abort();

  constructor(worker: SessionWorker, path: string, signal: AbortSignal | undefined) {
    this.#unsubscribe = worker.whenCommitted(this.#wake);
    this.#signal = signal;
    signal?.addEventListener("abort", this.#wake, { once: true });
    this.#changed = worker.host.context.fileSystem.waitForChange(path, this.#controller.signal);
    // Nobody may be waiting when it rejects.
    this.#changed.catch(() => undefined);
  }

  /** Resolves after a change, or when there may have been one. */
  over(): Promise<void> {
    return this.#changed;
  }

  end(): void {
    this.#unsubscribe();
    this.#signal?.removeEventListener("abort", this.#wake);
    this.#controller.abort();
  }
}

function rangeOf(options: RecordsOptions): ReadRange {
  const from = options.from === undefined ? 0 : wholeNumber("from", options.from, 0);
  return { from, all: options.all ?? false, cursor: null };
}

function limitOf(options: RecordsOptions): number {
  return options.limit === undefined ? Infinity : wholeNumber("limit", options.limit, 0);
}

function isAborted(options: RecordsOptions): boolean {
  return options.signal?.aborted ?? false;
}

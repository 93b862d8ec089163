/**
 * The one way to a session's log: appends and other writes, one after the other, in the order in which they were
 * called.
 * Appends that wait are written together and share a sync; a group is written only after the sync of the one before.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { lineBytesBound, lineBytesMax, unsyncedBytesMax } from "../log/record_format.ts";
import type { LogWriter } from "../log/log_writer.ts";
import { AppendBacklog, type BatchContent, type WaitingBatch } from "./append_backlog.ts";
import type { BlobValue } from "./blob_values.ts";
import type { OpenSession } from "./open_session.ts";
import { type AppendReceipt, planGroup, type PlannedGroup } from "./group_plan.ts";
import type { RecordIds } from "./record_ids.ts";
import { refusals } from "./session_limit.ts";

/** Records that are to be appended together, all or nothing. */
export interface QueuedBatch {
  /** Each record as one line of JSON. */
  texts: readonly string[];
  /** Each record's id, if it has one. */
  ids: readonly (string | undefined)[];
  /** Whether it is to be durable when it resolves. */
  durable: boolean;
  /** Called at the moment at which the outcome is known, before any promise says so: null, or the error. */
  settled?: (error: unknown) => void;
  /** Its large values, and each record as one line without them; absent: it has none. */
  blobs?: { readonly lines: readonly string[]; readonly values: readonly BlobValue[] };
  /** Gives texts, ids and blobs again, where too much waits for them to be held; absent: they are held in any case. */
  encodeAgain?: () => BatchContent;
}

/** Whose queue it is. */
export interface QueueOwner {
  /** The open session; null while it is not open. */
  readonly opened: OpenedForWriting | null;
  /** Opens the session when there is something to write; an open one is returned as it is. */
  open(): Promise<OpenedForWriting>;
  /** Called after something was written. */
  committed(): void;
  /** Called when nothing is under way or waiting any more. */
  drained(): void;
}

/** An open session, and what is known of its ids. */
export interface OpenedForWriting {
  /** The session. */
  session: OpenSession;
  /** Its ids; null if records have none. */
  ids: RecordIds | null;
}

interface AppendEntry {
  kind: "append";
  durable: boolean;
  waiting: WaitingBatch;
  /** What is to be appended, once its turn has come. */
  content: BatchContent | null;
  resolve: (receipts: AppendReceipt[]) => void;
  reject: (error: unknown) => void;
}

interface TaskEntry {
  kind: "task";
  /** Whether the history, or the meta file, changes: nothing may be appended in between. */
  isEdit: boolean;
  run: () => Promise<void>;
}

/** A group on its way to the log. */
interface Group {
  kind: "group";
  entries: AppendEntry[];
  state: "waiting" | "writing" | "done";
  /** What is written of it, and the number of its first record; null before it is written. */
  written: { plan: PlannedGroup; first: number } | null;
}

/** The queue of one session. */
export class AppendQueue {
  readonly #owner: QueueOwner;
  readonly #backlog = new AppendBacklog();
  #entries: (AppendEntry | TaskEntry)[] = [];
  #current: Group | TaskEntry | null = null;
  #running: Promise<void> | null = null;

  /**
   * Creates an empty queue.
   *
   * @param owner Opens the session, and is told of what was done.
   */
  constructor(owner: QueueOwner) {
    this.#owner = owner;
  }

  /** Whether nothing is under way or waiting. */
  get idle(): boolean {
    return this.#running === null;
  }

  /** How much of what waits is held in memory; see {@linkcode AppendBacklog}. */
  get held(): number {
    return this.#backlog.held;
  }

  /**
   * Appends a batch after all that was called before.
   *
   * @param batch The batch.
   * @returns One receipt per record.
   */
  append(batch: QueuedBatch): Promise<AppendReceipt[]> {
    // What a closure below refers to is held as long as the batch waits.
    const { durable, settled, encodeAgain } = batch;
    const waiting = this.#backlog.add(contentOf(batch), encodeAgain);
    return new Promise((resolve, reject) => {
      this.#push({
        kind: "append",
        durable,
        waiting,
        content: null,
        resolve: (receipts) => {
          settled?.(null);
          resolve(receipts);
        },
        reject: (error) => {
          settled?.(error);
          reject(error);
        },
      });
    });
  }

  /**
   * Runs something that needs the session to itself, after all that was called before.
   *
   * @param task What to run.
   * @param isEdit Whether it changes the history or the meta file; a blocking flush then waits for it.
   * @returns What it returned.
   */
  run<T>(task: () => Promise<T>, isEdit: boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#push({ kind: "task", isEdit, run: async () => await task().then(resolve, reject) });
    });
  }

  /**
   * Appends a batch after all that was called before, blocking, and makes all of it durable.
   *
   * @param batch The batch.
   * @returns One receipt per record.
   * @throws {HoldfastError} `io` if that cannot be done now, as {@linkcode AppendQueue.flushSync}: nothing of the batch
   * will be in the log.
   */
  appendSync(batch: QueuedBatch): AppendReceipt[] {
    const settled: AppendReceipt[][] = [];
    const resolve = (receipts: AppendReceipt[]): void => void settled.push(receipts);
    const waiting = this.#backlog.add(contentOf(batch), undefined);
    const entry: AppendEntry = {
      kind: "append",
      durable: true,
      waiting,
      content: null,
      resolve,
      reject: () => undefined,
    };
    this.#push(entry);
    try {
      this.flushSync();
    } finally {
      if (settled.length === 0) {
        if (this.#entries.includes(entry)) waiting.take();
        this.#entries = this.#entries.filter((other) => other !== entry);
      }
    }
    return settled[0] ?? [];
  }

  /**
   * Writes and syncs all that waits, blocking.
   *
   * @throws {HoldfastError} `io` if that cannot be done now: the session is not open yet, or being rewritten.
   */
  flushSync(): void {
    const current = this.#current;
    const isEditing = current?.kind === "task" && current.isEdit;
    // What was called after an edit must not be written before it.
    const editIndex = this.#entries.findIndex((entry) => entry.kind === "task" && entry.isEdit);
    const readyCount = isEditing ? 0 : editIndex < 0 ? this.#entries.length : editIndex;
    const ready = this.#entries.slice(0, readyCount);
    const stuck = this.#entries.slice(readyCount);
    const session = this.#owner.opened?.session ?? null;
    const waiting = current?.kind === "group" && isNotInLog(current, session?.writer ?? null) ? current.entries : [];
    const appends = [...waiting, ...ready.filter((entry) => entry.kind === "append")];
    if (session?.writer) {
      if (current?.kind === "group" && waiting.length > 0) current.state = "done";
      this.#entries = [...ready.filter((entry) => entry.kind === "task"), ...stuck];
      this.#writeAllSync(session.writer, appends);
      // What was being written is durable too, and its callers are told at once.
      if (current?.kind === "group" && current.state === "writing" && current.written !== null) {
        current.state = "done";
        this.#settle(current.entries, current.written.plan, current.written.first);
      }
    }
    if (stuck.some((entry) => entry.kind === "append") || (!session?.writer && appends.length > 0)) {
      const message = "Records wait for a session that is being opened or edited; a blocking flush cannot";
      throw new HoldfastError("io", message);
    }
  }

  /** In groups, each synced before the next: what is unsynced is bounded here, too (I18). */
  #writeAllSync(writer: LogWriter, appends: AppendEntry[]): void {
    let refused: HoldfastError | null = null;
    do {
      const first = appends.shift();
      const entries = first === undefined ? [] : groupFrom(first, appends, true);
      try {
        // No file can be made without waiting: large values go into the log, where there is room for them.
        for (const entry of entries) assertLines(readyContent(entry).texts);
        refused = this.#refuse(entries) ?? refused;
        const contents = entries.map(readyContent);
        const plan = planGroup(contents, this.#owner.opened?.ids ?? null);
        // Also of nothing: what was appended before is made durable.
        this.#settle(entries, plan, writer.appendSync(plan.batches));
      } catch (error) {
        for (const entry of [...entries, ...appends]) entry.reject(error);
        throw error;
      }
    } while (appends.length > 0);
    if (refused !== null) throw refused;
  }

  /** Takes out of a group what has no room in the log, and tells its callers. */
  #refuse(entries: AppendEntry[]): HoldfastError | null {
    const { session, ids } = this.#owner.opened ?? { session: null, ids: null };
    const bytesMax = session?.context.sessionBytesMax ?? Infinity;
    if (session === null || bytesMax === Infinity) return null;
    const limit = { path: session.files.log, offset: session.writer?.tailOffset ?? 0, bytesMax };
    const contents = entries.map(readyContent);
    const batches = contents.map(({ texts, ids, blobs }) => ({ texts: blobs?.lines ?? texts, ids }));
    const errors = refusals(batches, ids, limit);
    const refused = entries.splice(0);
    for (const [index, entry] of refused.entries()) {
      const error = errors[index] ?? null;
      if (error === null) entries.push(entry);
      else entry.reject(error);
    }
    return errors.find((error) => error !== null) ?? null;
  }

  #push(entry: AppendEntry | TaskEntry): void {
    this.#entries.push(entry);
    this.#running ??= this.#drain();
  }

  async #drain(): Promise<void> {
    // Calls of the same turn of the event loop go together.
    await Promise.resolve();
    for (let entry = this.#entries.shift(); entry !== undefined; entry = this.#entries.shift()) {
      this.#current = entry.kind === "task" ? entry : this.#takeGroup(entry);
      if (this.#current.kind === "task") await this.#current.run();
      else await this.#writeGroup(this.#current);
      this.#current = null;
    }
    this.#running = null;
    this.#owner.drained();
  }

  #takeGroup(first: AppendEntry): Group {
    return { kind: "group", entries: groupFrom(first, this.#entries, false), state: "waiting", written: null };
  }

  async #writeGroup(group: Group): Promise<void> {
    const { entries } = group;
    if (entries.length === 0) return;
    try {
      const { session, ids } = await this.#owner.open();
      if (group.state === "waiting") this.#refuse(entries);
      const contents = entries.map(readyContent);
      const stored = contents.map(({ texts, ids, blobs }) => ({ texts: blobs?.lines ?? texts, ids }));
      const plan = planGroup(stored, ids);
      const durable = entries.some((entry) => entry.durable);
      if (plan.batches.length === 0) {
        // All of it is in the log; a durable retry must not resolve before it is durable.
        if (durable) await session.sync();
        if (group.state === "waiting") this.#settle(entries, plan, 0);
        group.state = "done";
        return;
      }
      const begin = (): boolean => {
        if (group.state !== "waiting") return false;
        group.state = "writing";
        group.written = { plan, first: session.writer?.sequenceNext ?? 0 };
        return true;
      };
      const blobs = contents[0]?.blobs?.values ?? [];
      const first = await session.blobs.keep(blobs, () => session.append(plan.batches, durable, begin));
      if (first >= 0 && !isDone(group)) this.#settle(entries, plan, first);
    } catch (error) {
      if (!isDone(group)) { for (const entry of entries) entry.reject(error); }
    }
    // They were told: a blocking flush that comes right now must not take them up again.
    group.state = "done";
  }

  #settle(entries: AppendEntry[], plan: PlannedGroup, first: number): void {
    const { opened } = this.#owner;
    if (opened !== null) {
      const { counters } = opened.session.context;
      counters.appends += entries.length;
      counters.records += plan.records;
      counters.duplicates += plan.duplicates;
      for (const [index, id] of plan.newIds.entries()) opened.ids?.add(id, first + index);
    }
    const receipts = plan.receipts(first);
    for (const [index, entry] of entries.entries()) entry.resolve(receipts[index] ?? []);
    this.#owner.committed();
  }
}

function contentOf({ texts, ids, blobs }: QueuedBatch): BatchContent {
  return blobs === undefined ? { texts, ids } : { texts, ids, blobs };
}

/** Takes out of a queue what is written with its first entry; what can be encoded no more is rejected. */
function groupFrom(first: AppendEntry, queue: (AppendEntry | TaskEntry)[], withBlobs: boolean): AppendEntry[] {
  const entries = isReady(first) ? [first] : [];
  let { characters } = first.waiting;
  // What cannot be written for want of a blob takes nobody else with it.
  if (first.waiting.hasBlobs && !withBlobs) return entries;
  for (let next = queue[0]; next?.kind === "append"; next = queue[0]) {
    if (next.waiting.hasBlobs && !withBlobs) break;
    characters += next.waiting.characters;
    if (characters > unsyncedBytesMax / 2) break;
    queue.shift();
    if (isReady(next)) entries.push(next);
  }
  return entries;
}

function isReady(entry: AppendEntry): boolean {
  try {
    entry.content ??= entry.waiting.take();
    return true;
  } catch (error) {
    entry.reject(error);
    return false;
  }
}

function readyContent({ content }: AppendEntry): BatchContent {
  return content ?? { texts: [], ids: [] };
}

/** A write that failed is undone before anybody is told of it: a blocking flush in between takes the group up again. */
function isNotInLog({ state, written }: Group, writer: LogWriter | null): boolean {
  if (state === "waiting") return true;
  return state === "writing" && writer !== null && written !== null && writer.sequenceNext <= written.first;
}

/** A blocking flush may have settled it meanwhile. */
function isDone({ state }: Group): boolean {
  return state === "done";
}

function assertLines(texts: readonly string[]): void {
  // A text has at most three bytes for each unit of its length.
  if (texts.every((text) => text.length < lineBytesMax / 4 || lineBytesBound(text) <= lineBytesMax)) return;
  const message =
    "Record waits for a large value to be written; a blocking call cannot, and the log has no room for it";
  throw new HoldfastError("io", message);
}

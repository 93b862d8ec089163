/**
 * Writes records to the end of a log and makes them durable: positional writes at a tracked offset, then one
 * `fdatasync`. No create, rename, directory sync or meta write is on this path.
 *
 * States: *open* until an outcome is unknown, then *failed* for good (`append`, `sync` and `rewritten` reject; only
 * `close` works). A write that failed with a known outcome is undone, the undo is synced, and the writer stays open.
 *
 * @module
 */

import { HoldfastError, toHoldfastError } from "../errors.ts";
import type { FileHandle, FileSystem } from "../fs/filesystem.ts";
import { writeAgainSync, writeFully, writeFullySync } from "./atomic_file.ts";
import { type ForeignAppend, readForeignAppend, readForeignAppendSync } from "./foreign_append.ts";
import { type GroupOwner, GroupWriter } from "./group_writer.ts";
import { LogEnd } from "./log_end.ts";
import { cutFill, isBlankRange, withFill } from "./log_fill.ts";
import { LogIdentity } from "./log_identity.ts";
import type { ChainPosition } from "./record_chain.ts";
import { lineFeed, unsyncedBytesMax } from "./record_format.ts";
import { type Batch, encodeGroup, groupBytesBound, type RecordGroup } from "./record_group.ts";

export type { Batch } from "./record_group.ts";

/** An open log, ready for appending. */
export interface WritableLog {
  /** The log, open for writing. */
  handle: FileHandle;
  /** Its path. */
  path: string;
  /** Where it goes on; everything in front is durable. */
  position: ChainPosition;
  /** The number that the next record has at the least: nothing that is appended may be hidden (B2). */
  sequenceMin: number;
}

/** Appends to one log. Calls must not overlap: its owner queues them. */
export class LogWriter implements GroupOwner {
  readonly #fileSystem: FileSystem;
  readonly #report: (offset: number, length: number) => void;
  readonly #fillAhead: boolean;
  #log: WritableLog;
  #identity: LogIdentity;
  #end: LogEnd;
  #groups: GroupWriter;
  #failure: HoldfastError | null = null;

  /**
   * Creates a writer.
   *
   * @param fileSystem The port.
   * @param log The recovered log.
   * @param report Called when somebody else's lines were found behind ours, with offset and length in bytes.
   * @param fillAhead Whether the file is filled ahead of the tail.
   */
  constructor(
    fileSystem: FileSystem,
    log: WritableLog,
    report: (offset: number, length: number) => void,
    fillAhead: boolean = false,
  ) {
    this.#fileSystem = fileSystem;
    this.#report = report;
    this.#fillAhead = fillAhead;
    this.#log = log;
    this.#identity = new LogIdentity(fileSystem, log.path, log.handle);
    this.#end = new LogEnd(log.position, log.sequenceMin);
    this.#groups = new GroupWriter(this, log, this.#end, fillAhead);
  }

  /** The open log; for reading what was written. */
  get handle(): FileHandle {
    return this.#log.handle;
  }

  /** Behind the last record, in bytes. */
  get tailOffset(): number {
    return this.#end.tailOffset;
  }

  /** Everything in front of it is durable, in bytes. */
  get syncedOffset(): number {
    return this.#end.syncedOffset;
  }

  /** The number that the next record gets. */
  get sequenceNext(): number {
    return this.#end.sequenceNext;
  }

  /** Where the log goes on. */
  get position(): ChainPosition {
    return this.#end.position;
  }

  /** Why nothing can be written any more; null while open. */
  get failure(): HoldfastError | null {
    return this.#failure;
  }

  /**
   * Appends batches, each all or nothing, in order.
   *
   * @param batches What to append.
   * @param durable Whether to make them, and everything in front of them, durable.
   * @param begin Asked once, when nothing can come in between any more; false: a blocking flush has done it meanwhile.
   * @returns The number of the first record; -1 if `begin` said no.
   * @throws {HoldfastError} `disk-full` or `io` when nothing of it is in the log; `failed` when that is unknown.
   */
  async append(batches: readonly Batch[], durable: boolean, begin: () => boolean = () => true): Promise<number> {
    this.assertOpen();
    const end = this.#end;
    const bound = groupBytesBound(batches);
    // In blocks that are there, nobody's lines are in the way unless the file has grown.
    const isInFill = end.tailOffset + bound <= end.size && this.#identity.endsAt(end.size);
    if (!isInFill) await this.lookAtFile();
    if (end.tailOffset > end.syncedOffset && end.unsynced + bound > unsyncedBytesMax) await this.sync();
    if (!begin()) return -1;
    const first = end.sequenceNext;
    const writing = this.#groups.write(this.#encode(batches), durable);
    // While the device is at work. A log that has lost its name meanwhile acknowledges nothing (H15).
    const keepsName = !isInFill || this.#identity.keepsName();
    await writing;
    this.assertOpen();
    if (!keepsName) await this.lookAtFile();
    if (durable || end.unsynced > unsyncedBytesMax) await this.sync();
    return first;
  }

  /** Makes everything that was appended durable. Does nothing if it is. */
  async sync(): Promise<void> {
    this.assertOpen();
    const end = this.#end;
    const target = end.tailOffset;
    if (end.syncedOffset >= target) return;
    try {
      await this.#log.handle.syncData();
    } catch (error) {
      throw this.fail("a sync failed, so what is durable is unknown", error);
    }
    // One that failed meanwhile, blocking, may have taken the error that ours should have had.
    this.assertOpen();
    // A blocking one that did not may have gone further.
    end.syncedOffset = Math.max(end.syncedOffset, target);
  }

  /**
   * Appends batches and makes everything durable, blocking; also what an asynchronous call is writing at this moment.
   * For `flushSync` only.
   *
   * @param batches What to append.
   * @returns The number of the first record.
   */
  appendSync(batches: readonly Batch[]): number {
    this.assertOpen();
    const end = this.#end;
    const { inFlight, undoing } = this.#groups;
    // The undo would cut what is written here.
    if (undoing) throw this.fail("a blocking flush came while a failed write was being undone", undefined);
    try {
      // The same bytes again: a sync that is under way may fail, and ours would then prove nothing about its pages.
      if (inFlight !== null) {
        // With its fill: blank bytes that the other write was yet to bring would otherwise stand in front as NUL (I21).
        const filled = withFill(inFlight.bytes, inFlight.end - inFlight.offset);
        writeFullySync(this.#log.handle, filled, inFlight.offset);
        // Fill that is still to come must not fall on what is written now.
        end.tailOffset = Math.max(end.tailOffset, inFlight.end);
      } else {
        writeAgainSync(this.#log.handle, end.syncedOffset, end.tailOffset);
      }
      this.#goBehindSync();
      const first = end.sequenceNext;
      const group = this.#encode(batches);
      writeFullySync(this.#log.handle, group.bytes, end.tailOffset);
      end.advance(group);
      if (end.syncedOffset < end.tailOffset) this.#log.handle.syncDataSync();
      end.syncedOffset = end.tailOffset;
      return first;
    } catch (error) {
      throw this.fail("a blocking flush failed, so what is durable is unknown", error);
    }
  }

  /**
   * Goes on in the log that has just replaced this one.
   *
   * @param log The new log, durable under its name.
   */
  async rewritten(log: WritableLog): Promise<void> {
    this.assertOpen();
    const old = this.#log.handle;
    this.#log = log;
    this.#identity = new LogIdentity(this.#fileSystem, log.path, log.handle);
    this.#end = new LogEnd(log.position, log.sequenceMin);
    this.#groups = new GroupWriter(this, log, this.#end, this.#fillAhead);
    // Nobody needs the old one any more, whatever its end was.
    await old.close().catch(() => undefined);
  }

  /**
   * Makes the writer fail for good.
   *
   * @param why What is unknown, as a clause.
   * @param cause The error underneath.
   * @returns The error that every later call rejects with.
   */
  fail(why: string, cause: unknown): HoldfastError {
    this.#failure ??= new HoldfastError("failed", `Session failed: ${why}; open it again: ${this.#log.path}`, {
      path: this.#log.path,
      cause,
    });
    return this.#failure;
  }

  /**
   * Says how many lines stand in the log, where that was not known.
   *
   * @param rawCount As picoclaw counts them.
   */
  setRawCount(rawCount: number): void {
    this.#end.rawCount = rawCount;
  }

  /** Takes the fill away, if it is still ours alone. Not made durable: fill that comes back is blank. */
  async trim(): Promise<void> {
    const end = this.#end;
    if (this.#failure !== null || end.size <= end.tailOffset) return;
    await this.lookAtFile();
    const { handle } = this.#log;
    if (end.size <= end.tailOffset || !await isBlankRange(handle, end.tailOffset, end.size)) return;
    await cutFill(handle, end.tailOffset);
    end.size = end.tailOffset;
  }

  /** Gives the file back. Makes nothing durable: where that fails nothing is lost, and nobody is told that it was. */
  async close(): Promise<void> {
    await this.#log.handle.close().catch(() => undefined);
  }

  /** {@inheritDoc GroupOwner.assertOpen} */
  assertOpen(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #encode(batches: readonly Batch[]): RecordGroup {
    const end = this.#end;
    return encodeGroup(batches, end.sequenceNext, end.checksum, end.unsynced > 0);
  }

  /**
   * Looks whether the file is still ours alone: before it grows, is trimmed or is rewritten. Nobody else
   * may write the log, but picoclaw knows no lock: what it appended is gone on behind, and a log that was taken away
   * under us makes the session fail (A5, H15).
   */
  async lookAtFile(): Promise<void> {
    this.assertOpen();
    const end = this.#end;
    for (;;) {
      const { size, tailOffset } = end;
      const seen = await this.#identity.look();
      this.assertOpen();
      if (seen === "removed") throw this.fail("the log was removed", undefined);
      if (seen === "replaced") throw this.fail("another file has taken the log's name", undefined);
      // A blocking flush came in between.
      if (end.size !== size) continue;
      if (seen === size) return;
      if (seen < size) throw this.fail("the log was cut by somebody else", undefined);
      const found = await readForeignAppend(this.#log.handle, end.position, seen);
      if (end.tailOffset === tailOffset) await this.#goBehind(found);
    }
  }

  async #goBehind(found: ForeignAppend): Promise<void> {
    const start = this.#end.tailOffset;
    if (!found.terminated) {
      try {
        await writeFully(this.#log.handle, Uint8Array.of(lineFeed), found.position.offset);
      } catch (error) {
        throw toHoldfastError(error, "ending a line that somebody else left open", this.#log.path);
      }
    }
    if (this.#end.tailOffset !== start) return;
    this.#advanceBehind(found);
    await this.sync();
  }

  #goBehindSync(): void {
    const { handle } = this.#log;
    if (handle.readSync(new Uint8Array(1), this.#end.size) === 0) return;
    const found = readForeignAppendSync(handle, this.position);
    if (!found.terminated) writeFullySync(handle, Uint8Array.of(lineFeed), found.position.offset);
    this.#advanceBehind(found);
    handle.syncDataSync();
    this.#end.syncedOffset = this.#end.tailOffset;
  }

  #advanceBehind(found: ForeignAppend): void {
    const start = this.#end.tailOffset;
    this.#end.goBehind(found);
    this.#report(start, found.position.offset - start);
  }
}

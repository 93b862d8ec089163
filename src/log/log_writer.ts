/**
 * Writes records to the end of a log and makes them durable: positional writes at a tracked offset, then one
 * `fdatasync`. No create, rename, directory sync or meta write is on this path.
 *
 * States: *open* until an outcome is unknown, then *failed* for good (`append`, `sync` and `rewritten` reject; only
 * `close` works). A write that failed with a known outcome is undone, the undo is synced, and the writer stays open.
 *
 * Offsets, in bytes: `syncedOffset` ≤ `tailOffset` ≤ the file's size. What stands between tail and size is fill (LF).
 *
 * @module
 */

import { assertInvariant, HoldfastError, systemErrorCode, toHoldfastError } from "../errors.ts";
import type { FileHandle, FileSystem } from "../fs/filesystem.ts";
import { writeAgainSync, writeFully, writeFullySync } from "./atomic_file.ts";
import { blank, cutFill, FillPolicy, isBlankRange, withFill } from "./log_fill.ts";
import { type ForeignAppend, readForeignAppend, readForeignAppendSync } from "./foreign_append.ts";
import { LogIdentity } from "./log_identity.ts";
import type { ChainPosition } from "./record_chain.ts";
import { batchBytesMax, lineFeed, unsyncedBytesMax } from "./record_format.ts";
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
export class LogWriter {
  readonly #fileSystem: FileSystem;
  readonly #report: (offset: number, length: number) => void;
  readonly #fillAhead: boolean;
  #fill: FillPolicy;
  #log: WritableLog;
  #identity: LogIdentity;
  #size: number;
  #tailOffset: number;
  #syncedOffset: number;
  #sequenceNext: number;
  #checksum: number;
  #rawCount: number | null;
  #failure: HoldfastError | null = null;
  /** What an asynchronous call is writing at this moment, and up to where it may still write fill. */
  #inFlight: { bytes: Uint8Array; offset: number; end: number } | null = null;
  #undoing = false;

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
    this.#fill = new FillPolicy(fillAhead);
    this.#log = log;
    this.#identity = new LogIdentity(fileSystem, log.path, log.handle);
    this.#size = log.position.offset;
    this.#tailOffset = log.position.offset;
    this.#syncedOffset = log.position.offset;
    this.#sequenceNext = Math.max(log.position.sequence, log.sequenceMin);
    this.#checksum = log.position.checksum ?? 0;
    this.#rawCount = log.position.rawCount;
  }

  /** The open log; for reading what was written. */
  get handle(): FileHandle {
    return this.#log.handle;
  }

  /** Behind the last record, in bytes. */
  get tailOffset(): number {
    return this.#tailOffset;
  }

  /** Everything in front of it is durable, in bytes. */
  get syncedOffset(): number {
    return this.#syncedOffset;
  }

  /** The number that the next record gets. */
  get sequenceNext(): number {
    return this.#sequenceNext;
  }

  /** Where the log goes on. */
  get position(): ChainPosition {
    return {
      offset: this.#tailOffset,
      checksum: this.#checksum,
      sequence: this.#sequenceNext,
      rawCount: this.#rawCount,
    };
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
    this.#assertOpen();
    await this.#lookAtFile();
    const bound = groupBytesBound(batches);
    if (this.#tailOffset > this.#syncedOffset && this.#unsynced + bound > unsyncedBytesMax) await this.sync();
    if (!begin()) return -1;
    const first = this.#sequenceNext;
    const group = this.#encode(batches);
    await this.#write(group);
    this.#assertOpen();
    if (durable || this.#unsynced > unsyncedBytesMax) await this.sync();
    return first;
  }

  /** Makes everything that was appended durable. Does nothing if it is. */
  async sync(): Promise<void> {
    this.#assertOpen();
    const target = this.#tailOffset;
    if (this.#syncedOffset >= target) return;
    try {
      await this.#log.handle.syncData();
    } catch (error) {
      throw this.fail("a sync failed, so what is durable is unknown", error);
    }
    // One that failed meanwhile, blocking, may have taken the error that ours should have had.
    this.#assertOpen();
    // A blocking one that did not may have gone further.
    this.#syncedOffset = Math.max(this.#syncedOffset, target);
  }

  /**
   * Appends batches and makes everything durable, blocking; also what an asynchronous call is writing at this moment.
   * For `flushSync` only.
   *
   * @param batches What to append.
   * @returns The number of the first record.
   */
  appendSync(batches: readonly Batch[]): number {
    this.#assertOpen();
    // The undo would cut what is written here.
    if (this.#undoing) throw this.fail("a blocking flush came while a failed write was being undone", undefined);
    try {
      // The same bytes again: a sync that is under way may fail, and ours would then prove nothing about its pages.
      if (this.#inFlight !== null) {
        writeFullySync(this.#log.handle, this.#inFlight.bytes, this.#inFlight.offset);
        // Fill that is still to come must not fall on what is written now.
        this.#tailOffset = Math.max(this.#tailOffset, this.#inFlight.end);
      } else {
        writeAgainSync(this.#log.handle, this.#syncedOffset, this.#tailOffset);
      }
      this.#goBehindSync();
      const first = this.#sequenceNext;
      const group = this.#encode(batches);
      writeFullySync(this.#log.handle, group.bytes, this.#tailOffset);
      this.#advance(group);
      if (this.#syncedOffset < this.#tailOffset) this.#log.handle.syncDataSync();
      this.#syncedOffset = this.#tailOffset;
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
    this.#assertOpen();
    const old = this.#log.handle;
    this.#log = log;
    this.#fill = new FillPolicy(this.#fillAhead);
    this.#identity = new LogIdentity(this.#fileSystem, log.path, log.handle);
    this.#size = log.position.offset;
    this.#tailOffset = log.position.offset;
    this.#syncedOffset = log.position.offset;
    this.#sequenceNext = Math.max(log.position.sequence, log.sequenceMin);
    this.#checksum = log.position.checksum ?? 0;
    this.#rawCount = log.position.rawCount;
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
    this.#rawCount = rawCount;
  }

  /** Looks whether the file is still ours alone, as is done before each append; for use before a rewrite. */
  async lookAtFile(): Promise<void> {
    this.#assertOpen();
    await this.#lookAtFile();
  }

  /** Takes the fill away, if it is still ours alone. Not made durable: fill that comes back is blank. */
  async trim(): Promise<void> {
    if (this.#failure !== null || this.#size <= this.#tailOffset) return;
    await this.#lookAtFile();
    const { handle } = this.#log;
    if (this.#size <= this.#tailOffset || !await isBlankRange(handle, this.#tailOffset, this.#size)) return;
    await cutFill(handle, this.#tailOffset);
    this.#size = this.#tailOffset;
  }

  /** Gives the file back. Makes nothing durable. */
  async close(): Promise<void> {
    await this.#log.handle.close();
  }

  get #unsynced(): number {
    return this.#tailOffset - this.#syncedOffset;
  }

  #assertOpen(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #encode(batches: readonly Batch[]): RecordGroup {
    return encodeGroup(batches, this.#sequenceNext, this.#checksum, this.#unsynced > 0);
  }

  #advance(group: RecordGroup): void {
    this.#tailOffset += group.bytes.length;
    this.#size = Math.max(this.#size, this.#tailOffset);
    this.#checksum = group.checksum;
    this.#sequenceNext = group.sequenceNext;
    if (this.#rawCount !== null) this.#rawCount += group.rawLines;
  }

  async #write(group: RecordGroup): Promise<void> {
    assertInvariant(
      this.#unsynced === 0 || this.#unsynced + group.bytes.length <= unsyncedBytesMax + batchBytesMax,
      "I18: what is unsynced is bounded",
    );
    const before = this.position;
    const sizeBefore = this.#size;
    const offset = this.#tailOffset;
    const end = offset + group.bytes.length;
    const size = this.#fill.sizeFor(sizeBefore, end, group.bytes.length);
    // A blocking flush may come in between, and goes on behind.
    this.#advance(group);
    this.#inFlight = { bytes: group.bytes, offset, end: size > sizeBefore ? size : end };
    try {
      if (size > sizeBefore) await this.#writeFilled(group.bytes, offset, sizeBefore, size);
      else await writeFully(this.#log.handle, group.bytes, offset);
      this.#fill.wrote(group.bytes.length);
    } catch (error) {
      if (this.#syncedOffset > offset) throw this.fail("a write failed during a blocking flush", error);
      await this.#undo(before, sizeBefore, error);
      throw toHoldfastError(error, "appending", this.#log.path);
    } finally {
      this.#inFlight = null;
    }
  }

  /** Its last byte first: the file has its new size at once, and never one in between (H13). */
  async #writeFilled(bytes: Uint8Array, offset: number, sizeBefore: number, size: number): Promise<void> {
    const { handle } = this.#log;
    this.#size = size;
    try {
      await writeFully(handle, blank(1), size - 1);
      await writeFully(handle, withFill(bytes, size - offset), offset);
    } catch (error) {
      const code = systemErrorCode(error);
      if ((code !== "ENOSPC" && code !== "EDQUOT") || this.#syncedOffset > offset) throw error;
      // Where there is no room for the fill, there may be for the group.
      this.#fill.disable();
      this.#undoing = true;
      await handle.truncate(sizeBefore).finally(() => this.#undoing = false);
      this.#size = Math.max(sizeBefore, offset + bytes.length);
      await writeFully(handle, bytes, offset);
    }
  }

  /** A rejected record must not come back behind a retried one, so the undo is durable before anything else (C7). */
  async #undo(before: ChainPosition, sizeBefore: number, cause: unknown): Promise<void> {
    this.#undoing = true;
    this.#inFlight = null;
    try {
      const { handle } = this.#log;
      if (sizeBefore > before.offset) await writeFully(handle, blank(sizeBefore - before.offset), before.offset);
      await handle.truncate(sizeBefore);
      await handle.syncData();
    } catch (error) {
      throw this.fail("a write failed and could not be undone", new AggregateError([cause, error], "write and undo"));
    } finally {
      this.#undoing = false;
    }
    this.#assertOpen();
    this.#tailOffset = before.offset;
    this.#syncedOffset = before.offset;
    this.#size = sizeBefore;
    this.#checksum = before.checksum ?? 0;
    this.#sequenceNext = before.sequence;
    this.#rawCount = before.rawCount;
  }

  /**
   * Nobody else may write the log, but picoclaw knows no lock: what it appended is gone on behind, and a log that was
   * taken away under us makes the session fail (A5, H15).
   */
  async #lookAtFile(): Promise<void> {
    for (;;) {
      const size = this.#size;
      const tailOffset = this.#tailOffset;
      const seen = await this.#identity.look();
      this.#assertOpen();
      if (seen === "removed") throw this.fail("the log was removed", undefined);
      if (seen === "replaced") throw this.fail("another file has taken the log's name", undefined);
      // A blocking flush came in between.
      if (this.#size !== size) continue;
      if (seen === size) return;
      if (seen < size) throw this.fail("the log was cut by somebody else", undefined);
      const found = await readForeignAppend(this.#log.handle, this.position, seen);
      if (this.#tailOffset === tailOffset) await this.#goBehind(found);
    }
  }

  async #goBehind(found: ForeignAppend): Promise<void> {
    const start = this.#tailOffset;
    if (!found.terminated) {
      try {
        await writeFully(this.#log.handle, Uint8Array.of(lineFeed), found.position.offset);
      } catch (error) {
        throw toHoldfastError(error, "ending a line that somebody else left open", this.#log.path);
      }
    }
    if (this.#tailOffset !== start) return;
    this.#advanceBehind(found);
    await this.sync();
  }

  #goBehindSync(): void {
    if (this.#log.handle.readSync(new Uint8Array(1), this.#size) === 0) return;
    const found = readForeignAppendSync(this.#log.handle, this.position);
    if (!found.terminated) writeFullySync(this.#log.handle, Uint8Array.of(lineFeed), found.position.offset);
    this.#advanceBehind(found);
    this.#log.handle.syncDataSync();
    this.#syncedOffset = this.#tailOffset;
  }

  #advanceBehind({ position, terminated }: ForeignAppend): void {
    const start = this.#tailOffset;
    this.#tailOffset = position.offset + (terminated ? 0 : 1);
    this.#size = this.#tailOffset;
    this.#checksum = position.checksum ?? 0;
    this.#sequenceNext = position.sequence;
    this.#rawCount = position.rawCount;
    this.#report(start, position.offset - start);
  }
}

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

import { assertInvariant, HoldfastError, toHoldfastError } from "../errors.ts";
import type { FileHandle, FileSystem } from "../fs/filesystem.ts";
import { statIfThere, writeFully } from "./atomic_file.ts";
import { LogLines } from "./log_lines.ts";
import { type ChainPosition, RecordChain } from "./record_chain.ts";
import { batchBytesMax, encodeLine, lineFeed, unsyncedBytesMax } from "./record_format.ts";

/** Records that are committed together; each text as `toLineText` returns it. */
export type Batch = readonly string[];

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

/** What a group of batches becomes on its way to the log. */
interface Group {
  bytes: Uint8Array;
  checksum: number;
  sequenceNext: number;
  /** How many lines picoclaw will count. */
  rawLines: number;
}

/** Appends to one log. Calls must not overlap: its owner queues them. */
export class LogWriter {
  readonly #fileSystem: FileSystem;
  readonly #report: (offset: number, length: number) => void;
  #log: WritableLog;
  #inode = -1;
  #size = -1;
  #tailOffset: number;
  #syncedOffset: number;
  #sequenceNext: number;
  #checksum: number;
  #rawCount: number | null;
  #failure: HoldfastError | null = null;
  /** What an asynchronous call is writing at this moment. */
  #inFlight: { bytes: Uint8Array; offset: number } | null = null;

  /**
   * Creates a writer.
   *
   * @param fileSystem The port.
   * @param log The recovered log.
   * @param report Called when somebody else's lines were found behind ours, with offset and length in bytes.
   */
  constructor(fileSystem: FileSystem, log: WritableLog, report: (offset: number, length: number) => void) {
    this.#fileSystem = fileSystem;
    this.#report = report;
    this.#log = log;
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
    const bound = boundOf(batches);
    if (this.#tailOffset > this.#syncedOffset && this.#unsynced + bound > unsyncedBytesMax) await this.sync();
    if (!begin()) return -1;
    const first = this.#sequenceNext;
    const group = this.#encode(batches);
    await this.#write(group);
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
    // A blocking sync may have gone further meanwhile.
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
    try {
      // The same bytes again: a sync that is under way may fail, and ours would then prove nothing about its pages.
      if (this.#inFlight !== null) writeFullySync(this.#log.handle, this.#inFlight.bytes, this.#inFlight.offset);
      else this.#dirtyAgainSync();
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
    this.#inode = -1;
    this.#size = -1;
    this.#tailOffset = log.position.offset;
    this.#syncedOffset = log.position.offset;
    this.#sequenceNext = Math.max(log.position.sequence, log.sequenceMin);
    this.#checksum = log.position.checksum ?? 0;
    this.#rawCount = log.position.rawCount;
    await old.close();
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

  /** The first record of a group that follows durable ones only has no `~`; see format 1. */
  #encode(batches: readonly Batch[]): Group {
    const lines: Uint8Array[] = [];
    let checksum = this.#checksum;
    let sequenceNext = this.#sequenceNext;
    let deferred = this.#tailOffset > this.#syncedOffset;
    let length = 0;
    for (const batch of batches) {
      for (const [index, text] of batch.entries()) {
        const flags = { batchContinues: index < batch.length - 1, deferred, adopted: false };
        const line = encodeLine(text, sequenceNext, flags, checksum);
        lines.push(line.bytes);
        length += line.bytes.length;
        checksum = line.checksum;
        sequenceNext++;
        deferred = true;
      }
    }
    return { bytes: concatenate(lines, length), checksum, sequenceNext, rawLines: lines.length };
  }

  #advance(group: Group): void {
    this.#tailOffset += group.bytes.length;
    this.#size = Math.max(this.#size, this.#tailOffset);
    this.#checksum = group.checksum;
    this.#sequenceNext = group.sequenceNext;
    if (this.#rawCount !== null) this.#rawCount += group.rawLines;
  }

  async #write(group: Group): Promise<void> {
    assertInvariant(
      this.#unsynced === 0 || this.#unsynced + group.bytes.length <= unsyncedBytesMax + batchBytesMax,
      "I18: what is unsynced is bounded",
    );
    const before = this.position;
    const sizeBefore = this.#size;
    const offset = this.#tailOffset;
    // A blocking flush may come in between, and goes on behind.
    this.#advance(group);
    this.#inFlight = { bytes: group.bytes, offset };
    try {
      await writeFully(this.#log.handle, group.bytes, offset);
    } catch (error) {
      if (this.#syncedOffset > offset) throw this.fail("a write failed during a blocking flush", error);
      await this.#undo(before, sizeBefore, error);
      throw toHoldfastError(error, "appending", this.#log.path);
    } finally {
      this.#inFlight = null;
    }
  }

  /** A rejected record must not come back behind a retried one, so the undo is durable before anything else (C7). */
  async #undo(before: ChainPosition, sizeBefore: number, cause: unknown): Promise<void> {
    try {
      await this.#log.handle.truncate(sizeBefore);
      await this.#log.handle.syncData();
    } catch (error) {
      throw this.fail("a write failed and could not be undone", new AggregateError([cause, error], "write and undo"));
    }
    this.#tailOffset = before.offset;
    this.#syncedOffset = before.offset;
    this.#size = sizeBefore;
    this.#checksum = before.checksum ?? 0;
    this.#sequenceNext = before.sequence;
    this.#rawCount = before.rawCount;
  }

  /** What was written and not yet synced is read back and written again, so that it is surely part of the next sync. */
  #dirtyAgainSync(): void {
    if (this.#unsynced === 0) return;
    const bytes = new Uint8Array(this.#unsynced);
    let filled = 0;
    while (filled < bytes.length) {
      const count = this.#log.handle.readSync(bytes.subarray(filled), this.#syncedOffset + filled);
      if (count === 0) break;
      filled += count;
    }
    writeFullySync(this.#log.handle, bytes.subarray(0, filled), this.#syncedOffset);
  }

  /**
   * Nobody else may write the log, but picoclaw knows no lock: what it appended is gone on behind, and a log that was
   * taken away under us makes the session fail (A5, H15).
   */
  async #lookAtFile(): Promise<void> {
    const stat = await statIfThere(this.#fileSystem, this.#log.path);
    if (this.#inode < 0) this.#inode = (await this.#log.handle.stat()).inode;
    if (stat === null || stat.inode !== this.#inode) {
      throw this.fail(stat === null ? "the log was removed" : "another file has taken the log's name", undefined);
    }
    if (this.#size < 0) this.#size = this.#tailOffset;
    if (stat.size === this.#size) return;
    if (stat.size < this.#size) throw this.fail("the log was cut by somebody else", undefined);
    await this.#goBehind(stat.size);
  }

  async #goBehind(size: number): Promise<void> {
    const start = this.#tailOffset;
    const chain = new RecordChain(this.position);
    const lines = new LogLines(this.#log.handle, start, size);
    let terminated = true;
    while (await lines.fill()) {
      for (let line = lines.next(); line !== null; line = lines.next()) {
        chain.take(line);
        terminated = line.terminated;
      }
    }
    this.#tailOffset = size;
    this.#size = size;
    this.#checksum = chain.checksum;
    this.#sequenceNext = Math.max(this.#sequenceNext, chain.sequenceNext);
    if (this.#rawCount !== null) this.#rawCount += lines.rawCount;
    if (!terminated) {
      await writeFully(this.#log.handle, Uint8Array.of(lineFeed), size);
      this.#tailOffset = size + 1;
      this.#size = size + 1;
    }
    this.#report(start, size - start);
    await this.sync();
  }
}

function boundOf(batches: readonly Batch[]): number {
  let bytes = 0;
  for (const batch of batches) for (const text of batch) bytes += text.length * 3 + 64;
  return bytes;
}

function concatenate(parts: readonly Uint8Array[], length: number): Uint8Array {
  const only = parts[0];
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function writeFullySync(handle: FileHandle, bytes: Uint8Array, offset: number): void {
  for (let written = 0; written < bytes.length;) {
    const count = handle.writeSync(bytes.subarray(written), offset + written);
    if (count === 0) throw new HoldfastError("disk-full", "Nothing was written, and no error given");
    written += count;
  }
}

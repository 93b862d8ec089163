/**
 * Puts groups of records, and the fill behind them, into the file: positional writes at the log's end. A write that
 * fails with a known outcome is undone by position, and the undo is synced.
 *
 * @module
 */

import { assertInvariant, type HoldfastError, systemErrorCode, toHoldfastError } from "../errors.ts";
import type { FileHandle } from "../fs/filesystem.ts";
import { writeFully } from "./atomic_file.ts";
import { loadFastChecksum } from "./checksum.ts";
import type { LogEnd } from "./log_end.ts";
import { blank, FillPolicy, withFill } from "./log_fill.ts";
import type { ChainPosition } from "./record_chain.ts";
import { batchBytesMax, unsyncedBytesMax } from "./record_format.ts";
import type { RecordGroup } from "./record_group.ts";

/** A program that has written so many will write more: it is worth its while to load what sums up faster. */
const busyGroups = 8;

/** Whose groups are written. */
export interface GroupOwner {
  /** Why nothing can be written any more; null while open. */
  readonly failure: HoldfastError | null;
  /** Makes it fail for good, and returns the error that every later call rejects with. */
  fail(why: string, cause: unknown): HoldfastError;
  /** Throws if it has failed. */
  assertOpen(): void;
}

/** Writes groups to one log. Calls must not overlap. */
export class GroupWriter {
  readonly #owner: GroupOwner;
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #end: LogEnd;
  readonly #fill: FillPolicy;
  #inFlight: { bytes: Uint8Array; offset: number; end: number } | null = null;
  #undoing = false;

  /**
   * Creates a writer of groups.
   *
   * @param owner Is told when an outcome is unknown.
   * @param log The log, open for writing, and its path.
   * @param end The log's end; moved by every write.
   * @param fillAhead Whether the file is filled ahead of the tail.
   */
  constructor(owner: GroupOwner, log: { handle: FileHandle; path: string }, end: LogEnd, fillAhead: boolean) {
    this.#owner = owner;
    this.#handle = log.handle;
    this.#path = log.path;
    this.#end = end;
    this.#fill = new FillPolicy(fillAhead);
  }

  /** What is being written at this moment, and up to where fill may still be; null: nothing. */
  get inFlight(): { bytes: Uint8Array; offset: number; end: number } | null {
    return this.#inFlight;
  }

  /** Whether a failed write is being undone at this moment. */
  get undoing(): boolean {
    return this.#undoing;
  }

  /**
   * Writes a group behind the last record. One that is to be durable, overwrites fill, and has nothing in front of it
   * that is not durable, is durable afterwards: a write that syncs costs one trip to another thread instead of two.
   *
   * @param group The group.
   * @param durable Whether it is to be durable.
   * @throws {HoldfastError} `disk-full` or `io` when nothing of it is in the log; `failed` when that is unknown.
   */
  async write(group: RecordGroup, durable: boolean): Promise<void> {
    assertInvariant(
      this.#end.unsynced === 0 || this.#end.unsynced + group.bytes.length <= unsyncedBytesMax + batchBytesMax,
      "I18: what is unsynced is bounded",
    );
    const before = this.#end.position;
    const sizeBefore = this.#end.size;
    const offset = before.offset;
    const end = offset + group.bytes.length;
    const size = this.#fill.sizeFor(sizeBefore, end, group.bytes.length);
    const isAlone = durable && end <= sizeBefore && this.#end.syncedOffset === offset;
    // A blocking flush may come in between, and goes on behind.
    this.#end.advance(group);
    this.#inFlight = { bytes: group.bytes, offset, end: size > sizeBefore ? size : end };
    try {
      if (size > sizeBefore) await this.#writeFilled(group.bytes, offset, sizeBefore, size);
      else if (isAlone && this.#handle.writeDurable !== undefined) await this.#writeDurable(group.bytes, offset);
      else await writeFully(this.#handle, group.bytes, offset);
      this.#fill.wrote(group.bytes.length);
      if (this.#fill.groups === busyGroups) void loadFastChecksum();
    } catch (error) {
      if (this.#owner.failure !== null) throw this.#owner.failure;
      if (this.#end.syncedOffset > offset) throw this.#owner.fail("a write failed during a blocking flush", error);
      await this.#undo(before, sizeBefore, error);
      throw toHoldfastError(error, "appending", this.#path);
    } finally {
      this.#inFlight = null;
    }
  }

  /**
   * Whether it was the write that failed or the sync is not said: what is durable is unknown then (I13). A file that
   * would be too big only a write refuses. For want of space it is undone as a write, too: the undo writes all of it
   * again, so its sync says something of every byte.
   */
  async #writeDurable(bytes: Uint8Array, offset: number): Promise<void> {
    const end = offset + bytes.length;
    let count: number;
    try {
      count = await this.#handle.writeDurable?.(bytes, offset) ?? 0;
    } catch (error) {
      if (isWantOfSpace(error) || systemErrorCode(error) === "EFBIG") throw error;
      throw this.#owner.fail("a durable write failed, so what is durable is unknown", error);
    }
    // What is left is an ordinary write, and the sync behind it is the owner's.
    if (count < bytes.length) return await writeFully(this.#handle, bytes.subarray(count), offset + count);
    this.#owner.assertOpen();
    this.#end.syncedOffset = Math.max(this.#end.syncedOffset, end);
  }

  /** Its last byte first: the file has its new size at once, and never one in between (H13). */
  async #writeFilled(bytes: Uint8Array, offset: number, sizeBefore: number, size: number): Promise<void> {
    const handle = this.#handle;
    this.#end.size = size;
    try {
      await writeFully(handle, blank(1), size - 1);
      await writeFully(handle, withFill(bytes, size - offset), offset);
    } catch (error) {
      if (!isWantOfSpace(error) || this.#end.syncedOffset > offset) throw error;
      // Where there is no room for the fill, there may be for the group.
      this.#fill.disable();
      this.#undoing = true;
      await handle.truncate(sizeBefore).finally(() => this.#undoing = false);
      this.#end.size = Math.max(sizeBefore, offset + bytes.length);
      this.#inFlight = { bytes, offset, end: offset + bytes.length };
      await writeFully(handle, bytes, offset);
    }
  }

  /** A rejected record must not come back behind a retried one, so the undo is durable before anything else (C7). */
  async #undo(before: ChainPosition, sizeBefore: number, cause: unknown): Promise<void> {
    this.#undoing = true;
    this.#inFlight = null;
    try {
      const handle = this.#handle;
      if (sizeBefore > before.offset) await writeFully(handle, blank(sizeBefore - before.offset), before.offset);
      await handle.truncate(sizeBefore);
      await handle.syncData();
    } catch (error) {
      const causes = new AggregateError([cause, error], "write and undo");
      throw this.#owner.fail("a write failed and could not be undone", causes);
    } finally {
      this.#undoing = false;
    }
    this.#owner.assertOpen();
    this.#end.returnTo(before, sizeBefore);
  }
}

function isWantOfSpace(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

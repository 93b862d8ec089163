/**
 * Where an open log ends, and how much of it is durable. Pure.
 *
 * Offsets, in bytes: `syncedOffset` ≤ `tailOffset` ≤ `size`. What stands between tail and size is fill (LF).
 *
 * @module
 */

import type { ForeignAppend } from "./foreign_append.ts";
import type { ChainPosition } from "./record_chain.ts";
import type { RecordGroup } from "./record_group.ts";

/** The end of an open log; its writer moves it. */
export class LogEnd {
  /** The file's size, in bytes. */
  size: number;
  /** Behind the last record, in bytes. */
  tailOffset: number;
  /** Everything in front of it is durable, in bytes. */
  syncedOffset: number;
  /** The number that the next record gets. */
  sequenceNext: number;
  /** The checksum of the last line. */
  checksum: number;
  /** How many lines there are, as picoclaw counts them; null: not known. */
  rawCount: number | null;

  /**
   * The end of a log of which everything is durable.
   *
   * @param position Where it goes on.
   * @param sequenceMin The number that the next record has at the least: nothing that is appended may be hidden (B2).
   */
  constructor(position: ChainPosition, sequenceMin: number) {
    this.size = position.offset;
    this.tailOffset = position.offset;
    this.syncedOffset = position.offset;
    this.sequenceNext = Math.max(position.sequence, sequenceMin);
    this.checksum = position.checksum ?? 0;
    this.rawCount = position.rawCount;
  }

  /** How much is not known to be durable, in bytes. */
  get unsynced(): number {
    return this.tailOffset - this.syncedOffset;
  }

  /** Where the log goes on. */
  get position(): ChainPosition {
    return {
      offset: this.tailOffset,
      checksum: this.checksum,
      sequence: this.sequenceNext,
      rawCount: this.rawCount,
    };
  }

  /**
   * Goes behind a group of our own.
   *
   * @param group The group.
   */
  advance(group: RecordGroup): void {
    this.tailOffset += group.bytes.length;
    this.size = Math.max(this.size, this.tailOffset);
    this.checksum = group.checksum;
    this.sequenceNext = group.sequenceNext;
    if (this.rawCount !== null) this.rawCount += group.rawLines;
  }

  /**
   * Goes behind what somebody else appended, line end included.
   *
   * @param found What was found.
   */
  goBehind({ position, terminated }: ForeignAppend): void {
    this.tailOffset = position.offset + (terminated ? 0 : 1);
    this.size = this.tailOffset;
    this.checksum = position.checksum ?? 0;
    this.sequenceNext = position.sequence;
    this.rawCount = position.rawCount;
  }

  /**
   * Goes back to where it was before a write that was undone, durably.
   *
   * @param before Where the log went on.
   * @param size The file's size then, in bytes.
   */
  returnTo(before: ChainPosition, size: number): void {
    this.tailOffset = before.offset;
    this.syncedOffset = before.offset;
    this.size = size;
    this.checksum = before.checksum ?? 0;
    this.sequenceNext = before.sequence;
    this.rawCount = before.rawCount;
  }
}

/**
 * Lengths that the log compares: what a line may have, what a file has, what a read gave, where something ends.
 *
 * @module
 */

import { durableWriteProbes } from "./durable_write_probes.ts";
import { cutHunts } from "./hunts.ts";
import type { Mutation } from "./mutation.ts";
import { ownTest } from "./own_tests.ts";

/** Lines, and what is held of a file. */
export const lineLengthMutations: readonly Mutation[] = [
  {
    name: "a line beyond the limit is held",
    replace: [{
      file: "log/line_scanner.ts",
      from: "const tooLong = length + 1 > this.#lineBytesMax;",
      to: "const tooLong = length > 2 * this.#lineBytesMax;",
    }],
    hunts: [ownTest("log/line_scanner_test.ts")],
  },
  {
    name: "the scanner's buffer does not give room back",
    replace: [{
      file: "log/line_scanner.ts",
      from: "if (this.#buffer.length > 16 * scannerBytesInitial && this.#end <= this.#roomBytes / 2) {",
      to: "if (this.#buffer.length < 0) {",
    }],
    hunts: [ownTest("log/line_scanner_test.ts")],
  },
  {
    name: "a line ends at what was committed, not at its end",
    replace: [{ file: "log/line_scanner.ts", from: "if (limit < this.#end) return limit;" }],
    hunts: [ownTest("log/line_scanner_test.ts")],
  },
  {
    name: "more may be committed than was reserved",
    replace: [{
      file: "log/line_scanner.ts",
      from: "assertInvariant(count >= 0 && this.#end + count <= this.#buffer.length,",
      to: "assertInvariant(count >= 0,",
    }],
    hunts: [ownTest("log/line_scanner_test.ts")],
  },
  {
    name: "an empty rest is a line",
    replace: [{
      file: "log/line_scanner.ts",
      from: "if (this.#droppedLength === 0 && this.#start === this.#end) return null;",
      to: "if (this.#droppedLength === 0 && this.#start > this.#end) return null;",
    }],
    hunts: [ownTest("log/line_scanner_test.ts")],
  },
  {
    name: "a line beyond the limit is held, read from the end",
    replace: [{ file: "log/log_lines.ts", from: "bytes: length + 1 > lineBytesMax ? null : bytes", to: "bytes" }],
    hunts: [ownTest("log/log_lines_test.ts")],
  },
  {
    name: "the end of a log is read as if all of it were at hand",
    replace: [{
      file: "log/end_window.ts",
      from: "if (offset >= this.#start && offset < this.#end) return",
      to: "if (offset < this.#end) return",
    }],
    hunts: [ownTest("log/end_window_test.ts")],
  },
  {
    name: "what is at hand of the end has a gap",
    replace: [{
      file: "log/end_window.ts",
      from: "const isNext = count > 0 && offset + count === this.#start && this.#end",
      to: "const isNext = count > 0 && this.#end",
    }],
    hunts: [ownTest("log/end_window_test.ts")],
  },
  {
    name: "a part that is at hand is looked for in front of it",
    replace: [{ file: "log/end_window.ts", from: "if (offset < partStart) continue;" }],
    hunts: [ownTest("log/end_window_test.ts")],
  },
  {
    name: "a file of any size is read whole",
    replace: [{ file: "log/atomic_file.ts", from: "if (size > sizeMax) {", to: "if (size < 0) {" }],
    hunts: [ownTest("log/atomic_file_test.ts")],
  },
  {
    name: "a hash whose length just fits into its last block gets one more",
    replace: [{
      file: "log/sha256.ts",
      from: "rest + 1 + lengthBytes <= blockBytes",
      to: "rest + 1 + lengthBytes < blockBytes",
    }],
    hunts: [ownTest("log/sha256_test.ts")],
  },
  {
    name: "a place that is known is believed to be in the log",
    replace: [{
      file: "log/log_seek.ts",
      from: "if (place.offset >= range.end.offset || !await isStillThere(handle, place, range.end.offset)) {",
      to: "if (!await isStillThere(handle, place, range.end.offset)) {",
    }],
    hunts: [ownTest("log/log_seek_test.ts")],
  },
  {
    name: "a place that is known may be any place behind it",
    replace: [{
      file: "log/log_seek.ts",
      from: "return anchor !== null && anchor.offset === place.offset && anchor.sequence === place.sequence;",
      to: "return anchor !== null;",
    }],
    hunts: [ownTest("log/log_seek_test.ts")],
  },
  {
    name: "the last records are more than were asked for",
    replace: [{ file: "log/log_tail.ts", from: "if (last.length > count) last = last.slice(-count);" }],
    hunts: [ownTest("log/log_tail_test.ts")],
  },
  {
    name: "the last records are looked for behind the first one that counts",
    replace: [{
      file: "log/log_tail.ts",
      from: "const isAll = start.offset <= plan.start.offset || start.sequence <= plan.sequenceMin;",
      to: "const isAll = start.offset <= plan.start.offset;",
    }],
    hunts: [ownTest("log/log_tail_test.ts")],
  },
  {
    name: "the last records are read from the start of the log",
    replace: [{ file: "log/log_tail.ts", from: "if (last.length === count || isAll) {", to: "if (isAll) {" }],
    hunts: [ownTest("log/log_tail_test.ts")],
  },
  {
    name: "damage in front of the last records is told with them",
    replace: [{
      file: "log/log_tail.ts",
      from: "damaged = damaged.filter((line) => isAll || line.offset >= from);",
    }],
    hunts: [ownTest("log/log_tail_test.ts")],
  },
];

/** What is written, and what a rewrite takes over. */
export const writeLengthMutations: readonly Mutation[] = [
  {
    name: "an append that does not fit into the fill is one into fill",
    replace: [{
      file: "log/log_writer.ts",
      from: "const isInFill = end.tailOffset + bound <= end.size &&",
      to: "const isInFill =",
    }],
    hunts: [durableWriteProbes.foreign, durableWriteProbes.takenAway, cutHunts.foreign],
    redundant: "the byte behind the file's end and the name of the descriptor are looked at all the same",
  },
  {
    name: "a sync ends where something is durable, not where it was asked for",
    replace: [{
      file: "log/log_writer.ts",
      from: "if (end.syncedOffset >= target) return;",
      to: "if (end.syncedOffset > 0) return;",
    }],
    hunts: [cutHunts.buffered, ownTest("log/log_writer_test.ts")],
  },
  {
    name: "a log that somebody cut is gone on in",
    replace: [{
      file: "log/log_writer.ts",
      from: 'if (seen < size) throw this.fail("the log was cut by somebody else", undefined);',
      to: "if (seen < size) return;",
    }],
    hunts: [ownTest("log/log_writer_test.ts")],
  },
  {
    name: "a blocking flush during a look at the file is not seen by its size",
    replace: [{ file: "log/log_writer.ts", from: "if (end.size !== size) continue;" }],
    hunts: [ownTest("log/log_writer_test.ts")],
    redundant: "what it has written is read like an append of somebody else, and the end has moved meanwhile",
  },
  {
    name: "a blocking flush during a look at the file is not seen by its end",
    replace: [{
      file: "log/log_writer.ts",
      from: "if (end.tailOffset === tailOffset) await this.#goBehind(found);",
      to: "await this.#goBehind(found);",
    }],
    hunts: [ownTest("log/log_writer_test.ts")],
    redundant: "the end goes back, and the next look goes behind what the flush wrote: its numbers fit",
  },
  {
    name: "a blocking flush while a line of somebody else gets its end is not seen",
    replace: [{ file: "log/log_writer.ts", from: "if (this.#end.tailOffset !== start) return;" }],
    hunts: [ownTest("log/log_writer_test.ts")],
    redundant: "the end goes back, and the next look goes behind what the flush wrote: its numbers fit",
  },
  {
    name: "a blocking flush does not look behind the end",
    replace: [{
      file: "log/log_writer.ts",
      from: "if (handle.readSync(new Uint8Array(1), this.#end.size) === 0) return;",
      to: "if (this.#end.size >= 0) return;",
    }],
    hunts: [ownTest("log/log_writer_test.ts")],
  },
  {
    name: "a fill that a blocking flush has gone behind is cut off for want of space",
    replace: [{
      file: "log/group_writer.ts",
      from: "if (!isWantOfSpace(error) || this.#end.syncedOffset > offset) throw error;",
      to: "if (!isWantOfSpace(error)) throw error;",
    }],
    hunts: [ownTest("log/log_writer_test.ts")],
  },
  {
    name: "a write that a blocking flush has gone behind is undone",
    replace: [{
      file: "log/group_writer.ts",
      from:
        'if (this.#end.syncedOffset > offset) throw this.#owner.fail("a write failed during a blocking flush", error);',
    }],
    hunts: [ownTest("log/log_writer_test.ts")],
  },
  {
    name: "a blocking flush does not know of the fill that is on its way",
    replace: [{ file: "log/group_writer.ts", from: "end: size > sizeBefore ? size : end };", to: "end };" }],
    hunts: [ownTest("log/group_writer_test.ts")],
  },
  {
    name: "the file does not grow by its fill",
    replace: [{
      file: "log/group_writer.ts",
      from: "if (size > sizeBefore) await this.#writeFilled(",
      to: "if (size < sizeBefore) await this.#writeFilled(",
    }],
    hunts: [ownTest("log/group_writer_test.ts")],
  },
  {
    name: "a group that fits gets fill, and so does a large one",
    replace: [{
      file: "log/log_fill.ts",
      from: "if (!this.#enabled || end <= size || groupBytes > groupBytesMax || this.#groups === 0) return size;",
      to: "if (!this.#enabled || this.#groups === 0) return size;",
    }],
    hunts: [ownTest("log/log_fill_test.ts")],
  },
  {
    name: "a line that has no room for its mark gets one",
    replace: [{
      file: "log/compaction.ts",
      from: "const line = marked.bytes.length > lineBytesMax",
      to: "const line = marked.bytes.length < 0",
    }],
    hunts: [ownTest("log/compaction_test.ts")],
  },
  {
    name: "a line that has no room for its mark stays without, whatever its number becomes",
    replace: [{
      file: "log/compaction.ts",
      from: 'if (trust !== "foreign" || sequence !== sequenceNext || bytes.length > lineBytesMax) {',
      to: "if (bytes.length < 0) {",
    }],
    hunts: [ownTest("log/compaction_test.ts")],
  },
  {
    name: "lines are gathered beyond the buffer that gathers them",
    replace: [{
      file: "log/compaction.ts",
      from: "if (this.#filled + bytes.length > this.#buffer.length) await this.#empty();",
      to: "if (this.#filled === this.#buffer.length) await this.#empty();",
    }],
    hunts: [ownTest("log/compaction_test.ts")],
  },
  {
    name: "a line larger than the buffer goes into it",
    replace: [{
      file: "log/compaction.ts",
      from: "if (bytes.length > this.#buffer.length) {",
      to: "if (bytes.length < 0) {",
    }],
    hunts: [ownTest("log/compaction_test.ts")],
  },
  {
    name: "a copy of a log that was cut meanwhile ends there",
    replace: [{
      file: "log/log_copy.ts",
      from: "if (count < part.length) throw new Error(`Log ended at ${offset + count}, in front of ${source.bytes}`);",
      to: "if (count < part.length) break;",
    }],
    hunts: [ownTest("log/log_copy_test.ts")],
  },
  {
    name: "a segment of the archive gives what stayed in the log, too",
    replace: [{
      file: "log/archive.ts",
      from: "const wanted = records.filter(({ sequence }) => sequence <= end);",
      to: "const wanted = records;",
    }],
    hunts: [ownTest("store/archive_test.ts")],
  },
  {
    name: "a segment that stands there is the same whatever its size",
    replace: [{ file: "log/archive.ts", from: "sizes[0] !== sizes[1] || (sizes[0]", to: "(sizes[0]" }],
    hunts: [ownTest("store/archive_test.ts")],
    redundant: "a longer one that begins with the same bytes holds all that is removed, and more is passed over",
  },
];

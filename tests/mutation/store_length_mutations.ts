/**
 * Lengths, sizes and offsets that the store compares when it writes: limits that are promised, what a truncation or a
 * compaction goes by, what a seal fits.
 *
 * @module
 */

import { cutHunts } from "./hunts.ts";
import type { Mutation } from "./mutation.ts";
import { storeLengthProbes as hunts } from "./store_length_probes.ts";

const edits = "store/history_edits.ts";
const queue = "store/append_queue.ts";
const input = "store/record_input.ts";
const names = "store/session_name.ts";

/** What is compared when something is written. */
export const storeLengthMutations: readonly Mutation[] = [
  {
    name: "what waits is held, however much it is",
    replace: [{
      file: "store/append_backlog.ts",
      from: "this.#held + size > queueHeldMax",
      to: "this.#held + size > Infinity",
    }],
    hunts: [hunts.held],
  },
  {
    name: "appends are not asked whether they fit",
    replace: [{ file: queue, from: "|| bytesMax === Infinity) return null;", to: "|| bytesMax > 0) return null;" }],
    hunts: [hunts.appendLimit],
  },
  {
    name: "an append beyond the log's limit fits",
    replace: [{ file: "store/session_limit.ts", from: "offset + bytes <= limit.bytesMax", to: "offset + bytes >= 0" }],
    hunts: [hunts.appendLimit],
  },
  {
    name: "a log's limit is no option",
    replace: [{
      file: "store/store_options.ts",
      from: "|| options.sessionBytesMax === Infinity",
      to: "|| options.sessionBytesMax > 0",
    }],
    hunts: [hunts.appendLimit],
  },
  {
    name: "a replace beyond the log's limit fits",
    replace: [{ file: edits, from: "if (bytes > bytesMax) throw", to: "if (bytes > Infinity) throw" }],
    hunts: [hunts.replaceLimit],
  },
  {
    name: "a replace is not measured",
    replace: [{ file: edits, from: "bytesMax === Infinity ? 0 :", to: "bytesMax > 0 ? 0 :" }],
    hunts: [hunts.replaceLimit],
  },
  {
    name: "a group takes all that waits",
    replace: [{ file: queue, from: "if (characters > unsyncedBytesMax / 2) break;" }],
    hunts: [hunts.group],
  },
  {
    name: "a blocking call writes a line that is too long",
    replace: [{ file: queue, from: "lineBytesBound(text) <= lineBytesMax)", to: "lineBytesBound(text) > 0)" }],
    hunts: [hunts.blockingLine],
  },
  {
    name: "a character of two bytes counts as one",
    replace: [{ file: input, from: "else if (unit >= 0x80) length += 1;" }],
    hunts: [hunts.twoBytes],
  },
  {
    name: "a character of three bytes counts as two",
    replace: [{ file: input, from: "if (unit >= 0x800 && (unit < 0xd800", to: "if (unit >= 0xffff && (unit < 0xd800" }],
    hunts: [hunts.threeBytes],
  },
  {
    name: "large values beyond the limit are not refused",
    replace: [{ file: input, from: "if (blobBytes > blobBytesMax) {", to: "if (blobBytes > Infinity) {" }],
    hunts: [hunts.values],
  },
  {
    name: "ids beyond the reach are not forgotten",
    replace: [{
      file: "store/record_ids.ts",
      from: "if (this.#order.length < this.#reach * 2) return;",
      to: "if (this.#order.length < Infinity) return;",
    }],
    hunts: [hunts.ids],
  },
  {
    name: "truncation: later records count among those to keep",
    replace: [{ file: edits, from: "record.sequence < end);", to: "record.sequence < Infinity);" }],
    hunts: [hunts.asOfOne],
  },
  {
    name: "truncation: the first of the later records goes",
    replace: [{ file: edits, from: "record.sequence >= end);", to: "record.sequence > end);" }],
    hunts: [hunts.asOfNone],
  },
  {
    name: "truncation: what was hidden before counts again",
    replace: [{ file: edits, from: "kept.first > session.first", to: "kept.first >= 0" }],
    hunts: [hunts.hidden],
  },
  {
    name: "compaction: blank bytes are none to remove",
    replace: [{ file: edits, from: "bytes === writer.tailOffset", to: "bytes <= writer.tailOffset" }],
    hunts: [hunts.compacted],
  },
  {
    name: "compaction: hidden records are none to remove",
    replace: [{ file: edits, from: "(firstSequence >= keepFrom)", to: "(firstSequence >= 0)" }],
    hunts: [hunts.compacted],
  },
  {
    name: "compaction: a log with nothing to remove is rewritten",
    replace: [{ file: edits, from: "bytes === writer.tailOffset", to: "bytes > writer.tailOffset" }],
    hunts: [hunts.compacted],
  },
  {
    name: "compaction: what stands between damaged lines goes with them",
    replace: [{
      file: edits,
      from: "last.offset + last.length + 1 === line.offset",
      to: "last.offset + last.length + 1 <= line.offset",
    }],
    hunts: [hunts.damagedApart],
  },
  {
    name: "a new log is taken for sealed as far as the old one was",
    replace: [{ file: "store/meta_keeper.ts", from: "sealed?.bytes === size ?", to: "sealed !== undefined ?" }],
    hunts: [hunts.sealedByCompaction, cutHunts.replace],
    redundant: "who has written a log knows how many lines it has, and the next write of the meta file seals it",
  },
  {
    name: "a new log is not taken for sealed where its compaction says so",
    replace: [{ file: "store/meta_keeper.ts", from: "sealed?.bytes === size ?", to: "sealed?.bytes === -1 ?" }],
    hunts: [hunts.sealedByCompaction],
  },
  {
    name: "lines are counted from a seal that does not fit",
    replace: [{ file: "store/meta_keeper.ts", from: " && sealed.bytes === this.sealedOffset;", to: ";" }],
    hunts: [hunts.counted],
  },
  {
    name: "a log is never sealed when it is closed",
    replace: [{ file: "store/open_session.ts", from: ">= sealBytesMin) await", to: ">= Infinity) await" }],
    hunts: [hunts.sealed],
  },
  {
    name: "a log is always sealed when it is closed",
    replace: [{ file: "store/open_session.ts", from: ">= sealBytesMin) await", to: ">= 0) await" }],
    hunts: [hunts.sealed],
  },
  {
    name: "a key may be as long as it likes",
    replace: [{ file: names, from: "if (bytes > keyBytesMax) throw", to: "if (bytes > Infinity) throw" }],
    hunts: [hunts.keys],
  },
  {
    name: "an alias may be as long as it likes",
    replace: [{ file: names, from: 'text !== "" && encoder.encode(text).length <= keyBytesMax;', to: 'text !== "";' }],
    hunts: [hunts.keys],
    redundant: "no session has such a key, so there is none to find",
  },
  {
    name: "a session's name may be as long as its key",
    replace: [{ file: names, from: "encoder.encode(plain).length <= nameBytesMax;", to: "plain.length > 0;" }],
    hunts: [hunts.keys],
  },
  {
    name: "picoclaw's name may be as long as the key",
    replace: [{ file: names, from: " || encoder.encode(plain).length > picoclawNameBytesMax) return", to: ") return" }],
    hunts: [hunts.keys],
  },
  {
    name: "no name tells a key with a separator",
    replace: [{ file: "store/session_location.ts", from: "parts.length - 1 > separatorsMax", to: "parts.length > 1" }],
    hunts: [hunts.keyFromChecksum],
  },
  {
    name: "idle sessions stay open",
    replace: [{
      file: "store/session_pool.ts",
      from: "this.#open.size <= this.#options.openSessionsMax",
      to: "this.#open.size >= 0",
    }],
    hunts: [hunts.openBound],
  },
  {
    name: "what is not durable is shown",
    replace: [{
      file: "store/session_worker.ts",
      from: "writer.syncedOffset === writer.tailOffset ? Infinity",
      to: "writer.syncedOffset <= writer.tailOffset ? Infinity",
    }],
    hunts: [hunts.durableOnly],
  },
];

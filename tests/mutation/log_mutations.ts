/**
 * Steps of the log: appending, what a line says of itself, recovery.
 *
 * @module
 */

import { durableWriteProbes } from "./durable_write_probes.ts";
import { cutHunts, faultHunts } from "./hunts.ts";
import type { Mutation } from "./mutation.ts";
import { probes } from "./probes.ts";
import { syncProbes } from "./sync_probes.ts";

/** Steps of appending. */
export const appendMutations: readonly Mutation[] = [
  {
    name: "no sync of any log",
    leaveOut: ({ method, path }) => method === "syncData" && path.endsWith(".jsonl"),
    hunts: [cutHunts.append],
  },
  {
    name: "no sync behind a durable append",
    replace: [{ file: "log/log_writer.ts", from: "if (durable || end.unsynced", to: "if (end.unsynced" }],
    hunts: [cutHunts.append],
  },
  {
    name: "a sync that failed is no failure of the session",
    replace: [{
      file: "log/log_writer.ts",
      from: 'throw this.fail("a sync failed, so what is durable is unknown", error);',
      to: "throw error;",
    }],
    hunts: [faultHunts.syncKept, faultHunts.syncDropped],
  },
  {
    name: "a rejected write is not cut off",
    replace: [{
      file: "log/group_writer.ts",
      from: "await handle.truncate(sizeBefore);\n      await handle.syncData();",
      to: "await handle.syncData();",
    }],
    hunts: [probes.rejectedPlain],
  },
  {
    name: "a rejected write in the fill is not blanked",
    replace: [{
      file: "log/group_writer.ts",
      from:
        "if (sizeBefore > before.offset) await writeFully(handle, blank(sizeBefore - before.offset), before.offset);",
    }],
    hunts: [probes.rejectedInFill],
  },
  {
    name: "the undo of a rejected write is not synced",
    replace: [{
      file: "log/group_writer.ts",
      from: "await handle.truncate(sizeBefore);\n      await handle.syncData();",
      to: "await handle.truncate(sizeBefore);",
    }],
    hunts: [probes.rejectedWhole],
  },
  {
    name: "no look at the file before an append",
    replace: [{
      file: "log/log_writer.ts",
      from: "if (!isInFill) await this.lookAtFile();",
    }],
    hunts: [cutHunts.foreign],
  },
  {
    name: "a durable write goes ahead of what is buffered in front of it",
    replace: [{ file: "log/group_writer.ts", from: " && this.#end.syncedOffset === offset;", to: ";" }],
    hunts: [durableWriteProbes.behindBuffered],
  },
  {
    name: "a durable write that failed is no failure of the session",
    replace: [{
      file: "log/group_writer.ts",
      from: 'throw this.#owner.fail("a durable write failed, so what is durable is unknown", error);',
      to: "throw error;",
    }],
    hunts: [durableWriteProbes.failed],
  },
  {
    name: "a durable write that took some of its bytes is taken for a whole one",
    replace: [{ file: "log/group_writer.ts", from: "if (count < bytes.length) return", to: "if (count < 0) return" }],
    hunts: [durableWriteProbes.short],
  },
  {
    name: "a durable write grows the file",
    replace: [{ file: "log/group_writer.ts", from: "durable && end <= sizeBefore &&", to: "durable &&" }],
    hunts: [cutHunts.append],
    fails: "the simulated port refuses a durable write behind the end; a kernel would not, and commit its size",
  },
  {
    name: "an append into fill does not look whether somebody has appended behind it",
    replace: [{ file: "log/log_identity.ts", from: "this.#handle.readSync(oneByte, size) === 0", to: "size >= 0" }],
    hunts: [durableWriteProbes.foreign],
  },
  {
    name: "an append into fill does not look whether its log was taken away",
    replace: [{ file: "log/log_writer.ts", from: "if (!keepsName) await this.lookAtFile();" }],
    hunts: [durableWriteProbes.takenAway],
  },
  {
    name: "what somebody else appended is not synced before ours goes behind it",
    replace: [{
      file: "log/log_writer.ts",
      from: "this.#advanceBehind(found);\n    await this.sync();",
      to: "this.#advanceBehind(found);",
    }],
    hunts: [cutHunts.foreign, cutHunts.buffered],
    redundant: "what goes behind it says `~`, and the next sync covers both",
  },
  {
    name: "the fill is not grown by its last byte first",
    replace: [{ file: "log/group_writer.ts", from: "await writeFully(handle, blank(1), size - 1);" }],
    hunts: [probes.picoclawBehindFill],
  },
  {
    name: "the fill ends on a multiple of 512",
    replace: [{ file: "log/log_fill.ts", from: "* blockBytes - 1;", to: "* blockBytes;" }],
    hunts: [probes.picoclawBehindFill],
  },
  {
    name: "trimming does not look whether the fill is blank",
    replace: [{
      file: "log/log_writer.ts",
      from: " || !await isBlankRange(handle, end.tailOffset, end.size)) return;",
      to: ") return;",
    }],
    hunts: [cutHunts.foreign, probes.picoclawBehindFill],
    redundant: "the look at the file directly before has gone behind what somebody else appended",
  },
];

/** What is refused, and how much may be unsynced. */
export const limitMutations: readonly Mutation[] = [
  {
    name: "a record beyond the limit is not refused",
    replace: [{
      file: "store/record_input.ts",
      from: "if (length > options.recordBytesMax) {",
      to: "if (length < 0) {",
    }],
    hunts: [probes.largeRecord],
  },
  {
    name: "a batch beyond the limit is not refused",
    replace: [{ file: "store/record_input.ts", from: "if (bytes > batchBytesMax) {", to: "if (bytes < 0) {" }],
    hunts: [probes.largeBatch],
  },
  {
    name: "no sync before a write that would leave more than 1 MiB unsynced",
    replace: [{
      file: "log/log_writer.ts",
      from: "if (end.tailOffset > end.syncedOffset && end.unsynced + bound > unsyncedBytesMax) await this.sync();",
    }],
    hunts: [probes.unsyncedBound],
    redundant: "the group that goes over it is synced behind",
  },
  {
    name: "no sync behind a write that leaves more than 1 MiB unsynced",
    replace: [{
      file: "log/log_writer.ts",
      from: "if (durable || end.unsynced > unsyncedBytesMax)",
      to: "if (durable)",
    }],
    hunts: [probes.unsyncedBound],
    redundant: "the next group is synced before",
  },
  {
    name: "neither of the two",
    replace: [
      {
        file: "log/log_writer.ts",
        from: "if (end.tailOffset > end.syncedOffset && end.unsynced + bound > unsyncedBytesMax) await this.sync();",
      },
      { file: "log/log_writer.ts", from: "if (durable || end.unsynced > unsyncedBytesMax)", to: "if (durable)" },
    ],
    hunts: [probes.unsyncedBound],
  },
];

/** What a line says of itself, and who believes it. */
export const lineMutations: readonly Mutation[] = [
  {
    name: "no `~` behind buffered records",
    replace: [{
      file: "log/log_writer.ts",
      from: "end.checksum, end.unsynced > 0);",
      to: "end.checksum, false);",
    }],
    hunts: [cutHunts.buffered],
  },
  {
    name: "no `~` on later members of a group",
    replace: [{
      file: "log/record_group.ts",
      from: "deferred: deferred || lines.length > 0,",
      to: "deferred,",
    }],
    hunts: [cutHunts.group],
  },
  {
    name: "no `+` on members of a batch",
    replace: [{
      file: "log/record_group.ts",
      from: "batchContinues: index < batch.length - 1,",
      to: "batchContinues: false,",
    }],
    hunts: [cutHunts.batch],
  },
  {
    name: "a batch without its end is kept",
    replace: [{
      file: "log/unsealed_tail.ts",
      from: "if (verdict.mark.batchContinues) this.#batch.push(place);\n        else this.#keep(line);",
      to: "this.#keep(line);",
    }],
    hunts: [cutHunts.batch],
  },
  {
    name: "checksums are not compared",
    replace: [{
      file: "log/record_chain.ts",
      from: "lineChecksum(bytes, mark, seed) === mark.checksum);\n    const behind",
      to: "lineChecksum(bytes, mark, seed) >= 0);\n    const behind",
    }],
    hunts: [cutHunts.crafted],
  },
  {
    name: "checksums are not chained",
    replace: [
      {
        file: "log/record_format.ts",
        from: "const checksum = crc32(bytes.subarray(0, coveredLength), seed);",
        to: "const checksum = crc32(bytes.subarray(0, coveredLength), seed * 0);",
      },
      {
        file: "log/record_format.ts",
        from: "return crc32(line.subarray(0, mark.coveredLength), seed);",
        to: "return crc32(line.subarray(0, mark.coveredLength), seed * 0);",
      },
    ],
    hunts: [probes.wholeSectorLost],
  },
  {
    name: "a sector out of a torn record may be a line",
    replace: [{
      file: "log/unsealed_tail.ts",
      from: "return line.gapBefore && line.offset % 512 === 0",
      to: "return line.gapBefore && line.offset % 512 < 0",
    }],
    hunts: [cutHunts.crafted, cutHunts.craftedFilled],
  },
  {
    name: "records behind a break are kept",
    replace: [{
      file: "log/unsealed_tail.ts",
      from: "return !this.#broken && (verdict.verified",
      to: "return (verdict.verified",
    }],
    hunts: [cutHunts.group, cutHunts.buffered, cutHunts.batch],
  },
  {
    name: "a torn tail is told by no record without `~`",
    replace: [{
      file: "log/unsealed_tail.ts",
      from: "if (!verdict.mark.deferred) this.#beginAt(",
      to: "this.#beginAt(",
    }],
    hunts: [cutHunts.group, cutHunts.buffered],
  },
  {
    name: "a seal counts without the line that it names",
    replace: [{ file: "log/seal.ts", from: "if (!found || await isPassed(handle, seal, size, verdict)) return null;" }],
    hunts: [cutHunts.truncateAll, syncProbes.otherLog],
  },
];

/** Steps of recovery. */
export const recoveryMutations: readonly Mutation[] = [
  {
    name: "a torn tail is not cut off",
    replace: [{ file: "log/log_recovery.ts", from: "if (size > end) await handle.truncate(end);" }],
    hunts: [cutHunts.appendMore, cutHunts.group],
  },
  {
    name: "recovery is not synced",
    replace: [{
      file: "log/log_recovery.ts",
      from: "await handle.syncData();\n  const isVouched",
      to: "const isVouched",
    }],
    hunts: [cutHunts.buffered, cutHunts.append],
  },
  {
    name: "what is kept is not written again",
    replace: [{
      file: "log/log_recovery.ts",
      from: "await writeAgain(handle, source, unsyncedStart, tail.kept.offset);",
      to: "await writeAgain(handle, source, unsyncedStart, unsyncedStart);",
    }],
    hunts: [faultHunts.syncKept],
  },
  {
    name: "a NUL at the end of the last line stays",
    replace: [{
      file: "log/log_recovery.ts",
      from: "else if (end > 0) await endWithLineFeed(handle, end - 1);",
    }],
    hunts: [probes.sectorSeam],
  },
  {
    name: "a last line without its end gets none",
    replace: [{
      file: "log/log_recovery.ts",
      from: "if (!tail.keptTerminated) await writeFully(handle, Uint8Array.of(lineFeed), end++);",
      to: "if (!tail.keptTerminated) end += 0;",
    }],
    hunts: [probes.pageSeam],
  },
  {
    name: "no `!` over torn records in front of somebody else's",
    replace: [{
      file: "log/log_recovery.ts",
      from: "await writeFully(handle, Uint8Array.of(isFragment ? fragmentByte : harmlessByte), offset);",
      to: "if (isFragment) await writeFully(handle, Uint8Array.of(fragmentByte), offset);",
    }],
    hunts: [probes.picoclawAfterCut],
  },
  {
    name: "no `?` over torn sectors in front of somebody else's",
    replace: [{
      file: "log/log_recovery.ts",
      from: "await writeFully(handle, Uint8Array.of(isFragment ? fragmentByte : harmlessByte), offset);",
      to: "if (!isFragment) await writeFully(handle, Uint8Array.of(harmlessByte), offset);",
    }],
    hunts: [probes.picoclawAfterCut],
  },
  {
    name: "torn bytes are cut off before they are set aside",
    replace: [{
      file: "log/log_recovery.ts",
      from: "const torn: RecoveredPiece[] = [];",
      to: "const torn: RecoveredPiece[] = [];\n  await handle.truncate(tail.kept.offset);\n  await handle.syncData();",
    }],
    hunts: [probes.quarantine],
  },
  {
    name: "what was set aside is not synced",
    leaveOut: ({ method, path }) => method === "syncData" && path.includes(".quarantine/"),
    hunts: [probes.quarantine],
  },
  {
    name: "the name of what was set aside is not synced",
    replace: [{
      file: "log/quarantine.ts",
      from: "await fileSystem.syncDirectory(directory);\n  return name;",
      to: "return name;",
    }],
    hunts: [probes.quarantine],
  },
  {
    name: "the name of the quarantine is not synced",
    replace: [{
      file: "log/quarantine.ts",
      from: "throw error;\n  }\n  await fileSystem.syncDirectory(directoryOf(directory));",
      to: "throw error;\n  }",
    }],
    hunts: [probes.quarantine],
  },
  {
    name: "what is set aside already is set aside again",
    replace: [{ file: "log/quarantine.ts", from: "|| file.offset !== piece.offset ||", to: "|| file.offset >= 0 ||" }],
    hunts: [probes.quarantine, probes.quarantineInPlace],
    redundant: "what was made harmless is not torn any more, and the same bytes get the same name",
  },
];

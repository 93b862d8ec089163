/**
 * Syncs and cuts of the file that no other table names: what a blocking flush writes again, what is found under a name
 * that somebody has left unsynced, fill that there was no room for.
 *
 * @module
 */

import { cutHunts } from "./hunts.ts";
import type { Mutation } from "./mutation.ts";
import { syncProbes as hunts } from "./sync_probes.ts";

const writer = "log/log_writer.ts";
const quarantine = "log/quarantine.ts";

/** All of them. */
export const syncMutations: readonly Mutation[] = [
  {
    name: "what housekeeping removes from the quarantine is not synced",
    replace: [{
      file: "store/retention.ts",
      from: "if (await unlinkIfThere(fileSystem, path)) await fileSystem.syncDirectory(directoryOf(path));",
      to: "await unlinkIfThere(fileSystem, path);",
    }],
    hunts: [hunts.thinned],
  },
  {
    name: "a blocking flush writes what is under way without its fill",
    replace: [{
      file: writer,
      from: "withFill(inFlight.bytes, inFlight.end - inFlight.offset);",
      to: "inFlight.bytes;",
    }],
    hunts: [hunts.flushInFill],
  },
  {
    name: "a blocking flush goes on where fill is still to come",
    replace: [{ file: writer, from: "end.tailOffset = Math.max(end.tailOffset, inFlight.end);" }],
    hunts: [hunts.flushInFill],
  },
  {
    name: "a blocking flush does not write again what a sync under way may lose",
    replace: [{ file: writer, from: "writeAgainSync(this.#log.handle, end.syncedOffset, end.tailOffset);" }],
    hunts: [hunts.syncLost],
  },
  {
    name: "a blocking flush does not sync what somebody else appended before it goes behind it",
    replace: [{
      file: writer,
      from: "handle.syncDataSync();\n    this.#end.syncedOffset",
      to: "this.#end.syncedOffset",
    }],
    hunts: [hunts.flushBehind],
  },
  {
    name: "fill that there was no room for stays",
    replace: [{
      file: "log/group_writer.ts",
      from: "await handle.truncate(sizeBefore).finally(() => this.#undoing = false);",
      to: "this.#undoing = false;",
    }],
    hunts: [hunts.noRoom],
  },
  {
    name: "the fill stays when a log is closed",
    replace: [{ file: "log/log_fill.ts", from: "await handle.truncate(size);" }],
    hunts: [hunts.closed],
  },
  {
    name: "the name of what a killed program has set aside is not synced",
    replace: [{
      file: quarantine,
      from: "await fileSystem.syncDirectory(directory);\n    await fileSystem.syncDirectory(directoryOf(directory));",
      to: "await fileSystem.syncDirectory(directoryOf(directory));",
    }],
    hunts: [hunts.quarantine],
  },
  {
    name: "the name of its quarantine is not synced, where the bytes are in it",
    replace: [{
      file: quarantine,
      from: "await fileSystem.syncDirectory(directory);\n    await fileSystem.syncDirectory(directoryOf(directory));",
      to: "await fileSystem.syncDirectory(directory);",
    }],
    hunts: [hunts.quarantine],
    redundant: "nothing is put into a quarantine whose own name is not durable",
  },
  {
    name: "the name of a quarantine that is there is not synced",
    replace: [{ file: quarantine, from: "else await fileSystem.syncDirectory(directoryOf(directory));" }],
    hunts: [hunts.quarantine],
  },
  {
    name: "delete: what was set aside stays",
    replace: [{
      file: "store/session_files.ts",
      from:
        "for (const { name } of await quarantineFiles(fileSystem, files.quarantine)) {\n    await unlinkIfThere(fileSystem, `${files.quarantine}/${name}`);\n  }",
    }],
    hunts: [hunts.deleted],
  },
  {
    name: "a log that somebody else began is taken up without its name being durable",
    replace: [{
      file: "store/open_session.ts",
      from: "await this.context.fileSystem.syncDirectory(this.context.directory);",
    }],
    hunts: [hunts.begun],
  },
  {
    name: "fork: what says where it comes from is not synced",
    replace: [{ file: "store/session_origin.ts", from: "await handle.syncData();" }],
    hunts: [hunts.origin],
  },
  {
    name: "archive: the name of a segment that was written is not synced",
    replace: [{
      file: "log/archive.ts",
      from: "    break;\n  }\n  await fileSystem.syncDirectory(directory);",
      to: "    break;\n  }",
    }],
    hunts: [hunts.segment],
  },
  {
    name: "a large value that is there is trusted to be durable",
    replace: [{
      file: "store/session_blobs.ts",
      from: "await handle.syncData();\n      return true;",
      to: "return true;",
    }],
    hunts: [hunts.blobCopied],
  },
  {
    name: "a collection does not sync what it has set aside before it removes it",
    replace: [{
      file: "store/blob_collection.ts",
      from: "await this.#setAside(hash);\n      await fileSystem.syncDirectory(directory);",
      to: "await this.#setAside(hash);",
    }],
    hunts: [hunts.collect],
    redundant: "an append that makes the value anew syncs its name, and with it the older one's",
  },
  {
    name: "a collection's removals are not synced",
    replace: [{
      file: "store/blob_collection.ts",
      from: "this.#result.kept++;\n      await fileSystem.syncDirectory(directory);",
      to: "this.#result.kept++;",
    }],
    hunts: [hunts.collect],
    redundant: "what comes back is collected the next time, and what is named is read under either name",
  },
  {
    name: "a durable append syncs nothing behind its write",
    replace: [{ file: writer, from: "if (durable || end.unsynced > unsyncedBytesMax) await this.sync();" }],
    hunts: [cutHunts.append, cutHunts.appendMore],
  },
  {
    name: "a durable retry of what is in the log syncs nothing",
    replace: [{ file: "store/append_queue.ts", from: "if (durable) await session.sync();" }],
    hunts: [hunts.toldAgain],
  },
  {
    name: "a flush syncs nothing",
    replace: [{ file: "store/session_worker.ts", from: "await this.#opened?.session.sync();" }],
    hunts: [cutHunts.bufferedFlush],
  },
  {
    name: "what an open session makes durable is nothing",
    replace: [{
      file: "store/open_session.ts",
      from: 'await this.guard("making records durable", async () => await this.#writer?.sync());',
    }],
    hunts: [cutHunts.bufferedFlush],
  },
  {
    name: "what is compared with what is to replace it is not made durable before",
    replace: [{ file: "store/session.ts", from: "await opened?.sync();" }],
    hunts: [hunts.replacedBySame],
  },
];

/**
 * Steps that take files away: of sessions that are deleted or in the trash, of what a full disk has refused, of what a
 * killed program has left.
 *
 * @module
 */

import { cutHunts } from "./hunts.ts";
import type { Mutation } from "./mutation.ts";
import { leftoverProbes as hunts } from "./leftover_probes.ts";

const files = "store/session_files.ts";
const fork = "store/session_fork.ts";
const trash = "store/session_trash.ts";
const collection = "store/blob_collection.ts";
const archive = "log/archive.ts";

/** All of them. */
export const leftoverMutations: readonly Mutation[] = [
  {
    name: "delete: the files stay, and only the meta file says that they are gone",
    replace: [{
      file: "store/session_removal.ts",
      from: "await removeSessionFiles(session.context.fileSystem, session.files);",
      to: "await Promise.resolve(removeSessionFiles);",
    }],
    hunts: [hunts.deleted],
  },
  {
    name: "delete: the log stays",
    replace: [{ file: files, from: "await unlinkIfThere(fileSystem, files.log);" }],
    hunts: [hunts.deleted, cutHunts.recreate],
  },
  {
    name: "delete: what somebody else keeps among what was set aside goes too",
    replace: [{ file: "log/quarantine.ts", from: "([0-9a-f]{8})$/;", to: "([0-9a-f]{8})/;" }],
    hunts: [cutHunts.recreateAmongOthers],
  },
  {
    name: "delete: what somebody else keeps in the archive goes too",
    replace: [{ file: archive, from: "\\.jsonl$/;", to: "\\.jsonl/;" }],
    hunts: [cutHunts.recreateAmongOthers],
  },
  {
    name: "delete: an unfinished new log stays",
    replace: [{ file: files, from: "await unlinkIfThere(fileSystem, files.logTemporary);" }],
    hunts: [hunts.deleted, hunts.fork],
    redundant: "who opens a session takes it away before anything else, and so does a copy that fails",
  },
  {
    name: "delete: an unfinished meta file stays",
    replace: [{ file: files, from: "await unlinkIfThere(fileSystem, files.metaTemporary);" }],
    hunts: [hunts.trashed],
  },
  {
    name: "delete: the directory of what was set aside stays",
    replace: [{ file: files, from: "await removeOwnDirectory(fileSystem, files.quarantine);" }],
    hunts: [hunts.deleted],
  },
  {
    name: "delete: an unfinished copy of what was set aside stays",
    replace: [{
      file: files,
      from:
        "for (const name of quarantineTemporaryNames) await unlinkIfThere(fileSystem, `${files.quarantine}/${name}`);",
    }],
    hunts: [hunts.deleted],
  },
  {
    name: "delete: what says where a fork comes from stays",
    replace: [{ file: files, from: "await unlinkIfThere(fileSystem, files.origin);" }],
    hunts: [hunts.deleted],
  },
  {
    name: "delete: the files of the archive stay",
    replace: [{
      file: archive,
      from:
        "for (const { path } of await archiveSegments(fileSystem, directory)) await unlinkIfThere(fileSystem, path);",
    }],
    hunts: [hunts.deleted],
  },
  {
    name: "delete: an unfinished file of the archive stays",
    replace: [{ file: archive, from: "await unlinkIfThere(fileSystem, `${directory}/${archiveTemporaryName}`);" }],
    hunts: [hunts.deleted],
  },
  {
    name: "a directory that is empty stays",
    replace: [{ file: "log/side_directory.ts", from: "await fileSystem.removeDirectory(directory);" }],
    hunts: [hunts.deleted],
  },
  {
    name: "delete, on a full disk: the log does not make room first",
    replace: [{
      file: "store/session_removal.ts",
      from: "await removeLogFiles(session.context.fileSystem, session.files);",
      to: "await Promise.resolve(removeLogFiles);",
    }],
    hunts: [hunts.deletedOnFullDisk],
  },
  {
    name: "delete, on a full disk: the log is unlinked while it is open, which makes no room",
    replace: [{ file: "store/session_removal.ts", from: "await session.closeLog();" }],
    hunts: [hunts.deletedOnFullDisk],
  },
  {
    name: "delete, on a full disk: the meta file does not say so when there is room",
    replace: [{
      file: "store/session_removal.ts",
      from: "session.files);\n    await session.writeMeta(deletion);",
      to: "session.files);",
    }],
    hunts: [hunts.deletedOnFullDisk],
    redundant: "the meta file itself goes next, durably",
  },
  {
    name: "delete: the index goes on naming the session",
    replace: [{
      file: "store/workspace_index.ts",
      from:
        "else ranking.delete(workspace);\n      await replaceFile(this.#context.fileSystem, this.#path, `${this.#path}.tmp`, encodeRanking(ranking));",
      to: "else ranking.delete(workspace);",
    }],
    hunts: [hunts.forgotten],
  },
  {
    name: "trash: what says where a fork comes from stays in the store",
    replace: [{ file: trash, from: "await renameIfThere(fileSystem, from.origin, to.origin);" }],
    hunts: [hunts.trashed],
  },
  {
    name: "trash: what was set aside stays in the store",
    replace: [{
      file: trash,
      from: "await moveDirectory(fileSystem, from.quarantine, to.quarantine, set);",
      to: "void set;",
    }],
    hunts: [hunts.trashed],
  },
  {
    name: "trash: the archive stays in the store",
    replace: [{
      file: trash,
      from: "await moveDirectory(fileSystem, from.archive, to.archive, names);",
      to: "void names;",
    }],
    hunts: [hunts.trashed],
  },
  {
    name: "trash: an unfinished file keeps its directory in the store",
    replace: [{ file: trash, from: "await unlinkIfThere(fileSystem, `${from}/${left}`);", to: "void left;" }],
    hunts: [hunts.trashed],
  },
  {
    name: "trash: a directory beside the log stays in the store, empty",
    replace: [{ file: trash, from: "await removeOwnDirectory(fileSystem, from);" }],
    hunts: [hunts.trashed],
  },
  {
    name: "empty: what has got the name of something removed stays under it",
    replace: [{
      file: trash,
      from:
        "await fileSystem.syncDirectory(`${directory}/${trashDirectoryName}`);\n  await removeGoneItem(place, goneId);",
      to: "await fileSystem.syncDirectory(`${directory}/${trashDirectoryName}`);",
    }],
    hunts: [hunts.trashed],
  },
  {
    name: "empty: what a crash has left under that name is in the way",
    replace: [{
      file: trash,
      from: "await removeGoneItem(place, goneId);\n  await fileSystem.rename(path",
      to: "await fileSystem.rename(path",
    }],
    hunts: [hunts.emptiedTwice],
    redundant: "keeping house takes it away before it empties anything",
  },
  {
    name: "empty: what a crash has left is taken away neither first nor then",
    replace: [
      {
        file: trash,
        from: "await removeGoneItem(place, goneId);\n  await fileSystem.rename(path",
        to: "await fileSystem.rename(path",
      },
      { file: "store/retention.ts", from: "await removeGone(context, id);", to: "void removeGone;" },
    ],
    hunts: [hunts.emptiedTwice],
  },
  {
    name: "empty: the files stay",
    replace: [{ file: trash, from: "await removeSessionFiles(fileSystem, sessionFiles(path, name));" }],
    hunts: [hunts.trashed],
  },
  {
    name: "empty: the directory of the item stays",
    replace: [{ file: trash, from: "await removeItemDirectory(place, goneId);" }],
    hunts: [hunts.trashed],
  },
  {
    name: "retain: what a crash has left of an item stays",
    replace: [{ file: "store/retention.ts", from: "await removeGone(context, id);", to: "void removeGone;" }],
    hunts: [hunts.emptiedTwice],
  },
  {
    name: "retain: nothing goes out of the trash",
    replace: [{ file: "store/retention.ts", from: "await emptyTrash(context, id);", to: "void emptyTrash;" }],
    hunts: [hunts.trashed],
  },
  {
    name: "retain: an unfinished file stays",
    replace: [{
      file: "store/retention.ts",
      from:
        "if (stat === null) continue;\n    const skipped = dryRun ? null : await whileClosed(context, name, async () => await unlinkDurably(context, path));",
      to: "if (stat === null) continue;\n    const skipped = null;",
    }],
    hunts: [hunts.killed],
  },
  {
    name: "a replaced file that could not be written stays unfinished",
    replace: [{
      file: "log/atomic_file.ts",
      from: "await unlinkIfThere(fileSystem, temporaryPath).catch(() => undefined);",
    }],
    hunts: [hunts.summary],
  },
  {
    name: "a file whose owner could not be set stays unfinished",
    replace: [{ file: "log/atomic_file.ts", from: "await unlinkIfThere(fileSystem, path).catch(() => undefined);" }],
    hunts: [hunts.owner],
  },
  {
    name: "a new log that could not be written stays unfinished",
    replace: [{
      file: "log/compaction.ts",
      from: "await unlinkIfThere(fileSystem, temporaryPath).catch(() => undefined);",
    }],
    hunts: [hunts.compact],
  },
  {
    name: "a new log whose meta file could not be written stays unfinished",
    replace: [{
      file: "store/history_edits.ts",
      from: "await unlinkIfThere(session.context.fileSystem, session.files.logTemporary).catch(() => undefined);",
    }],
    hunts: [hunts.compact],
  },
  {
    name: "a copy of a log that could not be written stays unfinished",
    replace: [{
      file: "log/log_copy.ts",
      from: "await unlinkIfThere(fileSystem, temporaryPath).catch(() => undefined);",
    }],
    hunts: [hunts.fork],
    redundant: "the fork that fails takes away all of its files",
  },
  {
    name: "a copy of a log that could not be written stays unfinished, and so it does in a session that goes",
    replace: [
      { file: "log/log_copy.ts", from: "await unlinkIfThere(fileSystem, temporaryPath).catch(() => undefined);" },
      { file: files, from: "await unlinkIfThere(fileSystem, files.logTemporary);" },
    ],
    hunts: [hunts.fork],
  },
  {
    name: "a file that shares bytes and could not be used stays",
    replace: [{
      file: "log/log_copy.ts",
      from: "await unlinkIfThere(fileSystem, path).catch(() => undefined);",
    }],
    hunts: [hunts.clone],
    redundant: "the fork that fails takes away all of its files",
  },
  {
    name: "fork: what could not be finished stays",
    replace: [{ file: fork, from: "await takenBack(fileSystem, files);\n    throw nothing", to: "throw nothing" }],
    hunts: [hunts.fork],
  },
  {
    name: "fork: what could not be committed stays",
    replace: [{ file: fork, from: "if (!isUnknown) await takenBack(fileSystem, files);", to: "void isUnknown;" }],
    hunts: [hunts.fork],
  },
  {
    name: "fork: what is taken back is not removed",
    replace: [{ file: fork, from: "await removeSessionFiles(fileSystem, files).catch(() => undefined);" }],
    hunts: [hunts.fork],
  },
  {
    name: "what could not be set aside stays unfinished",
    replace: [{
      file: "log/quarantine.ts",
      from: "await unlinkIfThere(fileSystem, temporaryPath).catch(() => undefined);",
    }],
    hunts: [hunts.damaged],
  },
  {
    name: "a quarantine that is full makes no room",
    replace: [{ file: "log/quarantine.ts", from: "await unlinkIfThere(fileSystem, `${directory}/${file.name}`);" }],
    hunts: [hunts.quota],
  },
  {
    name: "a large value that could not be written stays unfinished",
    replace: [{
      file: "store/session_blobs.ts",
      from: "await unlinkIfThere(fileSystem, temporaryPath).catch(() => undefined);",
    }],
    hunts: [hunts.blob],
  },
  {
    name: "a session that is closed goes on saying that it may name large values",
    replace: [{
      file: "store/session_blobs.ts",
      from:
        "await unlinkIfThere(this.#context.fileSystem, blobIntent(this.#context, this.#files)).catch(() => undefined);",
    }],
    hunts: [hunts.closed],
  },
  {
    name: "a collection removes nothing",
    replace: [{
      file: collection,
      from: "if (stat === null || !await unlinkIfThere(fileSystem, path)) return;",
      to: "if (stat === null) return;",
    }],
    hunts: [hunts.killed],
  },
  {
    name: "a collection leaves what a killed program was writing",
    replace: [{
      file: collection,
      from: "await this.#whileClosed(session, async () => void await unlinkIfThere(fileSystem, path));",
      to: "void path;",
    }],
    hunts: [hunts.killed],
  },
];

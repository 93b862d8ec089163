/**
 * What has to be on the disk before a name changes, and which name changes first: log, meta file, archive, locks.
 *
 * @module
 */

import { hunts as forks } from "./fork_mutations.ts";
import { cutHunts } from "./hunts.ts";
import { leftoverProbes } from "./leftover_probes.ts";
import type { Mutation } from "./mutation.ts";
import { nameOrderProbes as hunts } from "./name_order_probes.ts";
import { probes } from "./probes.ts";
import { syncProbes } from "./sync_probes.ts";

const archive = "log/archive.ts";
const atomic = "log/atomic_file.ts";
const edits = "store/history_edits.ts";
const openSession = "store/open_session.ts";

/** Which name changes first, in the room of the log and in a session that is open. */
export const nameOrderMutations: readonly Mutation[] = [
  {
    name: "a file is written anew, and does not take the place of the old one",
    replace: [{ file: atomic, from: "await renameDurably(fileSystem, temporaryPath, path);" }],
    hunts: [cutHunts.summary],
  },
  {
    name: "a file that is written anew takes the place of the old one before it is written",
    replace: [{
      file: atomic,
      from: "try {\n    await writeFully(handle, bytes, 0);\n    await handle.syncData();",
      to:
        "try {\n    await renameDurably(fileSystem, temporaryPath, path);\n    await writeFully(handle, bytes, 0);\n    await handle.syncData();",
    }, {
      file: atomic,
      from: "await handle.close();\n  await renameDurably(fileSystem, temporaryPath, path);",
      to: "await handle.close();",
    }],
    hunts: [cutHunts.summary],
  },
  {
    name: "the directory is synced before the rename",
    replace: [{
      file: atomic,
      from: "await fileSystem.rename(from, to);\n    await fileSystem.syncDirectory(directoryOf(to));",
      to: "await fileSystem.syncDirectory(directoryOf(to));\n    await fileSystem.rename(from, to);",
    }],
    hunts: [cutHunts.summary, cutHunts.compactAppend],
  },
  {
    name: "names are not removed",
    replace: [{ file: atomic, from: "await fileSystem.unlink(path);" }],
    hunts: [leftoverProbes.deleted],
  },
  {
    name: "the meta file is not written",
    replace: [{
      file: "store/meta_keeper.ts",
      from:
        "await replaceFile(this.#context.fileSystem, this.#files.meta, this.#files.metaTemporary, encodeMeta(meta));",
    }],
    hunts: [cutHunts.summary],
  },
  {
    name: "what was set aside does not get its name",
    replace: [{ file: "log/quarantine.ts", from: "await fileSystem.rename(temporaryPath, `${directory}/${name}`);" }],
    hunts: [probes.quarantine],
  },
  {
    name: "what is set aside gets its name before it is written",
    replace: [{
      file: "log/quarantine.ts",
      from: "let checksum = 0;\n  try {",
      to:
        "let checksum = 0;\n  try {\n    await fileSystem.rename(temporaryPath, `${directory}/${piece.kind}-${piece.offset}-00000000`);",
    }, { file: "log/quarantine.ts", from: "await fileSystem.rename(temporaryPath, `${directory}/${name}`);" }],
    hunts: [probes.quarantine],
  },
  {
    name: "the directory of what is set aside is not made",
    replace: [{ file: "log/quarantine.ts", from: "await fileSystem.makeDirectory(directory, 0o700);" }],
    hunts: [probes.quarantine],
  },
  {
    name: "a directory beside a log is not made",
    replace: [{ file: "log/side_directory.ts", from: "await fileSystem.makeDirectory(directory, 0o700);" }],
    hunts: [leftoverProbes.trashed],
  },
  {
    name: "a damaged meta file is replaced without being set aside",
    replace: [{
      file: "store/session_opening.ts",
      from: 'if (claim.meta.state === "damaged") await setMetaAside(context, key, files, claim.meta.reason);',
      to: "void setMetaAside;",
    }],
    hunts: [hunts.metaAside],
  },
  {
    name: "the lock is given back before the fill is taken away",
    replace: [{
      file: openSession,
      from: "try {\n      if (this.failure === null && this.#writer !== null) {\n        await this.sync();",
      to:
        "await this.#claim.lock.release();\n    try {\n      if (this.failure === null && this.#writer !== null) {\n        await this.sync();",
    }],
    hunts: [hunts.closedEarly],
  },
  {
    name: "a line that somebody else left open gets no end",
    replace: [{
      file: "log/log_writer.ts",
      from: "await writeFully(this.#log.handle, Uint8Array.of(lineFeed), found.position.offset);",
      to: "await Promise.resolve();",
    }],
    hunts: [hunts.openLine],
  },
  {
    name: "a line that somebody else left open gets no end from a blocking flush",
    replace: [{
      file: "log/log_writer.ts",
      from: "if (!found.terminated) writeFullySync(handle, Uint8Array.of(lineFeed), found.position.offset);",
    }],
    hunts: [hunts.openLineFlushed],
  },
  {
    name: "archive: the old log gets no second name",
    replace: [{ file: archive, from: "await fileSystem.link(path, target);" }],
    hunts: [forks.archive],
  },
  {
    name: "archive: the log gets its second name when the new one has taken the first",
    replace: [{
      file: edits,
      from: "if (archive) await keepRemoved(session, writer, durablePlan(session, writer, 0), survey);\n",
    }, {
      file: edits,
      from: "await putInPlace(session, log, writer.sequenceNext);\n    const archived",
      to:
        "await putInPlace(session, log, writer.sequenceNext);\n    if (archive) await keepRemoved(session, writer, durablePlan(session, writer, 0), survey);\n    const archived",
    }],
    hunts: [forks.archive],
  },
  {
    name: "archive: a segment that was written does not get its name",
    replace: [{ file: archive, from: "await fileSystem.rename(temporaryPath, target);" }],
    hunts: [syncProbes.segment],
  },
  {
    name: "archive: the directory is not made",
    replace: [{
      file: archive,
      from: "await makeOwnDirectory(fileSystem, directory);\n  const inode",
      to: "const inode",
    }],
    hunts: [forks.archive],
  },
  {
    name: "archive: the directory of a segment that is written is not made",
    replace: [{
      file: archive,
      from: "await makeOwnDirectory(fileSystem, directory);\n  const temporaryPath",
      to: "const temporaryPath",
    }],
    hunts: [syncProbes.segment],
    redundant: "the attempt to give the log a second name has made it",
  },
  {
    name: "archive: where files have one name only, nothing is kept",
    replace: [{
      file: "store/history_archive.ts",
      from: "await writeSegment(fileSystem, files.archive, range, seed, records);",
      to: "void [fileSystem, seed, records];",
    }],
    hunts: [syncProbes.segment],
  },
  {
    name: "archive: the second names that are swept stay",
    replace: [{ file: archive, from: "await unlinkIfThere(fileSystem, segment.path);" }],
    hunts: [hunts.compactedAgain],
  },
  {
    name: "archive: what a compaction that failed has left stays when the next one runs",
    replace: [{
      file: "store/history_archive.ts",
      from: "await sweepArchive(session.context.fileSystem, session.files.archive, writer.handle);",
    }],
    hunts: [hunts.compactedAgain],
  },
  {
    name: "truncating does not write the meta file",
    replace: [{ file: edits, from: "if (Object.keys(change).length > 0) await session.writeMeta(change);" }],
    hunts: [cutHunts.truncate],
  },
  {
    name: "compaction: the meta file says nothing of the new log",
    replace: [{ file: edits, from: "await session.writeMeta({ skip: survey.hidden, count, sealed });" }],
    hunts: [probes.picoclawSeesCompaction],
  },
  {
    name: "replace: the log first, the meta file second",
    replace: [{
      file: edits,
      from: "await putInPlace(session, log, sequenceNext);\n    await session.settleReplace",
      to: "await session.settleReplace",
    }, {
      file: edits,
      from: "await orTakenBack(session, log, async () => {\n      const first",
      to:
        "await putInPlace(session, log, sequenceNext);\n    await orTakenBack(session, log, async () => {\n      const first",
    }],
    hunts: [cutHunts.replace],
  },
  {
    name: "a new log does not take the place of the old one",
    replace: [{
      file: edits,
      from: "await renameDurably(context.fileSystem, files.logTemporary, files.log).catch(async",
      to: "await Promise.resolve().catch(async",
    }],
    hunts: [cutHunts.replace],
  },
  {
    name: "replace: the meta file goes on hiding what was replaced",
    replace: [{
      file: openSession,
      from:
        "await this.writeMeta({});\n    } catch (error) {\n      if (this.failure !== null) throw error;\n      // The next",
      to:
        "await Promise.resolve();\n    } catch (error) {\n      if (this.failure !== null) throw error;\n      // The next",
    }],
    hunts: [hunts.replacedHistory],
  },
  {
    name: "a new log has its name before the meta file has the key",
    replace: [{ file: openSession, from: "await this.ensureMeta();\n    try {", to: "try {" }, {
      file: openSession,
      from: "const log = await createLog(this.context, this.files, this.seed, this.first);",
      to:
        "const log = await createLog(this.context, this.files, this.seed, this.first);\n      await this.ensureMeta();",
    }],
    hunts: [probes.keyBeforeLog],
  },
  {
    name: "a new log is begun under a meta file that hides lines of another",
    replace: [{
      file: openSession,
      from: "await this.writeMeta({ first: this.first, skip: 0, replacing: undefined });",
    }],
    hunts: [hunts.lostLog],
  },
  {
    name: "what recovery has found is not written down before anything is built on it",
    replace: [{ file: openSession, from: "if (log !== null && (isNew || log.metaStale)) await this.writeMeta({});" }],
    hunts: [hunts.cutLog],
  },
  {
    name: "what an update changes is not written",
    replace: [{
      file: "store/session.ts",
      from: "await session.writeMeta(change);\n      if (typeof",
      to: "if (typeof",
    }],
    hunts: [cutHunts.summary],
  },
  {
    name: "migration: what the old file knows beside its messages is not written",
    replace: [{
      file: "store/migration.ts",
      from: "await session.writeMeta({ createdAt: legacy.createdAt, summary: legacy.summary });",
    }],
    hunts: [hunts.migratedFacts],
  },
  {
    name: "migration: the messages are in place before what the old file knows beside them",
    replace: [{
      file: "store/migration.ts",
      from:
        "await session.writeMeta({ createdAt: legacy.createdAt, summary: legacy.summary });\n      if (legacy.messages.length > 0) await replaceHistory(session, legacy.messages.map(toLineText), legacy.summary);",
      to:
        "if (legacy.messages.length > 0) await replaceHistory(session, legacy.messages.map(toLineText), legacy.summary);\n      await session.writeMeta({ createdAt: legacy.createdAt, summary: legacy.summary });",
    }],
    hunts: [hunts.migratedFacts],
  },
  {
    name: "the meta file is read before the lock is held",
    replace: [{
      file: "store/session_lock.ts",
      from: "const leftBehind = await statIfThere(fileSystem, files.lock);\n  const attempt = await fileSystem.lock(",
      to:
        "const early = await readSessionMeta(fileSystem, files, key);\n  const leftBehind = await statIfThere(fileSystem, files.lock);\n  const attempt = await fileSystem.lock(",
    }, {
      file: "store/session_lock.ts",
      from: "const meta = await readSessionMeta(fileSystem, files, key);\n    if (await ownerOf",
      to: "const meta = early;\n    if (await ownerOf",
    }],
    hunts: [hunts.staleMeta],
  },
  {
    name: "retain: a session that is open is taken for one that nobody writes",
    replace: [{
      file: "store/retention.ts",
      from: 'const attempt = await fileSystem.lock(lock, fileSystem.processName ?? "another process, keeping house");',
      to: 'const attempt = await fileSystem.lock(`${lock}.2`, "");',
    }],
    hunts: [hunts.retainedMeanwhile],
  },
  {
    name: "retain: nothing goes out of the quarantine",
    replace: [{
      file: "store/retention.ts",
      from:
        "const skipped = dryRun ? null : await whileClosed(context, name, async () => await unlinkDurably(context, path));\n    if (skipped === null) held",
      to: "const skipped = null;\n    if (skipped === null) held",
    }],
    hunts: [syncProbes.thinned],
  },
];

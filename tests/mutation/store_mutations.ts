/**
 * Steps of the store: the order of meta file and log, names, locks, migration, deletion.
 *
 * @module
 */

import { cutHunts, faultHunts } from "./hunts.ts";
import type { Mutation } from "./mutation.ts";
import type { Replacement } from "./mutant_source.ts";
import { probes } from "./probes.ts";

const directorySync = "await fileSystem.syncDirectory(directoryOf(to));";
const historyEdits = "store/history_edits.ts";

const tiedByNumber: Replacement = {
  file: "store/session_view.ts",
  from: " &&\n    checksumText(verdict.mark.checksum) === replacing.checksum;",
  to: ";",
};
const notForgotten: Replacement = {
  file: "store/open_session.ts",
  from: "isNew || log.metaStale",
  to: "isNew",
};
const underAnother: Replacement = {
  file: "store/open_session.ts",
  from: "if (first === undefined || skip > 0 || replacing !== undefined) {",
  to: "if (first === undefined || skip > 0) {",
};

/** Steps of names and files. */
export const nameMutations: readonly Mutation[] = [
  {
    name: "no sync of any directory",
    leaveOut: ({ method }) => method === "syncDirectory",
    hunts: [cutHunts.append],
  },
  {
    name: "no sync of the directory behind a new log",
    replace: [{
      file: "store/session_opening.ts",
      from: "await fileSystem.syncDirectory(directory);\n  } catch",
      to: "await Promise.resolve();\n  } catch",
    }],
    hunts: [cutHunts.append],
  },
  {
    name: "no sync of the directory behind a rename",
    replace: [{ file: "log/atomic_file.ts", from: directorySync }],
    hunts: [cutHunts.summary, cutHunts.compactAppend],
  },
  {
    name: "no sync of the directory at open",
    replace: [{
      file: "store/open_session.ts",
      from: "await fileSystem.syncDirectory(directory);\n    if (log !== null && isNew)",
      to: "if (log !== null && isNew)",
    }],
    hunts: [cutHunts.replace, cutHunts.compactAppend, cutHunts.truncate],
  },
  {
    name: "no sync of the meta file before its rename",
    leaveOut: ({ method, path }) => method === "syncData" && path.includes(".meta."),
    hunts: [cutHunts.summary, cutHunts.truncate],
  },
  {
    name: "no sync of a new log before its rename",
    replace: [{
      file: "log/compaction.ts",
      from: "await handle.syncData();\n    return log;",
      to: "return log;",
    }],
    hunts: [cutHunts.compact, cutHunts.replace],
  },
  {
    name: "no meta file before the first record",
    replace: [{ file: "store/open_session.ts", from: "await this.ensureMeta();" }],
    hunts: [probes.keyBeforeLog],
  },
  {
    name: "an unfinished new log stays",
    replace: [{ file: "store/session_opening.ts", from: "await unlinkIfThere(fileSystem, files.logTemporary);" }],
    hunts: [cutHunts.compact],
  },
  {
    name: "an unfinished meta file stays",
    replace: [{ file: "store/session_opening.ts", from: "await unlinkIfThere(fileSystem, files.metaTemporary);" }],
    hunts: [cutHunts.summary, cutHunts.compact],
  },
  {
    name: "a temporary name is not cleared before it is used",
    replace: [{
      file: "log/atomic_file.ts",
      from: "await unlinkIfThere(fileSystem, path);\n  const handle",
      to: "const handle",
    }],
    hunts: [cutHunts.nestedAppend],
  },
  {
    name: "no lock",
    leaveOut: ({ method }) => method === "lock",
    hunts: [cutHunts.second],
  },
];

/** What orders meta file and log. */
export const orderMutations: readonly Mutation[] = [
  {
    name: "the meta file is written before the records are durable",
    replace: [{
      file: "store/open_session.ts",
      from: "await this.#writer?.sync();\n      await this.#metaKeeper",
      to: "await this.#metaKeeper",
    }],
    hunts: [cutHunts.bufferedSummary],
  },
  {
    name: "closing does not sync",
    replace: [{
      file: "store/open_session.ts",
      from: "await this.sync();\n        if (this.#writer.tailOffset",
      to: "if (this.#writer.tailOffset",
    }],
    hunts: [cutHunts.bufferedReopen],
    redundant: "who closes a session has synced it before",
  },
  {
    name: "truncating does not sync first",
    replace: [{
      file: historyEdits,
      from: "await session.sync();\n    const change",
      to: "const change",
    }],
    hunts: [cutHunts.bufferedTruncate],
    redundant: "writing the meta file syncs first",
  },
  {
    name: "truncating over buffered records without any sync",
    replace: [
      { file: historyEdits, from: "await session.sync();\n    const change", to: "const change" },
      {
        file: "store/open_session.ts",
        from: "await this.#writer?.sync();\n      await this.#metaKeeper",
        to: "await this.#metaKeeper",
      },
    ],
    hunts: [cutHunts.bufferedTruncate],
  },
  {
    name: "replacing does not sync first",
    replace: [{
      file: historyEdits,
      from: "await session.sync();\n    const { files, sequenceNext }",
      to: "const { files, sequenceNext }",
    }],
    hunts: [cutHunts.bufferedReplace],
    redundant: "writing the meta file syncs first",
  },
  {
    name: "compacting does not sync first",
    replace: [{
      file: historyEdits,
      from: "await session.sync();\n    const bytesBefore",
      to: "const bytesBefore",
    }],
    hunts: [cutHunts.bufferedCompact],
    redundant: "writing the meta file syncs first, and the new log is synced whole",
  },
  {
    name: "compaction: the log first, the meta file second",
    replace: [{
      file: historyEdits,
      from: "await putInPlace(session, log, writer.sequenceNext);\n    const archived",
      to: "const archived",
    }, {
      file: historyEdits,
      from: "await orTakenBack(session, log, async () => {\n      const sealed",
      to:
        "await putInPlace(session, log, writer.sequenceNext);\n    await orTakenBack(session, log, async () => {\n      const sealed",
    }],
    hunts: [probes.picoclawSeesCompaction],
  },
  {
    name: "compaction drops the last record when it is hidden",
    replace: [{ file: historyEdits, from: "Math.min(session.first, Math.max(lastSequence, 0))", to: "session.first" }],
    hunts: [cutHunts.truncateAll],
  },
  {
    name: "compaction drops damaged lines without setting them aside",
    replace: [{
      file: historyEdits,
      from: "for (const line of damaged) await setDamagedAside(session, writer, line);",
      to: "if (damaged.length < 0) await setDamagedAside(session, writer, firstOf(damaged));",
    }, {
      file: historyEdits,
      from: "/** Damaged lines that follow each other are one piece. */",
      to: "function firstOf(lines: DamagedLine[]): DamagedLine {\n  return lines[0]!;\n}",
    }],
    hunts: [probes.damagedLine],
  },
  {
    name: "replace: the summary is not tied to the new log",
    replace: [{
      file: historyEdits,
      from: "await session.writeMeta({ replacing: summary === undefined ? first : { ...first, summary } });",
      to: "await session.writeMeta(summary === undefined ? { ...(first && {}) } : { summary });",
    }],
    hunts: [cutHunts.replace],
  },
  {
    name: "replace: tied by number alone, not by checksum",
    replace: [tiedByNumber],
    hunts: [probes.undoneReplace, cutHunts.replaceNew],
    redundant: "what did not happen is forgotten before a record can get that number",
  },
  {
    name: "replace: what did not happen is not forgotten before the next append",
    replace: [notForgotten],
    hunts: [probes.undoneReplace, cutHunts.replace],
    redundant: "the checksum tells, and the next write of the meta file forgets it",
  },
  {
    name: "replace: tied by number alone, and not forgotten",
    replace: [tiedByNumber, notForgotten],
    hunts: [probes.undoneReplace],
  },
  {
    name: "replace: a new log is begun under a replace that did not happen",
    replace: [underAnother],
    hunts: [cutHunts.replaceNew],
    redundant: "the checksum tells",
  },
  {
    name: "replace: tied by number alone, and a new log begun under one that did not happen",
    replace: [tiedByNumber, underAnother],
    hunts: [cutHunts.replaceNew],
  },
  {
    name: "delete: not committed by the meta file",
    replace: [{
      file: "store/session_removal.ts",
      from: "await session.writeMeta(deletion);\n  } catch (error) {\n    if",
      to: "await Promise.resolve();\n  } catch (error) {\n    if",
    }],
    hunts: [cutHunts.remove],
  },
  {
    name: "delete: the rest of a deleted session is not removed",
    replace: [{
      file: "store/session_opening.ts",
      from: "await removeSessionFiles(fileSystem, files);\n",
      to: "await Promise.resolve();\n",
    }],
    hunts: [cutHunts.remove, cutHunts.recreate],
  },
  {
    name: "delete: the meta file goes before the log's removal is durable",
    replace: [{
      file: "store/session_files.ts",
      from: "await fileSystem.syncDirectory(directoryOf(files.log));",
    }],
    hunts: [cutHunts.remove],
  },
  {
    name: "delete: the meta file goes first",
    replace: [{
      file: "store/session_files.ts",
      from: "await removeLogFiles(fileSystem, files);\n  await unlinkIfThere(fileSystem, files.meta);",
      to: "await unlinkIfThere(fileSystem, files.meta);\n  await removeLogFiles(fileSystem, files);",
    }],
    hunts: [cutHunts.remove],
  },
  {
    name: "delete: the removal of the meta file is not synced",
    replace: [{
      file: "store/session_files.ts",
      from: "await fileSystem.syncDirectory(directoryOf(files.meta));",
    }],
    hunts: [cutHunts.remove, cutHunts.recreate, cutHunts.nestedRemove],
    redundant: "a deleted session's meta file that comes back says so still, and what is written next has its own sync",
  },
  {
    name: "migration: the old file is done with before the new session is there",
    replace: [
      {
        file: "store/migration.ts",
        from: 'await setDone(context, path);\n  context.report({ type: "migrated"',
        to: 'context.report({ type: "migrated"',
      },
      {
        file: "store/migration.ts",
        from: "let session: OpenSession;\n",
        to: "let session: OpenSession;\n  await setDone(context, path);\n",
      },
    ],
    hunts: [cutHunts.migrate],
  },
  {
    name: "migration: what is there already is not looked at",
    replace: [{
      file: "store/migration.ts",
      from: "if (session.sequenceNext > 0 || (session.exists",
      to: "if (session.sequenceNext < 0 && (session.exists",
    }],
    hunts: [cutHunts.migrate],
  },
  {
    name: "an unknown outcome of a rename is no failure of the session",
    replace: [{
      file: "log/atomic_file.ts",
      from: 'throw new HoldfastError("failed", `Outcome of replacing',
      to: 'throw new HoldfastError("io", `Outcome of replacing',
    }],
    hunts: [faultHunts.rewriteFails],
  },
];

/**
 * Which name changes first where sessions are made of others: forks, pulls, continuations, and the sink beside them.
 *
 * @module
 */

import { hunts as forks } from "./fork_mutations.ts";
import { madeOrderProbes as hunts } from "./made_order_probes.ts";
import type { Mutation } from "./mutation.ts";
import { nameOrderProbes } from "./name_order_probes.ts";
import { hunts as sinks } from "./sink_mutations.ts";

const fork = "store/session_fork.ts";
const continuation = "store/session_continuation.ts";
const rebuild = "store/session_rebuild.ts";

/** All of them. */
export const madeOrderMutations: readonly Mutation[] = [
  {
    name: "fork: its log gets its name when the directory has been synced",
    replace: [{ file: fork, from: "await fileSystem.rename(files.logTemporary, files.log);\n" }, {
      file: fork,
      from: "await fileSystem.syncDirectory(directory);\n    const { bytes, count }",
      to:
        "await fileSystem.syncDirectory(directory);\n    await fileSystem.rename(files.logTemporary, files.log);\n    const { bytes, count }",
    }],
    hunts: [forks.fork],
  },
  {
    name: "fork: what says where it comes from is written behind the commit",
    replace: [{
      file: fork,
      from: "await writeOrigin(fileSystem, files, { key: facts.key, seed, parent: facts.parent });\n",
    }, {
      file: fork,
      from: "await write(meta);\n  } catch",
      to:
        "await write(meta);\n    if (cut !== null) await writeOrigin(fileSystem, files, { key: to, seed: cut.plan.start.checksum ?? keyChecksum(key), parent });\n    await fileSystem.syncDirectory(context.directory);\n  } catch",
    }],
    hunts: [hunts.originAtCut],
  },
  {
    name: "fork: what a crash has left of a deleted session stays",
    replace: [{
      file: fork,
      from: "await removeSessionFiles(fileSystem, files);\n  context.report",
      to: "context.report",
    }],
    hunts: [hunts.forkOverRest],
  },
  {
    name: "fork: unfinished files stay",
    replace: [{
      file: fork,
      from:
        "for (const path of [files.logTemporary, files.metaTemporary, files.origin]) await unlinkIfThere(fileSystem, path);",
      to: "void unlinkIfThere;",
    }],
    hunts: [forks.fork, hunts.forkOverRest],
    redundant: "whoever uses such a name clears it before",
  },
  {
    name: "pull: the log gets its name when the directory has been synced",
    replace: [{
      file: rebuild,
      from: "await fileSystem.rename(path, files.log);\n      await fileSystem.syncDirectory(context.directory);",
      to: "await fileSystem.syncDirectory(context.directory);\n      await fileSystem.rename(path, files.log);",
    }],
    hunts: [sinks.pulled],
  },
  {
    name: "pull: what a crash has left of a deleted session stays",
    replace: [{
      file: rebuild,
      from: "if (isRest) await removeSessionFiles(fileSystem, files);",
      to: "void removeSessionFiles;",
    }],
    hunts: [hunts.pullOverRest],
  },
  {
    name: "pull: the directory of large values is not made",
    replace: [{ file: "sink/pull_session.ts", from: "await openBlobDirectory(context);" }],
    hunts: [sinks.pulledBlob],
  },
  {
    name: "pull: a large value is not put in its place",
    replace: [{
      file: "sink/pull_session.ts",
      from:
        "await replaceFile(context.fileSystem, blobPath(context, blob.hash), `${blobDirectory(context)}/${id}.tmp`, bytes);\n  await context",
      to: "await context",
    }],
    hunts: [sinks.pulledBlob],
  },
  {
    name: "sink: its directory is not made",
    replace: [{ file: "sink/sink_cursor.ts", from: "await makeOwnDirectory(fileSystem, directory);" }],
    hunts: [sinks.pulled],
  },
  {
    name: "sink: two of them work on one store",
    replace: [{
      file: "sink/sink_cursor.ts",
      from: 'const attempt = await fileSystem.lock(path, fileSystem.processName ?? "another process");',
      to: 'const attempt = await fileSystem.lock(`${path}.${Math.random()}`, "");',
    }],
    hunts: [hunts.twoSinks],
  },
  {
    name: "sink: the cursor is not written",
    replace: [{
      file: "sink/sink_cursor.ts",
      from: "await replaceFile(this.#fileSystem, path, `${this.#directory}/cursor.tmp`, bytes);",
      to: "void [path, bytes];",
    }],
    hunts: [hunts.deletedBetween],
  },
  {
    name: "trash: a deletion that names no place there leaves its files",
    replace: [{
      file: "store/session_trash.ts",
      from: "if (item === null || meta.trash === undefined) return await removeSessionFiles(fileSystem, files);",
      to: "if (item === null || meta.trash === undefined) return;",
    }],
    hunts: [nameOrderProbes.noPlace],
  },
  {
    name: "continuation: its records are there before the meta file says what it continues",
    replace: [{
      file: continuation,
      from: "await session.writeMeta(change);\n    await begin(to, session, copy.records, facts.summary);",
      to: "await begin(to, session, copy.records, facts.summary);\n    await session.writeMeta(change);",
    }],
    hunts: [hunts.continuedAgain],
  },
  {
    name: "promotion: a summary without records is left out",
    replace: [{
      file: continuation,
      from: "if (lines.length === 0) await session.writeMeta({ summary });",
      to: "if (lines.length === 0) await Promise.resolve();",
    }],
    hunts: [hunts.summaryPromoted],
  },
];

/**
 * Steps of forks and of the archive.
 *
 * @module
 */

import { systemErrorCode } from "../../src/errors.ts";
import { FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { bytesOf, directory, must, withStore } from "./cut_probe.ts";
import { cuts, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";
import type { Mutation } from "./mutation.ts";

const sessionFork = "store/session_fork.ts";
const archive = "log/archive.ts";
const history = [
  { kind: "append" },
  { kind: "append", sizes: ["sector"] },
  { kind: "append-batch", sizes: ["small", "small"] },
  { kind: "truncate", keep: 3, summary: true },
] as const;
const batch = [{ kind: "append" }, { kind: "append-batch", sizes: ["small", "small", "small"] }] as const;

/** What finds them out; other tables use it, too. */
export const hunts = {
  fork: cuts("fork", [{ kind: "fork" }], { prepare: history }),
  inBatch: cuts("fork in the middle of a batch", [{ kind: "fork", variant: "early" }], { prepare: batch }),
  behindBatch: cuts("fork behind a batch", [{ kind: "fork" }], { prepare: batch }),
  buffered: cuts("append buffered, fork", [{ kind: "append", buffered: true }, { kind: "fork" }], {
    prepare: history,
  }),
  compacted: cuts("fork, compact the fork", [{ kind: "fork" }, { kind: "compact", session: 1 }], { prepare: history }),
  taken: probe("a fork to a key that is taken, of a session that is not open", taken),
  archive: cuts("archive", [{ kind: "archive" }], { prepare: history }),
  archiveRecreate: cuts("archive, delete, append", [{ kind: "archive" }, { kind: "recreate" }], { prepare: history }),
  archiveRemove: cuts("archive, delete", [{ kind: "archive" }, { kind: "delete" }], { prepare: history }),
  archiveFork: cuts("archive, fork", [{ kind: "archive" }, { kind: "fork" }], { prepare: history }),
  stripped: probe("a fork whose meta file picoclaw has written", stripped),
  sharing: probe("a fork at an early record, where files share bytes", sharing),
  unfinished: probe("an archiving compaction fails, the next one does not archive, the power goes", unfinished),
  half: probe("what an unfinished compaction left is not read twice", half),
};

/** Another session is not overwritten. */
async function taken(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  const append = async (key: string): Promise<void> => {
    await withStore(open, machine, async (store) => {
      await (await store.session(key)).append({ role: "user", content: key });
    });
  };
  await append("source");
  await append("taken");
  await withStore(open, machine, async (store) => {
    const code = await store.fork("source", "taken").then(() => "none", systemErrorCode);
    must("I7", code === "exists", `A fork to a key that is taken ended with ${code}`);
  });
}

/** The seed is found again, and so the first record counts. */
async function stripped(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    const source = await store.session("source");
    for (const content of ["0", "1"]) await source.append({ role: "user", content });
    await store.fork("source", "fork");
    await store.delete("source");
  });
  const path = `${directory}/fork.meta.json`;
  const meta = JSON.parse(new TextDecoder().decode(await bytesOf(machine, path)));
  const file = await machine.open(path, { access: "write" });
  await file.truncate(0);
  await file.write(new TextEncoder().encode(JSON.stringify({ ...meta, holdfast: undefined })), 0);
  await file.close();
  await withStore(open, machine, async (store) => {
    const { length } = await (await store.session("fork")).history();
    must("I12", length === 2, `Of two records ${length} are left`);
  });
}

async function sharing(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ reflinks: true });
  await withStore(open, machine, async (store) => {
    const source = await store.session("source");
    for (const content of ["0", "1", "2"]) await source.append({ role: "user", content });
    await store.fork("source", "fork", { at: 0 });
    const history = await (await store.session("fork")).history();
    must("I3", history.length === 1, `The fork has ${history.length} records, not one`);
    must("I11", (await (await store.session("fork")).verify()).ok, "The fork is damaged");
  });
}

async function unfinished(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  let isArmed = false;
  const port = new FaultyFileSystem(machine, {
    failAt: 1,
    fault: { kind: "error", code: "ENOSPC" },
    filter: ({ method, path }) => isArmed && method === "write" && path.includes(".meta."),
  });
  await withStore(open, port, async (store) => {
    const chat = await store.session("chat");
    for (const content of ["0", "1", "2", "3"]) await chat.append({ role: "user", content });
    await chat.truncate(1);
    isArmed = true;
    const code = await chat.compact({ archive: true }).then(() => "none", systemErrorCode);
    must("I14", code === "disk-full", `The compaction was not refused, but ended with ${code}`);
  });
  await withStore(open, machine, async (store) => void await (await store.session("chat")).compact());
  await withStore(open, machine.crash(), async (store) => {
    const all: number[] = [];
    for await (const { sequence } of (await store.session("chat")).records({ all: true })) all.push(sequence);
    must("I7", all.join() === "3", `What was removed for good is there again: ${all.join()}`);
  });
}

async function half(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    const chat = await store.session("chat");
    for (const content of ["0", "1", "2", "3"]) await chat.append({ role: "user", content });
    await chat.truncate(1);
    let isSeen = false;
    machine.onStep = () => {
      const image = machine.clone().crash();
      images.push(image);
      isSeen = true;
    };
    const images: SimulatedFileSystem[] = [];
    await chat.compact({ archive: true });
    machine.onStep = undefined;
    must("error", isSeen, "no step was seen");
    for (const image of images) {
      await withStore(open, image, async (reader) => {
        const all: number[] = [];
        for await (const { sequence } of (await reader.session("chat")).records({ all: true })) all.push(sequence);
        must("I3", all.join() === "0,1,2,3", `Not each record once: ${all.join()}`);
      });
    }
  });
}

/** Steps of forks. */
export const forkMutations: readonly Mutation[] = [
  {
    name: "fork: its meta file does not say deleted while it is made",
    replace: [{ file: sessionFork, from: "deleted: true });", to: "deleted: false });" }],
    hunts: [hunts.fork],
  },
  {
    name: "fork: no meta file while it is made",
    replace: [{ file: sessionFork, from: "await write({ ...newMeta(to, facts.createdAt), deleted: true });" }],
    hunts: [hunts.fork],
  },
  {
    name: "fork: its names are not synced before the commit",
    replace: [{
      file: sessionFork,
      from: "await fileSystem.syncDirectory(directory);\n    const { bytes, count }",
      to: "const { bytes, count }",
    }],
    hunts: [hunts.fork],
  },
  {
    name: "fork: its log is not synced",
    replace: [{ file: "log/log_copy.ts", from: "await handle.syncData();" }],
    hunts: [hunts.fork],
  },
  {
    name: "fork: what is buffered in the source is not made durable first",
    replace: [{ file: "store/session_store.ts", from: "await source.beforeRead();" }],
    hunts: [hunts.buffered],
  },
  {
    name: "fork: the last line goes on saying that more of its batch follows",
    replace: [{
      file: "log/fork_point.ts",
      from: "if (mark !== null && !mark.batchContinues && !mark.deferred) {",
      to: "if (mark !== null) {",
    }],
    hunts: [hunts.inBatch],
  },
  {
    name: "fork: the members of a batch in front of its last line stay as they are",
    replace: [{
      file: "log/fork_point.ts",
      from: "mark.deferred ? [...before.batch, last] : [last]",
      to: "[last]",
    }],
    hunts: [hunts.inBatch],
  },
  {
    name: "fork: the last line of a whole batch is cut loose from it",
    replace: [{
      file: "log/fork_point.ts",
      from: "if (!mark.batchContinues && before.batch.length > 0) {",
      to: "if (!mark.batchContinues && before.batch.length < 0) {",
    }, {
      file: "log/fork_point.ts",
      from: "mark.deferred ? [...before.batch, last] : [last]",
      to: "[last]",
    }],
    hunts: [hunts.behindBatch],
  },
  {
    name: "fork: its meta file does not say what seeds its log",
    replace: [{ file: sessionFork, from: "{ ...facts, seed: checksumText(seed), first,", to: "{ ...facts, first," }],
    hunts: [hunts.fork],
  },
  {
    name: "fork: nothing beside its meta file says what seeds its log",
    replace: [{
      file: sessionFork,
      from: "await writeOrigin(fileSystem, files, { key: facts.key, seed, parent: facts.parent });",
    }],
    hunts: [hunts.stripped],
  },
  {
    name: "fork: compacting it seeds its log by another key",
    replace: [{
      file: "store/history_edits.ts",
      from: "files.logTemporary, old, session.seed,",
      to: "files.logTemporary, old, 0,",
    }],
    hunts: [hunts.compacted],
  },
  {
    name: "fork: a key that is taken is not refused",
    replace: [{ file: sessionFork, from: "if (!isRest && (", to: 'if (!isRest && files.name === "" && (' }],
    hunts: [hunts.taken],
  },
  {
    name: "fork: what is shared beyond the cut is not cut off",
    replace: [{ file: "log/log_copy.ts", from: "else await clone.truncate(source.bytes);" }],
    hunts: [hunts.sharing],
  },
];

/** Steps of the archive. */
export const archiveMutations: readonly Mutation[] = [
  {
    name: "archive: the second name of the old log is not synced",
    replace: [{
      file: archive,
      from: "await fileSystem.syncDirectory(directory);\n    return true;",
      to: "return true;",
    }],
    hunts: [hunts.archive],
  },
  {
    name: "archive: its directory's name is not synced",
    replace: [{ file: "log/side_directory.ts", from: "await fileSystem.syncDirectory(directoryOf(directory));" }],
    hunts: [hunts.archive],
    redundant: "the meta file is written before the new log gets its name, and that syncs the store's directory",
  },
  {
    name: "archive: it ends one record too early",
    replace: [{ file: "store/history_edits.ts", from: "last: lastRemoved }", to: "last: lastRemoved - 1 }" }],
    hunts: [hunts.archive],
  },
  {
    name: "archive: what a compaction that was not finished left stays",
    replace: [{
      file: "store/session_recovery.ts",
      from: "await sweepArchive(context.fileSystem, files.archive, handle);",
    }],
    hunts: [hunts.archive],
  },
  {
    name: "archive: that this was taken away is not synced",
    replace: [{ file: archive, from: "if (isChanged) await fileSystem.syncDirectory(directory);" }],
    hunts: [hunts.unfinished],
  },
  {
    name: "archive: what the log has is read from the archive, too",
    replace: [{
      file: "store/archive_reading.ts",
      from: "const below = group.done === true ? Infinity : group.value[0]?.sequence ?? Infinity;",
      to: "const below = Infinity;",
    }],
    hunts: [hunts.half],
  },
  {
    name: "archive: deleting the session leaves it there",
    replace: [{ file: "store/session_files.ts", from: "await removeArchive(fileSystem, files.archive);" }],
    hunts: [hunts.archiveRecreate],
  },
  {
    name: "archive: a fork does not get it",
    replace: [{ file: sessionFork, from: "await forkArchive(source, view, files, seed, firstSequence);" }],
    hunts: [hunts.archiveFork],
  },
  {
    name: "archive: its files' removal is not synced before its own",
    replace: [{
      file: archive,
      from: "await fileSystem.syncDirectory(directory);\n  await removeOwnDirectory",
      to: "await removeOwnDirectory",
    }],
    hunts: [hunts.archiveRemove, hunts.archiveRecreate],
    redundant: "the directory goes as a whole, unless somebody else's files are in it",
  },
];

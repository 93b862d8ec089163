/**
 * The order of steps on the way into the trash, back, and out of it for good.
 *
 * @module
 */

import { systemErrorCode } from "../../src/errors.ts";
import { crashStates, FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { WatchedFileSystem } from "../store/watched_filesystem.ts";
import { contentsOf, directory, eachCut, message, must, withStore } from "./cut_probe.ts";
import { type Hunt, probe } from "./hunts.ts";
import { hunts as housekeeping } from "./housekeeping_mutations.ts";
import { leftoverProbes } from "./leftover_probes.ts";
import type { Mutation } from "./mutation.ts";
import type { OpenStore } from "./mutant_source.ts";
import { hunts as trashSyncs } from "./trash_sync_mutations.ts";

async function withTrashed(open: OpenStore, machine: SimulatedFileSystem): Promise<void> {
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    for (const content of ["0", "1"]) await session.append(message(content));
    await session.truncate(1);
    await session.compact({ archive: true });
    await store.moveToTrash("chat");
  });
}

/**
 * At each cut of the way into the trash the session can be read there, once it is there, and is brought back without
 * house being kept (I1, I8).
 */
async function backAtOnce(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const moments: SimulatedFileSystem[] = [];
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    for (const content of ["0", "1"]) await session.append(message(content));
    machine.onStep = () => void moments.push(machine.clone());
    await store.moveToTrash("chat");
    machine.onStep = undefined;
  });
  for (const moment of moments) {
    for (const { choices } of crashStates(moment, { limit: 16 })) {
      const after = moment.clone().crash(choices);
      await withStore(open, after, async (store) => {
        const [entry] = await store.trash();
        if (entry !== undefined) await readInTrash(open, after, entry.id);
        if (entry !== undefined) await store.restore("chat");
        else if (!await store.has("chat")) return;
        const found = (await contentsOf(store)).join();
        must("I1", found === "0,1", `What was brought back has ${found || "no record"}`);
      });
    }
  }
}

/** A place in the trash is a store of one session. */
async function readInTrash(open: OpenStore, machine: SimulatedFileSystem, id: string): Promise<void> {
  const item = await open(`${directory}/trash/${id}`, { fileSystem: machine, readOnly: true });
  const found = (await contentsOf(item)).join();
  await item.close();
  must("I8", found === "0,1", `In the trash there is a session with ${found || "no record"}`);
}

/** A second session of a key is deleted, and at each cut the first one is brought back: with nothing of the second (I7). */
async function firstOfTwo(open: OpenStore): Promise<void> {
  await eachCut(open, {
    prepare: async (store) => {
      for (const archive of [false, true]) {
        const session = await store.session("chat");
        for (const content of ["0", "1", archive ? "second" : "first"]) await session.append(message(content));
        await session.truncate(1);
        await session.compact({ archive });
        if (!archive) await store.moveToTrash("chat");
      }
    },
    work: async (machine) => await withStore(open, machine, async (store) => void await store.delete("chat")),
    check: async (machine) => {
      await withStore(open, machine, async (store) => {
        if (await store.has("chat")) return;
        await store.restore("1-chat");
        const found = (await contentsOf(store)).join();
        must("I7", found === "first", `With the first session comes back what was deleted of the second: ${found}`);
      });
    },
  });
}

/** A key is put into the trash twice: both are there, each with its own (I7). */
async function twice(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withTrashed(open, machine);
  await withStore(open, machine, async (store) => {
    await (await store.session("chat")).append(message("second"));
    await store.moveToTrash("chat");
    const ids = (await store.trash()).map(({ id }) => id).sort();
    must("I7", ids.join() === "1-chat,2-chat", `Of two sessions in the trash there are ${ids}`);
    await store.restore("1-chat");
    const found = (await contentsOf(store)).join();
    must("I7", found === "0,1", `The first one that went there comes back with ${found}`);
  });
}

/** What a full disk does not let come back stays in the trash, where it can be read (I14). */
async function fullDisk(open: OpenStore): Promise<void> {
  for (let failAt = 1;; failAt++) {
    const machine = new SimulatedFileSystem();
    await withTrashed(open, machine);
    const port = new FaultyFileSystem(machine, {
      failAt,
      fault: { kind: "error", code: "ENOSPC" },
      persistent: true,
      filter: ({ method }) => method === "write",
    });
    const store = await open(directory, { fileSystem: port });
    const code = await store.restore("chat").then(() => "none", systemErrorCode);
    await store.close().catch(() => undefined);
    if (code !== "none") await readInTrash(open, machine, "1-chat");
    if (port.fired.length === 0) return;
  }
}

/** At each call of bringing back, another process empties the trash: all of it is in the store, or it is gone (I8). */
async function emptiedMeanwhile(open: OpenStore): Promise<void> {
  for (let at = 0;; at++) {
    const machine = new SimulatedFileSystem();
    await withTrashed(open, machine);
    const port = new WatchedFileSystem(machine);
    const store = await open(directory, { fileSystem: port });
    const other = await open(directory, { fileSystem: machine.anotherProcess() });
    let calls = 0;
    port.onCall = async () => {
      if (calls++ !== at) return;
      for await (const _ of other.retain({ trashAgeMsMax: 0 })) continue;
    };
    const isBack = await store.restore("chat").then(() => true, () => false);
    port.onCall = null;
    await store.close();
    await other.close();
    await withStore(open, machine, async (left) => {
      for await (const _ of left.retain()) continue;
      const isWhole = isBack || (await left.trash()).length > 0;
      if (isWhole && !isBack) await left.restore("chat");
      const found = (await contentsOf(left)).join();
      must(
        "I8",
        found === (isWhole ? "0,1" : ""),
        `Emptied at call ${at} of bringing back, there is ${found || "nothing"}`,
      );
    });
    if (calls <= at) return;
  }
}

const hunts = {
  backAtOnce: probe("back from a trash that a cut has left half-way", backAtOnce),
  firstOfTwo: probe("the first of two sessions comes back while the second is deleted", firstOfTwo),
  twice: probe("a key goes into the trash twice", twice),
  fullDisk: probe("a session is brought back on a full disk", fullDisk),
  emptiedMeanwhile: probe("the trash is emptied while a session is brought back", emptiedMeanwhile),
} as const satisfies Record<string, Hunt>;

const file = "store/session_trash.ts";
const { there, back } = housekeeping;

/** All of them. */
export const trashOrderMutations: readonly Mutation[] = [
  {
    name: "trash: nothing moves when the meta file has said so",
    replace: [{
      file,
      from: "await moveToTrash(fileSystem, directory, files, meta).catch((",
      to: "await Promise.resolve().catch((",
    }],
    hunts: [leftoverProbes.trashed],
  },
  {
    name: "trash: two sessions of a name get one place",
    replace: [{
      file,
      from: "await fileSystem.makeDirectory(`${trash}/${id}`, 0o700);\n      return id;",
      to: "return id;",
    }],
    hunts: [hunts.twice],
  },
  {
    name: "trash: the directory is not made before a place in it is",
    replace: [{ file, from: "await makeOwnDirectory(fileSystem, trash);" }],
    hunts: [hunts.twice],
  },
  {
    name: "trash: the place is made when the meta file has named it",
    replace: [{
      file,
      from: "await makeOwnDirectory(fileSystem, trash);\n  for",
      to: "for",
    }, {
      file,
      from: "await fileSystem.makeDirectory(`${trash}/${id}`, 0o700);\n      return id;",
      to: "if (await statIfThere(fileSystem, `${trash}/${id}`) === null) return id;",
    }, {
      file,
      from: "// What a crash has left without any file in it is taken.\n      if ((await",
      to: "}\n    {\n      if ((await",
    }],
    hunts: [hunts.backAtOnce, hunts.twice],
    redundant: "moving makes what is not there, and only the holder of the session's lock gives out its numbers",
  },
  {
    name: "trash: after a crash its directory is not made again",
    replace: [{
      file,
      from:
        "await makeOwnDirectory(fileSystem, `${directory}/${trashDirectoryName}`);\n  await makeOwnDirectory(fileSystem, path);",
      to: "await makeOwnDirectory(fileSystem, path);",
    }],
    hunts: [hunts.backAtOnce],
    redundant: "it was made, durably, before any meta file named a place in it",
  },
  {
    name: "trash: after a crash its place is not made again",
    replace: [{ file, from: "await makeOwnDirectory(fileSystem, path);" }],
    hunts: [there],
  },
  {
    name: "trash: an unfinished new log stays in the store",
    replace: [{ file, from: "await unlinkIfThere(fileSystem, files.logTemporary);" }],
    hunts: [leftoverProbes.trashed, hunts.backAtOnce],
    redundant: "who opens the key next takes it away, and so does keeping house",
  },
  {
    name: "trash: an unfinished meta file stays in the store",
    replace: [{ file, from: "await unlinkIfThere(fileSystem, files.metaTemporary);" }],
    hunts: [leftoverProbes.trashed, hunts.backAtOnce],
    redundant: "who writes a meta file there next takes it away, and so does keeping house",
  },
  {
    name: "trash: the meta file there shows the session before its files are there",
    replace: [{
      file,
      from:
        "await moveFiles(fileSystem, files, item);\n  await fileSystem.syncDirectory(path);\n  await fileSystem.syncDirectory(directory);\n  const settled = { ...meta, deleted: false, trash: undefined };\n  await replaceFile(fileSystem, item.meta, item.metaTemporary, encodeMeta(settled));",
      to:
        "const settled = { ...meta, deleted: false, trash: undefined };\n  await replaceFile(fileSystem, item.meta, item.metaTemporary, encodeMeta(settled));\n  await moveFiles(fileSystem, files, item);\n  await fileSystem.syncDirectory(path);\n  await fileSystem.syncDirectory(directory);",
    }],
    hunts: [hunts.backAtOnce],
  },
  {
    name: "trash: the log stays in the store",
    replace: [{ file, from: "await renameIfThere(fileSystem, from.log, to.log);" }],
    hunts: [hunts.twice],
  },
  {
    name: "trash: of a file with two names the older one stays",
    replace: [{
      file,
      from: "=== stat.inode) await fileSystem.unlink(from);",
      to: "=== stat.inode) await Promise.resolve();",
    }],
    hunts: [there, back],
  },
  {
    name: "trash: files do not move",
    replace: [{ file, from: "else await fileSystem.rename(from, to);" }],
    hunts: [hunts.twice],
  },
  {
    name: "trash: a directory beside the log does not move",
    replace: [{
      file,
      from: "for (const name of names) await renameIfThere(fileSystem, `${from}/${name}`, `${to}/${name}`);",
    }],
    hunts: [leftoverProbes.trashed],
  },
  {
    name: "trash: a directory beside the log is not made there",
    replace: [{ file, from: "await makeOwnDirectory(fileSystem, to);" }],
    hunts: [leftoverProbes.trashed],
  },
  {
    name: "restore: what a cut has left half-way is not put into the trash first",
    replace: [{
      file: "store/trash_items.ts",
      from: 'if (there?.meta.state === "ok") await moveToTrash(fileSystem, directory, there.files, there.meta.meta);',
      to: "void moveToTrash;",
    }],
    hunts: [hunts.firstOfTwo],
  },
  {
    name: "restore: what the meta file will say takes its space when the files have moved",
    replace: [{
      file,
      from: "await replaceFile(fileSystem, files.meta, files.metaTemporary, onItsWay);\n",
      to:
        "await replaceFile(fileSystem, files.meta, files.metaTemporary, onItsWay);\n  await moveFiles(fileSystem, item, files);\n",
    }],
    hunts: [hunts.fullDisk],
  },
  {
    name: "restore: the files do not move",
    replace: [{ file, from: "await moveFiles(fileSystem, item, files);" }],
    hunts: [hunts.twice],
  },
  {
    name: "restore: the meta file leaves the trash before the other files",
    replace: [{
      file,
      from:
        "await moveFiles(fileSystem, item, files);\n  await fileSystem.syncDirectory(directory);\n  await unlinkIfThere(fileSystem, item.meta);",
      to:
        "await unlinkIfThere(fileSystem, item.meta);\n  await moveFiles(fileSystem, item, files);\n  await fileSystem.syncDirectory(directory);",
    }],
    hunts: [trashSyncs.restored],
    redundant: "the meta file in the store says where the session is on its way to, and moving goes on from there",
  },
  {
    name: "restore: the session is shown before its place in the trash is gone",
    replace: [{
      file,
      from:
        "await removeItemDirectory(place, id);\n  await renameDurably(fileSystem, files.metaTemporary, files.meta);",
      to: "await renameDurably(fileSystem, files.metaTemporary, files.meta);\n  await removeItemDirectory(place, id);",
    }],
    hunts: [trashSyncs.restored],
    redundant: "without a meta file it is nothing that could be brought back",
  },
  {
    name: "restore: the session is shown before its meta file has left the trash",
    replace: [{
      file,
      from:
        "await unlinkIfThere(fileSystem, item.meta);\n  await fileSystem.syncDirectory(trashItemPath(directory, id));\n  await removeItemDirectory(place, id);\n  await renameDurably(fileSystem, files.metaTemporary, files.meta);",
      to:
        "await renameDurably(fileSystem, files.metaTemporary, files.meta);\n  await unlinkIfThere(fileSystem, item.meta);\n  await fileSystem.syncDirectory(trashItemPath(directory, id));\n  await removeItemDirectory(place, id);",
    }],
    hunts: [trashSyncs.restored, back],
  },
  {
    name: "restore and empty: neither takes turns with the other",
    replace: [{
      file: "store/trash_items.ts",
      from:
        'const attempt = await fileSystem.lock(path, fileSystem.processName ?? "another process");\n  if (!attempt.acquired) {',
      to: 'const attempt = await fileSystem.lock(`${path}.${Math.random()}`, "");\n  if (!attempt.acquired) {',
    }],
    hunts: [hunts.emptiedMeanwhile],
  },
  {
    name: "empty: nothing goes",
    replace: [{
      file: "store/trash_items.ts",
      from: "await removeTrashItem(context, id)",
      to: "await Promise.resolve([removeTrashItem, id])",
    }],
    hunts: [leftoverProbes.trashed],
  },
  {
    name: "empty: the files go before they have the name of something removed",
    replace: [{
      file,
      from:
        "await removeGoneItem(place, goneId);\n  await fileSystem.rename(path, trashItemPath(directory, goneId));\n",
      to:
        "await removeGoneItem(place, goneId);\n  await removeSessionFiles(fileSystem, trashItemFiles(directory, id)!);\n  await fileSystem.rename(path, trashItemPath(directory, goneId));\n",
    }],
    hunts: [trashSyncs.emptied],
  },
];

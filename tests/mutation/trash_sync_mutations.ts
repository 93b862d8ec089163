/**
 * The directory syncs of the trash, one at a time.
 *
 * @module
 */

import { crashStates, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { contentsOf, must, withStore } from "./cut_probe.ts";
import { cuts, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";
import type { Mutation } from "./mutation.ts";

/** Cuts the power while something is done with a session in the trash: what can be restored then is whole (I1, I7). */
async function restorable(open: OpenStore, work: (machine: SimulatedFileSystem) => Promise<void>): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    for (const content of ["0", "1"]) await session.append({ role: "user", content });
    await store.moveToTrash("chat");
  });
  const moments: SimulatedFileSystem[] = [];
  machine.onStep = () => void moments.push(machine.clone());
  await work(machine);
  machine.onStep = undefined;
  moments.push(machine.clone());
  const seen = new Set<number>();
  for (const moment of moments) {
    for (const { choices } of crashStates(moment, { limit: 24 })) {
      const after = moment.clone().crash(choices);
      const image = after.diskImageHash();
      if (seen.has(image)) continue;
      seen.add(image);
      await withStore(open, after, async (store) => {
        const entries = await store.trash();
        const isThere = await store.has("chat");
        must("I3", entries.length + (isThere ? 1 : 0) <= 1, "A session is in the store and in the trash");
        if (entries.length > 0) await store.restore("chat");
        else if (!isThere) return;
        const found = (await contentsOf(store)).join();
        must("I1", found === "0,1", `What came back from the trash has ${found || "no record"}`);
      });
    }
  }
}

const prepare = [{ kind: "append" }, { kind: "append" }, { kind: "truncate", keep: 1, summary: true }] as const;
/** What finds them out; other tables use it, too. */
export const hunts = {
  into: cuts("into the trash", [{ kind: "trash" }], { prepare }),
  back: cuts("into the trash and back", [{ kind: "trash", variant: "back" }], { prepare }),
  archiveBack: cuts("archive, into the trash and back", [{ kind: "trash", variant: "back" }], {
    prepare: [...prepare, { kind: "archive" }],
  }),
  emptied: probe("the trash is emptied", async (open) => {
    await restorable(open, async (machine) => {
      await withStore(open, machine, async (store) => {
        for await (const _ of store.retain({ trashAgeMsMax: 0 })) continue;
      });
    });
  }),
  restored: probe("a session is restored", async (open) => {
    await restorable(open, async (machine) => {
      await withStore(open, machine, async (store) => void await store.restore("chat"));
    });
  }),
} as const;

const file = "store/session_trash.ts";
const syncs = "await fileSystem.syncDirectory(path);\n  await fileSystem.syncDirectory(directory);\n  const settled";
const ofTrash = "await fileSystem.syncDirectory(`${directory}/${trashDirectoryName}`);";

/** All of them. */
export const trashSyncMutations: readonly Mutation[] = [
  {
    name: "trash: the names that files get there are not synced",
    replace: [{ file, from: syncs, to: "await fileSystem.syncDirectory(directory);\n  const settled" }],
    hunts: [hunts.into, hunts.back, hunts.archiveBack],
    redundant: "a rename over two directories leaves one name or both, and the meta file's own has its sync",
  },
  {
    name: "trash: that files have left the store is not synced",
    replace: [{ file, from: syncs, to: "await fileSystem.syncDirectory(path);\n  const settled" }],
    hunts: [hunts.into],
  },
  {
    name: "trash: that the meta file has left the store is not synced",
    replace: [{
      file,
      from: "await unlinkIfThere(fileSystem, files.meta);\n  await fileSystem.syncDirectory(directory);",
      to: "await unlinkIfThere(fileSystem, files.meta);",
    }],
    hunts: [hunts.into, hunts.back],
    redundant: "one that comes back says where the session went, and moving it there goes on",
  },
  {
    name: "trash: the names in a directory beside the log are not synced",
    replace: [{ file, from: "await fileSystem.syncDirectory(to);\n" }],
    hunts: [hunts.archiveBack],
  },
  {
    name: "trash: that files have left the directory beside the log is not synced",
    replace: [{ file, from: "await fileSystem.syncDirectory(from);\n" }],
    hunts: [hunts.archiveBack],
    redundant: "a file with both names loses the older one when moving goes on",
  },
  {
    name: "restore: the names that files get are not synced before the meta file leaves the trash",
    replace: [{
      file,
      from: "await fileSystem.syncDirectory(directory);\n  await unlinkIfThere(fileSystem, item.meta);",
      to: "await unlinkIfThere(fileSystem, item.meta);",
    }],
    hunts: [hunts.back],
  },
  {
    name: "restore: that the meta file has left the trash is not synced",
    replace: [{ file, from: "await fileSystem.syncDirectory(trashItemPath(directory, id));\n" }],
    hunts: [hunts.restored, hunts.back],
    redundant: "its directory goes next, and that is synced",
  },
  {
    name: "restore: what the meta file will say is not synced before it gets its name",
    replace: [{
      file,
      from: "await writeFully(handle, encodeMeta(meta), 0);\n    await handle.syncData();",
      to: "await writeFully(handle, encodeMeta(meta), 0);",
    }],
    hunts: [hunts.restored, hunts.back],
  },
  {
    name: "trash: that the directory of an item is gone is not synced",
    replace: [{
      file,
      from: `await removeOwnDirectory(fileSystem, trashItemPath(directory, id));\n  ${ofTrash}`,
      to: "await removeOwnDirectory(fileSystem, trashItemPath(directory, id));",
    }],
    hunts: [hunts.restored, hunts.emptied, hunts.back],
    redundant: "one that comes back is empty: the next item of that name takes it",
  },
  {
    name: "restore: neither of the two",
    replace: [
      { file, from: "await fileSystem.syncDirectory(trashItemPath(directory, id));\n" },
      {
        file,
        from: `await removeOwnDirectory(fileSystem, trashItemPath(directory, id));\n  ${ofTrash}`,
        to: "await removeOwnDirectory(fileSystem, trashItemPath(directory, id));",
      },
    ],
    hunts: [hunts.restored],
  },
  {
    name: "empty: the new name of what is being removed is not synced",
    replace: [{
      file,
      from: `await fileSystem.rename(path, trashItemPath(directory, goneId));\n  ${ofTrash}`,
      to: "await fileSystem.rename(path, trashItemPath(directory, goneId));",
    }],
    hunts: [hunts.emptied],
  },
];

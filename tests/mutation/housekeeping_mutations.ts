/**
 * Steps of housekeeping: into the trash and back, out of it for good, and a writer that compacts by itself.
 *
 * @module
 */

import { crashStates, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { must, withStore } from "./cut_probe.ts";
import { cuts, type Hunt, probe } from "./hunts.ts";
import type { Mutation } from "./mutation.ts";
import type { OpenStore } from "./mutant_source.ts";

const prepare = [{ kind: "append" }, { kind: "append" }, { kind: "truncate", keep: 1, summary: true }] as const;
const trashed = cuts("into the trash", [{ kind: "trash" }], { prepare });
const back = cuts("into the trash and back", [{ kind: "trash", variant: "back" }], { prepare });
const retained = cuts("retain", [{ kind: "retain" }], { prepare: [...prepare, { kind: "reopen" }] });
const shrunk = cuts("compact by itself", [{ kind: "self-compact", keep: 1 }], {
  prepare: [{ kind: "append" }, ...prepare],
});

/** At each cut of a way to the trash, or back, the session is in one of the two places, whole. */
async function inOneOfTheTwo(open: OpenStore, isBack: boolean): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    for (let n = 0; n < 3; n++) await session.append({ n });
    await session.truncate(1, { summary: "s" });
    await session.compact({ archive: true });
    if (isBack) await store.moveToTrash("chat");
  });
  const moments: SimulatedFileSystem[] = [];
  machine.onStep = () => void moments.push(machine.clone());
  await withStore(open, machine, async (store) => {
    if (isBack) await store.restore("chat");
    else await store.moveToTrash("chat");
  });
  machine.onStep = undefined;
  moments.push(machine.clone());
  for (const moment of moments) {
    for (const { choices } of crashStates(moment, { limit: 16 })) {
      await withStore(open, moment.clone().crash(choices), async (store) => {
        for await (const _ of store.retain()) continue;
        const [entry] = await store.trash();
        must("I8", await store.has("chat") === (entry === undefined), "A session is in both places, or in none");
        if (entry !== undefined) await store.restore("chat");
        const session = await store.session("chat");
        const found: unknown[] = [];
        for await (const { record } of session.records({ all: true })) found.push(record["n"]);
        must("I1", found.join() === "0,1,2" && session.summary === "s", `Came back with ${found} ${session.summary}`);
      });
    }
  }
}

/** A session that was written to after it was looked at is nothing old. */
async function writtenMeanwhile(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    for (const key of ["a", "b"]) await (await store.session(key)).append({ n: 0 });
  });
  await withStore(open, machine, async (store) => {
    for await (const { key } of store.retain({ sessionsMax: 0 })) {
      if (key !== "a") continue;
      await withStore(open, machine.anotherProcess(), async (other) => {
        await (await other.session("b")).append({ n: 1 });
      });
    }
    must("I1", await store.has("b"), "A session went to the trash that had just been written to");
  });
}

const day = 86_400_000;

/** Nobody knows how old anything is while the clock stands in 1970. */
async function clockNotSet(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    await (await store.session("a")).append({ n: 0 });
  });
  await withStore(open, machine, async (store) => {
    for (const nowMs of [900 * day, Date.UTC(2026, 0, 1)]) {
      for await (const { action } of store.retain({ ageMsMax: day, nowMs })) {
        must("I19", action !== "trash", `A session that has no time was called old at ${nowMs}`);
      }
    }
  });
}

/** What finds them out; other tables use it, too. */
export const hunts = {
  there: probe("a session on its way to the trash", async (open) => await inOneOfTheTwo(open, false)),
  back: probe("a session on its way back", async (open) => await inOneOfTheTwo(open, true)),
  meanwhile: probe("a session is written to while house is kept", writtenMeanwhile),
  clock: probe("a clock that is not set", clockNotSet),
} as const satisfies Record<string, Hunt>;

const file = "store/session_trash.ts";

/** Steps of housekeeping. */
export const housekeepingMutations: readonly Mutation[] = [
  {
    name: "trash: the files move before the meta file says so",
    replace: [{
      file,
      from: "await replaceFile(fileSystem, files.meta, files.metaTemporary, encodeMeta(meta));\n    context.counters",
      to: "context.counters",
    }],
    hunts: [hunts.there, trashed],
  },
  {
    name: "trash: the meta file goes before the one in the trash is there",
    replace: [{
      file,
      from:
        "await replaceFile(fileSystem, item.meta, item.metaTemporary, encodeMeta(settled));\n  await unlinkIfThere(fileSystem, files.meta);",
      to:
        "await unlinkIfThere(fileSystem, files.meta);\n  await fileSystem.syncDirectory(directory);\n  await replaceFile(fileSystem, item.meta, item.metaTemporary, encodeMeta(settled));",
    }],
    hunts: [hunts.there, trashed],
  },
  {
    name: "trash: what a crash has left is deleted instead of moved",
    replace: [{
      file: "store/session_opening.ts",
      from:
        "if (meta.trash === undefined) await removeSessionFiles(fileSystem, files);\n    else await moveToTrash(fileSystem, context.directory, files, meta);",
      to: "await removeSessionFiles(fileSystem, files);\n    void moveToTrash;",
    }],
    hunts: [hunts.there],
  },
  {
    name: "trash: a file with both names is renamed, which leaves both",
    replace: [{
      file,
      from:
        "if (stat.inode !== 0 && (await statIfThere(fileSystem, to))?.inode === stat.inode) await fileSystem.unlink(from);\n  else await",
      to: "await",
    }],
    hunts: [hunts.there, hunts.back],
  },
  {
    name: "restore: the session is shown before its files are there",
    replace: [{
      file,
      from: "await replaceFile(fileSystem, files.meta, files.metaTemporary, onItsWay);",
      to: "await replaceFile(fileSystem, files.meta, files.metaTemporary, encodeMeta(meta));\n  void onItsWay;",
    }],
    hunts: [hunts.back, back],
  },
  {
    name: "restore: nothing says where it is on its way to",
    replace: [{
      file,
      from: "await replaceFile(fileSystem, files.meta, files.metaTemporary, onItsWay);",
      to: "void onItsWay;",
    }],
    hunts: [hunts.back, back],
  },
  {
    name: "restore: the meta file is put in place, and that is not durable",
    replace: [{
      file,
      from: "await renameDurably(fileSystem, files.metaTemporary, files.meta);",
      to: "void renameDurably;\n  await fileSystem.rename(files.metaTemporary, files.meta);",
    }],
    hunts: [back],
  },
  {
    name: "empty: what is being removed keeps its name",
    replace: [{
      file,
      from: "await fileSystem.rename(path, trashItemPath(directory, goneId));\n",
      to: 'await removeSessionFiles(fileSystem, sessionFiles(path, itemPattern.exec(id)?.[1] ?? ""));\n',
    }],
    hunts: [retained, probe("the trash is emptied under power cuts", async (open) => await emptied(open))],
  },
  {
    name: "retain: a session that was written to meanwhile goes all the same",
    replace: [{ file, from: " || !await isUnchanged(files)" }],
    hunts: [hunts.meanwhile],
  },
  {
    name: "retain: a clock that is not set is believed",
    replace: [
      { file: "store/retention_clock.ts", from: "if (!this.isSet) return null;\n    const rank", to: "const rank" },
      { file: "store/retention_clock.ts", from: "modifiedMs >= clockSetFromMs && ", to: "" },
    ],
    hunts: [hunts.clock],
  },
  {
    name: "a writer that compacts by itself removes what is not hidden",
    replace: [{
      file: "store/self_compaction.ts",
      from: "await compactHistory(session, false, archive);",
      to: "session.meta.first = session.sequenceNext;\n    await compactHistory(session, false, archive);",
    }],
    hunts: [shrunk],
  },
];

/** What has begun to go does not come back, and what comes back is whole. */
async function emptied(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    for (let n = 0; n < 3; n++) await session.append({ n });
    await store.moveToTrash("chat");
  });
  const moments: SimulatedFileSystem[] = [];
  machine.onStep = () => void moments.push(machine.clone());
  await withStore(open, machine, async (store) => {
    for await (const _ of store.retain({ trashAgeMsMax: 0 })) continue;
  });
  for (const moment of [...moments, machine]) {
    for (const { choices } of crashStates(moment, { limit: 16 })) {
      await withStore(open, moment.clone().crash(choices), async (store) => {
        const [entry] = await store.trash();
        if (entry === undefined) return;
        await store.restore(entry.id);
        const history = await (await store.session("chat")).history();
        must("I8", history.length === 3, `Half of a session came back: ${history.length} of 3 records`);
      });
    }
  }
}

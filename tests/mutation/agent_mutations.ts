/**
 * Steps of what agents build on: the index of workspaces, promotion, what is not written again.
 *
 * @module
 */

import { FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { bytesOf, directory, eachCut, message, must, withStore } from "./cut_probe.ts";
import { cuts, type Hunt, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";
import type { Mutation } from "./mutation.ts";

const indexPath = `${directory}/.workspaces`;

/** A session that the index does not know of is written to: once that is acknowledged, it is the latest. */
async function namedBeforeAcknowledged(open: OpenStore): Promise<void> {
  await eachCut(open, {
    work: async (machine, acknowledge) => {
      const begin = async (key: string): Promise<void> => {
        await withStore(open, machine, async (store) => {
          const session = await store.session(key);
          await session.update({ workspace: "/w" });
          await session.append(message(key));
        });
      };
      await begin("chat");
      await machine.unlink(indexPath);
      await machine.syncDirectory(directory);
      await begin("other");
      await withStore(open, machine, async (store) => {
        await (await store.session("chat")).append(message("again"));
        acknowledge("chat");
        await Promise.resolve();
      });
    },
    check: async (machine, acknowledged) => {
      if (!acknowledged.has("chat")) return;
      const latest = await withStore(open, machine, async (store) => await store.latest({ workspace: "/w" }));
      must("I1", latest === "chat", `The latest session is said to be ${latest}`);
    },
  });
}

/** An index that cannot be brought up to date is not believed. */
async function staleIndexRemoved(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  let isArmed = false;
  const port = new FaultyFileSystem(machine, {
    failAt: 1,
    fault: { kind: "error", code: "ENOSPC" },
    filter: ({ method, path }) => isArmed && method === "open" && path === `${indexPath}.tmp`,
  });
  await withStore(open, port, async (store) => {
    for (const key of ["a", "b"]) {
      const session = await store.session(key);
      await session.update({ workspace: "/w" });
      isArmed = key === "a";
      await session.append(message(key));
      if (key === "a") await (await store.session("b")).update({ workspace: "/w" });
    }
  });
  const latest = await withStore(open, machine, async (store) => await store.latest({ workspace: "/w" }));
  must("C10", latest === "b", `The latest session is said to be ${latest}`);
}

/** Two stores put a workspace each into the index at the same time. */
async function bothInIndex(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ answerTurnsMax: 3 });
  const stores = [await open(directory, { fileSystem: machine }), await open(directory, { fileSystem: machine })];
  await Promise.all(stores.map(async (store, index) => {
    const session = await store.session(`s${index}`);
    await session.update({ workspace: `/w${index}` });
    await session.append(message("x"));
  }));
  for (const store of stores) await store.close();
  const text = new TextDecoder().decode(await bytesOf(machine, indexPath));
  must("C10", text.includes('"/w0"') && text.includes('"/w1"'), `An update of the index is lost: ${text}`);
}

/** However the power is cut, a history goes to one session. */
async function promotedOnce(open: OpenStore): Promise<void> {
  await eachCut(open, {
    prepare: async (store) => void await (await store.session("old")).append(message("old")),
    work: async (machine) => {
      await withStore(open, machine, async (store) => void await store.promote("old", "chat"));
    },
    check: async (machine) => {
      await withStore(open, machine, async (store) => {
        await store.promote("old", "third");
        const lengths = await Promise.all(["chat", "third"].map(async (key) => {
          return (await (await store.session(key)).history()).length;
        }));
        must("I3", lengths.join() !== "1,1", "Two sessions have got the same history");
      });
    },
  });
}

/** Who was deleted does not come back with what was promoted. */
async function notPromotedAgain(open: OpenStore): Promise<void> {
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    await (await store.session("old")).append(message("old"));
    must("I9", await store.promote("old", "chat"), "Nothing was promoted");
    await store.delete("chat");
    must("I7", !await store.promote("old", "chat"), "A deleted session has got its old history again");
  });
}

/** The same records with another summary are not the same. */
async function summaryCounts(open: OpenStore): Promise<void> {
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    const session = await store.session("chat");
    await session.replace([message("a")], { summary: "one" });
    await session.replace([message("a")], { summary: "two" });
    must("I8", session.summary === "two", "A summary that came with the same records is lost");
    await session.replace([message("a"), message("b")]);
    must("I8", (await session.history()).length === 2, "A record at the end is lost");
  });
}

const promotion: Hunt = cuts("promote", [{ kind: "promote" }], {
  prepare: [
    { kind: "append" },
    { kind: "append-batch", sizes: ["small", "sector"] },
    { kind: "truncate", keep: 2, summary: true },
  ],
});

const continuation = "store/session_continuation.ts";
const index = "store/workspace_index.ts";

/** Steps of the index, of promotion and of elision. */
export const agentMutations: readonly Mutation[] = [
  {
    name: "the index is told behind an append's back",
    replace: [{
      file: "store/open_session.ts",
      from: "if (noted !== null) await noted;",
      to: "void noted;",
    }],
    hunts: [probe("named before it is acknowledged", namedBeforeAcknowledged)],
  },
  {
    name: "an index that cannot be written stays",
    replace: [{
      file: index,
      from: "if (await unlinkIfThere(fileSystem, this.#path)) await fileSystem.syncDirectory(directory);",
    }],
    hunts: [probe("a stale index is removed", staleIndexRemoved)],
  },
  {
    name: "no lock on the index",
    replace: [{
      file: index,
      from: "const lock = await this.#lock();\n    if (lock === null) return false;",
      to: "const lock: FileLock = { release: async () => {} };",
    }],
    hunts: [probe("both are in the index", bothInIndex)],
  },
  {
    name: "a promoted session's summary behind its records",
    replace: [{
      file: continuation,
      from: "async () => await replaceHistory(session, lines, summary)",
      to: "async () => { await replaceHistory(session, lines); await session.writeMeta({ summary }); }",
    }],
    hunts: [promotion],
  },
  {
    name: "nobody is told for whom a history is promoted",
    replace: [{
      file: continuation,
      from: "if (promoted === undefined) await session.writeMeta({ promoted: { to: to.key, done: false } });",
    }],
    hunts: [probe("promoted once", promotedOnce)],
  },
  {
    name: "nobody is told that a history was promoted",
    replace: [{ file: continuation, from: "await finish(from, to, promoted).catch(() => undefined);" }],
    hunts: [probe("not promoted again", notPromotedAgain)],
  },
  {
    name: "a replace by the same records forgets the summary",
    replace: [{
      file: "store/write_elision.ts",
      from: "if (summary !== undefined && summary !== view.summary) return false;",
    }],
    hunts: [probe("the summary counts", summaryCounts)],
  },
  {
    name: "a replace by more records takes those in front for all",
    replace: [{
      file: "store/write_elision.ts",
      from: "return matched === lines.length;",
      to: "return true;",
    }],
    hunts: [probe("the summary counts", summaryCounts)],
  },
];

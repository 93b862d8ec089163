/** The classic questions about file systems, asked of both models. */
import { test } from "node:test";
import assert from "node:assert/strict";
import type { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { diskWith, edit, everyState, listing, many, put, sync, textAt } from "./simulation_verbs.ts";

for (const model of ["ordered", "weak"] as const) {
  for (const sectorBytes of [512, 4096] as const) {
    const options = { model, sectorBytes };
    const name = `${model}, ${sectorBytes}`;

    test(`litmus prefix-append (${name}): an append may be seen with a size but without its bytes`, async () => {
      const fileSystem = await diskWith(options, { "/log": "one\n" });
      await put(fileSystem, "/log", "two\n", 4);
      const found = await everyState(fileSystem, async (after) => (await textAt(after, "/log")) ?? "none");
      assert.ok(found.includes("one\n"));
      assert.ok(found.includes("one\n\0\0\0\0"));
      assert.ok(found.includes("one\ntwo\n"));
      assert.ok(found.every((text) => text.startsWith("one\n")));
    });

    test(`litmus zero-length file (${name}): create, write, rename without a sync`, async () => {
      const fileSystem = await diskWith(options, {});
      await put(fileSystem, "/new", "text");
      await fileSystem.rename("/new", "/name");
      const found = await everyState(fileSystem, async (after) => (await textAt(after, "/name")) ?? "none");
      assert.ok(found.includes("") && found.includes("none") && found.includes("text"));
    });

    test(`litmus replace via rename without a sync (${name}): ordered keeps old or new, weak does not`, async () => {
      const fileSystem = await diskWith(options, { "/name": "old" });
      await put(fileSystem, "/new", "new");
      await fileSystem.rename("/new", "/name");
      const found = await everyState(fileSystem, async (after) => (await textAt(after, "/name")) ?? "none");
      if (model === "ordered") assert.deepEqual(found, ["new", "old"]);
      else assert.ok(found.includes("") && found.includes("old") && found.includes("new"));
    });

    test(`litmus replace via rename with both syncs (${name}): old or new at every step, new at the end`, async () => {
      const fileSystem = await diskWith(options, { "/name": "old" });
      const look = async (after: SimulatedFileSystem): Promise<string> => (await textAt(after, "/name")) ?? "none";
      const file = await edit(fileSystem, "/new");
      assert.deepEqual(await everyState(fileSystem, look), ["old"]);
      await file.write(new TextEncoder().encode("new"), 0);
      assert.deepEqual(await everyState(fileSystem, look), ["old"]);
      await file.syncData();
      await file.close();
      await fileSystem.rename("/new", "/name");
      assert.deepEqual(await everyState(fileSystem, look), ["new", "old"]);
      await fileSystem.syncDirectory("/");
      assert.deepEqual(await everyState(fileSystem, listing), ["name=new"]);
    });

    test(`litmus a synced directory (${name}): a new file needs its own sync and its directory's`, async () => {
      const fileSystem = await diskWith(options, {});
      await put(fileSystem, "/file", "text");
      await fileSystem.syncDirectory("/");
      const named = await everyState(fileSystem, listing);
      assert.ok(named.includes("file=") && named.includes("file=text") && !named.includes(""));
      await sync(fileSystem, "/file");
      assert.deepEqual(await everyState(fileSystem, listing), ["file=text"]);
    });

    test(`litmus overwrite in synced fill (${name}): no name, no size, only the bytes are undecided`, async () => {
      const fill = many("\n", 4095);
      const fileSystem = await diskWith(options, { "/log": fill });
      await put(fileSystem, "/log", many("r", 600), 0);
      assert.deepEqual(fileSystem.pending().map(({ kind }) => kind), ["data"]);
      const found = await everyState(fileSystem, async (after) => String((await textAt(after, "/log"))?.length));
      assert.deepEqual(found, ["4095"]);
      const before = { ...fileSystem.counters };
      await sync(fileSystem, "/log");
      const { syncs, metadataSyncs, syncedPages } = fileSystem.counters;
      assert.deepEqual([syncs - before.syncs, metadataSyncs - before.metadataSyncs, syncedPages - before.syncedPages], [
        1,
        0,
        1,
      ]);
      assert.equal(fileSystem.pending().length, 0);
    });
  }
}

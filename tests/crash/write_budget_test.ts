import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";

const cycles = 200;

test("I20: a durable append in the steady state is one write, one sync and no change of a name", async () => {
  const fileSystem = new SimulatedFileSystem();
  await fileSystem.makeDirectory("/sessions", 0o700);
  const store = await openStore("/sessions", { fileSystem });
  const session = await store.session("chat");
  for (let warm = 0; warm < 3; warm++) await session.append({ role: "user", content: `warm ${warm}` });
  let extraSyncs = 0;
  let extraWrites = 0;
  for (let cycle = 0; cycle < cycles; cycle++) {
    const before = { ...fileSystem.counters };
    await session.append({ role: "user", content: `message ${cycle}` });
    const after = fileSystem.counters;
    assert.equal(after.namespaceOperations - before.namespaceOperations, 0);
    assert.equal(after.directorySyncs - before.directorySyncs, 0);
    assert.ok(after.syncs - before.syncs >= 1);
    extraSyncs += after.syncs - before.syncs - 1;
    extraWrites += after.writes - before.writes - 1;
  }
  // Fill is written ahead once for many appends.
  assert.ok(extraSyncs <= cycles / 20, `${extraSyncs} syncs beyond one for each append`);
  assert.ok(extraWrites <= cycles / 20, `${extraWrites} writes beyond one for each append`);
  await store.close();
});

test("I20: appends that are called at once share one write and one sync", async () => {
  const fileSystem = new SimulatedFileSystem();
  await fileSystem.makeDirectory("/sessions", 0o700);
  const store = await openStore("/sessions", { fileSystem });
  const session = await store.session("chat");
  for (let warm = 0; warm < 3; warm++) await session.append({ warm });
  const before = { ...fileSystem.counters };
  await Promise.all(Array.from({ length: 20 }, (_, index) => session.append({ index })));
  assert.equal(fileSystem.counters.syncs - before.syncs, 1);
  assert.equal(fileSystem.counters.writes - before.writes, 1);
  await store.close();
});

test("I20: buffered appends cost no sync before the flush, which costs one", async () => {
  const fileSystem = new SimulatedFileSystem();
  await fileSystem.makeDirectory("/sessions", 0o700);
  const store = await openStore("/sessions", { fileSystem });
  const session = await store.session("chat");
  for (let warm = 0; warm < 3; warm++) await session.append({ warm });
  const before = fileSystem.counters.syncs;
  for (let index = 0; index < 10; index++) await session.append({ index }, { durability: "buffered" });
  assert.equal(fileSystem.counters.syncs - before, 0);
  await session.flush();
  assert.equal(fileSystem.counters.syncs - before, 1);
  await store.close();
});

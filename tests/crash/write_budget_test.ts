import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";

const cycles = 200;
const pageBytes = 4096;

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

for (const model of ["weak", "ordered"] as const) {
  test(`I20: a small durable append into the fill writes its own bytes and syncs their page, without a size or a name (${model})`, async () => {
    const fileSystem = new SimulatedFileSystem({ model });
    await fileSystem.makeDirectory("/sessions", 0o700);
    const store = await openStore("/sessions", { fileSystem });
    const session = await store.session("chat");
    for (let warm = 0; warm < 3; warm++) await session.append({ role: "user", content: `warm ${warm}` });
    const total = { grown: 0, crossing: 0, writtenBytes: 0, recordBytes: 0, pages: 0 };
    let lines = await linesOf(fileSystem);
    for (let cycle = 0; cycle < cycles; cycle++) {
      const before = { ...fileSystem.counters };
      await session.append({ role: "user", content: `message ${cycle}` });
      const { writes, writtenBytes, truncations, syncs, metadataSyncs, directorySyncs, syncedPages } =
        fileSystem.counters;
      const cost = {
        writtenBytes: writtenBytes - before.writtenBytes,
        syncedPages: syncedPages - before.syncedPages,
        metadataSyncs: metadataSyncs - before.metadataSyncs,
        others: [writes - before.writes, syncs - before.syncs, directorySyncs - before.directorySyncs],
        truncations: truncations - before.truncations,
      };
      const { size, end: start } = lines;
      lines = await linesOf(fileSystem);
      const recordBytes = lines.end - start;
      total.writtenBytes += cost.writtenBytes;
      total.recordBytes += recordBytes;
      total.pages += cost.syncedPages;
      if (lines.size > size) {
        total.grown++;
        continue;
      }
      const pages = Math.floor((lines.end - 1) / pageBytes) - Math.floor(start / pageBytes) + 1;
      total.crossing += pages - 1;
      assert.deepEqual(cost, {
        writtenBytes: recordBytes,
        syncedPages: pages,
        metadataSyncs: 0,
        others: [1, 1, 0],
        truncations: 0,
      });
    }
    await store.close();
    // What fill costs, and records on the edge of a page, is spread over many appends.
    assert.ok(total.grown <= cycles / 50, `fill was written for ${total.grown} of ${cycles} appends`);
    assert.ok(total.crossing <= cycles / 20, `${total.crossing} appends were on two pages`);
    assert.ok(total.pages <= cycles * 1.1, `${total.pages} pages for ${cycles} appends`);
    assert.ok(total.writtenBytes <= 3 * total.recordBytes, `${total.writtenBytes} bytes for ${total.recordBytes}`);
  });
}

/** How large the log is, and where its last record ends, with its line feed. */
async function linesOf(fileSystem: SimulatedFileSystem): Promise<{ size: number; end: number }> {
  const file = await fileSystem.open("/sessions/chat.jsonl", { access: "read" });
  const bytes = new Uint8Array((await file.stat()).size);
  await file.read(bytes, 0);
  await file.close();
  return { size: bytes.length, end: bytes.findLastIndex((byte) => byte !== 10) + 2 };
}

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

/** What a failed sync leaves behind, and that the simulation leaves it so. */
import { test } from "node:test";
import assert from "node:assert/strict";
import type { FileHandle } from "../../src/fs/filesystem.ts";
import { FaultyFileSystem, type SimulatedFileSystem, type SyncFaultMode } from "../../src/testing/mod.ts";
import { bytes, crashCopy, diskWith, edit, everyState, many, textAt } from "./simulation_verbs.ts";

const eio = { code: "EIO" };

async function failing(
  model: "ordered" | "weak",
  mode: SyncFaultMode,
): Promise<{ fileSystem: SimulatedFileSystem; file: FileHandle }> {
  const fileSystem = await diskWith({ model }, { "/log": "old!" });
  const file = await edit(fileSystem, "/log");
  await file.write(bytes("NEW"), 0);
  await file.write(bytes("tail"), 4);
  fileSystem.failSync(file, mode);
  return { fileSystem, file };
}

const durable = async (fileSystem: SimulatedFileSystem): Promise<string[]> =>
  await everyState(fileSystem, async (after) => (await textAt(after, "/log")) ?? "none");

for (const model of ["ordered", "weak"] as const) {
  test(`failSync(dropped), ${model}: reading gives what the disk holds, at the size it had`, async () => {
    const { fileSystem, file } = await failing(model, "dropped");
    await assert.rejects(file.syncData(), eio);
    assert.equal(await textAt(fileSystem, "/log"), "old!\0\0\0\0");
    await file.syncData();
    assert.deepEqual(await durable(fileSystem), ["old!"]);
  });

  test(`A3: failSync(kept), ${model}: bytes look written, the next sync resolves, and they are on no disk`, async () => {
    const { fileSystem, file } = await failing(model, "kept");
    await assert.rejects(file.syncData(), eio);
    assert.equal(await textAt(fileSystem, "/log"), "NEW!tail");
    await file.syncData();
    assert.deepEqual(await durable(fileSystem), ["old!"]);
    const restarted = fileSystem.kill();
    assert.equal(await textAt(restarted, "/log"), "NEW!tail");
    const again = await edit(restarted, "/log");
    await again.syncData();
    assert.deepEqual(await durable(restarted), ["old!"]);
  });

  test(`A3: after failSync(kept), ${model}, later bytes reach the disk, and writing again brings the lost ones too`, async () => {
    const fileSystem = await diskWith({ model }, { "/log": many("o", 4096) });
    const file = await edit(fileSystem, "/log");
    await file.write(bytes(many("1", 4096)), 4096);
    fileSystem.failSync(file, "kept");
    await assert.rejects(file.syncData(), eio);
    await file.write(bytes("2"), 8192);
    await file.syncData();
    assert.deepEqual(await durable(fileSystem), [many("o", 4096) + many("\0", 4096) + "2"]);
    await file.write(bytes("1"), 4096);
    await file.syncData();
    assert.deepEqual(await durable(fileSystem), [many("o", 4096) + many("1", 4096) + "2"]);
  });

  test(`failSync(reverted), ${model}: the file is again what the disk holds, its size too`, async () => {
    const { fileSystem, file } = await failing(model, "reverted");
    await assert.rejects(file.syncData(), eio);
    assert.equal(await textAt(fileSystem, "/log"), "old!");
    await file.syncData();
    await file.write(bytes("5"), 4);
    await file.syncData();
    assert.deepEqual(await durable(fileSystem), ["old!5"]);
  });

  test(`failSync(false), ${model}: everything is durable, whatever the answer was`, async () => {
    const { fileSystem, file } = await failing(model, "false");
    await assert.rejects(file.syncData(), eio);
    assert.deepEqual(await durable(fileSystem), ["NEW!tail"]);
  });

  test(`failSync(late), ${model}: this sync resolves, the next one rejects, once`, async () => {
    const { fileSystem, file } = await failing(model, "late");
    await file.syncData();
    assert.deepEqual(await durable(fileSystem), ["old!"]);
    assert.throws(() => file.syncDataSync(), eio);
    await file.syncData();
    assert.deepEqual(await durable(fileSystem), ["old!"]);
  });
}

test("failSync(): each page independently reaches the disk or not, by choice", async () => {
  const fileSystem = await diskWith({ model: "weak", sectorBytes: 4096 }, { "/log": many("o", 8192) });
  const file = await edit(fileSystem, "/log");
  await file.write(bytes(many("n", 8192)), 0);
  fileSystem.failSync(file, "kept", [0, 1]);
  await assert.rejects(file.syncData(), eio);
  assert.equal(await textAt(fileSystem, "/log"), many("n", 8192));
  assert.equal(await textAt(fileSystem.crash(), "/log"), many("o", 4096) + many("n", 4096));
});

test("failSync(): the error is told once to each handle that was open, and not to later ones", async () => {
  const { fileSystem, file } = await failing("weak", "kept");
  const other = await edit(fileSystem, "/log");
  await assert.rejects(file.syncData(), eio);
  const later = await edit(fileSystem, "/log");
  await later.syncData();
  await assert.rejects(other.syncData(), eio);
  await other.syncData();
});

test("failSync() refuses a handle of another file system", async () => {
  const fileSystem = await diskWith({}, { "/log": "1" });
  const faulty = new FaultyFileSystem(fileSystem, { failAt: 1, fault: { kind: "error", code: "EIO" } });
  const handle = await edit(fileSystem, "/log");
  assert.throws(() => fileSystem.failSync({ ...handle }, "kept"), TypeError);
  assert.equal(faulty.calls, 0);
});

test("FaultyFileSystem passes each sync failure on to the simulation", async () => {
  const expected = { dropped: "old!", kept: "old!", reverted: "old!", false: "NEW!", late: "old!" };
  for (const mode of ["dropped", "kept", "reverted", "false", "late"] as const) {
    const fileSystem = await diskWith({}, { "/log": "old!" });
    const faulty = new FaultyFileSystem(fileSystem, { failAt: 2, fault: { kind: "sync", mode } });
    const file = await edit(faulty, "/log");
    await file.syncData();
    await file.write(bytes("NEW"), 0);
    if (mode === "late") {
      await file.syncData();
      await assert.rejects(file.syncData(), eio);
    } else await assert.rejects(file.syncData(), eio);
    assert.deepEqual(faulty.fired.map(({ method, path }) => `${method} ${path}`), ["syncData /log"]);
    assert.equal(await textAt(crashCopy(fileSystem, []), "/log"), expected[mode], mode);
  }
});

test("failSync(): another process that has the file open is told too", async () => {
  const { fileSystem, file } = await failing("weak", "kept");
  const other = await edit(fileSystem.anotherProcess(), "/log");
  await assert.rejects(file.syncData(), eio);
  await assert.rejects(other.syncData(), eio);
  await other.syncData();
});

test("failSync() may say that there is no space after all", async () => {
  const fileSystem = await diskWith({}, { "/log": "1" });
  const fault = { kind: "sync", mode: "dropped", code: "ENOSPC" } as const;
  const file = await edit(new FaultyFileSystem(fileSystem, { failAt: 1, fault }), "/log");
  await file.write(bytes("2"), 0);
  await assert.rejects(file.syncData(), { code: "ENOSPC" });
  assert.equal(await textAt(fileSystem, "/log"), "1");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { readCursor, SinkCursor } from "../../src/sink/sink_cursor.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";

const id = "00000000-0000-4000-8000-000000000001";
const progress = { id, key: "a", epoch: 2, next: 7, checksum: 12, manifest: 3 };

async function boardWith(text?: string): Promise<SimulatedFileSystem> {
  const fileSystem = new SimulatedFileSystem();
  for (const path of ["/sessions", "/sessions/.sink"]) await fileSystem.makeDirectory(path, 0o700);
  await fileSystem.syncDirectory("/");
  if (text === undefined) return fileSystem;
  const file = await fileSystem.open("/sessions/.sink/cursor.json", { access: "write", create: "exclusive" });
  await file.write(new TextEncoder().encode(text), 0);
  await file.close();
  return fileSystem;
}

test("SinkCursor keeps what was saved, and writes nothing when nothing has changed", async () => {
  const fileSystem = await boardWith();
  const cursor = await SinkCursor.open(fileSystem, "/sessions");
  cursor.sessions.set(id, progress);
  await cursor.save();
  const { inode } = await fileSystem.stat("/sessions/.sink/cursor.json");
  await cursor.save();
  assert.equal((await fileSystem.stat("/sessions/.sink/cursor.json")).inode, inode);
  await assert.rejects(SinkCursor.open(fileSystem, "/sessions"), { code: "locked" });
  await cursor.release();
  const again = await SinkCursor.open(fileSystem.clone().crash([]), "/sessions");
  assert.deepEqual([again.device, again.sessions.get(id)], [cursor.device, progress]);
});

test("readCursor() takes what is no cursor for none, and leaves out what is no session's progress", async () => {
  for (const text of ["", "{", "[]", '{"format":2}', '{"format":1,"device":"d"}']) {
    assert.equal(await readCursor(await boardWith(text), "/sessions"), null, text);
  }
  const sessions = [progress, { ...progress, id: "../x" }, { ...progress, next: -1 }, null, { ...progress, key: "" }];
  const read = await readCursor(await boardWith(JSON.stringify({ format: 1, device: "d", sessions })), "/sessions");
  assert.deepEqual([...read?.sessions.values() ?? []], [progress]);
  assert.equal(await readCursor(await boardWith(), "/sessions"), null);
});

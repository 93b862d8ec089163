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
  const cursor = await SinkCursor.open(fileSystem, "/sessions", "one");
  cursor.sessions.set(id, progress);
  await cursor.save();
  const { inode } = await fileSystem.stat("/sessions/.sink/cursor.json");
  await cursor.save();
  assert.equal((await fileSystem.stat("/sessions/.sink/cursor.json")).inode, inode);
  await assert.rejects(SinkCursor.open(fileSystem, "/sessions", "one"), { code: "locked" });
  await cursor.release();
  const again = await SinkCursor.open(fileSystem.clone().crash([]), "/sessions", "one");
  assert.deepEqual([again.device, again.sessions.get(id)], [cursor.device, progress]);
});

test("readCursor() takes what is no cursor for none, and leaves out what is no session's progress", async () => {
  for (const text of ["", "{", "[]", '{"format":2}', '{"format":1,"device":"d"}']) {
    assert.equal(await readCursor(await boardWith(text), "/sessions"), null, text);
  }
  const sessions = [progress, { ...progress, id: "../x" }, { ...progress, next: -1 }, null, { ...progress, key: "" }];
  const buckets = [{ place: "one", sessions }, null, { place: 1, sessions }, { place: null }];
  const read = await readCursor(await boardWith(JSON.stringify({ format: 1, device: "d", buckets })), "/sessions");
  assert.deepEqual(read?.buckets.map(({ place }) => place), ["one"]);
  assert.deepEqual([...read?.buckets[0]?.sessions.values() ?? []], [progress]);
  assert.equal(await readCursor(await boardWith(), "/sessions"), null);
});

test("SinkCursor: what was sent to one bucket was not sent to another, and is not forgotten over it", async () => {
  const fileSystem = await boardWith();
  const devices = new Set<string>();
  for (const [place, known] of [["one", 0], ["two", 0], ["one", 1], [null, 0], ["two", 1]] as const) {
    const cursor = await SinkCursor.open(fileSystem, "/sessions", place);
    devices.add(cursor.device);
    assert.equal(cursor.sessions.size, known, String(place));
    cursor.sessions.set(id, progress);
    await cursor.save();
    await cursor.release();
    assert.equal((await readCursor(fileSystem, "/sessions"))?.buckets[0]?.place, place);
  }
  assert.equal(devices.size, 1);
});

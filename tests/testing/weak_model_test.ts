import { test } from "node:test";
import assert from "node:assert/strict";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { crashCopy, cut, diskWith, everyState, listing, many, put, sync, textAt } from "./simulation_verbs.ts";

const weak = { model: "weak", sectorBytes: 512 } as const;

test("WEAK: each name is for itself: any subset survives", async () => {
  const fileSystem = await diskWith(weak, {});
  await fileSystem.makeDirectory("/a", 0o700);
  await fileSystem.makeDirectory("/b", 0o700);
  assert.deepEqual(await everyState(fileSystem, listing), ["", "a/", "a/ b/", "b/"]);
});

test("WEAK: syncData() of a new file does not make its name durable", async () => {
  const fileSystem = new SimulatedFileSystem(weak);
  await put(fileSystem, "/new", "text");
  await sync(fileSystem, "/new");
  assert.deepEqual(await everyState(fileSystem, listing), ["", "new=text"]);
});

test("WEAK: rename, then syncData() of the file, does not make the rename durable", async () => {
  const fileSystem = await diskWith(weak, { "/a": "old", "/b": "new" });
  await fileSystem.rename("/b", "/a");
  await sync(fileSystem, "/a");
  assert.deepEqual(await everyState(fileSystem, listing), ["a=new", "a=old b=new"]);
});

test("WEAK: syncDirectory() makes the names in it durable, not the bytes, not its own name", async () => {
  const fileSystem = new SimulatedFileSystem(weak);
  await fileSystem.makeDirectory("/d", 0o700);
  await put(fileSystem, "/d/file", "text");
  await fileSystem.syncDirectory("/d");
  assert.equal(await listing(crashCopy(fileSystem, [])), "");
  await fileSystem.syncDirectory("/");
  const after = fileSystem.crash();
  assert.equal(await textAt(after, "/d/file"), "");
});

test("WEAK: a growth without bytes reads NUL, noise or remains; bytes without a growth are not seen", async () => {
  const old = '{"a":1}\n';
  const fileSystem = await diskWith(weak, { "/log": old, "/other": many('{"b":2}\n', 100) });
  await put(fileSystem, "/log", '{"c":3}\n', old.length);
  const found = await everyState(fileSystem, async (after) => (await textAt(after, "/log")) ?? "none");
  assert.ok(found.every((text) => text.startsWith(old)));
  assert.equal(found.length, 5);
  assert.ok(found.includes(old));
  assert.ok(found.includes(`${old}${many("\0", 8)}`));
  assert.ok(found.includes(`${old}{"c":3}\n`));
});

test("WEAK: later appends survive without earlier ones", async () => {
  const fileSystem = await diskWith(weak, { "/log": "" });
  await put(fileSystem, "/log", many("a", 512));
  await put(fileSystem, "/log", many("b", 512), 512);
  const found = await everyState(fileSystem, async (after) => (await textAt(after, "/log")) ?? "none");
  assert.ok(found.includes(many("\0", 512) + many("b", 512)));
  assert.ok(found.some((text) => text.length === 1024 && text[0] !== "a" && text[0] !== "\0" && text.endsWith("b")));
});

test("WEAK: an append is torn at any sector", async () => {
  const fileSystem = await diskWith(weak, { "/log": "" });
  const text = many("a", 512) + many("b", 512) + many("c", 10);
  await put(fileSystem, "/log", text);
  const found = new Set(await everyState(fileSystem, async (after) => (await textAt(after, "/log")) ?? "none"));
  for (let mask = 0; mask < 8; mask++) {
    const sector = (index: number): string => {
      const part = text.slice(index * 512, index * 512 + 512);
      return ((mask >> index) & 1) === 1 ? part : many("\0", part.length);
    };
    assert.ok(found.has(sector(0) + sector(1) + sector(2)), `mask ${mask}`);
  }
});

test("WEAK: a truncation survives page by page; cut bytes come back", async () => {
  const fileSystem = await diskWith(weak, { "/log": many("a", 10_000) });
  await cut(fileSystem, "/log", 10);
  const sizes = await everyState(fileSystem, async (after) => String((await after.stat("/log")).size));
  assert.deepEqual(sizes, ["10", "10000", "4096", "8192"]);
});

test("WEAK: growth by truncate reads NUL, never garbage", async () => {
  const fileSystem = await diskWith(weak, { "/log": "1" });
  await cut(fileSystem, "/log", 1000);
  const found = await everyState(fileSystem, async (after) => (await textAt(after, "/log")) ?? "none");
  assert.deepEqual(found, ["1", `1${many("\0", 999)}`]);
});

test("WEAK: an unlinked or replaced file may return", async () => {
  const fileSystem = await diskWith(weak, { "/a": "1", "/b": "2", "/c": "3" });
  await fileSystem.unlink("/a");
  await fileSystem.rename("/c", "/b");
  assert.deepEqual(await everyState(fileSystem, listing), ["a=1 b=2 c=3", "a=1 b=3", "b=2 c=3", "b=3"]);
});

test("WEAK: a directory that was not synced loses all in it", async () => {
  const fileSystem = new SimulatedFileSystem(weak);
  await fileSystem.makeDirectory("/d", 0o700);
  await put(fileSystem, "/d/file", "text");
  await sync(fileSystem, "/d/file");
  await fileSystem.syncDirectory("/d");
  assert.equal(await listing(fileSystem.crash([])), "");
});

test("WEAK: a rename across directories may leave both names, and each directory is synced for itself", async () => {
  const fileSystem = await diskWith(weak, { "/a": "1" });
  await fileSystem.makeDirectory("/d", 0o700);
  await fileSystem.syncDirectory("/");
  await fileSystem.rename("/a", "/d/b");
  const look = async (after: SimulatedFileSystem): Promise<string> =>
    `${await textAt(after, "/a")} ${await textAt(after, "/d/b")}`;
  assert.deepEqual(await everyState(fileSystem, look), ["1 1", "1 undefined", "undefined 1"]);
  await fileSystem.syncDirectory("/d");
  assert.deepEqual(await everyState(fileSystem, look), ["1 1", "undefined 1"]);
  await fileSystem.syncDirectory("/");
  assert.deepEqual(await everyState(fileSystem, look), ["undefined 1"]);
});

test("WEAK: with splitRenames a rename can be seen in the middle", async () => {
  const fileSystem = await diskWith({ ...weak, splitRenames: true }, { "/a": "old", "/b": "new" });
  await fileSystem.rename("/b", "/a");
  assert.deepEqual(await everyState(fileSystem, listing), ["", "a=new", "a=new b=new", "a=old b=new", "b=new"]);
});

test("WEAK: a directory goes only when it is empty on the disk too", async () => {
  const fileSystem = new SimulatedFileSystem(weak);
  await fileSystem.makeDirectory("/d", 0o700);
  await put(fileSystem, "/d/file", "");
  await fileSystem.syncDirectory("/d");
  await fileSystem.syncDirectory("/");
  await fileSystem.unlink("/d/file");
  await fileSystem.removeDirectory("/d");
  const look = async (after: SimulatedFileSystem): Promise<string> =>
    `${await listing(after)}${(await textAt(after, "/d/file")) ?? " empty"}`;
  assert.deepEqual(await everyState(fileSystem, look), [" empty", "d/", "d/ empty"]);
});

test("WEAK: permission bits come undone too", async () => {
  const fileSystem = await diskWith(weak, { "/a": "1" });
  const file = await fileSystem.open("/a", { access: "write" });
  await file.setMode(0o644);
  await file.close();
  const modes = await everyState(fileSystem, async (after) => (await after.stat("/a")).mode.toString(8));
  assert.deepEqual(modes, ["600", "644"]);
});

import { test } from "node:test";
import assert from "node:assert/strict";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import {
  bytes,
  crashCopy,
  cut,
  diskWith,
  edit,
  everyState,
  listing,
  many,
  put,
  sync,
  textAt,
} from "./simulation_verbs.ts";

const ordered = { model: "ordered", sectorBytes: 512 } as const;

test("ORDERED: names survive as a prefix of their sequence", async () => {
  const fileSystem = await diskWith(ordered, { "/a": "1" });
  await fileSystem.rename("/a", "/b");
  await fileSystem.makeDirectory("/d", 0o700);
  await fileSystem.link("/b", "/c");
  await fileSystem.unlink("/b");
  assert.deepEqual(await everyState(fileSystem, listing), ["a=1", "b=1", "b=1 c=1 d/", "b=1 d/", "c=1 d/"]);
});

test("ORDERED: a rename survives only with everything before it in the sequence, truncations too", async () => {
  const fileSystem = await diskWith(ordered, { "/a": "12345", "/b": "x" });
  await cut(fileSystem, "/b", 0);
  await cut(fileSystem, "/a", 2);
  await fileSystem.rename("/a", "/c");
  const states = await everyState(fileSystem, listing);
  assert.deepEqual(states, ["a=12 b=", "a=12345 b=", "a=12345 b=x", "b= c=12"]);
});

test("ORDERED: a growth takes part only when its page is written back, after any later name (zero-length file)", async () => {
  const fileSystem = await diskWith(ordered, {});
  await put(fileSystem, "/new", "text");
  await fileSystem.rename("/new", "/name");
  assert.deepEqual(await everyState(fileSystem, listing), ["", "name=", "name=text", "new=", "new=text"]);
});

test("ORDERED: a growth needs every name that was changed before the write", async () => {
  const fileSystem = await diskWith(ordered, { "/log": "1", "/a": "" });
  await fileSystem.unlink("/a");
  await put(fileSystem, "/log", many("2", 4096), 4096);
  const states = await everyState(
    fileSystem,
    async (after) => `${await textAt(after, "/a")} ${(await after.stat("/log")).size}`,
  );
  assert.deepEqual(states, [" 1", "undefined 1", "undefined 8192"]);
});

test("ORDERED: auto_da_alloc: a rename over a name pulls the bytes along", async () => {
  const fileSystem = await diskWith(ordered, { "/name": "old" });
  await put(fileSystem, "/new", many("n", 600));
  await put(fileSystem, "/new", "m", 600);
  await fileSystem.rename("/new", "/name");
  const names = await everyState(fileSystem, async (after) => (await textAt(after, "/name")) ?? "none");
  assert.deepEqual(names, [`${many("n", 600)}m`, "old"]);
});

test("ORDERED: auto_da_alloc: truncate to nothing and rewrite pulls the bytes along at close", async () => {
  const fileSystem = await diskWith(ordered, { "/file": "old" });
  const file = await edit(fileSystem, "/file");
  await file.truncate(0);
  await file.write(bytes("new"), 0);
  await file.close();
  await fileSystem.makeDirectory("/later", 0o700);
  const states = await everyState(fileSystem, listing);
  assert.deepEqual(states, ["file=", "file=new", "file=new later/", "file=old"]);
});

test("ORDERED: a fresh page survives only with its bytes, whole; sizes grow page by page", async () => {
  const fileSystem = await diskWith(ordered, { "/log": "" });
  const text = many("a", 4096) + many("b", 4096) + many("c", 100);
  await put(fileSystem, "/log", text);
  const found = await everyState(fileSystem, async (after) => (await textAt(after, "/log")) ?? "none");
  assert.deepEqual(found, ["", text.slice(0, 4096), text.slice(0, 8192), text]);
});

test("ORDERED: growth inside the last page may survive without its bytes, which then read NUL", async () => {
  const fileSystem = await diskWith(ordered, { "/log": "1" });
  await put(fileSystem, "/log", "23", 1);
  assert.deepEqual(await everyState(fileSystem, listing), ["log=1", "log=1\0\0", "log=123"]);
});

test("ORDERED: overwrites are torn sector by sector, whatever else survives", async () => {
  const old = many("o", 1536);
  const fileSystem = await diskWith(ordered, { "/log": old });
  await fileSystem.makeDirectory("/d", 0o700);
  await put(fileSystem, "/log", many("n", 1000), 100);
  const states = new Set(await everyState(fileSystem, listing));
  const first = many("o", 100) + many("n", 412);
  const second = many("n", 512);
  const third = many("n", 76) + many("o", 436);
  for (const one of [old.slice(0, 512), first]) {
    for (const two of [old.slice(0, 512), second]) {
      for (const three of [old.slice(0, 512), third]) {
        for (const name of ["", "d/ "]) assert.ok(states.delete(`${name}log=${one}${two}${three}`));
      }
    }
  }
  assert.equal(states.size, 0);
});

test("ORDERED: syncData() of a file that grew makes every earlier name durable; of one that did not, none", async () => {
  const fileSystem = await diskWith(ordered, { "/log": "1" });
  await fileSystem.makeDirectory("/d", 0o700);
  await put(fileSystem, "/log", "2");
  await sync(fileSystem, "/log");
  assert.deepEqual(await everyState(fileSystem, listing), ["d/ log=2", "log=2"]);
  await put(fileSystem, "/log", "3", 1);
  await sync(fileSystem, "/log");
  assert.equal(fileSystem.pending().length, 0);
  assert.equal(await listing(fileSystem.crash()), "d/ log=23");
});

test("ORDERED: syncDirectory() makes names durable up to the last one in that directory, and no bytes", async () => {
  const fileSystem = await diskWith(ordered, {});
  await fileSystem.makeDirectory("/d", 0o700);
  await fileSystem.syncDirectory("/");
  await put(fileSystem, "/d/one", "1");
  await put(fileSystem, "/two", "2");
  await put(fileSystem, "/d/three", "3");
  await fileSystem.syncDirectory("/");
  const after = crashCopy(fileSystem, []);
  assert.equal(await textAt(after, "/d/one"), "");
  assert.equal(await textAt(after, "/two"), "");
  assert.equal(await textAt(after, "/d/three"), undefined);
});

test("ORDERED: a truncation is atomic; bytes behind it that were never written back read NUL", async () => {
  const fileSystem = await diskWith(ordered, { "/log": many("a", 10_000) });
  await cut(fileSystem, "/log", 10);
  const sizes = await everyState(fileSystem, async (after) => String((await after.stat("/log")).size));
  assert.deepEqual(sizes, ["10", "10000"]);
  const other = new SimulatedFileSystem(ordered);
  await put(other, "/log", "123456");
  await cut(other, "/log", 4);
  assert.ok((await everyState(other, listing)).includes("log=\0\0\0\0"));
});

test("ORDERED: a rename across directories is atomic", async () => {
  const fileSystem = await diskWith(ordered, { "/a": "1" });
  await fileSystem.makeDirectory("/d", 0o700);
  await fileSystem.syncDirectory("/");
  await fileSystem.rename("/a", "/d/b");
  const states = await everyState(
    fileSystem,
    async (after) => `${await listing(after)} ${await textAt(after, "/d/b")}`,
  );
  assert.deepEqual(states, ["a=1 d/ undefined", "d/ 1"]);
});

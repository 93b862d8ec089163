import { test } from "node:test";
import assert from "node:assert/strict";
import { type CrashState, crashStates, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { crashCopy, cut, diskWith, everyState, listing, many, put, sync } from "./simulation_verbs.ts";

test("crashStates() goes in the order of ALICE, and yields each outcome once", async () => {
  const fileSystem = await diskWith({ model: "weak" }, { "/log": many("o", 1024) });
  await put(fileSystem, "/log", many("n", 1024));
  await fileSystem.rename("/log", "/name");
  await fileSystem.makeDirectory("/d", 0o700);
  const states = [...crashStates(fileSystem)];
  assert.deepEqual(states.slice(0, 8).map(({ label }) => label), [
    "all kept",
    "none kept",
    "lost: write /log 0..1024",
    "lost: rename /log -> /name",
    "lost: mkdir /d",
    "alone: write /log 0..1024",
    "alone: rename /log -> /name",
    "alone: mkdir /d",
  ]);
  assert.ok(states.some(({ label }) => label.startsWith("last write torn: 2")));
  const outcomes = states.map(({ choices }) => fileSystem.outcomes(choices).join());
  assert.equal(new Set(outcomes).size, outcomes.length);
  assert.equal(outcomes.length, 16);
});

test("crashStates() finds all there is where there is little, in both models", async () => {
  for (const model of ["ordered", "weak"] as const) {
    const fileSystem = await diskWith({ model, sectorBytes: 4096 }, { "/a": "1" });
    await put(fileSystem, "/a", "2", 1);
    await fileSystem.rename("/a", "/b");
    await put(fileSystem, "/c", "3");
    const found = new Set<string>();
    for (const { choices } of crashStates(fileSystem, { limit: 2000 })) {
      found.add(await listing(crashCopy(fileSystem, choices)));
    }
    assert.deepEqual([...found].sort(), await everyState(fileSystem, listing));
  }
});

test("crashStates() keeps the limit, and depends on the seed only in its random part", async () => {
  const fileSystem = await diskWith({ model: "weak" }, { "/log": many("o", 100) });
  for (let page = 0; page < 6; page++) await put(fileSystem, "/log", many("n", 4096), page * 4096);
  await cut(fileSystem, "/log", 5000);
  const states = (limit: number, seed: number): CrashState[] => [...crashStates(fileSystem, { limit, seed })];
  assert.equal(states(10, 0).length, 10);
  assert.equal(states(3000, 0).length, 3000);
  assert.deepEqual(states(3000, 1), states(3000, 1));
  const [one, other] = [states(3000, 1), states(3000, 2)];
  const first = one.findIndex(({ label }) => label.startsWith("random"));
  assert.ok(first > 100 && first < 3000);
  assert.deepEqual(one.slice(0, first), other.slice(0, first));
  assert.notDeepEqual(one.slice(first), other.slice(first));
});

test("crashStates() of a synced file system is one state", async () => {
  const fileSystem = await diskWith({}, { "/log": "1" });
  const states = [...crashStates(fileSystem)].map(({ label, choices }) => ({ label, choices }));
  assert.deepEqual(states, [{ label: "all kept", choices: [] }]);
  await sync(fileSystem, "/log");
  assert.equal([...crashStates(fileSystem.crash())].length, 1);
});

test("crashStates() finds the bug of a store that renames before it syncs, in the weak model only", async () => {
  for (const [model, isFound] of [["ordered", false], ["weak", true]] as const) {
    const fileSystem: SimulatedFileSystem = await diskWith({ model }, { "/note": "old" });
    await put(fileSystem, "/note.new", "new");
    await fileSystem.rename("/note.new", "/note");
    await fileSystem.syncDirectory("/");
    const found: string[] = [];
    for (const { choices } of crashStates(fileSystem)) found.push(await listing(crashCopy(fileSystem, choices)));
    assert.equal(found.includes("note="), isFound);
  }
});

test("an empty new file system has nothing pending", () => {
  assert.deepEqual(new SimulatedFileSystem().pending(), []);
});

test("cutIdentity() is equal for equal disks a few calls later, and for copies; a sync makes another of it", async () => {
  const fileSystem = new SimulatedFileSystem({ model: "weak" });
  const file = await fileSystem.open("/a", { access: "write", create: "exclusive" });
  await file.write(new Uint8Array(600).fill(1), 0);
  const lost = fileSystem.cutIdentity([]);
  const kept = fileSystem.cutIdentity([-1, -1, -1]);
  assert.notEqual(lost, kept);
  await file.write(new Uint8Array(10).fill(2), 700);
  assert.equal(fileSystem.cutIdentity([]), lost);
  assert.equal(fileSystem.cutIdentity([-1, -1, -1, 0, 0]), kept);
  assert.equal(fileSystem.clone().cutIdentity([-1, -1, -1, 0, 0]), kept);
  await file.syncData();
  assert.notEqual(fileSystem.cutIdentity([]), lost);
});

test("watchContents() tells whether anybody has read a file, or asked for its size, also after a power cut", async () => {
  const fileSystem = new SimulatedFileSystem({ model: "weak" });
  const file = await fileSystem.open("/a.tmp", { access: "write", create: "exclusive" });
  await file.write(Uint8Array.of(1, 2, 3), 0);
  await file.syncData();
  await fileSystem.syncDirectory("/");
  const isSkipped = (path: string): boolean => path.endsWith(".tmp");
  const hash = (machine: SimulatedFileSystem): number => machine.imageHashWithout(isSkipped, new Set());
  const before = hash(fileSystem);
  await file.write(Uint8Array.of(4), 0);
  await file.syncData();
  assert.equal(hash(fileSystem), before);
  const skipped = new Set<number>();
  fileSystem.imageHashWithout(isSkipped, skipped);
  const looks: ((machine: SimulatedFileSystem) => Promise<unknown>)[] = [
    async (machine) => (await machine.stat("/a.tmp")).size,
    async (machine) => await (await machine.open("/a.tmp", { access: "read" })).read(new Uint8Array(1), 0),
    async (machine) => (await (await machine.crash().open("/a.tmp", { access: "read" })).stat()).size,
  ];
  for (const look of looks) {
    const copy = fileSystem.clone();
    const watch = copy.watchContents(skipped);
    assert.notEqual((await copy.stat("/a.tmp")).inode, 0);
    assert.equal(watch.looked, false);
    await look(copy);
    assert.equal(watch.looked, true);
  }
});

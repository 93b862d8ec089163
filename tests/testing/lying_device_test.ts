import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../properties.ts";
import { crashStates, type DeviceProfile, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { crashCopy, diskWith, listing, many, put, sync, textAt } from "./simulation_verbs.ts";

/** The choices of the device, and everything pending kept or lost. */
function lies(device: readonly number[], rest = 0): number[] {
  return [...device, ...new Array<number>(50).fill(rest)];
}

const everything: DeviceProfile = {
  droppedSyncs: 3,
  reorderedCommits: true,
  shornWrites: true,
  flippedBits: true,
  misdirectedWrites: true,
  damagedNeighbours: true,
};

test("a lying device whose first four choices are 0 is honest", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("ordered" as const, "weak" as const),
      fc.array(fc.integer(), { maxLength: 12 }),
      async (model, choices) => {
        const files = { "/a": many("a", 5000), "/b": "b" };
        const honest = await diskWith({ model }, files);
        const lying = await diskWith({ model, device: { ...everything, reorderedCommits: false } }, files);
        for (const fileSystem of [honest, lying]) {
          await put(fileSystem, "/a", many("n", 900), 4500);
          await fileSystem.rename("/b", "/c");
        }
        const one = honest.crash(choices);
        const other = lying.crash([0, 0, 0, 0, ...choices]);
        assert.equal(one.diskImageHash(), other.diskImageHash());
      },
    ),
    { numRuns: 60 },
  );
});

test("dropped syncs: what was acknowledged is undecided again, up to the number allowed", async () => {
  const fileSystem = await diskWith({ device: { droppedSyncs: 2 } }, { "/log": "1" });
  for (const [offset, text] of ["2", "3", "4"].entries()) {
    await put(fileSystem, "/log", text, offset + 1);
    await sync(fileSystem, "/log");
  }
  assert.equal(await textAt(crashCopy(fileSystem, lies([0])), "/log"), "1234");
  assert.equal(await textAt(crashCopy(fileSystem, lies([1])), "/log"), "123");
  assert.equal(await textAt(crashCopy(fileSystem, lies([2])), "/log"), "12");
  assert.equal(await textAt(crashCopy(fileSystem, lies([3])), "/log"), "1234");
  assert.equal(await textAt(crashCopy(fileSystem, lies([2], -1)), "/log"), "1234");
  await put(fileSystem, "/log", "5", 4096);
  await sync(fileSystem, "/log");
  // Later bytes without earlier ones, both acknowledged.
  const reordered = crashCopy(fileSystem, lies([2, 0, 0, 0, 0, 0, -1, -1]));
  assert.equal(await textAt(reordered, "/log"), `123${many("\0", 4093)}5`);
});

test("dropped syncs: a file made since the last real sync is gone", async () => {
  const fileSystem = await diskWith({ device: { droppedSyncs: 3 } }, {});
  await put(fileSystem, "/new", "text");
  await sync(fileSystem, "/new");
  await fileSystem.syncDirectory("/");
  assert.equal(await listing(crashCopy(fileSystem, lies([0]))), "new=text");
  assert.equal(await listing(crashCopy(fileSystem, lies([1]))), "");
  assert.equal(await listing(crashCopy(fileSystem, lies([2]))), "");
  assert.equal(await listing(crashCopy(fileSystem, lies([2], -1))), "new=text");
});

test("reordered commits: later names without earlier ones, also on an ordered file system", async () => {
  const fileSystem = await diskWith({ model: "ordered", device: { reorderedCommits: true } }, {});
  await fileSystem.makeDirectory("/a", 0o700);
  await fileSystem.makeDirectory("/b", 0o700);
  assert.equal(await listing(crashCopy(fileSystem, [0, 0, 0, 0, 0, 1])), "b/");
});

test("shorn writes: the first sectors of a page are new, the rest is old, NUL or 0xFF", async () => {
  const fileSystem = await diskWith({ device: { shornWrites: true } }, { "/log": many("o", 4096) });
  await put(fileSystem, "/log", many("n", 4096));
  await sync(fileSystem, "/log");
  for (let how = 0; how < 21; how++) {
    const kept = (1 + (how % 7)) * 512;
    const filling = ["o", "\0", "\xff"][Math.floor(how / 7)] ?? "";
    const found = await textAt(crashCopy(fileSystem, lies([0, 1, 0, how])), "/log");
    assert.equal(found, many("n", kept) + many(filling, 4096 - kept));
  }
});

test("flipped bits: exactly one bit of one file is wrong", async () => {
  const fileSystem = await diskWith({ device: { flippedBits: true } }, { "/a": "aaaa", "/b": many("b", 5000) });
  const honest = await listing(crashCopy(fileSystem, []));
  for (let bit = 0; bit < 32; bit++) {
    const text = (await textAt(crashCopy(fileSystem, lies([0, 1, 0, bit])), "/a")) ?? "";
    const different = [...text].map((letter) => letter.charCodeAt(0) ^ 0x61);
    assert.deepEqual(different.filter((byte) => byte !== 0), [1 << (bit % 8)]);
  }
  assert.equal(await listing(crashCopy(fileSystem, [])), honest);
  assert.notEqual(await listing(crashCopy(fileSystem, lies([0, 1, 1, 4500 * 8]))), honest);
});

test("misdirected writes: another place holds the page, its own holds the old bytes", async () => {
  const files = { "/a": many("a", 4096), "/b": many("b", 4096) };
  const fileSystem = await diskWith({ device: { misdirectedWrites: true } }, files);
  await put(fileSystem, "/a", many("n", 4096));
  await sync(fileSystem, "/a");
  const after = crashCopy(fileSystem, lies([0, 1, 0, 0]));
  assert.equal(await textAt(after, "/a"), many("a", 4096));
  assert.equal(await textAt(after, "/b"), many("n", 4096));
});

test("damaged neighbours: a sector near a recent write holds noise", async () => {
  const old = many("o", 16_384);
  const fileSystem = await diskWith({ device: { damagedNeighbours: true } }, { "/log": old });
  await put(fileSystem, "/log", "o", 0);
  await sync(fileSystem, "/log");
  const text = (await textAt(crashCopy(fileSystem, lies([0, 1, 0, 9])), "/log")) ?? "";
  assert.equal(text.length, old.length);
  assert.equal(text.slice(0, 9 * 512), old.slice(0, 9 * 512));
  assert.notEqual(text.slice(9 * 512, 10 * 512), old.slice(9 * 512, 10 * 512));
  assert.equal(text.slice(10 * 512), old.slice(10 * 512));
});

test("describe() and crashStates() know what the device did", async () => {
  const fileSystem = await diskWith({ device: everything }, { "/log": many("o", 4096) });
  await put(fileSystem, "/log", "n");
  assert.equal(fileSystem.pending()[0]?.choice, 4);
  const story = fileSystem.describe([1, 2, 0, 0, 0]);
  assert.match(story, /the device dropped the last 1 syncs, flipped a bit/);
  const labels = [...crashStates(fileSystem, { limit: 300 })];
  assert.equal(labels.length, 300);
  const damaged = new Set(labels.map(({ choices }) => crashCopy(fileSystem, choices).diskImageHash()));
  assert.ok(damaged.size > 50, String(damaged.size));
  assert.ok(new SimulatedFileSystem({ device: everything }).crash([5, 5, 5, 5]).diskImageHash() > 0);
});

import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../properties.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import {
  bytes,
  crashCopy,
  cut,
  diskWith,
  edit,
  everyChoice,
  everyState,
  listing,
  many,
  put,
  sync,
  textAt,
} from "./simulation_verbs.ts";

const settings = fc.record({
  model: fc.constantFrom("ordered" as const, "weak" as const),
  sectorBytes: fc.constantFrom(512 as const, 4096 as const),
  seed: fc.integer(),
});
const choices = fc.array(fc.integer({ min: -5, max: 300 }), { maxLength: 60 });

type Step =
  | { kind: "write"; file: number; offset: number; length: number; fill: number }
  | { kind: "truncate"; file: number; size: number }
  | { kind: "sync" | "unlink" | "link"; file: number }
  | { kind: "rename"; file: number; to: number }
  | { kind: "syncDirectory" | "mkdir" | "rmdir" }
  | { kind: "writeBack"; choices: number[] };

const file = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("write" as const),
    file,
    offset: fc.nat(9000),
    length: fc.integer({ min: 1, max: 5000 }),
    fill: fc.integer({ min: 32, max: 126 }),
  }),
  fc.record({ kind: fc.constant("truncate" as const), file, size: fc.nat(9000) }),
  fc.record({ kind: fc.constantFrom("sync" as const, "unlink" as const, "link" as const), file }),
  fc.record({ kind: fc.constant("rename" as const), file, to: file }),
  fc.record({ kind: fc.constantFrom("syncDirectory" as const, "mkdir" as const, "rmdir" as const) }),
  fc.record({ kind: fc.constant("writeBack" as const), choices: fc.array(fc.nat(300), { maxLength: 10 }) }),
);
const steps = fc.array(step, { maxLength: 12 });

async function perform(fileSystem: SimulatedFileSystem, one: Step): Promise<void> {
  switch (one.kind) {
    case "write":
      return await put(fileSystem, `/${one.file}`, many(String.fromCharCode(one.fill), one.length), one.offset);
    case "truncate": {
      const handle = await edit(fileSystem, `/${one.file}`);
      await handle.truncate(one.size);
      return await handle.close();
    }
    case "sync":
      return await sync(fileSystem, `/${one.file}`);
    case "unlink":
      return await fileSystem.unlink(`/${one.file}`);
    case "link":
      return await fileSystem.link(`/${one.file}`, "/2");
    case "rename":
      return await fileSystem.rename(`/${one.file}`, `/${one.to}`);
    case "syncDirectory":
      return await fileSystem.syncDirectory("/");
    case "mkdir":
      return await fileSystem.makeDirectory("/d", 0o700);
    case "rmdir":
      return await fileSystem.removeDirectory("/d");
    case "writeBack":
      return fileSystem.writeBack(one.choices);
  }
}

async function performAll(fileSystem: SimulatedFileSystem, all: readonly Step[]): Promise<void> {
  for (const one of all) {
    await perform(fileSystem, one).catch((error: unknown) => {
      // A step that has nothing to work on is none.
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code !== "ENOENT" && code !== "EEXIST") throw error;
    });
  }
}

test("crash() takes any list of integers, and gives the same disk for the same list", async () => {
  await fc.assert(
    fc.asyncProperty(settings, steps, fc.array(fc.integer()), async (options, all, list) => {
      const fileSystem = new SimulatedFileSystem(options);
      await performAll(fileSystem, all);
      const one = crashCopy(fileSystem, list);
      const other = crashCopy(fileSystem, list);
      assert.equal(one.diskImageHash(), other.diskImageHash());
      assert.equal(await listing(one), await listing(other));
      assert.equal(one.diskImageHash(), one.cacheImageHash());
      assert.equal(one.pending().length, 0);
    }),
    { numRuns: 150, seed: 20261120 },
  );
});

test("crash() with everything kept gives what programs saw", async () => {
  await fc.assert(
    fc.asyncProperty(settings, steps, async (options, all) => {
      const fileSystem = new SimulatedFileSystem(options);
      await performAll(fileSystem, all);
      const kept = fileSystem.pending().map(() => -1);
      assert.equal(crashCopy(fileSystem, kept).diskImageHash(), fileSystem.cacheImageHash());
    }),
    { numRuns: 150, seed: 20261120 },
  );
});

test("crash() with nothing kept gives what was durable", async () => {
  await fc.assert(
    fc.asyncProperty(settings, steps, async (options, all) => {
      const fileSystem = new SimulatedFileSystem(options);
      await performAll(fileSystem, all);
      assert.equal(crashCopy(fileSystem, []).diskImageHash(), fileSystem.diskImageHash());
    }),
    { numRuns: 150, seed: 20261120 },
  );
});

test("I1: what was synced survives every list of choices, and everything done to other files later", async () => {
  await fc.assert(
    fc.asyncProperty(settings, steps, steps, choices, async (options, before, after, list) => {
      const fileSystem = new SimulatedFileSystem(options);
      await performAll(fileSystem, before);
      await put(fileSystem, "/kept", many("k", 5000), 0);
      await sync(fileSystem, "/kept");
      await put(fileSystem, "/kept", many("K", 700), 300);
      await sync(fileSystem, "/kept");
      await fileSystem.syncDirectory("/");
      await performAll(fileSystem, after);
      const expected = many("k", 300) + many("K", 700) + many("k", 4000);
      assert.equal(await textAt(crashCopy(fileSystem, list), "/kept"), expected);
    }),
    { numRuns: 150, seed: 20261120 },
  );
});

test("everything synced leaves nothing to choose", async () => {
  await fc.assert(
    fc.asyncProperty(settings, steps, async (options, all) => {
      const fileSystem = new SimulatedFileSystem(options);
      await performAll(fileSystem, all);
      for (const { name, kind } of await fileSystem.readDirectory("/")) {
        if (kind === "file") await sync(fileSystem, `/${name}`);
      }
      await fileSystem.syncDirectory("/");
      assert.equal(fileSystem.diskImageHash(), fileSystem.cacheImageHash());
      const kept = fileSystem.pending().map(() => -1);
      assert.equal(crashCopy(fileSystem, kept).diskImageHash(), fileSystem.cacheImageHash());
    }),
    { numRuns: 150, seed: 20261120 },
  );
});

test("writeBack() takes nothing back: what it chose survives a power cut that keeps nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(settings, steps, choices, choices, async (options, all, list, later) => {
      const fileSystem = new SimulatedFileSystem(options);
      await performAll(fileSystem, all.filter(({ kind }) => kind !== "writeBack"));
      const chosen = crashCopy(fileSystem, list).diskImageHash();
      const seen = fileSystem.cacheImageHash();
      fileSystem.writeBack(list);
      assert.equal(fileSystem.cacheImageHash(), seen);
      assert.equal(fileSystem.diskImageHash(), chosen);
      const kept = fileSystem.pending().map(() => -1);
      assert.equal(crashCopy(fileSystem, kept).diskImageHash(), seen);
      crashCopy(fileSystem, later);
    }),
    { numRuns: 150, seed: 20261120 },
  );
});

test("writeBack() puts bytes on the disk for good: no change of another file moves them, garbage neither", async () => {
  await fc.assert(
    fc.asyncProperty(settings, steps, choices, steps, async (options, all, list, later) => {
      const fileSystem = new SimulatedFileSystem(options);
      await performAll(fileSystem, all);
      await put(fileSystem, "/own", many("o", 9000), 300);
      await fileSystem.syncDirectory("/");
      fileSystem.writeBack(list);
      const written = await textAt(crashCopy(fileSystem, []), "/own");
      await performAll(fileSystem, later.filter(({ kind }) => kind !== "writeBack"));
      assert.equal(await textAt(crashCopy(fileSystem, []), "/own"), written);
    }),
    { numRuns: 600, seed: 20261120 },
  );
});

test("seed -64728569: old bytes that writeBack() shows behind a growth are not those of a file that it changes later", async () => {
  const fileSystem = new SimulatedFileSystem({ model: "weak", sectorBytes: 4096, seed: -862300917 });
  await put(fileSystem, "/0", many(" ", 2816), 6091);
  await cut(fileSystem, "/1", 1);
  await fileSystem.syncDirectory("/");
  const list = [0, 1, 2, 0, 1];
  assert.match(fileSystem.describe(list), /grow \/0 8192 -> 8907: kept, old bytes where no data is/);
  const chosen = crashCopy(fileSystem, list).diskImageHash();
  // The truncation of /1 is whole, and leaves the pending operations at once: the only other file is now one byte long.
  fileSystem.writeBack(list);
  assert.equal(fileSystem.pending().length, 4);
  assert.equal(fileSystem.diskImageHash(), chosen);
  // Nor do they change when that file does.
  await put(fileSystem, "/1", many("x", 600));
  await sync(fileSystem, "/1");
  const shown = await textAt(crashCopy(fileSystem, []), "/0");
  await put(fileSystem, "/1", many("y", 600));
  await sync(fileSystem, "/1");
  assert.equal(await textAt(crashCopy(fileSystem, []), "/0"), shown);
});

test("a sector is old or new, never a mixture, and an older write to it survives with a newer one", async () => {
  for (const model of ["ordered", "weak"] as const) {
    const fileSystem = await diskWith({ model }, { "/log": many("o", 1024) });
    await put(fileSystem, "/log", many("1", 100), 0);
    await put(fileSystem, "/log", many("2", 600), 50);
    const found = await everyState(fileSystem, async (after) => (await textAt(after, "/log")) ?? "none");
    const first = [many("o", 512), many("1", 100) + many("o", 412), many("1", 50) + many("2", 462)];
    const second = [many("o", 512), many("2", 138) + many("o", 374)];
    assert.deepEqual(found, first.flatMap((one) => second.map((two) => one + two)).sort());
  }
});

test("every ORDERED state is a WEAK state: the weak model is the weaker one", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step.filter(({ kind }) => kind !== "writeBack"), { maxLength: 5 }), async (all) => {
      const strong = new SimulatedFileSystem({ model: "ordered", sectorBytes: 4096 });
      const weak = new SimulatedFileSystem({ model: "weak", sectorBytes: 4096 });
      await performAll(strong, all);
      await performAll(weak, all);
      const count = weak.pending().reduce((product, { outcomes }) => product * outcomes, 1);
      fc.pre(count <= 20_000);
      const states = new Set<number>();
      for (const list of everyChoice(weak)) states.add(crashCopy(weak, list).diskImageHash());
      for (const list of everyChoice(strong)) {
        const after = crashCopy(strong, list);
        assert.ok(states.has(after.diskImageHash()), `${strong.describe(list)}\n${await listing(after)}`);
      }
    }),
    { numRuns: 40, seed: 20261120 },
  );
});

test("describe() says what was pending and what survived", async () => {
  const fileSystem = await diskWith({ model: "weak" }, { "/log": many("o", 1024) });
  await put(fileSystem, "/log", many("n", 1024));
  await fileSystem.rename("/log", "/name");
  const file = await fileSystem.open("/name", { access: "write" });
  await file.write(bytes("more"), 1024);
  await file.close();
  assert.equal(
    fileSystem.describe([2, -1, 1, 0]),
    [
      "4 pending operations (weak, sectors of 512 bytes)",
      "  write /log 0..1024: torn, sectors 1 of 0,1",
      "  rename /log -> /name: kept",
      "  grow /name 1024 -> 1028: kept, noise where no data is",
      "  write /name 1024..1028: lost",
    ].join("\n"),
  );
  assert.deepEqual(fileSystem.pending().map(({ choice, outcomes }) => [choice, outcomes]), [[0, 4], [1, 2], [2, 4], [
    3,
    2,
  ]]);
});

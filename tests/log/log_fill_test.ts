import assert from "node:assert/strict";
import { test } from "node:test";
import { blank, fillBytesMax, FillPolicy, isBlankRange, withFill } from "../../src/log/log_fill.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";

test("FillPolicy: the first group of an open log gets no fill (C13)", () => {
  assert.equal(new FillPolicy(true).sizeFor(100, 200, 100), 100);
});

test("FillPolicy: the fill grows with what was appended, up to its bound, and never ends on a multiple of 512 (A2)", () => {
  const policy = new FillPolicy(true);
  let size = 0;
  let tail = 0;
  for (let group = 0; group < 2000; group++) {
    const before = size;
    size = Math.max(policy.sizeFor(size, tail + 1000, 1000), tail + 1000);
    tail += 1000;
    policy.wrote(1000);
    if (size > Math.max(before, tail)) {
      assert.notEqual(size % 512, 0);
      assert.ok(size - tail <= Math.max(4096, tail) + 4096, "no more than was appended so far, and a block");
      assert.ok(size - tail <= fillBytesMax + 4096);
    }
  }
  assert.ok(size - tail > 0);
});

test("FillPolicy: a group that fits changes nothing; a large one, and a policy that is off, fill nothing", () => {
  const policy = new FillPolicy(true);
  policy.wrote(1000);
  assert.equal(policy.sizeFor(8191, 5000, 1000), 8191);
  assert.equal(policy.sizeFor(1000, 101_000, 100_000), 1000);
  policy.disable();
  assert.equal(policy.sizeFor(1000, 2000, 1000), 1000);
  const off = new FillPolicy(false);
  off.wrote(1000);
  assert.equal(off.sizeFor(1000, 2000, 1000), 1000);
});

test("withFill() puts LF behind the group", () => {
  assert.deepEqual(withFill(Uint8Array.of(1, 2), 4), Uint8Array.of(1, 2, 10, 10));
  assert.deepEqual(blank(2), Uint8Array.of(10, 10));
});

test("isBlankRange() takes LF and NUL for blank, and nothing else, over any length", async () => {
  const machine = new SimulatedFileSystem();
  const handle = await machine.open("/fill", { access: "write", create: "exclusive" });
  await handle.write(blank(200_000), 0);
  await handle.truncate(210_000);
  assert.equal(await isBlankRange(handle, 0, 210_000), true);
  await handle.write(Uint8Array.of(0x20), 150_000);
  assert.equal(await isBlankRange(handle, 0, 210_000), false);
  assert.equal(await isBlankRange(handle, 150_001, 210_000), true);
  await handle.close();
});

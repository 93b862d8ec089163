import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { findBlockDevice } from "../../src/fs/runtime_block_device.ts";

test("findBlockDevice finds the device with its counters, or says why not", async () => {
  const { device, reason } = await findBlockDevice(tmpdir());
  assert.equal(device === null, reason !== "");
  if (device === null) return;
  assert.match(device.name, /^[\w!.-]+$/);
  const before = await device.readCounters();
  const after = await device.readCounters();
  assert.ok(before !== null && after !== null && after.bytesWritten >= before.bytesWritten);
});

test("findBlockDevice: proc is on no block device, and a directory that is not there does not throw", async () => {
  assert.equal((await findBlockDevice("/proc/self")).device, null);
  assert.equal((await findBlockDevice(`${tmpdir()}/holdfast-there-is-none`)).device, null);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileSystem } from "../../src/fs/filesystem.ts";
import { LogIdentity } from "../../src/log/log_identity.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";

const path = "/log.jsonl";

async function begin(): Promise<SimulatedFileSystem> {
  const machine = new SimulatedFileSystem();
  const handle = await machine.open(path, { access: "write", create: "exclusive" });
  await handle.write(new TextEncoder().encode("{}\n"), 0);
  await handle.close();
  return machine;
}

/** The same port with a blocking look, that gives what it is told to. */
function withStatSync(inner: SimulatedFileSystem, statSync: NonNullable<FileSystem["statSync"]>): FileSystem {
  return Object.assign(Object.create(inner), { statSync });
}

test("LogIdentity.look() tells the size while the name leads to the open file, and what became of it (H15)", async () => {
  const machine = await begin();
  const handle = await machine.open(path, { access: "write" });
  const identity = new LogIdentity(machine, path, handle);
  assert.equal(await identity.look(), 3);
  await handle.truncate(10);
  assert.equal(await identity.look(), 10);
  await machine.rename(path, "/elsewhere");
  assert.equal(await identity.look(), "removed");
  await (await machine.open(path, { access: "write", create: "exclusive" })).close();
  assert.equal(await identity.look(), "replaced");
  await handle.close();
});

test("LogIdentity.look() uses the blocking look where there is one", async () => {
  const machine = await begin();
  const handle = await machine.open(path, { access: "write" });
  const stat = await machine.stat(path);
  let looks = 0;
  const seeing = withStatSync(machine, () => {
    looks++;
    return stat;
  });
  assert.equal(await new LogIdentity(seeing, path, handle).look(), 3);
  assert.equal(looks, 1);
  const missing = withStatSync(machine, () => {
    throw Object.assign(new Error("gone"), { code: "ENOENT" });
  });
  assert.equal(await new LogIdentity(missing, path, handle).look(), "removed");
  const failing = withStatSync(machine, () => {
    throw Object.assign(new Error("broken"), { code: "EIO" });
  });
  await assert.rejects(new LogIdentity(failing, path, handle).look(), { code: "io", path });
  await handle.close();
});

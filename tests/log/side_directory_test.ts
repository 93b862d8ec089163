import assert from "node:assert/strict";
import { test } from "node:test";
import { makeOwnDirectory, removeOwnDirectory, standsAsDirectory } from "../../src/log/side_directory.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";

test("makeOwnDirectory() makes it once, 0700, and its name is durable", async () => {
  const machine = new SimulatedFileSystem();
  assert.equal(await standsAsDirectory(machine, "/chat.archive"), false);
  await makeOwnDirectory(machine, "/chat.archive");
  await makeOwnDirectory(machine, "/chat.archive");
  assert.equal((await machine.stat("/chat.archive")).mode, 0o700);
  assert.equal(await standsAsDirectory(machine.crash(), "/chat.archive"), true);
});

test("a symbolic link, or a file, in a directory's place is refused (I16)", async () => {
  const machine = new SimulatedFileSystem();
  await machine.makeDirectory("/elsewhere", 0o700);
  machine.addSymbolicLink("/link", "/elsewhere");
  await (await machine.open("/file", { access: "write", create: "exclusive" })).close();
  for (const path of ["/link", "/file"]) {
    await assert.rejects(standsAsDirectory(machine, path), { code: "io" });
    await assert.rejects(makeOwnDirectory(machine, path), { code: "io" });
  }
});

test("removeOwnDirectory() leaves a directory that somebody has put something into", async () => {
  const machine = new SimulatedFileSystem();
  await removeOwnDirectory(machine, "/none");
  await makeOwnDirectory(machine, "/own");
  await (await machine.open("/own/note", { access: "write", create: "exclusive" })).close();
  await removeOwnDirectory(machine, "/own");
  assert.equal(await standsAsDirectory(machine, "/own"), true);
  await machine.unlink("/own/note");
  await removeOwnDirectory(machine, "/own");
  assert.equal(await standsAsDirectory(machine, "/own"), false);
});

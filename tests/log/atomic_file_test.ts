import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import {
  createTemporary,
  directoryOf,
  readWhole,
  renameDurably,
  replaceFile,
  statIfThere,
  unlinkIfThere,
  writeFully,
  writeFullySync,
} from "../../src/log/atomic_file.ts";
import { textOf, utf8 } from "./log_fixture.ts";
import { MemoryFileSystem, systemError } from "./memory_filesystem.ts";

const path = "/store/meta.json";
const temporaryPath = "/store/meta.json.tmp";

test("replaceFile() writes, syncs, renames and syncs the directory, in this order", async () => {
  const fileSystem = new MemoryFileSystem();
  await replaceFile(fileSystem, path, temporaryPath, utf8("new"));
  const expected = [
    `create ${temporaryPath}`,
    `write ${temporaryPath} 0 3`,
    `sync ${temporaryPath}`,
    `rename ${temporaryPath} ${path}`,
    "syncDirectory /store",
  ];
  assert.deepEqual(fileSystem.calls, expected);
  assert.equal(fileSystem.text(path), "new");
  assert.equal((await fileSystem.stat(path)).mode, 0o600);
  fileSystem.calls.length = 0;
  await replaceFile(fileSystem, path, temporaryPath, utf8("two"));
  assert.deepEqual(fileSystem.calls, expected);
  assert.equal(fileSystem.text(path), "two");
});

test("a failure at any step leaves the old file, or is `failed`", async () => {
  for (const old of ["old", null]) {
    for (let failing = 0; failing < 5; failing++) {
      const fileSystem = new MemoryFileSystem();
      if (old !== null) fileSystem.put(path, old);
      let count = 0;
      fileSystem.hook = () => {
        if (count++ === failing) throw systemError("EIO");
      };
      const isFailed = failing >= 3;
      await assert.rejects(replaceFile(fileSystem, path, temporaryPath, utf8("new")), {
        code: isFailed ? "failed" : "EIO",
      });
      assert.equal(fileSystem.openCount, 0);
      const stands = failing === 4 ? "new" : old;
      assert.deepEqual(fileSystem.paths().includes(path) ? fileSystem.text(path) : null, stands, `call ${failing}`);
      if (!isFailed) assert.ok(!fileSystem.paths().includes(temporaryPath));
      // What is left does not stand in the way.
      fileSystem.hook = () => {};
      await replaceFile(fileSystem, path, temporaryPath, utf8("again"));
      assert.deepEqual(fileSystem.paths(), [path]);
      assert.equal(fileSystem.text(path), "again");
    }
  }
});

test("a short write is carried on, and one that makes no progress is a full disk", async () => {
  const fileSystem = new MemoryFileSystem();
  fileSystem.hook = ({ name, bytes }) => name.startsWith("write") ? Math.min(2, bytes.length) : undefined;
  await replaceFile(fileSystem, path, temporaryPath, utf8("12345"));
  assert.equal(fileSystem.text(path), "12345");
  const handle = await fileSystem.open(path, { access: "write" });
  writeFullySync(handle, utf8("abcde"), 1);
  assert.equal(fileSystem.text(path), "1abcde");
  fileSystem.hook = () => 0;
  await assert.rejects(writeFully(handle, utf8("x"), 0), { code: "disk-full" });
  assert.throws(() => writeFullySync(handle, utf8("x"), 0), { code: "disk-full" });
  await handle.close();
});

test("what a crash left under the temporary name goes, also if it is longer", async () => {
  const fileSystem = new MemoryFileSystem();
  fileSystem.put(temporaryPath, "left over from a crash");
  await replaceFile(fileSystem, path, temporaryPath, utf8("new"));
  assert.deepEqual(fileSystem.paths(), [path]);
  assert.equal(fileSystem.text(path), "new");
});

test("mode and owner of the replaced file are kept; an owner that may not be given is not insisted on", async () => {
  const fileSystem = new MemoryFileSystem();
  const owned = { mode: 0o640, userId: 7, groupId: 8 };
  fileSystem.put(path, "old");
  const like = { ...(await fileSystem.stat(path)), ...owned };
  const handle = await createTemporary(fileSystem, temporaryPath, like);
  const { mode, userId, groupId } = await handle.stat();
  assert.deepEqual({ mode, userId, groupId }, owned);
  await handle.close();
  for (const code of ["EPERM", "EIO"]) {
    fileSystem.hook = ({ name }) => {
      if (name === "setOwner") throw systemError(code);
    };
    const made = createTemporary(fileSystem, temporaryPath, like);
    if (code === "EPERM") await (await made).close();
    else {
      await assert.rejects(made, { code });
      assert.ok(!fileSystem.paths().includes(temporaryPath));
    }
    assert.equal(fileSystem.openCount, 0);
  }
});

test("on a real file system: content, mode and owner", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-atomic-"));
  context.after(() => rm(directory, { recursive: true }));
  const file = `${directory}/meta.json`;
  await replaceFile(runtimeFileSystem, file, `${file}.tmp`, utf8("one"));
  assert.equal((await runtimeFileSystem.stat(file)).mode, 0o600);
  const handle = await runtimeFileSystem.open(file, { access: "write" });
  await handle.setMode(0o644);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await handle.setOwner(1234, 5678);
  await handle.close();
  await replaceFile(runtimeFileSystem, file, `${file}.tmp`, utf8("two"));
  const { mode, userId, groupId } = await runtimeFileSystem.stat(file);
  assert.equal(mode, 0o644);
  if (isRoot) assert.deepEqual([userId, groupId], [1234, 5678]);
  else context.diagnostic("owner not checked: only root may give a file away");
  assert.equal(textOf(await readWhole(runtimeFileSystem, file, 100) ?? utf8("")), "two");
  assert.equal(await statIfThere(runtimeFileSystem, `${file}.tmp`), null);
  assert.equal(await unlinkIfThere(runtimeFileSystem, file), true);
  assert.equal(await unlinkIfThere(runtimeFileSystem, file), false);
  assert.equal(await readWhole(runtimeFileSystem, file, 100), null);
});

test("renameDurably() tells that the outcome is unknown, with the path and the cause", async () => {
  const fileSystem = new MemoryFileSystem();
  await assert.rejects(renameDurably(fileSystem, "/a", "/b"), (error: unknown) => {
    assert.ok(error instanceof Error && "path" in error && "code" in error);
    assert.deepEqual([error.code, error.path], ["failed", "/b"]);
    assert.notEqual(error.cause, undefined);
    return true;
  });
});

test("readWhole() refuses a file over the limit without reading it; other errors pass", async () => {
  const fileSystem = new MemoryFileSystem();
  fileSystem.put("/a", "0123456789");
  assert.equal(textOf(await readWhole(fileSystem, "/a", 10) ?? utf8("")), "0123456789");
  fileSystem.bytesRead = 0;
  await assert.rejects(readWhole(fileSystem, "/a", 9), { code: "corrupt", path: "/a" });
  assert.deepEqual([fileSystem.bytesRead, fileSystem.openCount], [0, 0]);
  fileSystem.open = () => Promise.reject(systemError("EACCES"));
  await assert.rejects(readWhole(fileSystem, "/a", 10), { code: "EACCES" });
});

test("statIfThere() and unlinkIfThere() pass on what is not a missing file", async () => {
  const fileSystem = new MemoryFileSystem();
  fileSystem.stat = () => Promise.reject(systemError("EACCES"));
  fileSystem.unlink = () => Promise.reject(systemError("EBUSY"));
  await assert.rejects(statIfThere(fileSystem, "/a"), { code: "EACCES" });
  await assert.rejects(unlinkIfThere(fileSystem, "/a"), { code: "EBUSY" });
});

test("directoryOf() cuts at the last slash", () => {
  assert.deepEqual(["/a/b", "/a", "a/b/c", "a", "./a"].map(directoryOf), ["/a", "/", "a/b", ".", "."]);
});

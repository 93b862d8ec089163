/**
 * Names of files: rename, link, unlink, and what open handles see of them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { systemErrorCode } from "../../src/errors.ts";
import { type RegisterCase, rejectsWith, textOf, writeAt } from "./conformance_environment.ts";

/** Registers the cases. */
export function registerNameCases(register: RegisterCase): void {
  registerRename(register);
  registerLink(register);
  registerClone(register);
  registerUnlink(register);
}

function registerRename(register: RegisterCase): void {
  register("rename() gives a file another name", async ({ fileSystem, path, write, text }) => {
    await write(path("old"), "text");
    const before = await fileSystem.stat(path("old"));
    await fileSystem.rename(path("old"), path("new"));
    assert.equal(await text(path("new")), "text");
    assert.equal((await fileSystem.stat(path("new"))).inode, before.inode);
    await rejectsWith(fileSystem.stat(path("old")), "ENOENT");
  });

  register("rename() over a file: its open handle still reads and has no name", async (context) => {
    const { fileSystem, open, path, write, text } = context;
    await write(path("current"), "old");
    await write(path("next"), "new");
    const old = await open(path("current"), { access: "write" });
    await fileSystem.rename(path("next"), path("current"));
    assert.equal(await text(path("current")), "new");
    assert.equal(await textOf(old), "old");
    assert.equal((await old.stat()).linkCount, 0);
    assert.notEqual((await old.stat()).inode, (await fileSystem.stat(path("current"))).inode);
    await writeAt(old, "unseen", 0);
    assert.equal(await text(path("current")), "new");
  });

  register("rename() while open: the handle follows the file", async ({ fileSystem, open, path, text }) => {
    const handle = await open(path("old"), { access: "write", create: "exclusive" });
    await fileSystem.rename(path("old"), path("new"));
    await writeAt(handle, "text", 0);
    assert.equal(await text(path("new")), "text");
    assert.equal((await handle.stat()).linkCount, 1);
  });

  register("rename() onto itself changes nothing", async ({ fileSystem, path, write, text }) => {
    await write(path("file"), "text");
    await fileSystem.rename(path("file"), path("file"));
    assert.equal(await text(path("file")), "text");
  });

  register("rename() moves between directories, and moves directories", async ({ fileSystem, path, write, text }) => {
    await fileSystem.makeDirectory(path("one"), 0o700);
    await fileSystem.makeDirectory(path("two"), 0o700);
    await write(path("one/file"), "text");
    await fileSystem.rename(path("one/file"), path("two/file"));
    await fileSystem.rename(path("two"), path("three"));
    assert.equal(await text(path("three/file")), "text");
    assert.deepEqual(await fileSystem.readDirectory(path("one")), []);
  });

  register("rename() is refused where it cannot be", async ({ fileSystem, path, write }) => {
    await write(path("file"), "");
    await fileSystem.makeDirectory(path("directory"), 0o700);
    await rejectsWith(fileSystem.rename(path("none"), path("new")), "ENOENT");
    await rejectsWith(fileSystem.rename(path("file"), path("none/new")), "ENOENT");
    await rejectsWith(fileSystem.rename(path("file"), path("directory")), "EISDIR");
    await rejectsWith(fileSystem.rename(path("directory"), path("file")), "ENOTDIR");
    assert.equal((await fileSystem.stat(path("file"))).kind, "file");
  });
}

function registerLink(register: RegisterCase): void {
  register("link() gives a second name to the same file", async ({ fileSystem, open, path, text }) => {
    const handle = await open(path("one"), { access: "write", create: "exclusive" });
    await fileSystem.link(path("one"), path("two"));
    await writeAt(handle, "text", 0);
    assert.equal(await text(path("two")), "text");
    const [one, two] = [await fileSystem.stat(path("one")), await fileSystem.stat(path("two"))];
    assert.deepEqual([one.linkCount, two.linkCount], [2, 2]);
    assert.equal(one.inode, two.inode);
    await fileSystem.unlink(path("one"));
    assert.equal((await handle.stat()).linkCount, 1);
    assert.equal(await text(path("two")), "text");
  });

  register("link() never replaces", async ({ fileSystem, path, write, text }) => {
    await write(path("one"), "1");
    await write(path("two"), "2");
    await fileSystem.makeDirectory(path("directory"), 0o700);
    await rejectsWith(fileSystem.link(path("one"), path("two")), "EEXIST");
    await rejectsWith(fileSystem.link(path("one"), path("one")), "EEXIST");
    await rejectsWith(fileSystem.link(path("one"), path("directory")), "EEXIST");
    assert.equal(await text(path("two")), "2");
  });

  register("link() of what is missing is ENOENT", async ({ fileSystem, path, write }) => {
    await write(path("one"), "1");
    await rejectsWith(fileSystem.link(path("none"), path("two")), "ENOENT");
    await rejectsWith(fileSystem.link(path("one"), path("none/two")), "ENOENT");
  });
}

function registerClone(register: RegisterCase): void {
  register(
    "cloneFile() makes a file of its own with the same bytes, or is ENOTSUP and makes nothing",
    async ({ fileSystem, open, path, write, text }) => {
      await write(path("one"), "shared");
      assert.ok(fileSystem.cloneFile !== undefined);
      const code = await fileSystem.cloneFile(path("one"), path("two")).then(() => "none", systemErrorCode);
      if (code !== "none") {
        assert.equal(code, "ENOTSUP");
        await rejectsWith(fileSystem.stat(path("two")), "ENOENT");
        return;
      }
      const [one, two] = [await fileSystem.stat(path("one")), await fileSystem.stat(path("two"))];
      assert.notEqual(one.inode, two.inode);
      assert.deepEqual([one.linkCount, two.linkCount, two.mode, two.size], [1, 1, one.mode, one.size]);
      await writeAt(await open(path("one"), { access: "write" }), "S", 0);
      await writeAt(await open(path("two"), { access: "write" }), "!", 5);
      assert.equal(await text(path("one")), "Shared");
      assert.equal(await text(path("two")), "share!");
    },
  );

  register("cloneFile() never replaces, and needs a file", async ({ fileSystem, path, write, text }) => {
    await write(path("one"), "1");
    await write(path("two"), "2");
    assert.ok(fileSystem.cloneFile !== undefined);
    await rejectsWith(fileSystem.cloneFile(path("one"), path("two")), "EEXIST", "ENOTSUP");
    await rejectsWith(fileSystem.cloneFile(path("none"), path("three")), "ENOENT", "ENOTSUP");
    assert.equal(await text(path("two")), "2");
    await rejectsWith(fileSystem.stat(path("three")), "ENOENT");
  });
}

function registerUnlink(register: RegisterCase): void {
  register("unlink() while open: the handle still reads and writes", async ({ fileSystem, open, path, write }) => {
    await write(path("file"), "text");
    const handle = await open(path("file"), { access: "write" });
    await fileSystem.unlink(path("file"));
    await rejectsWith(fileSystem.stat(path("file")), "ENOENT");
    assert.equal((await handle.stat()).linkCount, 0);
    await writeAt(handle, "N", 0);
    assert.equal(await textOf(handle), "Next");
  });

  register("unlink() frees the name for another file", async ({ fileSystem, open, path, write, text }) => {
    await write(path("file"), "old");
    const old = await open(path("file"), { access: "read" });
    await fileSystem.unlink(path("file"));
    await write(path("file"), "new");
    assert.equal(await text(path("file")), "new");
    assert.equal(await textOf(old), "old");
  });

  register("unlink() removes files only", async ({ fileSystem, path }) => {
    await rejectsWith(fileSystem.unlink(path("none")), "ENOENT");
    await fileSystem.makeDirectory(path("directory"), 0o700);
    await rejectsWith(fileSystem.unlink(path("directory")), "EISDIR");
    assert.equal((await fileSystem.stat(path("directory"))).kind, "directory");
  });

  register(
    "unlink() removes a symbolic link, not its target",
    async ({ fileSystem, path, write, text, supports, skip }) => {
      if (supports.makeSymlink === undefined) return skip("no symbolic links here");
      await write(path("target"), "kept");
      await supports.makeSymlink(path("target"), path("link"));
      await fileSystem.unlink(path("link"));
      await rejectsWith(fileSystem.stat(path("link")), "ENOENT");
      assert.equal(await text(path("target")), "kept");
    },
  );
}

/**
 * Directories and absolute paths.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type RegisterCase, rejectsWith } from "./conformance_environment.ts";

/** Registers the cases. */
export function registerDirectoryCases(register: RegisterCase): void {
  registerMaking(register);
  registerListing(register);
  registerSyncing(register);
  registerRealPath(register);
}

function registerMaking(register: RegisterCase): void {
  register("makeDirectory() makes one directory with the mode asked for", async ({ fileSystem, path }) => {
    await fileSystem.makeDirectory(path("private"), 0o700);
    await fileSystem.makeDirectory(path("shared"), 0o775);
    assert.equal((await fileSystem.stat(path("private"))).mode, 0o700);
    assert.equal((await fileSystem.stat(path("shared"))).mode, 0o775);
    assert.equal((await fileSystem.stat(path("shared"))).kind, "directory");
  });

  register("makeDirectory() is refused if the name is taken or the parent missing", async (context) => {
    const { fileSystem, path, write } = context;
    await write(path("file"), "");
    await fileSystem.makeDirectory(path("directory"), 0o700);
    await rejectsWith(fileSystem.makeDirectory(path("directory"), 0o755), "EEXIST");
    await rejectsWith(fileSystem.makeDirectory(path("file"), 0o755), "EEXIST");
    await rejectsWith(fileSystem.makeDirectory(path("none/directory"), 0o755), "ENOENT");
    await rejectsWith(fileSystem.makeDirectory(path("file/directory"), 0o755), "ENOTDIR");
    assert.equal((await fileSystem.stat(path("directory"))).mode, 0o700);
  });

  register("removeDirectory() removes an empty directory only", async ({ fileSystem, path, write }) => {
    await fileSystem.makeDirectory(path("directory"), 0o700);
    await write(path("directory/file"), "");
    await rejectsWith(fileSystem.removeDirectory(path("directory")), "ENOTEMPTY");
    await fileSystem.unlink(path("directory/file"));
    await fileSystem.removeDirectory(path("directory"));
    await rejectsWith(fileSystem.stat(path("directory")), "ENOENT");
    await rejectsWith(fileSystem.removeDirectory(path("directory")), "ENOENT");
    await write(path("file"), "");
    await rejectsWith(fileSystem.removeDirectory(path("file")), "ENOTDIR");
  });
}

function registerListing(register: RegisterCase): void {
  register("readDirectory() names everything once, with its kind", async (context) => {
    const { fileSystem, directory, path, write, supports } = context;
    assert.deepEqual(await fileSystem.readDirectory(directory), []);
    await write(path("file"), "");
    await write(path(".hidden"), "");
    await write(path("ünïcode 🦝"), "");
    await fileSystem.makeDirectory(path("directory"), 0o700);
    await write(path("directory/not seen"), "");
    const expected = [".hidden file", "directory directory", "file file", "ünïcode 🦝 file"];
    if (supports.makeSymlink !== undefined) {
      await supports.makeSymlink(path("file"), path("link"));
      expected.push("link other");
    }
    const seen = (await fileSystem.readDirectory(directory)).map((entry) => `${entry.name} ${entry.kind}`);
    assert.deepEqual(seen.sort(), expected.sort());
  });

  register("readDirectory() follows rename and unlink", async ({ fileSystem, directory, path, write }) => {
    await write(path("one"), "");
    await write(path("two"), "");
    await fileSystem.rename(path("one"), path("three"));
    await fileSystem.unlink(path("two"));
    assert.deepEqual(await fileSystem.readDirectory(directory), [{ name: "three", kind: "file" }]);
  });

  register("readDirectory() of what is no directory is refused", async ({ fileSystem, path, write }) => {
    await write(path("file"), "");
    await rejectsWith(fileSystem.readDirectory(path("none")), "ENOENT");
    await rejectsWith(fileSystem.readDirectory(path("file")), "ENOTDIR");
  });
}

function registerSyncing(register: RegisterCase): void {
  register("syncDirectory() resolves after names were made, changed and removed", async (context) => {
    const { fileSystem, directory, path, write } = context;
    await write(path("one"), "");
    await fileSystem.syncDirectory(directory);
    await fileSystem.rename(path("one"), path("two"));
    await fileSystem.syncDirectory(directory);
    await fileSystem.unlink(path("two"));
    await fileSystem.syncDirectory(directory);
    assert.deepEqual(await fileSystem.readDirectory(directory), []);
  });

  register("W12: syncDirectory() errors surface", async ({ fileSystem, path, write }) => {
    await write(path("file"), "");
    await rejectsWith(fileSystem.syncDirectory(path("none")), "ENOENT");
    await rejectsWith(fileSystem.syncDirectory(path("file")), "ENOTDIR");
  });
}

function registerRealPath(register: RegisterCase): void {
  register("realPath() is absolute and stays what it is", async ({ fileSystem, directory, path, write }) => {
    await write(path("file"), "");
    assert.equal(await fileSystem.realPath(directory), directory);
    assert.equal(await fileSystem.realPath(path("file")), path("file"));
    await rejectsWith(fileSystem.realPath(path("none")), "ENOENT");
  });

  register("realPath() resolves symbolic links, also in the last part", async (context) => {
    const { fileSystem, path, supports, skip } = context;
    if (supports.makeSymlink === undefined) return skip("no symbolic links here");
    await fileSystem.makeDirectory(path("directory"), 0o700);
    await fileSystem.makeDirectory(path("directory/below"), 0o700);
    await supports.makeSymlink(path("directory"), path("link"));
    assert.equal(await fileSystem.realPath(path("link")), path("directory"));
    assert.equal(await fileSystem.realPath(path("link/below")), path("directory/below"));
  });
}

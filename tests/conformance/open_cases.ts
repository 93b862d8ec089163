/**
 * What `open` finds, makes and refuses.
 *
 * @module
 */
import assert from "node:assert/strict";
import { bytes, type RegisterCase, rejectsWith, textOf, throwsWith } from "./conformance_environment.ts";

/** Registers the cases. */
export function registerOpenCases(register: RegisterCase): void {
  registerCreation(register);
  registerRefusals(register);
  registerAccess(register);
}

function registerCreation(register: RegisterCase): void {
  register("open() makes a missing file with mode 0600 unless asked otherwise", async ({ fileSystem, open, path }) => {
    await open(path("default"), { access: "write", create: "exclusive" });
    await open(path("asked"), { access: "write", create: "exclusive", mode: 0o664 });
    await open(path("missing"), { access: "write", create: "if-missing", mode: 0o640 });
    assert.equal((await fileSystem.stat(path("default"))).mode, 0o600);
    assert.equal((await fileSystem.stat(path("asked"))).mode, 0o664);
    assert.equal((await fileSystem.stat(path("missing"))).mode, 0o640);
  });

  register("open() makes an empty file", async ({ open, path }) => {
    const handle = await open(path("new"), { access: "write", create: "exclusive" });
    assert.equal((await handle.stat()).size, 0);
    assert.equal(await handle.read(new Uint8Array(8), 0), 0);
  });

  register("open() makes a missing file for reading if asked", async ({ fileSystem, open, path }) => {
    const handle = await open(path("new"), { access: "read", create: "if-missing" });
    assert.equal((await handle.stat()).size, 0);
    assert.equal((await fileSystem.stat(path("new"))).kind, "file");
  });

  register(
    "open() neither truncates nor re-modes an existing file",
    async ({ fileSystem, open, path, write, text }) => {
      await write(path("old"), "kept");
      const handle = await open(path("old"), { access: "write", create: "if-missing", mode: 0o666 });
      assert.equal(await textOf(handle), "kept");
      await open(path("old"), { access: "write" });
      assert.equal(await text(path("old")), "kept");
      assert.equal((await fileSystem.stat(path("old"))).mode, 0o600);
    },
  );

  register("open() for exclusive creation is refused if the name is taken", async (context) => {
    const { fileSystem, path, write, text } = context;
    await write(path("old"), "kept");
    await fileSystem.makeDirectory(path("directory"), 0o700);
    await rejectsWith(fileSystem.open(path("old"), { access: "write", create: "exclusive" }), "EEXIST");
    await rejectsWith(fileSystem.open(path("directory"), { access: "write", create: "exclusive" }), "EEXIST");
    assert.equal(await text(path("old")), "kept");
  });
}

function registerRefusals(register: RegisterCase): void {
  register("open() of a missing file is ENOENT", async ({ fileSystem, path }) => {
    await rejectsWith(fileSystem.open(path("none"), { access: "read" }), "ENOENT");
    await rejectsWith(fileSystem.open(path("none"), { access: "write" }), "ENOENT");
    await rejectsWith(fileSystem.open(path("none"), { access: "write", create: "never" }), "ENOENT");
    await rejectsWith(fileSystem.stat(path("none")), "ENOENT");
  });

  register("open() in a missing directory is ENOENT", async ({ fileSystem, path }) => {
    await rejectsWith(fileSystem.open(path("none/file"), { access: "read" }), "ENOENT");
    await rejectsWith(fileSystem.open(path("none/file"), { access: "write", create: "if-missing" }), "ENOENT");
    await rejectsWith(fileSystem.open(path("none/file"), { access: "write", create: "exclusive" }), "ENOENT");
  });

  register("open() below a file is ENOTDIR", async ({ fileSystem, path, write }) => {
    await write(path("file"), "");
    await rejectsWith(fileSystem.open(path("file/below"), { access: "read" }), "ENOTDIR");
    await rejectsWith(fileSystem.open(path("file/below"), { access: "write", create: "exclusive" }), "ENOTDIR");
  });

  register("open() of a directory is EISDIR", async ({ fileSystem, path }) => {
    await fileSystem.makeDirectory(path("directory"), 0o700);
    await rejectsWith(fileSystem.open(path("directory"), { access: "read" }), "EISDIR");
    await rejectsWith(fileSystem.open(path("directory"), { access: "write" }), "EISDIR");
    await rejectsWith(fileSystem.open(path("directory"), { access: "write", create: "if-missing" }), "EISDIR");
  });

  register("open() of a symbolic link is ELOOP", async ({ fileSystem, path, write, text, supports, skip }) => {
    if (supports.makeSymlink === undefined) return skip("no symbolic links here");
    await write(path("target"), "kept");
    await supports.makeSymlink(path("target"), path("link"));
    await supports.makeSymlink(path("nowhere"), path("dangling"));
    for (const name of ["link", "dangling"]) {
      await rejectsWith(fileSystem.open(path(name), { access: "read" }), "ELOOP");
      await rejectsWith(fileSystem.open(path(name), { access: "write" }), "ELOOP");
      await rejectsWith(fileSystem.open(path(name), { access: "write", create: "if-missing" }), "ELOOP");
      await rejectsWith(fileSystem.open(path(name), { access: "write", create: "exclusive" }), "EEXIST");
    }
    await rejectsWith(fileSystem.stat(path("nowhere")), "ENOENT");
    assert.equal(await text(path("target")), "kept");
  });
}

function registerAccess(register: RegisterCase): void {
  register("open() for reading gives a handle that cannot write", async ({ open, path, write, text }) => {
    await write(path("file"), "kept");
    const handle = await open(path("file"), { access: "read" });
    await rejectsWith(handle.write(bytes("x"), 0), "EBADF");
    throwsWith(() => handle.writeSync(bytes("x"), 0), "EBADF");
    await rejectsWith(handle.truncate(0), "EBADF", "EINVAL");
    assert.equal(await text(path("file")), "kept");
  });

  register("close() ends a handle: every later call is EBADF", async ({ open, path, write, text }) => {
    await write(path("file"), "kept");
    const handle = await open(path("file"), { access: "write" });
    await handle.close();
    await rejectsWith(handle.read(new Uint8Array(1), 0), "EBADF");
    await rejectsWith(handle.write(bytes("x"), 0), "EBADF");
    await rejectsWith(handle.truncate(0), "EBADF");
    await rejectsWith(handle.syncData(), "EBADF");
    await rejectsWith(handle.stat(), "EBADF");
    await rejectsWith(handle.setMode(0o600), "EBADF");
    await rejectsWith(handle.setOwner(0, 0), "EBADF");
    throwsWith(() => handle.readSync(new Uint8Array(1), 0), "EBADF");
    throwsWith(() => handle.writeSync(bytes("x"), 0), "EBADF");
    throwsWith(() => handle.syncDataSync(), "EBADF");
    await rejectsWith(handle.close(), "EBADF");
    assert.equal(await text(path("file")), "kept");
  });

  register("open() gives independent handles of one file", async ({ open, path }) => {
    const first = await open(path("file"), { access: "write", create: "exclusive" });
    const second = await open(path("file"), { access: "write" });
    await first.write(bytes("seen"), 0);
    await first.close();
    assert.equal(await textOf(second), "seen");
  });
}

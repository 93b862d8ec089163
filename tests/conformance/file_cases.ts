/**
 * Reading, writing, truncating and describing an open file.
 *
 * @module
 */
import assert from "node:assert/strict";
import { bytes, type RegisterCase, textOf, writeAt } from "./conformance_environment.ts";

/** Registers the cases. */
export function registerFileCases(register: RegisterCase): void {
  registerReading(register);
  registerWriting(register);
  registerDurableWrites(register);
  registerTruncation(register);
  registerFacts(register);
  registerSyncTwins(register);
}

function registerReading(register: RegisterCase): void {
  register("read() fills the buffer from its start and leaves the rest alone", async ({ open, path, write }) => {
    await write(path("file"), "0123456789");
    const handle = await open(path("file"), { access: "read" });
    const buffer = bytes("????");
    assert.equal(await handle.read(buffer, 2), 4);
    assert.deepEqual(buffer, bytes("2345"));
    const large = bytes("????");
    assert.equal(await handle.read(large, 8), 2);
    assert.deepEqual(large, bytes("89??"));
  });

  register("read() at and behind the end is 0", async ({ open, path, write }) => {
    await write(path("file"), "0123456789");
    const handle = await open(path("file"), { access: "read" });
    assert.equal(await handle.read(new Uint8Array(4), 10), 0);
    assert.equal(await handle.read(new Uint8Array(4), 1_000_000), 0);
    assert.equal(await handle.read(new Uint8Array(0), 3), 0);
  });

  register("read() into a view touches only the view", async ({ open, path, write }) => {
    await write(path("file"), "abcdef");
    const handle = await open(path("file"), { access: "read" });
    const whole = bytes("--------");
    assert.equal(await handle.read(whole.subarray(2, 5), 1), 3);
    assert.deepEqual(whole, bytes("--bcd---"));
  });

  register("read() serves many calls at once", async ({ open, path, write }) => {
    await write(path("file"), "0123456789");
    const handle = await open(path("file"), { access: "read" });
    const buffers = Array.from({ length: 10 }, () => new Uint8Array(1));
    await Promise.all(buffers.map((buffer, offset) => handle.read(buffer, offset)));
    assert.equal(new TextDecoder().decode(Uint8Array.from(buffers, (buffer) => buffer[0] ?? 0)), "0123456789");
  });
}

function registerWriting(register: RegisterCase): void {
  register("write() puts bytes at an offset, in any order", async ({ open, path }) => {
    const handle = await open(path("file"), { access: "write", create: "exclusive" });
    await writeAt(handle, "world", 6);
    await writeAt(handle, "hello ", 0);
    await writeAt(handle, "J", 0);
    assert.equal(await textOf(handle), "Jello world");
  });

  register("write() behind the end reads NUL between", async ({ open, path }) => {
    const handle = await open(path("file"), { access: "write", create: "exclusive" });
    await writeAt(handle, "a", 0);
    await writeAt(handle, "z", 10_000);
    const buffer = new Uint8Array(10_002).fill(1);
    assert.equal(await handle.read(buffer, 0), 10_001);
    assert.equal(buffer[0], 0x61);
    assert.ok(buffer.subarray(1, 10_000).every((byte) => byte === 0));
    assert.equal(buffer[10_000], 0x7a);
  });

  register("write() takes a view, and no bytes at all", async ({ open, path }) => {
    const handle = await open(path("file"), { access: "write", create: "exclusive" });
    assert.equal(await handle.write(bytes("xxabcxx").subarray(2, 5), 0), 3);
    assert.equal(await handle.write(new Uint8Array(0), 100), 0);
    assert.equal(await textOf(handle), "abc");
  });

  register("write() of a megabyte comes back equal", async ({ open, path }) => {
    const handle = await open(path("file"), { access: "write", create: "exclusive" });
    const sent = Uint8Array.from({ length: 1 << 20 }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
    for (let done = 0; done < sent.length;) done += await handle.write(sent.subarray(done), 3 + done);
    const received = new Uint8Array(sent.length + 10);
    assert.equal(await handle.read(received, 3), sent.length);
    assert.deepEqual(received.subarray(0, sent.length), sent);
  });
}

function registerDurableWrites(register: RegisterCase): void {
  register("writeDurable() overwrites bytes inside the file, and nothing else", async ({ open, path, write, text }) => {
    await write(path("file"), "0123456789");
    const handle = await open(path("file"), { access: "write" });
    if (handle.writeDurable === undefined) return;
    assert.equal(await handle.writeDurable(bytes("ABC"), 3), 3);
    assert.equal(await handle.writeDurable(bytes("z"), 9), 1);
    assert.equal(await text(path("file")), "012ABC678z");
    // Also when the name leads elsewhere by now: it is the open file that is written.
    const other = await open(path("other"), { access: "write", create: "exclusive" });
    await writeAt(other, "other", 0);
    assert.equal(await handle.writeDurable(bytes("y"), 0), 1);
    assert.equal(await text(path("other")), "other");
  });

  register("writeDurable() of a file that has lost its name before is a write and a sync", async (environment) => {
    const { open, path, write, text, fileSystem } = environment;
    await write(path("file"), "0123456789");
    const handle = await open(path("file"), { access: "write" });
    if (handle.writeDurable === undefined) return;
    await fileSystem.rename(path("file"), path("moved"));
    await write(path("file"), "another one");
    assert.equal(await handle.writeDurable(bytes("ABC"), 3), 3);
    assert.equal(await text(path("moved")), "012ABC6789");
    assert.equal(await text(path("file")), "another one");
  });

  register("writeDurable() needs a file that is open for writing", async ({ open, path, write }) => {
    await write(path("file"), "0123456789");
    const handle = await open(path("file"), { access: "read" });
    await assert.rejects(handle.writeDurable?.(bytes("A"), 0) ?? Promise.reject(new Error("none")));
  });

  register("pathSync() stays the same until the name leads elsewhere", async ({ open, path, write, fileSystem }) => {
    await write(path("file"), "0123456789");
    const handle = await open(path("file"), { access: "write" });
    const before = handle.pathSync?.();
    // Where it cannot be told there is nothing to hold it against.
    if (before === undefined) return;
    assert.equal(handle.pathSync?.(), before);
    await writeAt(handle, "more", 10);
    assert.equal(handle.pathSync?.(), before);
    await fileSystem.rename(path("file"), path("moved"));
    assert.notEqual(handle.pathSync?.(), before);
    await fileSystem.rename(path("moved"), path("file"));
    assert.equal(handle.pathSync?.(), before);
    await write(path("new"), "new");
    await fileSystem.rename(path("new"), path("file"));
    assert.notEqual(handle.pathSync?.(), before);
  });
}

function registerTruncation(register: RegisterCase): void {
  register("truncate() cuts, and what was cut does not come back", async ({ open, path }) => {
    const handle = await open(path("file"), { access: "write", create: "exclusive" });
    await writeAt(handle, "0123456789", 0);
    await handle.truncate(4);
    assert.equal(await textOf(handle), "0123");
    await handle.truncate(8);
    assert.equal(await textOf(handle), "0123\0\0\0\0");
    await handle.truncate(8);
    assert.equal((await handle.stat()).size, 8);
    await handle.truncate(0);
    assert.equal(await textOf(handle), "");
  });

  register("truncate() grows far beyond 4 GiB without writing", async ({ open, path }) => {
    const handle = await open(path("file"), { access: "write", create: "exclusive" });
    await handle.truncate(2 ** 33);
    assert.equal((await handle.stat()).size, 2 ** 33);
    const buffer = bytes("????");
    assert.equal(await handle.read(buffer, 2 ** 33 - 2), 2);
    assert.deepEqual(buffer, bytes("\0\0??"));
  });

  register("positions that are no byte offset are a RangeError", async ({ open, path }) => {
    const handle = await open(path("file"), { access: "write", create: "exclusive" });
    for (const offset of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      await assert.rejects(handle.write(bytes("x"), offset), RangeError);
      await assert.rejects(handle.read(new Uint8Array(1), offset), RangeError);
      await assert.rejects(handle.truncate(offset), RangeError);
      assert.throws(() => handle.writeSync(bytes("x"), offset), RangeError);
      assert.throws(() => handle.readSync(new Uint8Array(1), offset), RangeError);
    }
    assert.equal((await handle.stat()).size, 0);
  });
}

function registerFacts(register: RegisterCase): void {
  register("stat() says the same by handle and by name", async ({ fileSystem, open, path }) => {
    const handle = await open(path("file"), { access: "write", create: "exclusive", mode: 0o620 });
    await writeAt(handle, "12345", 0);
    const byHandle = await handle.stat();
    assert.deepEqual(await fileSystem.stat(path("file")), byHandle);
    assert.equal(byHandle.kind, "file");
    assert.equal(byHandle.size, 5);
    assert.equal(byHandle.linkCount, 1);
    assert.equal(byHandle.mode, 0o620);
    assert.ok(Number.isInteger(byHandle.userId) && byHandle.userId >= 0);
    assert.ok(Number.isInteger(byHandle.groupId) && byHandle.groupId >= 0);
    assert.ok(Number.isFinite(byHandle.modifiedMs) && byHandle.modifiedMs >= 0);
  });

  register("stat() tells two files apart by inode", async ({ fileSystem, path, write }) => {
    await write(path("one"), "");
    await write(path("two"), "");
    const [one, two] = [await fileSystem.stat(path("one")), await fileSystem.stat(path("two"))];
    assert.ok(one.inode !== two.inode || one.inode === 0);
  });

  register("stat() of a directory and of a symbolic link", async ({ fileSystem, directory, path, supports, skip }) => {
    assert.equal((await fileSystem.stat(directory)).kind, "directory");
    if (supports.makeSymlink === undefined) return skip("no symbolic links here");
    await supports.makeSymlink(directory, path("link"));
    assert.equal((await fileSystem.stat(path("link"))).kind, "other");
  });

  register("setMode() sets the permission bits", async ({ fileSystem, open, path }) => {
    const handle = await open(path("file"), { access: "write", create: "exclusive" });
    await handle.setMode(0o644);
    assert.equal((await handle.stat()).mode, 0o644);
    assert.equal((await fileSystem.stat(path("file"))).mode, 0o644);
  });

  register("setOwner() takes the present owner", async ({ open, path }) => {
    const handle = await open(path("file"), { access: "write", create: "exclusive" });
    const before = await handle.stat();
    await handle.setOwner(before.userId, before.groupId);
    const after = await handle.stat();
    assert.deepEqual([after.userId, after.groupId], [before.userId, before.groupId]);
  });

  register("syncData() resolves after writes, after a cut, and on an empty file", async ({ open, path }) => {
    const handle = await open(path("file"), { access: "write", create: "exclusive" });
    await handle.syncData();
    await writeAt(handle, "12345", 0);
    await handle.syncData();
    await handle.truncate(2);
    await handle.syncData();
    assert.equal(await textOf(handle), "12");
  });
}

function registerSyncTwins(register: RegisterCase): void {
  register("readSync(), writeSync() and syncDataSync() do what their twins do", async ({ open, path }) => {
    const handle = await open(path("file"), { access: "write", create: "exclusive" });
    assert.equal(handle.writeSync(bytes("--abc--").subarray(2, 5), 4), 3);
    handle.syncDataSync();
    assert.equal(await textOf(handle), "\0\0\0\0abc");
    await writeAt(handle, "0123", 0);
    const buffer = bytes("??????????");
    assert.equal(handle.readSync(buffer, 2), 5);
    assert.deepEqual(buffer, bytes("23abc?????"));
    assert.equal(handle.readSync(buffer, 7), 0);
    assert.equal(handle.readSync(buffer, 700), 0);
    assert.equal(handle.writeSync(new Uint8Array(0), 0), 0);
  });
}

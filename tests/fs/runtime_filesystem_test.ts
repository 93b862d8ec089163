/**
 * What only the real file system shows: the umask, descriptors, privileges.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, readdir, readlink, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import type { FileHandle } from "../../src/fs/filesystem.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await realpath(await mkdtemp(`${tmpdir()}/holdfast-fs-`));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function withFile(body: (handle: FileHandle, path: string) => Promise<void>): Promise<void> {
  await inDirectory(async (directory) => {
    const handle = await runtimeFileSystem.open(`${directory}/file`, { access: "write", create: "exclusive" });
    try {
      await body(handle, `${directory}/file`);
    } finally {
      await handle.close().catch(() => {});
    }
  });
}

for (const umask of [0o000, 0o022, 0o077, 0o377]) {
  test(`modes are as asked for under umask ${umask.toString(8)}`, async () => {
    await inDirectory(async (directory) => {
      const before = process.umask(umask);
      try {
        const file = await runtimeFileSystem.open(`${directory}/file`, {
          access: "write",
          create: "if-missing",
          mode: 0o664,
        });
        await file.close();
        await runtimeFileSystem.makeDirectory(`${directory}/below`, 0o775);
        const attempt = await runtimeFileSystem.lock(`${directory}/lock`, "holder");
        assert.ok(attempt.acquired);
        assert.equal((await runtimeFileSystem.stat(`${directory}/file`)).mode, 0o664);
        assert.equal((await runtimeFileSystem.stat(`${directory}/below`)).mode, 0o775);
        assert.equal((await runtimeFileSystem.stat(`${directory}/lock`)).mode, 0o600);
        await attempt.lock.release();
      } finally {
        process.umask(before);
      }
    });
  });
}

test("FileHandle.close() waits for what was started before it", async () => {
  await withFile(async (handle, path) => {
    const bytes = new Uint8Array(1 << 20).fill(0x61);
    const started = Array.from({ length: 16 }, (_, index) => handle.write(bytes, index * bytes.length));
    const sync = handle.syncData();
    await handle.close();
    assert.deepEqual(await Promise.all(started), started.map(() => bytes.length));
    await sync;
    assert.equal((await runtimeFileSystem.stat(path)).size, 16 * bytes.length);
  });
});

test("FileHandle.setOwner() gives a file away only with privilege", async () => {
  await withFile(async (handle) => {
    if (process.getuid?.() !== 0) return await assert.rejects(handle.setOwner(1, 1), { code: "EPERM" });
    await handle.setOwner(1, 2);
    const { userId, groupId } = await handle.stat();
    assert.deepEqual([userId, groupId], [1, 2]);
  });
});

test("FileHandle.setModified() sets what stat says of the last write", async () => {
  await withFile(async (handle) => {
    await handle.setModified?.(1_234_567_890_123);
    assert.equal(Math.floor((await handle.stat()).modifiedMs), 1_234_567_890_123);
  });
});

test("open files and locks are not inherited by child processes", async () => {
  await withFile(async (_handle, path) => {
    const attempt = await runtimeFileSystem.lock(`${path}.lock`, "holder");
    assert.ok(attempt.acquired);
    const child = spawn("cat", [], { stdio: ["pipe", "pipe", "inherit"] });
    const ended = new Promise((resolve) => child.once("close", resolve));
    try {
      // Once it echoes it is past exec, where descriptors are closed.
      child.stdin.write("ready\n");
      await new Promise((resolve) => child.stdout.once("data", resolve));
      const descriptors = await readdir(`/proc/${child.pid}/fd`);
      const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/${child.pid}/fd/${name}`)));
      assert.deepEqual(targets.filter((target) => target.startsWith(path)), []);
    } finally {
      child.stdin.end();
      await ended;
      await attempt.lock.release();
    }
  });
});

test("open() and lock() of a named pipe are refused without waiting", async () => {
  await inDirectory(async (directory) => {
    const path = `${directory}/pipe`;
    execFileSync("mkfifo", [path]);
    await assert.rejects(runtimeFileSystem.open(path, { access: "read" }), { code: "EINVAL" });
    await assert.rejects(runtimeFileSystem.open(path, { access: "write" }), { code: "EINVAL" });
    await assert.rejects(runtimeFileSystem.lock(path, "holder"), { code: "EINVAL" });
    assert.equal((await runtimeFileSystem.stat(path)).kind, "other");
  });
});

test("nothing stays open after handles and locks were given back, refused or failed", async () => {
  await inDirectory(async (directory) => {
    const openHere = async (): Promise<string[]> => {
      const names = await readdir("/proc/self/fd");
      // The listing itself had a descriptor, which is gone by now.
      const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")));
      return targets.filter((target) => target.startsWith(directory));
    };
    const { open, lock, makeDirectory, syncDirectory } = runtimeFileSystem;
    await makeDirectory(`${directory}/below`, 0o700);
    await syncDirectory(directory);
    await assert.rejects(open(`${directory}/below`, { access: "read" }), { code: "EISDIR" });
    const first = await lock(`${directory}/lock`, "first");
    assert.ok(first.acquired);
    assert.equal((await lock(`${directory}/lock`, "second")).acquired, false);
    await first.lock.release();
    assert.deepEqual(await openHere(), []);
  });
});

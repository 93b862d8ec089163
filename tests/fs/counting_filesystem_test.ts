/**
 * What is counted, how often and when.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { FileSystem } from "../../src/fs/filesystem.ts";
import {
  countingFileSystem,
  createFileSystemCounters,
  type FileSystemCounters,
} from "../../src/fs/counting_filesystem.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";

async function counted(
  body: (fileSystem: FileSystem, directory: string) => Promise<void>,
  expected: Partial<FileSystemCounters>,
): Promise<void> {
  const directory = await realpath(await mkdtemp(`${tmpdir()}/holdfast-counting-`));
  const counters = createFileSystemCounters();
  try {
    await body(countingFileSystem(runtimeFileSystem, counters), directory);
    assert.deepEqual(counters, { ...createFileSystemCounters(), ...expected });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const bytes = new TextEncoder().encode("0123456789");

test("countingFileSystem() counts calls and bytes, blocking ones too", async () => {
  await counted(async (fileSystem, directory) => {
    const handle = await fileSystem.open(`${directory}/file`, { access: "write", create: "exclusive" });
    await handle.write(bytes, 0);
    handle.writeSync(bytes.subarray(3), 10);
    await handle.read(new Uint8Array(100), 0);
    handle.readSync(new Uint8Array(5), 0);
    await handle.syncData();
    handle.syncDataSync();
    await handle.truncate(3);
    await handle.stat();
    await handle.close();
    await (await fileSystem.open(`${directory}/file`, { access: "read" })).close();
  }, { opens: 2, creates: 1, writes: 2, bytesWritten: 17, reads: 2, bytesRead: 22, syncs: 2, truncates: 1 });
});

test("countingFileSystem() counts what is done to names", async () => {
  await counted(async (fileSystem, directory) => {
    await (await fileSystem.open(`${directory}/one`, { access: "write", create: "if-missing" })).close();
    await fileSystem.link(`${directory}/one`, `${directory}/two`);
    await fileSystem.rename(`${directory}/two`, `${directory}/three`);
    await fileSystem.unlink(`${directory}/three`);
    await fileSystem.makeDirectory(`${directory}/below`, 0o700);
    await fileSystem.removeDirectory(`${directory}/below`);
    await fileSystem.syncDirectory(directory);
    await fileSystem.stat(directory);
    await fileSystem.readDirectory(directory);
    await fileSystem.realPath(directory);
  }, { opens: 1, creates: 1, links: 1, renames: 1, unlinks: 1, directoriesMade: 1, directorySyncs: 1 });
});

test("countingFileSystem() counts calls that fail, without bytes", async () => {
  await counted(async (fileSystem, directory) => {
    await assert.rejects(fileSystem.open(`${directory}/none`, { access: "read" }), { code: "ENOENT" });
    await assert.rejects(fileSystem.unlink(`${directory}/none`), { code: "ENOENT" });
    const handle = await fileSystem.open(`${directory}/file`, { access: "read", create: "if-missing" });
    await assert.rejects(handle.write(bytes, 0), { code: "EBADF" });
    assert.throws(() => handle.writeSync(bytes, 0), { code: "EBADF" });
    await handle.close();
  }, { opens: 2, creates: 1, unlinks: 1, writes: 2 });
});

test("countingFileSystem() leaves locks uncounted, and names the process like the inner one", async () => {
  await counted(async (fileSystem, directory) => {
    assert.equal(fileSystem.processName, runtimeFileSystem.processName);
    const attempt = await fileSystem.lock(`${directory}/lock`, "holder");
    assert.ok(attempt.acquired);
    await attempt.lock.release();
  }, {});
});

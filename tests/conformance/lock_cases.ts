/**
 * The exclusive lock, and waiting for another's change.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { FileLock, FileSystem } from "../../src/fs/filesystem.ts";
import { type RegisterCase, rejectsWith } from "./conformance_environment.ts";

/** Registers the cases. */
export function registerLockCases(register: RegisterCase): void {
  registerLocking(register);
  registerLockFile(register);
  registerWaiting(register);
}

async function acquire(fileSystem: FileSystem, path: string, holder: string): Promise<FileLock> {
  const attempt = await fileSystem.lock(path, holder);
  assert.ok(attempt.acquired, "the lock was refused");
  return attempt.lock;
}

function registerLocking(register: RegisterCase): void {
  register("lock() is refused while held, and names the holder", async ({ fileSystem, path }) => {
    const lock = await acquire(fileSystem, path("lock"), "process 42, écrit");
    assert.deepEqual(await fileSystem.lock(path("lock"), "second"), { acquired: false, holder: "process 42, écrit" });
    assert.deepEqual(await fileSystem.lock(path("lock"), "third"), { acquired: false, holder: "process 42, écrit" });
    await lock.release();
  });

  register("lock() is given again after release()", async ({ fileSystem, path }) => {
    const first = await acquire(fileSystem, path("lock"), "a long description of the first holder");
    await first.release();
    const second = await acquire(fileSystem, path("lock"), "second");
    assert.deepEqual(await fileSystem.lock(path("lock"), "third"), { acquired: false, holder: "second" });
    await second.release();
  });

  register("lock() of one file says nothing of another", async ({ fileSystem, path }) => {
    const first = await acquire(fileSystem, path("one"), "1");
    const second = await acquire(fileSystem, path("two"), "2");
    await second.release();
    assert.deepEqual(await fileSystem.lock(path("one"), "3"), { acquired: false, holder: "1" });
    await first.release();
  });

  register("lock() is given to exactly one of many at once", async ({ fileSystem, path }) => {
    const attempts = await Promise.all(
      Array.from({ length: 8 }, (_, index) => fileSystem.lock(path("lock"), `holder ${index}`)),
    );
    const locks = attempts.flatMap((attempt) => attempt.acquired ? [attempt.lock] : []);
    assert.equal(locks.length, 1);
    for (const lock of locks) await lock.release();
  });

  register("lock() lets one in at a time while many come and go", async ({ fileSystem, directory, path }) => {
    let inside = 0;
    async function comeAndGo(name: string): Promise<void> {
      for (let done = 0; done < 20;) {
        const attempt = await fileSystem.lock(path("lock"), name);
        if (!attempt.acquired) continue;
        assert.equal(++inside, 1);
        await fileSystem.readDirectory(directory);
        assert.equal(inside--, 1);
        await attempt.lock.release();
        done++;
      }
    }
    await Promise.all(["one", "two", "three", "four"].map(comeAndGo));
    assert.deepEqual(await fileSystem.readDirectory(directory), []);
  });
}

function registerLockFile(register: RegisterCase): void {
  register("lock() takes over the file that a dead holder left", async ({ fileSystem, path, write }) => {
    await write(path("lock"), "a dead holder with a text longer than ours");
    const lock = await acquire(fileSystem, path("lock"), "alive");
    assert.deepEqual(await fileSystem.lock(path("lock"), "second"), { acquired: false, holder: "alive" });
    await lock.release();
  });

  register("release() removes the lock file, and a second release() does nothing", async (context) => {
    const { fileSystem, directory, path } = context;
    const first = await acquire(fileSystem, path("lock"), "first");
    assert.equal((await fileSystem.stat(path("lock"))).mode, 0o600);
    await first.release();
    assert.deepEqual(await fileSystem.readDirectory(directory), []);
    const second = await acquire(fileSystem, path("lock"), "second");
    await first.release();
    assert.deepEqual(await fileSystem.lock(path("lock"), "third"), { acquired: false, holder: "second" });
    await second.release();
  });

  register("release() leaves a lock file alone that is not its own any more", async ({ fileSystem, path }) => {
    const first = await acquire(fileSystem, path("lock"), "first");
    await fileSystem.unlink(path("lock"));
    const second = await acquire(fileSystem, path("lock"), "second");
    await first.release();
    assert.deepEqual(await fileSystem.lock(path("lock"), "third"), { acquired: false, holder: "second" });
    await second.release();
  });

  register("lock() is refused with an error where no lock file can be", async (context) => {
    const { fileSystem, path } = context;
    await rejectsWith(fileSystem.lock(path("none/lock"), "holder"), "ENOENT");
    await fileSystem.makeDirectory(path("directory"), 0o700);
    await rejectsWith(fileSystem.lock(path("directory"), "holder"), "EISDIR");
  });

  register("lock() does not follow a symbolic link", async ({ fileSystem, path, write, text, supports, skip }) => {
    if (supports.makeSymlink === undefined) return skip("no symbolic links here");
    await write(path("target"), "kept");
    await supports.makeSymlink(path("target"), path("link"));
    await supports.makeSymlink(path("nowhere"), path("dangling"));
    await rejectsWith(fileSystem.lock(path("link"), "holder"), "ELOOP");
    await rejectsWith(fileSystem.lock(path("dangling"), "holder"), "ELOOP");
    await rejectsWith(fileSystem.stat(path("nowhere")), "ENOENT");
    assert.equal(await text(path("target")), "kept");
  });
}

function registerWaiting(register: RegisterCase): void {
  register("waitForChange() resolves when the file grows", async ({ fileSystem, path, write }) => {
    await write(path("file"), "1");
    const change = fileSystem.waitForChange(path("file"), new AbortController().signal);
    await write(path("file"), "12");
    await change;
  });

  register("waitForChange() resolves when the file is replaced", async ({ fileSystem, path, write }) => {
    await write(path("file"), "old");
    await write(path("next"), "new");
    const change = fileSystem.waitForChange(path("file"), new AbortController().signal);
    await fileSystem.rename(path("next"), path("file"));
    await change;
  });

  register("waitForChange() resolves when the file is removed, and when it comes", async (context) => {
    const { fileSystem, path, write } = context;
    await write(path("file"), "1");
    const removed = fileSystem.waitForChange(path("file"), new AbortController().signal);
    await fileSystem.unlink(path("file"));
    await removed;
    const made = fileSystem.waitForChange(path("file"), new AbortController().signal);
    await write(path("file"), "1");
    await made;
  });

  register("waitForChange() resolves when the signal is aborted, before or meanwhile", async (context) => {
    const { fileSystem, path } = context;
    const controller = new AbortController();
    const waiting = [
      fileSystem.waitForChange(path("none"), controller.signal),
      fileSystem.waitForChange(path("none"), controller.signal),
    ];
    controller.abort(new Error("not shown"));
    assert.deepEqual(await Promise.all(waiting), [undefined, undefined]);
    assert.equal(await fileSystem.waitForChange(path("none"), controller.signal), undefined);
  });
}

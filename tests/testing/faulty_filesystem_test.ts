import { test } from "node:test";
import assert from "node:assert/strict";
import type { FileSystem } from "../../src/fs/filesystem.ts";
import { openStore } from "../../src/store/open_store.ts";
import {
  type Fault,
  FaultyFileSystem,
  type PortCall,
  type PortMethod,
  SimulatedFileSystem,
} from "../../src/testing/mod.ts";
import { bytes, diskWith, edit, listing, textAt } from "./simulation_verbs.ts";

/** One call of each kind. */
async function useEverything(fileSystem: FileSystem): Promise<void> {
  await fileSystem.makeDirectory("/d", 0o700);
  const file = await fileSystem.open("/d/a", { access: "write", create: "exclusive" });
  await file.write(bytes("text"), 0);
  file.writeSync(bytes("text"), 4);
  await file.truncate(6);
  await file.syncData();
  file.syncDataSync();
  await file.read(new Uint8Array(4), 0);
  file.readSync(new Uint8Array(4), 0);
  await file.writeDurable?.(bytes("te"), 0);
  file.pathSync?.();
  await file.stat();
  await file.setMode(0o644);
  await file.setOwner(1000, 1000);
  await file.close();
  await fileSystem.stat("/d/a");
  await fileSystem.cloneFile?.("/d/a", "/d/shared").catch(ignoreUnshared);
  await fileSystem.link("/d/a", "/d/b");
  await fileSystem.rename("/d/a", "/d/c");
  await fileSystem.unlink("/d/b");
  await fileSystem.readDirectory("/d");
  await fileSystem.syncDirectory("/d");
  await fileSystem.realPath("/d");
  const attempt = await fileSystem.lock("/lock", "me");
  if (attempt.acquired) await attempt.lock.release();
  const controller = new AbortController();
  controller.abort();
  await fileSystem.waitForChange("/d", controller.signal);
  await fileSystem.unlink("/d/c");
  await fileSystem.removeDirectory("/d");
}

function ignoreUnshared(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOTSUP")) throw error;
}

async function failures(fault: Fault, more: { persistent?: boolean; thenReadOnly?: boolean } = {}): Promise<string[]> {
  const found: string[] = [];
  for (let failAt = 1; failAt < 100; failAt++) {
    const faulty = new FaultyFileSystem(new SimulatedFileSystem(), { failAt, fault, ...more });
    let code: unknown = "none";
    await useEverything(faulty).catch((error: unknown) => {
      code = error instanceof Error && "code" in error ? error.code : error;
    });
    if (faulty.fired.length === 0) return found;
    found.push(`${faulty.fired[0]?.method} ${String(code)}`);
  }
  return found;
}

test("FaultyFileSystem fails each call in turn, with each code", async () => {
  const methods: PortMethod[] = [
    "makeDirectory",
    "open",
    "write",
    "write",
    "truncate",
    "syncData",
    "syncData",
    "read",
    "read",
    "write",
    "syncData",
    "path",
    "fileStat",
    "setMode",
    "setOwner",
    "close",
    "stat",
    "cloneFile",
    "link",
    "rename",
    "unlink",
    "readDirectory",
    "syncDirectory",
    "realPath",
    "lock",
    "release",
    "waitForChange",
    "unlink",
    "removeDirectory",
  ];
  for (const code of ["EIO", "ENOSPC", "EROFS", "EINTR", "EMFILE"]) {
    assert.deepEqual(await failures({ kind: "error", code }), methods.map((method) => `${method} ${code}`));
  }
  assert.equal((await failures({ kind: "error", code: "EIO", done: true })).length, methods.length);
  assert.deepEqual(await failures({ kind: "sync", mode: "kept" }), ["syncData EIO", "syncData EIO", "syncData EIO"]);
});

test("FaultyFileSystem: short writes take some of the bytes, and resolve or reject", async () => {
  const fileSystem = await diskWith({}, { "/log": "" });
  const run = async (fault: Fault): Promise<string> => {
    const faulty = new FaultyFileSystem(fileSystem, { failAt: 2, fault });
    const file = await edit(faulty, "/log");
    await file.truncate(0);
    assert.equal(await file.write(bytes("whole"), 0), 5);
    const answer = await file.write(bytes("partial"), 5).catch((error: { code: string }) => error.code);
    assert.equal(await file.write(bytes(""), 0), 0);
    assert.equal(faulty.calls, 2);
    return `${answer} ${await textAt(fileSystem, "/log")}`;
  };
  assert.equal(await run({ kind: "short-write", bytes: 3 }), "3 wholepar");
  assert.equal(await run({ kind: "short-write", bytes: 3, code: "ENOSPC" }), "ENOSPC wholepar");
  assert.equal(await run({ kind: "short-write", bytes: 100, code: "EIO" }), "EIO wholepartia");
  assert.equal(await run({ kind: "short-write", bytes: 0 }), "0 whole");
});

test("FaultyFileSystem: with done, only the answer is lost", async () => {
  const fileSystem = await diskWith({}, { "/a": "1" });
  const faulty = new FaultyFileSystem(fileSystem, { failAt: 1, fault: { kind: "error", code: "EIO", done: true } });
  await assert.rejects(faulty.rename("/a", "/b"), { code: "EIO" });
  assert.equal(await listing(fileSystem), "b=1");
});

test("FaultyFileSystem: persistent failures go on, and a filter chooses", async () => {
  const fileSystem = await diskWith({}, { "/a": "1", "/b": "2" });
  const faulty = new FaultyFileSystem(fileSystem, {
    failAt: 2,
    fault: { kind: "error", code: "EMFILE" },
    persistent: true,
    filter: ({ method, path }) => method === "open" && path === "/a",
  });
  for (const expected of ["open", "EMFILE", "EMFILE"]) {
    const answer = await faulty.open("/a", { access: "read" }).then(
      () => "open",
      (error: { code: string }) => error.code,
    );
    assert.equal(answer, expected);
    await (await faulty.open("/b", { access: "read" })).close();
  }
  assert.equal(faulty.calls, 3);
  assert.equal(faulty.fired.length, 2);
});

test("FaultyFileSystem: thenReadOnly refuses every change after the first failure, and nothing else", async () => {
  const fileSystem = await diskWith({}, { "/a": "1" });
  const faulty = new FaultyFileSystem(fileSystem, {
    failAt: 1,
    fault: { kind: "sync", mode: "kept" },
    thenReadOnly: true,
  });
  const file = await edit(faulty, "/a");
  await file.write(bytes("2"), 0);
  await assert.rejects(file.syncData(), { code: "EIO" });
  await assert.rejects(file.write(bytes("3"), 0), { code: "EROFS" });
  assert.throws(() => file.writeSync(bytes("3"), 0), { code: "EROFS" });
  await assert.rejects(faulty.open("/a", { access: "write" }), { code: "EROFS" });
  await assert.rejects(faulty.unlink("/a"), { code: "EROFS" });
  await assert.rejects(faulty.lock("/lock", "me"), { code: "EROFS" });
  assert.equal(await textAt(faulty, "/a"), "2");
  await file.close();
});

test("FaultyFileSystem: a failed close closes", async () => {
  const fileSystem = await diskWith({}, { "/a": "1" });
  const faulty = new FaultyFileSystem(fileSystem, {
    failAt: 1,
    fault: { kind: "error", code: "EIO" },
    filter: ({ method }) => method === "close",
  });
  const file = await edit(faulty, "/a");
  await assert.rejects(file.close(), { code: "EIO" });
  await assert.rejects(file.close(), { code: "EBADF" });
});

test("FaultyFileSystem: over a port that cannot fail inside, a false sync is done and a late one is told next time", async () => {
  for (const mode of ["false", "late", "kept"] as const) {
    const fileSystem = await diskWith({}, { "/a": "1" });
    const plain: FileSystem = {
      open: (path, options) => fileSystem.open(path, options),
      stat: (path) => fileSystem.stat(path),
      readDirectory: (path) => fileSystem.readDirectory(path),
      makeDirectory: (path, mode) => fileSystem.makeDirectory(path, mode),
      removeDirectory: (path) => fileSystem.removeDirectory(path),
      rename: (from, to) => fileSystem.rename(from, to),
      link: (from, to) => fileSystem.link(from, to),
      unlink: (path) => fileSystem.unlink(path),
      syncDirectory: (path) => fileSystem.syncDirectory(path),
      lock: (path, holder) => fileSystem.lock(path, holder),
      waitForChange: (path, signal) => fileSystem.waitForChange(path, signal),
      realPath: (path) => fileSystem.realPath(path),
    };
    const file = await edit(new FaultyFileSystem(plain, { failAt: 1, fault: { kind: "sync", mode } }), "/a");
    await file.write(bytes("2"), 0);
    const answers: string[] = [];
    for (let round = 0; round < 2; round++) {
      answers.push(await file.syncData().then(() => "resolved", (error: { code: string }) => error.code));
    }
    assert.deepEqual(answers, mode === "late" ? ["resolved", "EIO"] : ["EIO", "resolved"]);
    assert.equal(fileSystem.pending().length, mode === "late" ? 1 : 0);
  }
});

test("FaultyFileSystem counts from 1", () => {
  for (const failAt of [0, -1, 1.5, Number.NaN]) {
    const plan = { failAt, fault: { kind: "error", code: "EIO" } } as const;
    assert.throws(() => new FaultyFileSystem(new SimulatedFileSystem(), plan), RangeError);
  }
});

test("FaultyFileSystem: after a failed sync of a directory the next one does nothing, until a name changes", async () => {
  const fileSystem = await diskWith({}, { "/a": "1" });
  const fault = { kind: "directory-sync" } as const;
  const run = async (change: (faulty: FileSystem) => Promise<unknown>): Promise<string> => {
    const copy = fileSystem.clone();
    const faulty = new FaultyFileSystem(copy, { failAt: 1, fault });
    await faulty.rename("/a", "/b");
    await assert.rejects(faulty.syncDirectory("/"), { code: "EIO" });
    await change(faulty);
    await faulty.syncDirectory("/");
    return await listing(copy.crash());
  };
  assert.equal(await run(async () => {}), "a=1");
  assert.equal(await run((faulty) => faulty.open("/b", { access: "write", create: "if-missing" })), "a=1");
  assert.equal(await run((faulty) => faulty.unlink("/b")), "");
  assert.equal(await run((faulty) => faulty.rename("/b", "/c")), "c=1");
  assert.equal(await run((faulty) => faulty.link("/b", "/c")), "b=1 c=1");
  assert.equal(await run((faulty) => faulty.open("/c", { access: "write", create: "if-missing" })), "b=1 c=");
  assert.equal(await run((faulty) => faulty.makeDirectory("/c", 0o700)), "b=1 c/");
  assert.equal(await run((faulty) => faulty.lock("/c", "")), "b=1 c=");
});

test("FaultyFileSystem: a program that is started again goes on with the count", async () => {
  const fileSystem = await diskWith({}, { "/a": "1" });
  const first = new FaultyFileSystem(fileSystem, { failAt: 2, fault: { kind: "error", code: "EIO" } });
  await first.stat("/a");
  const second = first.over(fileSystem.anotherProcess());
  await assert.rejects(second.stat("/a"), { code: "EIO" });
  await first.stat("/a");
  assert.deepEqual([first.calls, second.calls, first.fired.length], [3, 3, 1]);
});

test("FaultyFileSystem: an append makes the calls that it makes without", async () => {
  const calls: string[] = [];
  const note = ({ method }: PortCall): boolean => {
    calls.push(method);
    return false;
  };
  const fault = { kind: "error", code: "EIO" } as const;
  const faulty = new FaultyFileSystem(new SimulatedFileSystem(), { failAt: 1, fault, filter: note });
  await using store = await openStore("/sessions", { fileSystem: faulty });
  const session = await store.session("a");
  await session.append({ role: "user", content: "the first makes the log" });
  await session.append({ role: "user", content: "the second, room for more" });
  calls.length = 0;
  await session.append({ role: "user", content: "this one only overwrites" });
  // A look at the end, a write that syncs by itself, a look at the name: no trip to another thread for a stat.
  assert.deepEqual(calls, ["read", "write", "syncData", "path"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { HoldfastError, openStore, type Session, type SessionStore } from "../../mod.ts";
import type { FileHandle, FileStat, FileSystem, OpenOptions } from "../../src/fs/filesystem.ts";
import { crashStates, FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";

const directory = "/sessions";
const logPath = `${directory}/chat.jsonl`;
const message = (content: string): { content: string } => ({ content });

/** An object that does what another does, but for what is given instead. */
function instead<T extends object>(inner: T, change: (name: string | symbol, value: unknown) => unknown): T {
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      return change(name, typeof value === "function" ? value.bind(target) : value);
    },
  });
}

/** The same port with other open logs. */
function withLog(inner: FileSystem, change: (handle: FileHandle) => FileHandle): FileSystem {
  const open = async (path: string, options: OpenOptions): Promise<FileHandle> => {
    const handle = await inner.open(path, options);
    return path === logPath ? change(handle) : handle;
  };
  return instead(inner, (name, value) => name === "open" ? open : value);
}

/** The same port; every call on the log is noted by its name. */
function noting(inner: FileSystem, calls: string[]): FileSystem {
  const stat = async (path: string): Promise<FileStat> => {
    if (path === logPath) calls.push("stat");
    return await inner.stat(path);
  };
  const noted = (handle: FileHandle): FileHandle =>
    instead(handle, (name, value) => {
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        calls.push(String(name));
        return Reflect.apply(value, handle, args);
      };
    });
  return instead(withLog(inner, noted), (name, value) => name === "stat" ? stat : value);
}

interface Filled {
  store: SessionStore;
  session: Session;
}

/** A session whose log has fill, with everything durable. */
async function openFilled(fileSystem: FileSystem, size = 10): Promise<Filled> {
  const store = await openStore(directory, { fileSystem });
  const session = await store.session("chat");
  for (const content of ["0", "1"]) await session.append(message(content.repeat(size)));
  return { store, session };
}

async function contents(fileSystem: FileSystem): Promise<string[]> {
  const found: string[] = [];
  await using store = await openStore(directory, { fileSystem });
  for await (const { record } of (await store.session("chat")).records()) {
    found.push(String(record.content).slice(0, 3));
  }
  return found;
}

test("I20: a durable append into fill is one durable write between two looks at what the kernel has in memory", async () => {
  const calls: string[] = [];
  const { store, session } = await openFilled(noting(new SimulatedFileSystem(), calls));
  calls.length = 0;
  await session.append(message("2"));
  assert.deepEqual(calls, ["readSync", "writeDurable", "pathSync"]);
  const { writes, syncs } = store.counters;
  await session.append(message("3"));
  assert.deepEqual([store.counters.writes - writes, store.counters.syncs - syncs], [1, 1]);
  await store.close();
});

test("I4: a durable append with buffered records in front of it is written and synced with them", async () => {
  const calls: string[] = [];
  const machine = new SimulatedFileSystem({ model: "weak" });
  // Not in one page only: a sync of the last one says nothing of what is in front.
  const { session } = await openFilled(noting(machine, calls), 5000);
  await session.append(message("2".repeat(3000)), { durability: "buffered" });
  calls.length = 0;
  await session.append(message("3".repeat(3000)));
  assert.deepEqual(calls.filter((name) => name.startsWith("write") || name === "syncData"), ["write", "syncData"]);
  for (const { choices } of crashStates(machine, { limit: 50 })) {
    assert.deepEqual(await contents(machine.clone().crash(choices)), ["000", "111", "222", "333"]);
  }
});

test("I1, I4: the power is cut at every step of durable writes that lie in several pages", async () => {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const { session } = await openFilled(machine, 5000);
  const moments: { machine: SimulatedFileSystem; acknowledged: number }[] = [];
  let acknowledged = 2;
  machine.onStep = () => void moments.push({ machine: machine.clone(), acknowledged });
  for (const content of ["2", "3"]) {
    await session.append(message(content.repeat(5000)));
    acknowledged++;
  }
  machine.onStep = undefined;
  const all = ["000", "111", "222", "333"];
  let states = 0;
  for (const moment of moments) {
    for (const { choices } of crashStates(moment.machine, { limit: 24 })) {
      const found = await contents(moment.machine.clone().crash(choices));
      assert.deepEqual(found, all.slice(0, found.length));
      assert.ok(found.length >= moment.acknowledged, `${moment.acknowledged} acknowledged, ${found.join()} there`);
      states++;
    }
  }
  assert.ok(states > 50, `${states} states`);
});

test("I13: a durable write that fails makes the session fail, whether it was the write or the sync", async () => {
  for (const mode of ["kept", "dropped", "false"] as const) {
    for (const method of ["write", "syncData"] as const) {
      let isArmed = false;
      const machine = new SimulatedFileSystem({ model: "weak" });
      const port = new FaultyFileSystem(machine, {
        failAt: 1,
        fault: method === "write" ? { kind: "error", code: "EIO" } : { kind: "sync", mode },
        filter: (call) => isArmed && call.method === method && call.path === logPath,
      });
      const { session } = await openFilled(port);
      isArmed = true;
      const isFailed = (error: unknown): boolean => error instanceof HoldfastError && error.code === "failed";
      await assert.rejects(session.append(message("2")), isFailed);
      await assert.rejects(session.append(message("3")), isFailed);
      assert.equal(port.fired.length, 1);
      const found = await contents(machine.clone().crash());
      assert.deepEqual(found.slice(0, 2), ["000", "111"]);
    }
  }
});

test("I1: a durable write that takes only some of its bytes is carried on, and synced", async () => {
  let isArmed = false;
  const machine = new SimulatedFileSystem({ model: "weak" });
  const port = new FaultyFileSystem(machine, {
    failAt: 1,
    fault: { kind: "short-write", bytes: 7 },
    filter: ({ method, path }) => isArmed && method === "write" && path === logPath,
  });
  const { session } = await openFilled(port);
  isArmed = true;
  await session.append(message("2"));
  assert.equal(port.fired.length, 1);
  assert.deepEqual(await contents(machine.clone().crash()), ["000", "111", "2"]);
});

test("H15: a log that is taken away during an append into fill acknowledges nothing any more", async () => {
  for (const isReplaced of [false, true]) {
    const machine = new SimulatedFileSystem();
    const { session } = await openFilled(machine);
    await machine.rename(logPath, `${directory}/elsewhere`);
    if (isReplaced) await (await machine.open(logPath, { access: "write", create: "exclusive" })).close();
    await assert.rejects(session.append(message("2")), { code: "failed" });
  }
});

test("A5: what somebody appends behind the fill is gone on behind", async () => {
  const machine = new SimulatedFileSystem();
  const { store, session } = await openFilled(machine);
  const theirs = await machine.open(logPath, { access: "write" });
  await theirs.write(new TextEncoder().encode('{"content":"theirs"}\n'), (await theirs.stat()).size);
  await theirs.close();
  await session.append(message("2"));
  await session.append(message("3"));
  await store.close();
  assert.deepEqual(await contents(machine), ["000", "111", "the", "2", "3"]);
});

test("a file system that has neither durable writes nor a file's path is looked at, written and synced", async () => {
  const calls: string[] = [];
  const bare = withLog(
    new SimulatedFileSystem(),
    (handle) => instead(handle, (name, value) => name === "writeDurable" || name === "pathSync" ? undefined : value),
  );
  const { store, session } = await openFilled(noting(bare, calls));
  calls.length = 0;
  await session.append(message("2"));
  assert.deepEqual(calls, ["stat", "write", "syncData"]);
  await store.close();
});

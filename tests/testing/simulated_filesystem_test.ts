import { test } from "node:test";
import assert from "node:assert/strict";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { bytes, crashCopy, diskWith, edit, listing, many, put, sync, textAt } from "./simulation_verbs.ts";

const off = { code: "ESHUTDOWN" };

test("crash(): every call on an old handle, an old file system or an old lock rejects", async () => {
  const fileSystem = await diskWith({}, { "/log": "1" });
  const file = await edit(fileSystem, "/log");
  const attempt = await fileSystem.lock("/lock", "me");
  const waiting = fileSystem.waitForChange("/log", new AbortController().signal);
  assert.ok(attempt.acquired);
  const after = fileSystem.crash();
  await waiting;
  await assert.rejects(fileSystem.open("/log", { access: "read" }), off);
  await assert.rejects(fileSystem.stat("/log"), off);
  await assert.rejects(fileSystem.readDirectory("/"), off);
  await assert.rejects(fileSystem.makeDirectory("/d", 0o700), off);
  await assert.rejects(fileSystem.removeDirectory("/d"), off);
  await assert.rejects(fileSystem.rename("/log", "/b"), off);
  await assert.rejects(fileSystem.link("/log", "/b"), off);
  await assert.rejects(fileSystem.unlink("/log"), off);
  await assert.rejects(fileSystem.syncDirectory("/"), off);
  await assert.rejects(fileSystem.lock("/lock", "me"), off);
  await assert.rejects(fileSystem.waitForChange("/log", new AbortController().signal), off);
  await assert.rejects(fileSystem.realPath("/log"), off);
  await assert.rejects(attempt.lock.release(), off);
  await assert.rejects(file.read(new Uint8Array(1), 0), off);
  await assert.rejects(file.write(bytes("2"), 0), off);
  await assert.rejects(file.truncate(0), off);
  await assert.rejects(file.syncData(), off);
  await assert.rejects(file.stat(), off);
  await assert.rejects(file.setMode(0o644), off);
  await assert.rejects(file.setOwner(1, 1), off);
  await assert.rejects(file.close(), off);
  assert.throws(() => file.readSync(new Uint8Array(1), 0), off);
  assert.throws(() => file.writeSync(bytes("2"), 0), off);
  assert.throws(() => file.syncDataSync(), off);
  assert.equal(await textAt(after, "/log"), "1");
});

test("I15: locks die with a power cut and with their process; the lock file stays", async () => {
  const fileSystem = new SimulatedFileSystem();
  assert.ok((await fileSystem.lock("/lock", "first")).acquired);
  await fileSystem.syncDirectory("/");
  const other = fileSystem.anotherProcess();
  assert.deepEqual(await other.lock("/lock", "second"), { acquired: false, holder: "first" });
  const restarted = fileSystem.kill();
  await assert.rejects(fileSystem.stat("/lock"), off);
  assert.ok((await restarted.lock("/lock", "third")).acquired);
  assert.deepEqual(await other.lock("/lock", "second"), { acquired: false, holder: "third" });
  const after = other.crash();
  await assert.rejects(restarted.stat("/lock"), off);
  assert.equal((await after.stat("/lock")).kind, "file");
  assert.ok((await after.lock("/lock", "fourth")).acquired);
});

test("kill(): what was written is still in the cache, and still not on the disk", async () => {
  const fileSystem = await diskWith({}, { "/log": "1" });
  const file = await edit(fileSystem, "/log");
  await file.write(bytes("2"), 0);
  const restarted = fileSystem.kill();
  await assert.rejects(file.syncData(), off);
  assert.equal(await textAt(restarted, "/log"), "2");
  assert.equal(await textAt(restarted.crash(), "/log"), "1");
});

test("clone() and its original do not see each other's changes", async () => {
  const fileSystem = await diskWith({}, { "/log": many("a", 10_000) });
  await put(fileSystem, "/log", "b", 5000);
  const file = await edit(fileSystem, "/log");
  const copy = fileSystem.clone();
  await file.write(bytes("c"), 5001);
  await file.syncData();
  await put(copy, "/log", "d", 5002);
  await copy.unlink("/log");
  await put(copy, "/log", "new");
  assert.equal((await textAt(fileSystem, "/log"))?.slice(4999, 5004), "abcaa");
  assert.equal((await textAt(crashCopy(fileSystem, []), "/log"))?.slice(4999, 5004), "abcaa");
  assert.equal((await textAt(crashCopy(copy, []), "/log"))?.slice(4999, 5004), "aaaaa");
  assert.equal(await textAt(copy, "/log"), "new");
});

test("onStep is called around and inside every call, and a crash there is a crash in the middle of the call", async () => {
  const fileSystem = await diskWith({ model: "weak" }, { "/log": "" });
  const steps: string[] = [];
  const sizes: number[][] = [];
  const waiting: Promise<void>[] = [];
  fileSystem.onStep = (step, description) => {
    steps.push(`${step} ${description}`);
    const snapshot = fileSystem.clone();
    const kept = snapshot.pending().map(() => -1);
    const after = snapshot.crash(kept);
    waiting.push(after.stat("/log").then(({ size }) => void sizes.push([step, size])));
  };
  const file = await edit(fileSystem, "/log");
  await file.write(bytes(many("a", 10_000)), 0);
  await file.syncData();
  fileSystem.onStep = undefined;
  await file.close();
  await Promise.all(waiting);
  assert.deepEqual(steps, [
    "0 before open /log",
    "1 after open /log",
    "2 before write /log 0..10000",
    "3 after a page of write /log 0..10000",
    "4 after a page of write /log 0..10000",
    "5 after a page of write /log 0..10000",
    "6 before fdatasync /log",
    "7 after fdatasync /log",
  ]);
  assert.deepEqual(sizes, [[0, 0], [1, 0], [2, 0], [3, 4096], [4, 8192], [5, 10_000], [6, 10_000], [7, 10_000]]);
});

test("onStep may cut the power itself: the call in progress rejects", async () => {
  const fileSystem = await diskWith({ model: "ordered" }, { "/log": "" });
  const file = await edit(fileSystem, "/log");
  let after: SimulatedFileSystem | undefined;
  let pages = 0;
  fileSystem.onStep = (_step, description) => {
    if (description.startsWith("after a page") && ++pages === 2) after = fileSystem.crash([-1, -1]);
  };
  await assert.rejects(file.write(bytes(many("a", 10_000)), 0), off);
  assert.ok(after !== undefined);
  assert.equal(await textAt(after, "/log"), many("a", 4096));
});

test("diskImageHash() tells what is durable from what is not, and equal disks are equal", async () => {
  const one = await diskWith({}, { "/a": "1", "/b": many("2", 5000) });
  const other = await diskWith({ seed: 7 }, { "/b": many("2", 5000), "/a": "1" });
  const before = one.diskImageHash();
  assert.equal(before, other.diskImageHash());
  assert.ok(Number.isSafeInteger(before) && before >= 0);
  await put(one, "/b", "3", 4999);
  assert.equal(one.diskImageHash(), before);
  assert.notEqual(one.cacheImageHash(), before);
  await sync(one, "/b");
  assert.notEqual(one.diskImageHash(), before);
  assert.equal(one.diskImageHash(), one.cacheImageHash());
  const names = [one.diskImageHash()];
  await one.rename("/a", "/c");
  await one.syncDirectory("/");
  names.push(one.diskImageHash());
  await one.makeDirectory("/d", 0o700);
  await one.syncDirectory("/");
  names.push(one.diskImageHash());
  await put(one, "/c", "\0", 1);
  await sync(one, "/c");
  names.push(one.diskImageHash());
  assert.equal(new Set(names).size, 4);
});

test("I20: counters say what was asked and what the device had to write", async () => {
  const fileSystem = await diskWith({}, { "/log": many("\n", 8192) });
  const file = await edit(fileSystem, "/log");
  const before = { ...fileSystem.counters };
  await file.write(bytes(many("a", 200)), 0);
  await file.write(bytes(many("b", 200)), 200);
  await file.syncData();
  await file.write(bytes("c"), 8192);
  await file.syncData();
  await file.truncate(8192);
  await file.read(new Uint8Array(100), 8150);
  await file.close();
  await fileSystem.rename("/log", "/name");
  await fileSystem.syncDirectory("/");
  const after = fileSystem.counters;
  const difference: Record<string, number> = {};
  for (const [name, count] of Object.entries(after)) {
    difference[name] = count - (Object.entries(before).find(([other]) => other === name)?.[1] ?? 0);
  }
  assert.deepEqual(difference, {
    opens: 0,
    reads: 1,
    readBytes: 42,
    writes: 3,
    writtenBytes: 401,
    truncations: 1,
    syncs: 2,
    metadataSyncs: 1,
    directorySyncs: 1,
    syncedPages: 2,
    namespaceOperations: 1,
  });
  assert.equal(fileSystem.crash().counters.writes, 0);
});

test("readDirectory() is shuffled by the seed and by nothing else", async () => {
  const orders = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const names = async (): Promise<string> => {
      const fileSystem = new SimulatedFileSystem({ seed });
      for (const name of ["a", "b", "c", "d"]) await fileSystem.makeDirectory(`/${name}`, 0o700);
      return (await fileSystem.readDirectory("/")).map(({ name }) => name).join("");
    };
    const order = await names();
    assert.equal(await names(), order);
    orders.add(order);
  }
  assert.ok(orders.size > 5);
});

test("I19: the clock can start in 1970, and start again after a power cut", async () => {
  const fileSystem = await diskWith({ clockStartMs: 0, clockRestarts: true }, { "/a": "1" });
  const first = (await fileSystem.stat("/a")).modifiedMs;
  assert.ok(first > 0 && first < 100);
  for (let round = 0; round < 50; round++) await put(fileSystem, "/a", "2");
  await sync(fileSystem, "/a");
  const later = (await fileSystem.stat("/a")).modifiedMs;
  assert.ok(later >= first + 50);
  const after = fileSystem.crash();
  await put(after, "/b", "1");
  assert.ok((await after.stat("/b")).modifiedMs < later);
  const steady = (await diskWith({}, { "/a": "1" })).crash();
  await put(steady, "/b", "1");
  assert.ok((await steady.stat("/b")).modifiedMs > (await steady.stat("/a")).modifiedMs);
});

test("addSymbolicLink(): never followed in the last place, followed on the way", async () => {
  const fileSystem = await diskWith({}, {});
  await fileSystem.makeDirectory("/d", 0o700);
  await put(fileSystem, "/d/file", "text");
  fileSystem.addSymbolicLink("/link", "/d/file");
  fileSystem.addSymbolicLink("/way", "d");
  fileSystem.addSymbolicLink("/d/loop", "../d/loop");
  await assert.rejects(fileSystem.open("/link", { access: "read" }), { code: "ELOOP" });
  assert.equal((await fileSystem.stat("/link")).kind, "other");
  assert.equal(await textAt(fileSystem, "/way/file"), "text");
  assert.equal(await fileSystem.realPath("/way/file"), "/d/file");
  assert.equal(await fileSystem.realPath("/link"), "/d/file");
  await assert.rejects(fileSystem.realPath("/d/loop"), { code: "ELOOP" });
  await assert.rejects(fileSystem.stat("/link/below"), { code: "ENOTDIR" });
});

test("paths: . and .., double and trailing slashes, long names, NUL", async () => {
  const fileSystem = await diskWith({}, { "/file": "text" });
  await fileSystem.makeDirectory("/d/", 0o700);
  assert.equal(await textAt(fileSystem, "//d/../d/./..//file"), "text");
  assert.equal(await textAt(fileSystem, "file"), "text");
  assert.equal(await fileSystem.realPath("/.."), "/");
  await assert.rejects(fileSystem.stat(`/${many("x", 256)}`), { code: "ENAMETOOLONG" });
  await assert.rejects(fileSystem.stat(`/${many("é", 128)}`), { code: "ENAMETOOLONG" });
  await assert.rejects(fileSystem.stat("/a\0b"), { code: "EINVAL" });
  await assert.rejects(fileSystem.stat(""), { code: "ENOENT" });
});

test("a full disk: writes are short, then ENOSPC; space returns only when the unlink is durable", async () => {
  const fileSystem = await diskWith({ capacityBytes: 5 * 4096 }, { "/old": many("o", 8192) });
  const file = await edit(fileSystem, "/new");
  assert.equal(await file.write(bytes(many("n", 16_384)), 100), 8192 - 100);
  await assert.rejects(file.write(bytes("n"), 8192), { code: "ENOSPC" });
  await assert.rejects(fileSystem.makeDirectory("/d", 0o700), { code: "ENOSPC" });
  assert.equal(await file.write(bytes("inside"), 50), 6);
  assert.equal((await file.stat()).size, 8192);
  await fileSystem.unlink("/old");
  await assert.rejects(file.write(bytes("n"), 8192), { code: "ENOSPC" });
  await fileSystem.syncDirectory("/");
  assert.equal(await file.write(bytes("n"), 8192), 1);
  await file.syncData();
  await file.truncate(0);
  await assert.rejects(fileSystem.makeDirectory("/d", 0o700).then(() => file.write(bytes(many("x", 8192)), 12_288)), {
    code: "ENOSPC",
  });
  await file.syncData();
  assert.equal(await file.write(bytes(many("x", 16_384)), 12_288), 12_288);
  await file.close();
});

test("an unlinked file that is open keeps its space until it is closed", async () => {
  const fileSystem = await diskWith({ capacityBytes: 4 * 4096 }, { "/old": many("o", 8192) });
  const old = await edit(fileSystem, "/old");
  await fileSystem.unlink("/old");
  await fileSystem.syncDirectory("/");
  const file = await edit(fileSystem, "/new");
  assert.equal(await file.write(bytes(many("n", 8192)), 0), 4096);
  await old.close();
  await fileSystem.syncDirectory("/");
  await fileSystem.rename("/new", "/name");
  await fileSystem.syncDirectory("/");
  assert.equal(await file.write(bytes(many("n", 8192)), 4096), 8192);
  await file.close();
  assert.equal(await listing(crashCopy(fileSystem, [])), "name=");
});

test("waitForChange() resolves at the next change of the name, not at another's", async () => {
  const fileSystem = await diskWith({}, { "/a": "1", "/b": "2" });
  let changes = 0;
  const waiting = fileSystem.waitForChange("/a", new AbortController().signal).then(() => void changes++);
  await put(fileSystem, "/b", "3");
  await Promise.resolve();
  assert.equal(changes, 0);
  await put(fileSystem, "/a", "4");
  await waiting;
  assert.equal(changes, 1);
});

test("setOwner() gives files away only if privileged", async () => {
  const plain = await edit(await diskWith({}, { "/a": "1" }), "/a");
  await assert.rejects(plain.setOwner(0, 0), { code: "EPERM" });
  const fileSystem = await diskWith({ privileged: true, userId: 0 }, { "/a": "1" });
  const file = await edit(fileSystem, "/a");
  await file.setOwner(7, 8);
  const { userId, groupId } = await fileSystem.stat("/a");
  assert.deepEqual([userId, groupId], [7, 8]);
});

test("answerTurnsMax: answers take their turns, the same ones for the same seed; none comes after the power went", async () => {
  const orders = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const run = async (): Promise<string> => {
      const fileSystem = await diskWith({ answerTurnsMax: 8, seed }, { "/a": "", "/b": "" });
      const [a, b] = [await edit(fileSystem, "/a"), await edit(fileSystem, "/b")];
      const order: string[] = [];
      await Promise.all([a.syncData().then(() => order.push("a")), b.syncData().then(() => order.push("b"))]);
      return order.join("");
    };
    const order = await run();
    assert.equal(await run(), order);
    orders.add(order);
  }
  assert.deepEqual([...orders].sort(), ["ab", "ba"]);
  const fileSystem = await diskWith({ answerTurnsMax: 1000, seed: 3 }, { "/a": "1" });
  const file = await edit(fileSystem, "/a");
  const answer = file.write(bytes("2"), 0);
  const after = fileSystem.crash([-1]);
  await assert.rejects(answer, off);
  assert.equal(await textAt(after, "/a"), "2");
});

/**
 * Collection: what nothing names goes, and nothing else does, whoever appends meanwhile and whenever the power is cut (C9).
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { openStore, type SessionStore } from "../../mod.ts";
import { crashStates, type PortCall, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { isEverythingAsked } from "../crash/crash_budget.ts";
import { hasCode, simulatedTest, type StoreBench, storeTest } from "./store_fixture.ts";
import { WatchedFileSystem } from "./watched_filesystem.ts";

const options = { blobs: { valueBytesMin: 1024, previewBytesMax: 16 } };
const large = (start: string): string => start.repeat(1024 / start.length);
/** Every how-many-th pair of steps is run; all of them where everything is asked for. */
const stride = isEverythingAsked ? 1 : 47;
const nameOf = (text: string): string => createHash("sha256").update(text).digest("hex");

async function blobNames(bench: StoreBench): Promise<string[]> {
  return (await bench.names("/blobs")).filter((name) => !name.endsWith(".intent"));
}

storeTest("collectBlobs() removes what nothing names any more, and nothing else", async (bench) => {
  const store = await bench.open(options);
  const [a, b] = [await store.session("a"), await store.session("b")];
  assert.deepEqual(await store.collectBlobs(), { kept: 0, removed: 0, bytesRemoved: 0 });
  await a.append({ content: large("one "), note: large("two ") });
  await b.append({ content: large("two ") });
  await b.append({ content: large("tre ") });
  assert.deepEqual(await store.collectBlobs(), { kept: 3, removed: 0, bytesRemoved: 0 });
  await b.truncate(1);
  // A hidden record is still in the log.
  assert.deepEqual(await store.collectBlobs(), { kept: 3, removed: 0, bytesRemoved: 0 });
  await store.delete("a");
  assert.deepEqual(await store.collectBlobs(), { kept: 2, removed: 1, bytesRemoved: 1024 });
  await b.compact();
  assert.deepEqual(await store.collectBlobs(), { kept: 1, removed: 1, bytesRemoved: 1024 });
  assert.deepEqual(await b.history(), [{ content: large("tre ") }]);
  await b.replace([{ content: large("four") }]);
  assert.deepEqual(await store.collectBlobs(), { kept: 1, removed: 1, bytesRemoved: 1024 });
  assert.deepEqual(await b.history(), [{ content: large("four") }]);
  // What is removed can be appended again, though it was known to be there.
  await b.append({ content: large("one ") });
  assert.deepEqual((await b.tail(1)).records, [{ content: large("one ") }]);
  assert.deepEqual(bench.eventTypes(), []);
});

storeTest(
  "collectBlobs() keeps what an archive, a quarantine, a damaged line or a stranger's copy names",
  async (bench) => {
    const store = await bench.open(options);
    const [a, b] = [await store.session("a"), await store.session("b")];
    await a.append({ content: large("one ") });
    await b.append({ content: large("two ") });
    await b.append({ n: 1 });
    await bench.write("copy.backup", await bench.read("a.jsonl"));
    await bench.write("b.jsonl", (await bench.text("b.jsonl")).replace('"content"', '"contend"'));
    await store.delete("a");
    assert.equal((await store.collectBlobs()).kept, 2);
    await b.repair();
    assert.ok((await bench.names()).includes("b.quarantine"));
    assert.equal((await store.collectBlobs()).kept, 2);
  },
);

storeTest(
  "G6: a fork has its source's large values, and keeps them when that is gone and blobs are collected",
  async (bench) => {
    const store = await bench.open(options);
    const source = await store.session("source");
    const records = [{ content: large("one ") }, { content: large("two "), time: "2026-01-02T03:04:05Z" }, { n: 2 }];
    for (const record of records) await source.append(record);
    await store.fork("source", "fork", { at: 1 });
    assert.equal((await blobNames(bench)).length, 2);
    await store.delete("source");
    assert.deepEqual(await store.collectBlobs(), { kept: 2, removed: 0, bytesRemoved: 0 });
    const fork = await store.session("fork");
    assert.deepEqual(await fork.history(), records.slice(0, 2));
    assert.equal((await fork.verify()).ok, true);
    await fork.append({ n: 3 });
    await fork.truncate(1);
    await fork.compact({ archive: true });
    assert.equal((await store.collectBlobs()).kept, 2);
    await bench.base.unlink(bench.path(`blobs/${nameOf(large("one "))}`));
    const { ok, blobs, damagedBlobs } = await fork.verify();
    assert.deepEqual([ok, blobs, damagedBlobs.map(({ sequence }) => sequence)], [false, 2, [0]]);
  },
);

storeTest(
  "collectBlobs() takes what a killed program has left, and goes on where a collection was cut off",
  async (bench) => {
    const store = await bench.open(options);
    const session = await store.session("a");
    await session.append({ content: large("one ") });
    await session.append({ content: large("two ") });
    const named = nameOf(large("one "));
    await bench.base.rename(bench.path(`blobs/${named}`), bench.path(`blobs/${named}.unused`));
    // It is read there as well.
    assert.deepEqual((await session.history())[0], { content: large("one ") });
    assert.equal((await session.verify()).ok, true);
    await bench.write(`blobs/${nameOf("gone")}.unused`, "gone");
    await bench.write("blobs/dead.tmp", "half a blo");
    await bench.write("blobs/dead.intent", "x");
    await bench.write("blobs/notes.txt", "somebody else's");
    assert.deepEqual(await store.collectBlobs(), { kept: 2, removed: 1, bytesRemoved: 4 });
    assert.deepEqual(await blobNames(bench), [named, nameOf(large("two ")), "notes.txt"].sort());
    await bench.closeAll();
    assert.deepEqual((await bench.names("/blobs")).filter((name) => name.endsWith(".intent")), []);
  },
);

simulatedTest(
  "collectBlobs() is refused to a second process at the same time, and to a store that is readOnly",
  async (bench) => {
    const store = await bench.open(options);
    await (await store.session("a")).append({ content: large("one ") });
    const other = await bench.open(options);
    const gate = bench.port.holdNext(({ method }) => method === "readDirectory");
    const first = store.collectBlobs();
    await gate.reached;
    await assert.rejects(other.collectBlobs(), hasCode("locked"));
    gate.open();
    assert.equal((await first).kept, 1);
    const reader = await bench.open({ readOnly: true });
    await assert.rejects(reader.collectBlobs(), hasCode("read-only"));
  },
);

simulatedTest("a collection that fails gives every blob its name back", async (bench) => {
  const store = await bench.open(options);
  const session = await store.session("a");
  await session.append({ content: large("one ") });
  await store.delete("a");
  await (await store.session("b")).append({ n: 1 });
  let lists = 0;
  bench.port.onCall = ({ method }) => {
    if (method === "readDirectory" && ++lists > 4) throw Object.assign(new Error("EIO"), { code: "EIO" });
  };
  await assert.rejects(store.collectBlobs(), hasCode("io"));
  bench.port.onCall = null;
  assert.deepEqual(await blobNames(bench), [nameOf(large("one "))]);
});

/** What is done while blobs are collected; each names the blob that nothing names when the collection begins. */
const writers: Record<string, (store: SessionStore) => Promise<void>> = {
  "append()": async (store) => void await (await store.session("b")).append({ content: large("one ") }),
  "append() to a new session": async (store) =>
    void await (await store.session("c")).append({ content: large("one ") }),
  "append(), buffered": async (store) => {
    const session = await store.session("b");
    await session.append({ content: large("one ") }, { durability: "buffered" });
    await session.flush();
  },
  "fork(), and its source's end": async (store) => {
    await (await store.session("d")).append({ content: large("one ") });
    await store.fork("d", "e");
    await store.delete("d");
  },
  "compact() to the archive": async (store) => {
    const session = await store.session("b");
    await session.append({ content: large("one ") });
    await session.append({ n: 1 });
    await session.truncate(1);
    await session.compact({ archive: true });
  },
  "replace()": async (store) => void await (await store.session("b")).replace([{ n: 1 }, { content: large("one ") }]),
};

/** A store with a blob that nothing names, and one that is named. */
async function prepared(): Promise<SimulatedFileSystem> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const store = await openStore("/sessions", { ...options, fileSystem: machine });
  await (await store.session("a")).append({ content: large("one ") });
  await (await store.session("b")).append({ content: large("two ") });
  await store.delete("a");
  await store.close();
  return machine;
}

/** Reads all with `strict`: a blob that is named and not there is an error. */
async function readAll(machine: SimulatedFileSystem): Promise<number> {
  const store = await openStore("/sessions", { fileSystem: machine, strict: true, readOnly: true });
  let found = 0;
  for (const { key } of await store.list()) {
    for await (const { record } of (await store.session(key)).records({ all: true })) {
      if (record["content"] === large("one ")) found++;
    }
  }
  await store.close();
  return found;
}

/** Two programs on one machine, of which the second begins at a call of the first, and waits at one of its own. */
interface Meeting {
  first: (store: SessionStore) => Promise<unknown>;
  second: (store: SessionStore) => Promise<unknown>;
  /** At which call of the first the second begins. */
  beginAt: number;
  /** At which call of the second the first goes on. */
  waitAt: number;
}

/** The calls at which it matters who comes first: what is done with blobs, and with the records that name them. */
function matters({ method, path }: PortCall): boolean {
  if (path.includes("/blobs")) {
    return !["close", "setMode", "stat"].includes(method) || path.endsWith(nameOf(large("one ")));
  }
  return path.endsWith(".jsonl") && ["open", "write", "syncData"].includes(method);
}

/** Runs both. */
async function meet(machine: SimulatedFileSystem, meeting: Meeting): Promise<void> {
  const ports = [new WatchedFileSystem(machine), new WatchedFileSystem(machine.anotherProcess())] as const;
  const stores = await Promise.all(ports.map((fileSystem) => openStore("/sessions", { ...options, fileSystem })));
  const [one, other] = stores;
  if (one === undefined || other === undefined) throw new Error("No stores");
  let hasBegun = false;
  let release = (): void => undefined;
  const firstDone = new Promise<void>((resolve) => release = resolve);
  let second: Promise<unknown> = Promise.resolve();
  let calls = 0;
  ports[0].onCall = async (call: PortCall) => {
    if (call.method === "waitForChange") release();
    if (!matters(call)) return;
    if (calls++ !== meeting.beginAt || hasBegun) return;
    hasBegun = true;
    let otherCalls = 0;
    await new Promise<void>((goOn) => {
      ports[1].onCall = async (call: PortCall) => {
        // Who waits for the first would wait for ever.
        if (call.method === "waitForChange") return goOn();
        if (!matters(call)) return;
        if (otherCalls++ !== meeting.waitAt) return;
        goOn();
        await firstDone;
      };
      second = meeting.second(other).finally(goOn);
      second.catch(() => undefined);
    });
  };
  await meeting.first(one).finally(release);
  if (!hasBegun) second = meeting.second(other);
  await second;
  for (const store of stores) await store.close();
}

const collect = async (store: SessionStore): Promise<unknown> => await store.collectBlobs();

/** How many of its calls matter. */
async function callsOf(work: (store: SessionStore) => Promise<unknown>): Promise<number> {
  const port = new WatchedFileSystem(await prepared());
  let calls = 0;
  const store = await openStore("/sessions", { ...options, fileSystem: port });
  port.onCall = (call) => void (matters(call) && calls++);
  await work(store);
  await store.close();
  return calls;
}

for (const [name, write] of Object.entries(writers)) {
  for (const isCollectorFirst of [true, false]) {
    const title = isCollectorFirst ? `${name} begins in a collection` : `a collection begins in ${name}`;
    test(`C9: no blob goes that a record names: ${title}, at each step, and stops at each step`, async () => {
      const pair = isCollectorFirst ? { first: collect, second: write } : { first: write, second: collect };
      const [firstCalls, secondCalls] = [await callsOf(pair.first), await callsOf(pair.second)];
      assert.ok(firstCalls > 6 && secondCalls > 6, `${firstCalls} and ${secondCalls} calls`);
      let runs = 0;
      // One further than the calls that each makes alone: who meets somebody may have more to do.
      for (let place = 0; place < (firstCalls + 2) * (secondCalls + 2); place++) {
        // A fixed few of all pairs of steps, other ones for each writer.
        if ((place + title.length) % stride !== 0) continue;
        const [beginAt, waitAt] = [Math.floor(place / (secondCalls + 2)), place % (secondCalls + 2)];
        const machine = await prepared();
        const moments: SimulatedFileSystem[] = [];
        if (runs % 8 === 1) machine.onStep = () => void moments.push(machine.clone());
        await meet(machine, { ...pair, beginAt, waitAt });
        machine.onStep = undefined;
        const where = `beginAt ${beginAt}, waitAt ${waitAt}`;
        assert.equal(await readAll(machine), 1, where);
        // At no moment can the power be cut so that a record is there and its blob is not.
        for (const [index, moment] of moments.entries()) {
          for (const { choices } of crashStates(moment, { limit: 2 })) {
            const crashed = moment.crash(choices);
            await readAll(crashed).catch((error: unknown) => assert.fail(`${where}, ${index}, [${choices}]: ${error}`));
          }
        }
        runs++;
      }
      assert.ok(runs > 2, `${runs} runs`);
    });
  }
}

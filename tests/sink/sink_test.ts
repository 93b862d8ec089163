import assert from "node:assert/strict";
import { test } from "node:test";
import { HoldfastError, openStore, type SessionStore } from "../../mod.ts";
import type { ObjectStore, Sink } from "../../src/sink/mod.ts";
import { openSink, type SinkOptions } from "../../src/sink/open_sink.ts";
import { BucketUnreachable } from "../../src/sink/session_upload.ts";
import { readSinkStatus } from "../../src/sink/sink_sessions.ts";
import { FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { WatchedFileSystem } from "../store/watched_filesystem.ts";
import { MemoryObjects, readBucket } from "./memory_objects.ts";

interface Board {
  fileSystem: SimulatedFileSystem;
  store: SessionStore;
  objects: MemoryObjects;
}

async function newBoard(objects: MemoryObjects = new MemoryObjects()): Promise<Board> {
  const fileSystem = new SimulatedFileSystem();
  return { fileSystem, store: await openStore("/sessions", { fileSystem }), objects };
}

/** One that does nothing by itself. */
async function quietSink({ store, fileSystem, objects }: Board, more: Partial<SinkOptions> = {}): Promise<Sink> {
  return await openSink(store, { objects, fileSystem, intervalMs: 0, ...more });
}

function sequencesOf(objects: MemoryObjects, key: string): number[] {
  const found = [...readBucket(objects.held).values()].find(({ manifest }) => manifest.key === key);
  return found?.lines.map(({ sequence }) => sequence) ?? [];
}

test("Sink sends what is new, once, and in plain lines that are a log", async () => {
  const board = await newBoard();
  const chat = await board.store.session("telegram:123");
  await chat.append({ role: "user", content: "hi" });
  const sink = await quietSink(board);
  await sink.flush();
  await chat.appendAll([{ role: "assistant", n: 1 }, { "#": "own", n: 2 }]);
  await sink.flush();
  const { requests } = board.objects;
  await sink.flush();
  assert.ok(board.objects.requests - requests <= 1, "nothing new costs one look for a successor");
  const [history] = [...readBucket(board.objects.held).values()];
  assert.deepEqual(history?.lines.map(({ sequence, text }) => [sequence, text]), [
    [0, '{"role":"user","content":"hi"}'],
    [1, '{"role":"assistant","n":1}'],
    [2, '{"#":"own","n":2}'],
  ]);
  assert.equal(history?.manifest.key, "telegram:123");
  assert.equal((await chat.facts()).id, history?.manifest.id);
  assert.deepEqual(await sink.status(), [
    { key: "telegram:123", id: history?.manifest.id ?? "", epoch: 1, uploaded: 3, next: 3 },
  ]);
  await sink.close();
  assert.deepEqual((await readSinkStatus(board.store, board.fileSystem)).map(({ uploaded }) => uploaded), [3]);
  await board.store.close();
});

test("Sink sends large values as objects of their own", async () => {
  const fileSystem = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem, blobs: { valueBytesMin: 1024 } });
  const board = { fileSystem, store, objects: new MemoryObjects() };
  const content = "x".repeat(5000);
  await (await store.session("a")).append({ role: "tool", content });
  const sink = await quietSink(board);
  await sink.flush();
  const [name] = [...board.objects.held.keys()].filter((one) => one.includes("/blobs/"));
  assert.equal(new TextDecoder().decode(board.objects.held.get(name ?? "")), content);
  const [history] = [...readBucket(board.objects.held).values()];
  assert.equal(history?.lines[0]?.blobs.length, 1);
  await sink.close();
  await store.close();
});

test("Sink goes on behind a cursor that is behind, and sends no record twice", async () => {
  const board = await newBoard();
  const chat = await board.store.session("a");
  for (let n = 0; n < 5; n++) await chat.append({ n });
  const sink = await quietSink(board, { objectBytesMax: 1 });
  board.objects.fault = (request, name) => request === "create" && name.endsWith("3.jsonl") ? "after" : "none";
  await assert.rejects(sink.flush(), BucketUnreachable);
  board.objects.fault = () => "none";
  await sink.close();
  const again = await quietSink(board, { objectBytesMax: 2000 });
  await again.flush();
  assert.deepEqual(sequencesOf(board.objects, "a"), [0, 1, 2, 3, 4]);
  assert.equal(again.counters.adopted, 1);
  await again.close();
  await board.store.close();
});

test("Sink archives: truncation, replace, compaction and delete take nothing out of the bucket", async () => {
  const board = await newBoard();
  const chat = await board.store.session("a");
  for (let n = 0; n < 5; n++) await chat.append({ n });
  const sink = await quietSink(board);
  await sink.flush();
  await chat.truncate(2, { summary: "three" });
  await chat.compact();
  await chat.append({ n: 5 });
  await sink.flush();
  const firstOf = () => [...readBucket(board.objects.held).values()][0]?.manifest;
  assert.equal(firstOf()?.first, 3);
  assert.equal(firstOf()?.summary, "three");
  await chat.replace([{ n: "new" }], { summary: "" });
  await sink.flush();
  assert.equal(firstOf()?.first, 6);
  assert.deepEqual(sequencesOf(board.objects, "a"), [0, 1, 2, 3, 4, 5, 6]);
  const before = (await chat.facts()).id;
  await board.store.delete("a");
  const anew = await board.store.session("a");
  await anew.append({ n: "another" });
  assert.equal((await anew.facts()).id, null);
  await sink.flush();
  const all = readBucket(board.objects.held);
  assert.equal(all.size, 2);
  assert.equal(all.get(before ?? "")?.manifest.deleted, true);
  assert.equal(all.get(before ?? "")?.lines.length, 7);
  await sink.close();
  await board.store.close();
});

test("Sink of a copied card: one history stays under the id, the other gets an id of its own, both whole", async () => {
  const board = await newBoard();
  const chat = await board.store.session("a");
  await chat.append({ n: 0 });
  const sink = await quietSink(board);
  await sink.flush();
  await sink.close();
  await board.store.close();
  const boards: Board[] = [];
  for (let copy = 0; copy < 2; copy++) {
    const fileSystem = board.fileSystem.clone();
    boards.push({ fileSystem, store: await openStore("/sessions", { fileSystem }), objects: board.objects });
  }
  const renamed: string[] = [];
  for (const [index, copy] of boards.entries()) {
    await (await copy.store.session("a")).append({ from: index });
    const own = await quietSink(copy, { onEvent: ({ type }) => renamed.push(`${index} ${type}`) });
    await own.flush();
    await own.close();
  }
  assert.deepEqual(renamed, ["1 session-renamed"]);
  const histories = [...readBucket(board.objects.held).values()];
  assert.deepEqual(histories.map(({ lines }) => lines.at(-1)?.text).sort(), ['{"from":0}', '{"from":1}']);
  assert.deepEqual(histories.map(({ lines }) => lines.length), [2, 2]);
  for (const { store } of boards) await store.close();
});

test("Sink makes nothing anew of a session that is deleted by another process before it gets its id, or a new one", async () => {
  for (const isDiverged of [false, true]) {
    const board = await newBoard();
    await (await board.store.session("a")).append({ n: 0 });
    if (isDiverged) {
      const sink = await quietSink(board);
      await sink.flush();
      await sink.close();
      const copy = await openStore("/sessions", { fileSystem: board.fileSystem.clone() });
      await (await copy.session("a")).append({ from: "the copy" });
      const ahead = await openSink(copy, {
        objects: board.objects,
        fileSystem: board.fileSystem.clone(),
        intervalMs: 0,
      });
      await ahead.flush();
      await ahead.close();
      await copy.close();
      await (await board.store.session("a")).append({ from: "us" });
    }
    await board.store.close();
    const watched = new WatchedFileSystem(board.fileSystem);
    const store = await openStore("/sessions", { fileSystem: watched });
    const sink = await openSink(store, { objects: board.objects, fileSystem: watched, intervalMs: 0 });
    const gate = watched.holdNext(({ method, path }) => method === "lock" && path.endsWith("/a.lock"));
    const flushed = sink.flush();
    await gate.reached;
    const other = await openStore("/sessions", { fileSystem: board.fileSystem });
    assert.equal(await other.delete("a"), true);
    gate.open();
    assert.deepEqual([...(await flushed).values()].map(({ code }) => code), ["not-found"]);
    assert.deepEqual(await other.list(), []);
    const names = (await board.fileSystem.readDirectory("/sessions")).map(({ name }) => name);
    assert.deepEqual(names.filter((name) => name.startsWith("a.") && name !== "a.lock"), []);
    assert.equal((await sink.flush()).size, 0);
    await sink.close();
    await store.close();
    await other.close();
  }
});

test("Sink whose cursor is lost takes its session over, and the one that had it gets fenced off", async () => {
  const board = await newBoard();
  const chat = await board.store.session("a");
  await chat.append({ n: 0 });
  const sink = await quietSink(board);
  await sink.flush();
  await sink.close();
  const copy = board.fileSystem.clone();
  await board.fileSystem.unlink("/sessions/.sink/cursor.json");
  const again = await quietSink(board);
  await chat.append({ n: 1 });
  await again.flush();
  const [history] = [...readBucket(board.objects.held).values()];
  assert.equal(history?.manifest.epoch, 2);
  assert.equal(history?.manifest.from, 1);
  assert.deepEqual(sequencesOf(board.objects, "a"), [0, 1]);
  const other = { fileSystem: copy, store: await openStore("/sessions", { fileSystem: copy }), objects: board.objects };
  await (await other.store.session("a")).append({ late: true });
  const late = await quietSink(other);
  await late.flush();
  assert.equal(readBucket(board.objects.held).size, 2);
  for (const open of [again, late]) await open.close();
  for (const { store } of [board, other]) await store.close();
});

test("openSink keeps a second sink out, and says so", async () => {
  const board = await newBoard();
  const sink = await quietSink(board);
  await assert.rejects(quietSink(board), { code: "locked" });
  await sink.close();
  await (await quietSink(board)).close();
  await board.store.close();
});

test("Sink: whatever call of its own fails, the error is one that can be acted on, and appends go on", async () => {
  for (const code of ["ENOSPC", "EIO", "EROFS"]) {
    for (let failAt = 1;; failAt++) {
      const machine = new SimulatedFileSystem();
      const store = await openStore("/sessions", { fileSystem: machine });
      const chat = await store.session("a");
      await chat.append({ n: 0 });
      const fault = { kind: "error", code } as const;
      const fileSystem = new FaultyFileSystem(machine, {
        failAt,
        fault,
        filter: ({ method }) => method !== "release" && method !== "close",
      });
      const objects = new MemoryObjects();
      let rejected: unknown = null;
      try {
        const sink = await openSink(store, { objects, fileSystem, intervalMs: 0 });
        for (const error of (await sink.flush()).values()) rejected = error;
        await sink.close();
      } catch (error) {
        rejected = error;
      }
      if (rejected !== null) assert.ok(rejected instanceof HoldfastError, `${code} ${failAt}: ${rejected}`);
      assert.equal((await chat.append({ n: 1 })).sequence, 1);
      await store.close();
      if (fileSystem.fired.length === 0) break;
      assert.ok(failAt < 200);
    }
  }
});

test("Sink sends everything to a bucket that is another one, and goes on with the first where it was", async () => {
  const board = await newBoard();
  const two = new MemoryObjects(new Map(), "another prefix");
  const chat = await board.store.session("a");
  for (let n = 0; n < 3; n++) await chat.append({ n });
  for (const objects of [board.objects, two, board.objects]) {
    const { requests } = objects;
    const sink = await quietSink({ ...board, objects });
    await sink.flush();
    assert.deepEqual((await readSinkStatus(board.store, board.fileSystem)).map(({ uploaded }) => uploaded), [3]);
    await sink.close();
    assert.deepEqual(sequencesOf(objects, "a"), [0, 1, 2]);
    if (requests > 0) assert.ok(objects.requests - requests <= 1, "nothing new costs one look for a successor");
  }
  await board.store.close();
});

test("Sink leaves what arrives while it sends for the next round: who is never silent is not sent one by one", async () => {
  const board = await newBoard();
  const chat = await board.store.session("a");
  await chat.append({ n: 0 });
  const { held } = board.objects;
  const objects: ObjectStore = {
    create: async (name, bytes) => {
      if (name.includes("/records/")) await chat.append({ while: name });
      return held.has(name) ? "exists" : (held.set(name, bytes), "created");
    },
    replace: async (name, bytes) => await Promise.resolve(void held.set(name, bytes)),
    read: async (name) => await Promise.resolve(held.get(name) ?? null),
    list: async function* () {},
  };
  const sink = await openSink(board.store, { objects, fileSystem: board.fileSystem, intervalMs: 0 });
  for (let round = 1; round <= 3; round++) {
    await sink.flush();
    assert.equal(sink.counters.objects, round);
  }
  assert.deepEqual(sequencesOf(board.objects, "a"), [0, 1, 2]);
  await sink.close();
  await board.store.close();
});

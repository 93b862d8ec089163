/**
 * Idempotence by `recordId`: an append either happened or did not, and a retry does not double it (W5).
 */
import assert from "node:assert/strict";
import { openStore, type RecordObject, type StoreOptions } from "../../mod.ts";
import type { PortCall } from "../../src/testing/mod.ts";
import { hasCode, sequences, simulatedTest } from "./store_fixture.ts";
import { Gate, systemError } from "./watched_filesystem.ts";

const recordId = (record: RecordObject): string | undefined =>
  typeof record["id"] === "string" ? record["id"] : undefined;
const options: StoreOptions = { recordId };
const logWrite = (call: PortCall) => call.method === "write" && call.path.endsWith(".jsonl");

simulatedTest(
  "W5: an append whose id is in the log is a no-op that returns the first one's sequence",
  async (bench) => {
    const store = await bench.open(options);
    const chat = await store.session("chat");
    await chat.append({ id: "a" });
    await chat.append({ id: "b" });
    const { writes } = store.counters;
    assert.deepEqual(await chat.append({ id: "a", other: true }), { sequence: 0, duplicate: true });
    assert.deepEqual(await chat.appendText('{"id":"b"}'), { sequence: 1, duplicate: true });
    assert.equal(store.counters.writes, writes);
    assert.equal(store.counters.duplicates, 2);
    assert.deepEqual(await chat.append({ id: "c" }), { sequence: 2, duplicate: false });
  },
);

simulatedTest("W5: records without an id are never duplicates", async (bench) => {
  const chat = await bench.openSession("chat", options);
  for (let sequence = 0; sequence < 3; sequence++) {
    assert.deepEqual(await chat.append({ text: "same" }), { sequence, duplicate: false });
  }
});

simulatedTest("W5: a duplicate of one in flight settles with it, in the same group and in the next", async (bench) => {
  const chat = await bench.openSession("chat", options);
  await chat.append({ id: "first" });
  const gate = bench.port.holdNext(logWrite);
  const sameGroup = [chat.append({ id: "a" }), chat.append({ id: "a" })];
  await gate.reached;
  const nextGroup = [chat.append({ id: "a" }), chat.append({ id: "b" }), chat.append({ id: "b" })];
  gate.open();
  assert.deepEqual(await Promise.all([...sameGroup, ...nextGroup]), [
    { sequence: 1, duplicate: false },
    { sequence: 1, duplicate: true },
    { sequence: 1, duplicate: true },
    { sequence: 2, duplicate: false },
    { sequence: 2, duplicate: true },
  ]);
  assert.deepEqual((await chat.history()).map(recordId), ["first", "a", "b"]);
});

simulatedTest("W5: a durable duplicate of a buffered record resolves when that is durable", async (bench, machine) => {
  const chat = await bench.openSession("chat", options);
  await chat.append({ id: "a" }, { durability: "buffered" });
  await chat.append({ id: "a" });
  const after = await openStore("/sessions", { fileSystem: machine.clone().crash(), readOnly: true });
  assert.deepEqual(await (await after.session("chat")).history(), [{ id: "a" }]);
});

simulatedTest(
  "W5: ids inside a batch, and a batch that overlaps what is there: only the new ones are appended",
  async (bench) => {
    const chat = await bench.openSession("chat", options);
    assert.deepEqual(await chat.appendAll([{ id: "a" }, { id: "b" }, { id: "a" }, {}]), [
      { sequence: 0, duplicate: false },
      { sequence: 1, duplicate: false },
      { sequence: 0, duplicate: true },
      { sequence: 2, duplicate: false },
    ]);
    assert.deepEqual(await chat.appendAll([{ id: "b" }, { id: "c" }, { id: "a" }, { id: "d" }]), [
      { sequence: 1, duplicate: true },
      { sequence: 3, duplicate: false },
      { sequence: 0, duplicate: true },
      { sequence: 4, duplicate: false },
    ]);
    const marks = (await bench.text("chat.jsonl")).match(/"#":"\S+/g);
    assert.deepEqual(marks, ['"#":"0+', '"#":"1+~', '"#":"2~', '"#":"3+', '"#":"4~'], "the new ones are one batch");
  },
);

simulatedTest(
  "W5: ids are known again after reopening, also of hidden records, and of a compacted log's",
  async (bench) => {
    const chat = await bench.openSession("chat", options);
    for (const id of ["a", "b", "c", "d"]) await chat.append({ id });
    await chat.truncate(2);
    assert.deepEqual(await chat.append({ id: "a" }), { sequence: 0, duplicate: true });
    await bench.closeAll();
    const again = await bench.openSession("chat", options);
    assert.deepEqual(await again.append({ id: "b" }), { sequence: 1, duplicate: true });
    assert.deepEqual(await again.append({ id: "d" }), { sequence: 3, duplicate: true });
    await again.compact();
    assert.deepEqual(await again.append({ id: "d" }), { sequence: 3, duplicate: true });
    assert.deepEqual(await again.append({ id: "e" }), { sequence: 4, duplicate: false });
  },
);

simulatedTest("W5: after a replace the new records' ids count, and the old ones' do not", async (bench) => {
  const chat = await bench.openSession("chat", options);
  await chat.append({ id: "old" });
  await chat.replace([{ id: "new" }]);
  assert.deepEqual(await chat.append({ id: "new" }), { sequence: 1, duplicate: true });
  assert.deepEqual(await chat.append({ id: "old" }), { sequence: 2, duplicate: false });
});

simulatedTest("W5: beyond its reach an id is forgotten, within it never", async (bench) => {
  for (const reopened of [false, true]) {
    const key = reopened ? "reopened" : "open";
    let chat = await bench.openSession(key, { recordId, recordIdReach: 3 });
    for (const id of ["a", "b", "c", "d", "e", "f", "g", "h"]) await chat.append({ id });
    if (reopened) {
      await bench.closeAll();
      chat = await bench.openSession(key, { recordId, recordIdReach: 3 });
    }
    for (const [id, sequence] of [["h", 7], ["g", 6], ["f", 5]] as const) {
      assert.deepEqual(await chat.append({ id }), { sequence, duplicate: true });
    }
    assert.deepEqual(await chat.append({ id: "a" }), { sequence: 8, duplicate: false });
    await bench.closeAll();
  }
});

simulatedTest("W5: an append that failed and is tried again is there once", async (bench) => {
  const chat = await bench.openSession("chat", { ...options, preallocate: false });
  await chat.append({ id: "a" });
  bench.port.failNext(logWrite, "ENOSPC");
  const both = [chat.append({ id: "b" }), chat.append({ id: "b" })];
  for (const failed of both) await assert.rejects(failed, hasCode("disk-full"));
  assert.deepEqual(await chat.append({ id: "b" }), { sequence: 1, duplicate: false });
  assert.deepEqual(await chat.append({ id: "b" }), { sequence: 1, duplicate: true });
  assert.deepEqual(await sequences(chat), [0, 1]);
});

simulatedTest("W5: a duplicate of one in flight that fails is appended itself", async (bench) => {
  const chat = await bench.openSession("chat", { ...options, preallocate: false });
  await chat.append({ id: "a" });
  const gate = new Gate();
  bench.port.onCall = async (call) => {
    if (!logWrite(call)) return;
    bench.port.onCall = null;
    await gate.pass();
    throw systemError("ENOSPC");
  };
  const first = chat.append({ id: "b" });
  await gate.reached;
  const second = chat.append({ id: "b" });
  gate.open();
  await assert.rejects(first, hasCode("disk-full"));
  assert.deepEqual(await second, { sequence: 1, duplicate: false });
  assert.deepEqual((await chat.history()).map(recordId), ["a", "b"]);
});

simulatedTest(
  "W5: after a failed sync a retry in a new session is there once, whether or not the first one survived",
  async (bench) => {
    const store = await bench.open(options);
    const chat = await store.session("chat");
    await chat.append({ id: "a" });
    bench.port.failNext((call) => call.method === "syncData" && call.path.endsWith(".jsonl"), "EIO");
    await assert.rejects(chat.append({ id: "b" }), hasCode("failed"));
    const again = await store.session("chat");
    assert.equal((await again.append({ id: "b" })).sequence, 1);
    assert.deepEqual((await again.history()).map(recordId), ["a", "b"]);
  },
);

simulatedTest("recordId sees the record as it will be read, also if it has a toJSON", async (bench) => {
  const chat = await bench.openSession("chat", options);
  const record = { toJSON: () => ({ id: "a" }) };
  await chat.append(record);
  assert.deepEqual(await chat.append(record), { sequence: 0, duplicate: true });
  await bench.closeAll();
  const again = await bench.openSession("chat", options);
  assert.deepEqual(await again.append(record), { sequence: 0, duplicate: true });
});

simulatedTest("recordId that returns something else than a string is a TypeError", async (bench) => {
  const chat = await bench.openSession("chat", { recordId: () => JSON.parse("5") });
  await assert.rejects(chat.append({}), TypeError);
  assert.deepEqual(await bench.names(), []);
});

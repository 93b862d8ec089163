/**
 * Backpressure, not memory: what a session holds of appends that wait is bounded, in whatever order they come.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RecordObject } from "../../mod.ts";
import { AppendBacklog, queueHeldMax } from "../../src/store/append_backlog.ts";
import { hasCode, simulatedTest } from "./store_fixture.ts";

const chars = 256 * 1024;

/** A record that counts how often it is encoded. */
class Counted {
  encodings = 0;
  n: number;
  constructor(n: number) {
    this.n = n;
  }
  toJSON(): RecordObject {
    this.encodings++;
    return { n: this.n, text: "x".repeat(chars) };
  }
  get record(): RecordObject {
    return this as unknown as RecordObject;
  }
}

test("AppendBacklog holds no more than its bound, and always one batch", () => {
  const backlog = new AppendBacklog();
  const content = { texts: ["x".repeat(chars)], ids: [undefined] };
  let encodings = 0;
  const again = () => {
    encodings++;
    return content;
  };
  const waiting = Array.from({ length: 100 }, () => backlog.add(content, again));
  assert.equal(backlog.held, queueHeldMax);
  for (const batch of waiting) assert.equal(batch.take().texts, content.texts);
  assert.equal(encodings, 100 - queueHeldMax / chars);
  assert.equal(backlog.held, 0);
  const large = { texts: ["x".repeat(queueHeldMax + 1)], ids: [undefined] };
  backlog.add(large, again);
  assert.equal(backlog.held, queueHeldMax + 1);
});

test("AppendBacklog counts large values too, and holds what cannot be encoded again", () => {
  const backlog = new AppendBacklog();
  const values = [{ hash: "h", bytes: new Uint8Array(queueHeldMax) }];
  const content = { texts: ["{}"], ids: [undefined], blobs: { lines: ["{}"], values } };
  backlog.add(content, () => content);
  assert.equal(backlog.held, queueHeldMax + 2);
  backlog.add(content, () => content);
  assert.equal(backlog.held, queueHeldMax + 2);
  assert.equal(backlog.add(content, undefined).take(), content);
});

simulatedTest(
  "Session.append() of far more than the bound: all in order, each encoded at most twice",
  async (bench) => {
    const chat = await bench.openSession();
    const records = Array.from({ length: 64 }, (_, n) => new Counted(n));
    const receipts = records.map((record) => chat.append(record.record));
    const summary = chat.setSummary("behind all of them");
    assert.deepEqual((await Promise.all(receipts)).map(({ sequence }) => sequence), records.map(({ n }) => n));
    await summary;
    const twice = records.filter(({ encodings }) => encodings === 2).length;
    assert.deepEqual([twice, records.every(({ encodings }) => encodings <= 2)], [
      64 - Math.floor(queueHeldMax / (chars + 20)),
      true,
    ]);
    assert.deepEqual((await chat.history()).map(({ n }) => n), records.map(({ n }) => n));
  },
);

simulatedTest(
  "Session.append(): a record that is changed while it waits beyond the bound is refused",
  async (bench) => {
    const chat = await bench.openSession();
    const records = Array.from({ length: 32 }, (_, n) => new Counted(n));
    const receipts = records.map((record) => chat.append(record.record));
    const [first, last] = [records[0], records[31]];
    assert.ok(first !== undefined && last !== undefined);
    // What is held was encoded during the call.
    first.n = 100;
    last.n = 100;
    const settled = await Promise.allSettled(receipts);
    assert.deepEqual(settled.filter(({ status }) => status === "rejected").length, 1);
    await assert.rejects(async () => await receipts[31], TypeError);
    assert.deepEqual((await chat.history()).map(({ n }) => n), Array.from({ length: 31 }, (_, n) => n));
  },
);

simulatedTest("I18: flushSync() of more than 16 MiB writes in groups, each synced before the next", async (bench) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  await chat.append({ n: -1 });
  const { syncs, writes } = store.counters;
  const records = Array.from({ length: 72 }, (_, n) => new Counted(n));
  const receipts = records.map((record) => chat.append(record.record));
  store.flushSync();
  assert.equal(store.counters.syncs - syncs, 72);
  assert.equal(store.counters.writes - writes, 72);
  assert.deepEqual((await Promise.all(receipts)).map(({ sequence }) => sequence - 1), records.map(({ n }) => n));
});

simulatedTest(
  "flushSync() that fails in a later group rejects what is behind it, and keeps what is not",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await chat.append({ n: -1 });
    const receipts = [0, 1, 2, 3].map((n) => chat.append(new Counted(n).record));
    let syncs = 0;
    bench.port.failNext(({ method }) => method === "syncData" && ++syncs === 3, "EIO");
    assert.throws(() => store.flushSync(), hasCode("failed"));
    const settled = await Promise.allSettled(receipts);
    assert.deepEqual(settled.map(({ status }) => status), ["fulfilled", "fulfilled", "rejected", "rejected"]);
  },
);

/**
 * What a store costs its flash, counted (I20).
 */
import assert from "node:assert/strict";
import type { StoreCounters } from "../../mod.ts";
import { appendMessages, message, messages, storeTest } from "./store_fixture.ts";

function difference(after: StoreCounters, before: StoreCounters): Partial<StoreCounters> {
  const changed: Partial<StoreCounters> = {};
  for (const name of Object.keys(before)) {
    if (!isCounter(name, before) || after[name] === before[name]) continue;
    changed[name] = after[name] - before[name];
  }
  return changed;
}

function isCounter(name: string, counters: StoreCounters): name is keyof StoreCounters {
  return name in counters;
}

storeTest(
  "I20: a steady append is one write and one sync: no open, rename, directory sync or meta write",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await appendMessages(chat, 0, 2);
    for (let number = 2; number < 6; number++) {
      const before = { ...store.counters };
      await chat.append(message(number));
      const { bytesWritten, ...changed } = difference(store.counters, before);
      assert.deepEqual(changed, { writes: 1, syncs: 1, appends: 1, records: 1, groups: 1 });
      assert.ok(bytesWritten !== undefined && bytesWritten < 100);
    }
  },
);

storeTest("I20: a batch is one write and one sync; a buffered append one write", async (bench) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  await appendMessages(chat, 0, 2);
  let before = { ...store.counters };
  await chat.appendAll(messages(2, 12));
  const { bytesWritten: _, ...batch } = difference(store.counters, before);
  assert.deepEqual(batch, { writes: 1, syncs: 1, appends: 1, records: 10, groups: 1 });
  before = { ...store.counters };
  await chat.append(message(12), { durability: "buffered" });
  const { bytesWritten: __, ...buffered } = difference(store.counters, before);
  assert.deepEqual(buffered, { writes: 1, appends: 1, records: 1, groups: 1 });
});

storeTest("I20: what changes nothing writes nothing", async (bench) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  await chat.appendAll(messages(0, 5));
  await chat.truncate(3, { summary: "s" });
  await chat.update({ title: "t", workspace: "w", aliases: ["a", "b"], scope: { x: [1] } });
  const before = { ...store.counters };
  await chat.setSummary("s");
  await chat.update({ title: "t", workspace: "w", aliases: ["a", "b"], scope: { x: [1] } });
  await chat.update({});
  await chat.truncate(3);
  await chat.truncate(9, { summary: "s" });
  await chat.appendAll([]);
  await chat.flush();
  await store.flush();
  const { reads: _, bytesRead: __, ...changed } = difference(store.counters, before);
  assert.deepEqual(changed, {});
});

storeTest("SessionStore.counters counts meta writes, rewrites and sessions opened", async (bench) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  await appendMessages(chat, 0, 4);
  assert.equal(store.counters.metaWrites, 1, "the first append's");
  assert.equal(store.counters.sessionsOpened, 1);
  await chat.setSummary("s");
  assert.equal(store.counters.metaWrites, 2);
  await chat.truncate(1, { summary: "t" });
  assert.equal(store.counters.metaWrites, 3, "one commit");
  assert.equal(store.counters.rewrites, 0);
  await chat.compact();
  assert.equal(store.counters.rewrites, 1);
  await chat.replace(messages(0, 2));
  assert.equal(store.counters.rewrites, 2);
  assert.equal(store.counters.records, 4);
  assert.equal(store.counters.recoveries, 0);
});

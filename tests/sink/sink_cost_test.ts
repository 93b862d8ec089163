import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore, type StoreOptions } from "../../mod.ts";
import { openSink, type SinkEvent } from "../../src/sink/mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { MemoryObjects, readBucket } from "./memory_objects.ts";

const id = "00000000-0000-4000-8000-000000000001";

/** What a day costs the store: with a sink that sends all the time, with one whose bucket is gone, or without. */
async function costOf(sinkIs: "off" | "on" | "gone", options: StoreOptions): Promise<Record<string, number>> {
  const fileSystem = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem, ...options });
  const chat = await store.session("a");
  await chat.append({ n: -1 });
  await chat.update({ id });
  const objects = new MemoryObjects();
  if (sinkIs === "gone") objects.fault = () => "before";
  const sink = sinkIs === "off" ? null : await openSink(store, { objects, fileSystem, intervalMs: 0 });
  const before = { ...store.counters };
  for (let n = 0; n < 60; n++) {
    if (n % 7 === 0) await chat.appendAll([{ n, call: 1 }, { n, text: "x".repeat(900) }]);
    else await chat.append({ n, text: "y".repeat(n * 5) });
    if (n % 5 === 0) await chat.append({ n, telemetry: true }, { durability: "buffered" });
    if (n % 3 === 0) await sink?.flush().catch(() => undefined);
    if (n === 40) await chat.truncate(10, { summary: "so far" });
  }
  await chat.flush();
  const cost: Record<string, number> = {};
  for (const [name, value] of Object.entries(store.counters)) {
    const was = (before as unknown as Record<string, number>)[name] ?? 0;
    // Reading is all that the sink does to the store, and costs the flash nothing.
    if (typeof value === "number" && name !== "opens" && !/read/i.test(name)) cost[name] = value - was;
  }
  await sink?.flush().catch(() => undefined);
  if (sinkIs === "on") {
    const [history] = readBucket(objects.held).values();
    assert.deepEqual(history?.lines.map(({ sequence }) => sequence), Array.from({ length: 82 }, (_, n) => n));
    assert.equal(sink?.counters.syncs, 0, "a session that this process has open needs no sync of the sink's");
  }
  await sink?.close();
  await store.close();
  return cost;
}

test("Sink: writes, syncs and bytes of the append path are the same with it on, off, or without a network", async () => {
  for (const options of [{}, { preallocate: false }] satisfies StoreOptions[]) {
    const off = await costOf("off", options);
    assert.ok((off["syncs"] ?? 0) > 50 && (off["bytesWritten"] ?? 0) > 10_000, JSON.stringify(off));
    assert.deepEqual(await costOf("on", options), off);
    assert.deepEqual(await costOf("gone", options), off);
  }
});

test("Sink makes durable what another process wrote before it sends it, and nothing else", async () => {
  const fileSystem = new SimulatedFileSystem({ model: "weak" });
  const writer = await openStore("/sessions", { fileSystem });
  const chat = await writer.session("a");
  await chat.append({ n: 0 });
  await chat.update({ id });
  await chat.append({ n: 1 }, { durability: "buffered" });
  const reader = await openStore("/sessions", { fileSystem });
  const objects = new MemoryObjects();
  const sink = await openSink(reader, { objects, fileSystem, intervalMs: 0 });
  await sink.flush();
  assert.equal(sink.counters.syncs, 1);
  const [history] = readBucket(objects.held).values();
  assert.equal(history?.lines.length, 2);
  const after = await openStore("/sessions", { fileSystem: fileSystem.clone().crash([]) });
  assert.equal((await (await after.session("a")).history()).length, 2);
  await sink.close();
  for (const store of [after, reader, writer]) await store.close();
});

/** Lets everything happen that waits for nothing but the processor. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
}

test("Sink: a week offline on a simulated clock costs few requests, holds nothing in memory, and is caught up with", async () => {
  const fileSystem = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem });
  const chat = await store.session("a");
  const objects = new MemoryObjects();
  objects.fault = () => "before";
  const events: SinkEvent[] = [];
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const onEvent = (event: SinkEvent) => void events.push(event);
  const sink = await openSink(store, { objects, fileSystem, random, onEvent, objectBytesMax: 2000 });
  await settle();
  const stepMs = 10 * 60_000;
  let n = 0;
  for (let step = 0; step < 7 * 24 * 6; step++) {
    if (step % 4 === 0) await chat.append({ n: n++, text: "a message" });
    fileSystem.passTime(stepMs);
    await settle();
  }
  const offline = objects.requests;
  assert.ok(offline > 700 && offline < 2100, `${offline} requests in a week`);
  assert.ok(events.every(({ type }) => type === "bucket-unreachable"));
  objects.fault = () => "none";
  for (let step = 0; step < 4; step++) {
    fileSystem.passTime(stepMs);
    await settle();
    for (let turn = 0; turn < 20; turn++) await settle();
  }
  const [history] = readBucket(objects.held).values();
  assert.deepEqual(history?.lines.map(({ sequence }) => sequence), Array.from({ length: n }, (_, index) => index));
  assert.ok([...objects.held.values()].every(({ length }) => length <= 2000), "no object is larger than it may be");
  const { requests } = objects;
  for (let step = 0; step < 100; step++) {
    fileSystem.passTime(60_000);
    await settle();
  }
  assert.ok(objects.requests <= requests + 2, "what has not changed costs no request");
  await sink.close();
  await store.close();
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";

const buffered = { durability: "buffered" } as const;

/** Lets what a timer began come to its end: nothing in memory waits for anything but the queue. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
}

async function survivors(fileSystem: SimulatedFileSystem): Promise<number[]> {
  await using store = await openStore("/sessions", { fileSystem: fileSystem.clone().crash(), readOnly: true });
  const history = await (await store.session("chat")).history();
  return history.map(({ n }) => Number(n));
}

test("syncIntervalMs bounds how long a buffered record waits, and the wait begins with the first one", async () => {
  const fileSystem = new SimulatedFileSystem();
  await using store = await openStore("/sessions", { fileSystem, syncIntervalMs: 1000 });
  const chat = await store.session("chat");
  await chat.append({ n: 0 });
  await chat.append({ n: 1 }, buffered);
  fileSystem.passTime(999);
  await chat.append({ n: 2 }, buffered);
  await settle();
  assert.deepEqual(await survivors(fileSystem), [0]);
  const { syncs } = store.counters;
  fileSystem.passTime(1);
  await settle();
  assert.deepEqual(await survivors(fileSystem), [0, 1, 2]);
  assert.equal(store.counters.syncs, syncs + 1, "one flush for both");
  assert.equal(fileSystem.timers, 0);
});

test("an idle board is never woken: a timer stands only while a buffered record waits", async () => {
  const fileSystem = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem });
  const chat = await store.session("chat");
  assert.equal(fileSystem.timers, 0);
  await chat.append({ n: 0 });
  assert.equal(fileSystem.timers, 0, "after a durable append");
  await chat.append({ n: 1 }, buffered);
  assert.equal(fileSystem.timers, 1, "after a buffered one");
  await chat.append({ n: 2 });
  assert.equal(fileSystem.timers, 0, "a durable one has carried it");
  await chat.append({ n: 3 }, buffered);
  await chat.flush();
  await settle();
  assert.equal(fileSystem.timers, 0, "after a flush");
  await chat.append({ n: 4 }, buffered);
  await chat.setSummary("so far");
  await settle();
  assert.equal(fileSystem.timers, 0, "after a change of the meta file");
  await chat.append({ n: 5 }, buffered);
  await store.close();
  assert.equal(fileSystem.timers, 0, "after close");
  const { counters } = store;
  const before = { ...counters };
  fileSystem.passTime(86_400_000);
  await settle();
  assert.deepEqual({ ...counters }, before);
});

test("each session has its own wait, and Infinity none", async () => {
  const fileSystem = new SimulatedFileSystem();
  await using store = await openStore("/sessions", { fileSystem, syncIntervalMs: 1000, durability: "buffered" });
  await (await store.session("one")).append({ n: 0 });
  fileSystem.passTime(500);
  await (await store.session("chat")).append({ n: 1 });
  assert.equal(fileSystem.timers, 2);
  fileSystem.passTime(500);
  await settle();
  assert.deepEqual([fileSystem.timers, await survivors(fileSystem)], [1, []]);
  const other = new SimulatedFileSystem();
  await using endless = await openStore("/sessions", { fileSystem: other, syncIntervalMs: Infinity });
  await (await endless.session("chat")).append({ n: 0 }, buffered);
  assert.equal(other.timers, 0);
});

test("I13: a background sync that fails makes the session fail, which is told, and sets no timer again", async () => {
  const simulated = new SimulatedFileSystem();
  const fileSystem = new FaultyFileSystem(simulated, {
    failAt: 1,
    fault: { kind: "sync", mode: "dropped" },
    filter: ({ path }) => path.endsWith("chat.jsonl"),
  });
  const events: string[] = [];
  const store = await openStore("/sessions", { fileSystem, onEvent: ({ type }) => void events.push(type) });
  const chat = await store.session("chat");
  await chat.append({ n: 0 }, buffered);
  simulated.passTime(5000);
  await settle();
  assert.deepEqual([chat.status, events, simulated.timers], ["failed", ["session-failed"], 0]);
  await assert.rejects(chat.append({ n: 1 }), { code: "failed" });
  await store.close().catch(() => undefined);
});

test("syncIntervalMs is checked, and needs a clock", async () => {
  const fileSystem = new SimulatedFileSystem();
  for (const syncIntervalMs of [0, -1, 1.5, 86_400_001, Number.NaN]) {
    await assert.rejects(openStore("/sessions", { fileSystem, syncIntervalMs }), RangeError);
  }
  const clockless = Object.assign(Object.create(fileSystem), { startTimer: undefined });
  await assert.rejects(openStore("/sessions", { fileSystem: clockless, syncIntervalMs: 10 }), TypeError);
});

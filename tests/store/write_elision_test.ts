import assert from "node:assert/strict";
import type { Session, StoreCounters } from "../../mod.ts";
import { appendMessages, message, messages, sequences, type StoreBench, storeTest } from "./store_fixture.ts";

const cost = ({ writes, syncs, directorySyncs, renames }: Readonly<StoreCounters>): number[] => [
  writes,
  syncs,
  directorySyncs,
  renames,
];

/** What a second write of the same costs: in the same store, and in one that has the session not open. */
async function assertFree(bench: StoreBench, write: (session: Session) => Promise<void>): Promise<void> {
  const store = await bench.open();
  const session = await store.session("chat");
  await appendMessages(session, 0, 3);
  await write(session);
  const before = cost(store.counters);
  await write(session);
  assert.deepEqual(cost(store.counters), before, "while it is open");
  await store.close();
  const again = await bench.open();
  const names = await bench.names();
  bench.port.takeCalls();
  const opening = cost(again.counters);
  await write(await again.session("chat"));
  assert.deepEqual(cost(again.counters), opening, "while it is not");
  assert.deepEqual(bench.port.takeCalls(), [], "no lock is taken for it");
  assert.deepEqual(await bench.names(), names);
  await again.close();
}

storeTest("codetether C3: setting the same summary again writes nothing", async (bench) => {
  await assertFree(bench, async (session) => await session.setSummary("s"));
});

storeTest("codetether C3: setting the same facts again writes nothing", async (bench) => {
  await assertFree(bench, async (session) => {
    await session.update({ title: "t", workspace: "/w", scope: { version: 1 }, aliases: ["a"] });
  });
});

storeTest("codetether C3: replacing the history by itself writes nothing", async (bench) => {
  await assertFree(bench, async (session) => await session.replace(messages(7, 12), { summary: "s" }));
});

storeTest("replace() writes as soon as anything is different", async (bench) => {
  const store = await bench.open();
  const session = await store.session("chat");
  await session.replace(messages(0, 3), { summary: "s" });
  const rewrites: number[] = [];
  for (
    const [records, summary] of [
      [messages(0, 3), "s"],
      [messages(0, 3), "other"],
      [messages(0, 4), "other"],
      [messages(0, 2), "other"],
      [[message(1), message(0)], "other"],
      [[], "other"],
      [messages(0, 1), "other"],
    ] as const
  ) {
    await session.replace(records, { summary });
    rewrites.push(store.counters.rewrites);
    assert.deepEqual(await session.history(), records);
    assert.equal(session.summary, summary);
  }
  assert.deepEqual(rewrites, [1, 2, 3, 4, 5, 5, 6]);
});

storeTest("a write that has nothing to do keeps its place among the calls", async (bench) => {
  const session = await bench.openSession();
  await session.replace(messages(0, 2));
  const calls = [
    session.append(message(2)),
    session.replace(messages(0, 2)),
    session.append(message(5)),
    session.replace([...messages(0, 2), message(5)]),
    session.append(message(6)),
  ];
  await Promise.all(calls);
  assert.deepEqual(await session.history(), [...messages(0, 2), message(5), message(6)]);
  assert.deepEqual(await sequences(session), [3, 4, 5, 6]);
});

storeTest("update({}) opens the session for writing, and so recovers it", async (bench) => {
  const session = await bench.openSession();
  await appendMessages(session, 0, 2);
  await bench.closeAll();
  await bench.appendTo("chat.jsonl", '{"torn":');
  const again = await bench.openSession();
  await again.update({});
  assert.equal(again.status, "open");
  assert.deepEqual(bench.eventTypes(), ["torn-tail"]);
});

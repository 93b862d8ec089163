/**
 * Background persistence (JOB-019c): the bugs of the plan (O8) are the list.
 */
import assert from "node:assert/strict";
import { openStore, type RecordObject, type Session } from "../../mod.ts";
import type { PortCall, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { BackgroundPool, type BackgroundPoolOptions, Checkpoints, type SaveFailure } from "../../src/transcript/mod.ts";
import { resolvePoolOptions } from "../../src/transcript/background_options.ts";
import { hasCode, simulatedTest, type StoreBench, storeTest } from "../store/store_fixture.ts";

const event = (n: number): RecordObject => ({ type: "event", n });
const events = (from: number, end: number): RecordObject[] =>
  Array.from({ length: end - from }, (_, index) => event(from + index));
const ofLog = (method: PortCall["method"]) => (call: PortCall) =>
  call.method === method && call.path.endsWith(".jsonl");

/** A pool without a timer: it saves when it is asked to. */
async function openPool(bench: StoreBench, options: BackgroundPoolOptions = {}): Promise<BackgroundPool> {
  return new BackgroundPool(await bench.open(), { saveIntervalMs: Infinity, ...options });
}

/** What a power cut at this moment leaves. */
async function afterPowerCut(machine: SimulatedFileSystem, key = "agent"): Promise<RecordObject[]> {
  const store = await openStore("/sessions", { fileSystem: machine.clone().crash(), readOnly: true });
  return await (await store.session(key)).history();
}

async function history(bench: StoreBench, key = "agent"): Promise<RecordObject[]> {
  return await (await bench.openSession(key, { readOnly: true })).history();
}

storeTest("O8: what flushSync() saves is what the next load finds", async (bench) => {
  const store = await bench.open();
  const pool = new BackgroundPool(store, { saveIntervalMs: Infinity });
  const agent = await pool.session("agent", { snapshot: () => ({ done: 3 }) });
  for (const record of events(0, 3)) agent.record(record);
  agent.touch();
  assert.equal(agent.isDirty, true);
  pool.flushSync();
  assert.equal(agent.isDirty, false);
  await pool.close();
  await store.close();
  const found = await history(bench);
  assert.deepEqual(found.slice(0, 3), events(0, 3));
  const checkpoint = { ordinal: 0, reason: "background" };
  assert.deepEqual(found.slice(3), [{ type: "checkpoint.made", checkpoint, state: { done: 3 } }]);
});

simulatedTest("O8: a flush that fails marks nothing as saved", async (bench) => {
  const pool = await openPool(bench, { onSaveError: () => undefined });
  const agent = await pool.session("agent");
  agent.record(event(0));
  bench.port.failNext(ofLog("write"), "EIO");
  assert.throws(() => pool.flushSync(), hasCode("failed"));
  assert.equal(agent.isDirty, true);
  await agent.forceSave();
  assert.deepEqual(await history(bench), [event(0)]);
});

for (const held of ["stat", "write", "syncData"] as const) {
  simulatedTest(
    `O8: changes that arrive while a save is under way (${held}) are kept and saved`,
    async (bench, machine) => {
      const pool = await openPool(bench);
      const agent = await pool.session("agent");
      agent.record(event(0));
      const gate = bench.port.holdNext(ofLog(held));
      const saving = agent.forceSave();
      await gate.reached;
      agent.record(event(1));
      gate.open();
      await saving;
      assert.equal(agent.isDirty, true, "the save that began before it has not taken it");
      await agent.forceSave();
      assert.equal(agent.isDirty, false);
      assert.deepEqual(await afterPowerCut(machine), events(0, 2));
      await pool.close();
    },
  );

  simulatedTest(`O8: forceSave() while a save is under way (${held}) is no no-op`, async (bench, machine) => {
    const pool = await openPool(bench);
    const agent = await pool.session("agent");
    agent.record(event(0));
    const gate = bench.port.holdNext(ofLog(held));
    const first = agent.forceSave();
    await gate.reached;
    agent.record(event(1));
    const second = agent.forceSave();
    gate.open();
    await second;
    assert.deepEqual(await afterPowerCut(machine), events(0, 2));
    await first;
    await pool.close();
  });

  simulatedTest(
    `O8: flushSync() while a save is under way (${held}) saves all, once and in order`,
    async (bench, machine) => {
      const pool = await openPool(bench);
      const agent = await pool.session("agent", { snapshot: () => "state" });
      for (let round = 0; round < 3; round++) {
        agent.record(event(3 * round));
        const gate = bench.port.holdNext(ofLog(held));
        const saving = agent.forceSave();
        await gate.reached;
        agent.record(event(3 * round + 1));
        pool.flushSync();
        assert.deepEqual(await afterPowerCut(machine), events(0, 3 * round + 2));
        gate.open();
        await saving;
        agent.record(event(3 * round + 2));
        await agent.forceSave();
      }
      await pool.close();
      assert.deepEqual(await history(bench), events(0, 9));
      assert.equal((await (await bench.openSession("agent", { readOnly: true })).verify()).ok, true);
    },
  );
}

simulatedTest("O8: a save that fails half-way is not there twice when it is tried again", async (bench) => {
  const failures: SaveFailure[] = [];
  const pool = await openPool(bench, { onSaveError: (failure) => failures.push(failure) });
  const agent = await pool.session("agent");
  agent.record(event(0));
  await pool.forceSave();
  const plans = [
    // Known to have failed: undone, put back.
    () => bench.port.failNext(ofLog("write"), "ENOSPC"),
    // Outcome unknown: looked up.
    () => bench.port.failNext(ofLog("syncData"), "EIO"),
    () => bench.port.failNext(ofLog("write"), "EIO"),
  ];
  let count = 1;
  for (const fail of plans) {
    for (const record of events(count, count + 3)) agent.record(record);
    fail();
    await pool.forceSave().catch(() => undefined);
    agent.record(event(count + 3));
    await pool.forceSave();
    count += 4;
    assert.deepEqual(await history(bench), events(0, count));
  }
  assert.ok(failures.length >= 2, `${failures.length}`);
  assert.ok(failures.every(({ key }) => key === "agent"));
  await pool.close();
});

simulatedTest("O8: of a save whose sync fails, but which is on the disk, nothing is written again", async (bench) => {
  const pool = await openPool(bench, { onSaveError: () => undefined });
  const agent = await pool.session("agent");
  const tick = { type: "tick" };
  agent.record(tick);
  await agent.forceSave();
  agent.record(tick);
  agent.record(tick);
  bench.port.failNext(ofLog("syncData"), "EIO");
  await assert.rejects(agent.forceSave(), hasCode("failed"));
  agent.record(tick);
  await agent.forceSave();
  assert.deepEqual(
    await history(bench),
    [tick, tick, tick, tick],
    "records that are the same are told apart by their place",
  );
  await pool.close();
});

simulatedTest(
  "O8: states are saved whole, behind the events that led to them, and only if they changed",
  async (bench) => {
    const store = await bench.open();
    const pool = new BackgroundPool(store, { saveIntervalMs: Infinity });
    const state = { list: [1], text: "a" };
    const agent = await pool.session("agent", { snapshot: () => state });
    agent.touch();
    agent.record(event(0));
    await agent.forceSave();
    const { writes } = store.counters;
    agent.touch();
    await agent.forceSave();
    assert.equal(agent.isDirty, false);
    assert.equal(store.counters.writes, writes, "a state that is as it was costs nothing");
    state.list.push(2);
    agent.touch();
    await agent.checkpoint("manual");
    await agent.checkpoint("manual");
    const checkpoints = new Checkpoints(await store.session("agent"));
    const found: unknown[] = [];
    for await (const { sequence, reason, ordinal, state } of checkpoints.list()) {
      found.push([
        sequence,
        reason,
        ordinal,
        state,
      ]);
    }
    assert.deepEqual(found, [
      [1, "background", 0, { list: [1], text: "a" }],
      [2, "manual", 1, { list: [1, 2], text: "a" }],
      [3, "manual", 2, { list: [1, 2], text: "a" }],
    ]);
    await pool.close();
  },
);

storeTest("O8: a session that is there is loaded and gone on with, not begun anew", async (bench) => {
  for (let round = 0; round < 3; round++) {
    const store = await bench.open();
    await using pool = new BackgroundPool(store, { saveIntervalMs: Infinity });
    using agent = await pool.session("agent", { snapshot: () => round });
    agent.record(event(round));
    agent.touch();
    await agent.forceSave();
    const { eventCount, checkpointCount, createdAt } = await agent.metadata();
    assert.deepEqual([eventCount, checkpointCount], [2 * round + 2, round + 1]);
    assert.ok(createdAt !== null);
    agent.release();
    await pool.close();
    await store.close();
  }
  assert.deepEqual((await history(bench)).filter(({ type }) => type === "event"), events(0, 3));
});

simulatedTest("O8: no offset is kept that another writer could make wrong", async (bench) => {
  const store = await bench.open();
  const pool = new BackgroundPool(store, { saveIntervalMs: Infinity });
  const agent = await pool.session("agent", { snapshot: () => "state" });
  const other: Session = await store.session("agent");
  for (let n = 0; n < 12; n += 4) {
    agent.record(event(n));
    await agent.forceSave();
    await other.append(event(n + 1));
    agent.record(event(n + 2));
    await agent.forceSave();
    await bench.appendTo("agent.jsonl", `${JSON.stringify(event(n + 3))}\n`);
  }
  await other.compact();
  await agent.checkpoint("manual");
  await pool.close();
  const found = await history(bench);
  assert.deepEqual(found.slice(0, 12), events(0, 12));
  const jump = await new Checkpoints(await store.session("agent")).jump(12);
  assert.equal(jump.checkpoint?.sequence, 12);
});

simulatedTest("O9: BackgroundPool.session() takes any name, and none leads out of the directory", async (bench) => {
  await using pool = await openPool(bench);
  using agent = await pool.session("../../x");
  agent.record(event(0));
  await pool.forceSave();
  assert.deepEqual((await bench.base.readDirectory("/")).map(({ name }) => name), ["sessions"]);
  await assert.rejects(pool.session(""), TypeError);
});

simulatedTest(
  "BackgroundPool saves in intervals, in one batch, and sets no timer while nothing has changed",
  async (bench, machine) => {
    const store = await bench.open();
    const pool = new BackgroundPool(store, { saveIntervalMs: 500, clock: machine });
    const agent = await pool.session("agent");
    const other = await pool.session("other");
    assert.equal(machine.timers, 0);
    const saved = async (): Promise<void> => {
      while (pool.isDirty) await new Promise((resolve) => setTimeout(resolve, 0));
    };
    const { writes, syncs } = store.counters;
    for (const record of events(0, 50)) agent.record(record);
    other.record(event(0));
    assert.equal(machine.timers, 1);
    machine.passTime(499);
    assert.equal(store.counters.writes, writes, "nothing is written on the agent's path");
    machine.passTime(1);
    await saved();
    assert.deepEqual([store.counters.writes - writes, store.counters.syncs - syncs].map((count) => count <= 6), [
      true,
      true,
    ]);
    assert.deepEqual(await afterPowerCut(machine), events(0, 50));
    assert.deepEqual(await afterPowerCut(machine, "other"), [event(0)]);
    machine.passTime(10_000);
    assert.equal(machine.timers, 0);
    await pool.close();
  },
);

simulatedTest("a save that failed is tried again by the timer, not at once", async (bench, machine) => {
  const failures: unknown[] = [];
  const store = await bench.open();
  const pool = new BackgroundPool(store, {
    saveIntervalMs: 500,
    saveBytesMin: 10,
    clock: machine,
    onSaveError: ({ error }) => failures.push(error),
  });
  const agent = await pool.session("agent");
  bench.port.failNext(ofLog("write"), "ENOSPC");
  agent.record(event(0));
  while (failures.length === 0 || machine.timers === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  agent.record(event(1));
  assert.equal(failures.length, 1);
  assert.ok(hasCode("disk-full")(failures[0]));
  assert.equal(machine.timers, 1);
  machine.passTime(500);
  while (pool.isDirty) await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(await afterPowerCut(machine), events(0, 2));
  await pool.close();
});

simulatedTest(
  "BackgroundPool holds at most maxCachedSessions that nobody uses, and saves them first",
  async (bench, machine) => {
    const pool = await openPool(bench, { maxCachedSessions: 2 });
    const held = await pool.session("held");
    for (let n = 0; n < 6; n++) {
      using agent = await pool.session(`agent:${n}`);
      agent.record(event(n));
    }
    while (pool.size > 2) await new Promise((resolve) => setTimeout(resolve, 0));
    for (let n = 0; n < 5; n++) assert.deepEqual(await afterPowerCut(machine, `agent:${n}`), [event(n)]);
    held.record(event(9));
    await held.forceSave();
    held.release();
    held.release();
    assert.throws(() => held.record(event(0)), hasCode("closed"));
    await assert.rejects(held.forceSave(), hasCode("closed"));
    const again = await pool.session("agent:0");
    again.record(event(1));
    await pool.close();
    assert.deepEqual(await history(bench, "agent:0"), [event(0), event(1)]);
  },
);

simulatedTest("two who ask for a session share it", async (bench) => {
  const pool = await openPool(bench);
  const [one, two] = await Promise.all([pool.session("agent"), pool.session("agent")]);
  one.record(event(0));
  two.record(event(1));
  one.release();
  await two.forceSave();
  assert.deepEqual(await history(bench), events(0, 2));
  await pool.close();
});

simulatedTest(
  "BackgroundPool.close() saves also what changes meanwhile; what comes later is refused",
  async (bench, machine) => {
    const pool = await openPool(bench);
    const agent = await pool.session("agent");
    agent.record(event(0));
    const gate = bench.port.holdNext(ofLog("syncData"));
    const closing = pool.close();
    await gate.reached;
    agent.record(event(1));
    await assert.rejects(pool.session("other"), hasCode("closed"));
    gate.open();
    await closing;
    assert.throws(() => agent.record(event(2)), hasCode("closed"));
    assert.deepEqual(await afterPowerCut(machine), events(0, 2));
  },
);

simulatedTest("BackgroundPool.close() that cannot save stays open, and forgets nothing", async (bench) => {
  const pool = await openPool(bench, { onSaveError: () => undefined });
  const agent = await pool.session("agent");
  agent.record(event(0));
  bench.port.failNext(ofLog("write"), "ENOSPC");
  await assert.rejects(pool.close(), hasCode("disk-full"));
  agent.record(event(1));
  await pool.close();
  assert.deepEqual(await history(bench), events(0, 2));
});

simulatedTest("PooledSession.record() takes what can be saved only, and at once", async (bench) => {
  const pool = await openPool(bench, { recordBytesMax: 64, unsavedBytesMax: 200 });
  const agent = await pool.session("agent");
  assert.throws(() => agent.record({ text: "x".repeat(60) }), hasCode("too-large"));
  const record = { n: 0 };
  agent.record(record);
  record.n = 1;
  for (let n = 0; n < 20; n++) {
    try {
      agent.record({ n: 0 });
    } catch (error) {
      assert.ok(hasCode("io")(error));
      break;
    }
    assert.ok(n < 19);
  }
  assert.throws(() => agent.touch(), TypeError);
  await pool.close();
  assert.ok((await history(bench)).every(({ n }) => n === 0));
});

simulatedTest("a state that cannot be had does not keep events from being saved, and is told of", async (bench) => {
  const pool = await openPool(bench, { onSaveError: () => undefined });
  let broken = true;
  const agent = await pool.session("agent", {
    snapshot: () => {
      if (broken) throw new RangeError("no state");
      return "state";
    },
  });
  agent.record(event(0));
  agent.touch();
  await assert.rejects(agent.forceSave(), /no state/);
  assert.deepEqual(await history(bench), [event(0)]);
  assert.equal(agent.isDirty, true);
  broken = false;
  await pool.close();
  assert.equal((await history(bench)).length, 2);
});

simulatedTest("metadata tells when it was made and last asked for, and how much it holds", async (bench) => {
  let minutes = 0;
  const pool = await openPool(bench, { now: () => new Date(Date.UTC(2026, 0, 1, 0, minutes)) });
  const agent = await pool.session("agent", { snapshot: () => "state" });
  agent.record(event(0));
  await agent.checkpoint("manual");
  const { createdAt, ...rest } = await agent.metadata();
  assert.match(createdAt ?? "", /^\d{4}-\d\d-\d\dT/);
  const bytes = (await bench.read("agent.jsonl")).length;
  const expected = { key: "agent", eventCount: 2, checkpointCount: 1, bytes };
  assert.deepEqual(rest, { ...expected, lastAccessedAt: "2026-01-01T00:00:00.000Z" });
  minutes = 5;
  assert.equal((await (await pool.session("agent")).metadata()).lastAccessedAt, "2026-01-01T00:05:00.000Z");
  await pool.close();
});

simulatedTest("options of a pool are checked", async (bench) => {
  const store = await bench.open();
  const wrong: BackgroundPoolOptions[] = [
    { saveIntervalMs: 0 },
    { saveIntervalMs: Number.NaN },
    { maxCachedSessions: 0 },
    { savesAtOnce: 1.5 },
    { recordBytesMax: 1 },
  ];
  for (const options of wrong) assert.throws(() => new BackgroundPool(store, options), RangeError);
  const { onSaveError: _, now, ...defaults } = resolvePoolOptions({});
  assert.ok(Math.abs(now().getTime() - Date.now()) < 60_000);
  assert.deepEqual(defaults, {
    saveIntervalMs: 1_000,
    saveBytesMin: 262_144,
    unsavedBytesMax: 33_554_432,
    savesAtOnce: 2,
    maxCachedSessions: 32,
    recordBytesMax: 10_485_695,
  });
});

/**
 * Checkpoints and jumps: what OmegaLLM's sessions do, without their defects (O1 to O5, O7, O9).
 */
import assert from "node:assert/strict";
import { openStore, type Session } from "../../mod.ts";
import { CheckpointIndex } from "../../src/transcript/checkpoint_index.ts";
import { Checkpoints, type Jump } from "../../src/transcript/mod.ts";
import { hasCode, simulatedTest, storeTest } from "../store/store_fixture.ts";

const step = (n: number): { type: string; n: number } => ({ type: "step", n });

/** Appends steps with a checkpoint behind every so many; the state is the sum. */
async function run(session: Session, steps: number, every: number): Promise<Checkpoints> {
  const checkpoints = new Checkpoints(session);
  let total = 0;
  for (let done = 0; done < steps; done += every) {
    const records = Array.from({ length: every }, (_, index) => step(done + index));
    for (const { n } of records) total += n;
    await session.appendAll(records);
    await checkpoints.make("periodic", { total });
  }
  return checkpoints;
}

async function numbersOf(jump: Jump): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { sequence } of jump.records()) numbers.push(sequence);
  return numbers;
}

const sum = {
  restore: (state: unknown): number => {
    assert.ok(typeof state === "object" && state !== null && "total" in state && typeof state.total === "number");
    return state.total;
  },
  apply: (total: number, record: Record<string, unknown>): number => total + Number(record["n"]),
};

storeTest("Checkpoints.jump() gives the nearest checkpoint and what was recorded since", async (bench) => {
  const session = await bench.openSession();
  const checkpoints = await run(session, 100, 10);
  const jump = await checkpoints.jump(58);
  assert.equal(jump.checkpoint?.sequence, 54);
  assert.equal(jump.checkpoint.ordinal, 4);
  assert.equal(jump.checkpoint.reason, "periodic");
  assert.deepEqual(await numbersOf(jump), [55, 56, 57, 58]);
  assert.deepEqual(await numbersOf(await checkpoints.jump(54)), []);
  assert.equal((await checkpoints.jump(54)).checkpoint?.sequence, 54);
  assert.deepEqual(await numbersOf(await checkpoints.jump(3)), [0, 1, 2, 3]);
  assert.equal((await checkpoints.jump(3)).checkpoint, null);
});

simulatedTest("Checkpoints.replay() gives the same state from any checkpoint as from the start", async (bench) => {
  const session = await bench.openSession();
  const checkpoints = await run(session, 60, 6);
  const fresh = new Checkpoints(await (await bench.open({ readOnly: true })).session("chat"));
  let total = 0;
  for await (const { sequence, record } of session.records()) {
    if (record["type"] === "step") total += Number(record["n"]);
    assert.equal(await checkpoints.replay(sequence, 0, sum), total);
    assert.equal(await fresh.replay(sequence, 0, sum), total);
  }
});

simulatedTest(
  "Checkpoints.make() encodes the state during the call, and several at once keep their order",
  async (bench) => {
    const checkpoints = new Checkpoints(await bench.openSession());
    const state = { total: 1 };
    const making = [checkpoints.make("manual", state), checkpoints.make("effect", null)];
    state.total = 2;
    assert.deepEqual(await Promise.all(making), [
      { sequence: 0, ordinal: 0, reason: "manual", state: { total: 1 } },
      { sequence: 1, ordinal: 1, reason: "effect", state: null },
    ]);
    assert.equal(await checkpoints.count(), 2);
    await assert.rejects(checkpoints.make("", 1), TypeError);
    await assert.rejects(checkpoints.make("manual", undefined), TypeError);
  },
);

simulatedTest("Checkpoints.jump() says what is not there", async (bench) => {
  const session = await bench.openSession();
  const checkpoints = new Checkpoints(session);
  await assert.rejects(checkpoints.jump(0), hasCode("not-found"));
  await session.appendAll([step(0), step(1)]);
  await assert.rejects(checkpoints.jump(2), hasCode("not-found"));
  await assert.rejects(checkpoints.jump(-1), RangeError);
  await assert.rejects(checkpoints.jump(0.5), RangeError);
  await session.appendAll([step(2), step(3)]);
  await session.truncate(2);
  assert.deepEqual(await numbersOf(await checkpoints.jump(1)), [0, 1], "what is hidden is as good as other records");
  await session.compact();
  await assert.rejects(checkpoints.jump(3), hasCode("not-found"), "what led there is gone");
  await checkpoints.make("manual", {});
  assert.deepEqual(await numbersOf(await checkpoints.jump(4)), []);
});

storeTest("O1: opening a session again goes on with it; nothing is begun anew over it", async (bench) => {
  for (let round = 0; round < 3; round++) {
    const store = await bench.open();
    const session = await store.session("current");
    const checkpoints = new Checkpoints(session);
    assert.equal(await checkpoints.count(), round);
    await session.append(step(round));
    const { sequence, ordinal } = await checkpoints.make("manual", { round });
    assert.deepEqual([sequence, ordinal], [2 * round + 1, round]);
    await store.close();
  }
});

simulatedTest("O2: after a crash no number is used again, of a record or of a checkpoint", async (bench, machine) => {
  const checkpoints = await run(await bench.openSession(), 20, 5);
  assert.equal((await checkpoints.latest())?.sequence, 23);
  const store = await openStore("/sessions", { fileSystem: machine.crash() });
  const session = await store.session("chat");
  assert.equal((await session.append(step(20))).sequence, 24);
  assert.equal((await new Checkpoints(session).make("manual", { total: 210 })).ordinal, 4);
  assert.equal(await new Checkpoints(session).replay(24, 0, sum), 210);
  await store.close();
});

simulatedTest("O3: a torn tail is repaired, and neither glued to nor fatal", async (bench) => {
  const store = await bench.open();
  await run(await store.session("chat"), 10, 5);
  await store.close();
  await bench.appendTo("chat.jsonl", '{"type":"checkpoint.made","checkpoint":{"ordinal":2,"rea');
  const session = await bench.openSession();
  const checkpoints = new Checkpoints(session);
  assert.equal((await checkpoints.latest())?.sequence, 11);
  assert.equal((await checkpoints.make("manual", {})).ordinal, 2);
  assert.equal((await session.verify()).ok, true);
});

storeTest("O4: there is no index file that could be torn, stale or lost", async (bench) => {
  const store = await bench.open();
  const session = await store.session("chat");
  const checkpoints = await run(session, 50, 5);
  await checkpoints.jump(17);
  assert.deepEqual(
    (await bench.names()).filter((name) => name.startsWith("chat.")).sort(),
    ["chat.jsonl", "chat.lock", "chat.meta.json"],
  );
  await store.close();
  await bench.write("chat.meta.json", "{ torn");
  const again = new Checkpoints(await bench.openSession());
  assert.equal((await again.jump(17)).checkpoint?.sequence, 17);
});

simulatedTest("O5: the log holds all of a state; a checkpoint needs nothing but its record", async (bench) => {
  const state = { deep: [{ text: "x".repeat(5_000) }, 1, null], "#": "own key" };
  const store = await bench.open();
  await new Checkpoints(await store.session("chat")).make("llm_boundary", state);
  await store.close();
  await bench.base.unlink(bench.path("chat.meta.json"));
  assert.deepEqual(await bench.names(), ["chat.jsonl"]);
  const checkpoints = new Checkpoints(await bench.openSession("chat", { readOnly: true }));
  assert.deepEqual((await checkpoints.latest())?.state, state);
});

simulatedTest("O7: a checkpoint costs its own size, however many there are", async (bench) => {
  const store = await bench.open({ preallocate: false });
  const checkpoints = new Checkpoints(await store.session("chat"));
  const state = { text: "x".repeat(1_000) };
  const cost = async (): Promise<Record<string, number>> => {
    const before = { ...store.counters };
    await checkpoints.make("periodic", state);
    const { bytesWritten, syncs, writes, metaWrites } = store.counters;
    const names = (counters: typeof before): number => counters.creates + counters.renames + counters.unlinks;
    return {
      bytes: bytesWritten - before.bytesWritten,
      syncs: syncs - before.syncs,
      writes: writes - before.writes,
      metaWrites: metaWrites - before.metaWrites,
      names: names(store.counters) - names(before),
    };
  };
  await cost();
  const first = await cost();
  assert.deepEqual({ ...first, bytes: 0 }, { bytes: 0, syncs: 1, writes: 1, metaWrites: 0, names: 0 });
  for (let made = 2; made < 1_000; made++) await checkpoints.make("periodic", state);
  const last = await cost();
  // The numbers of the record and of the checkpoint have grown from 1 to 4 digits.
  assert.deepEqual(last, { ...first, bytes: (first["bytes"] ?? 0) + 6 });
});

simulatedTest("O9: a name never leads out of the directory", async (bench) => {
  const store = await bench.open();
  for (const key of ["../../x", "..", "/etc/x", "a/../../b"]) {
    const checkpoints = new Checkpoints(await store.session(key));
    await checkpoints.make("manual", { key });
    assert.deepEqual((await checkpoints.latest())?.state, { key });
  }
  await assert.rejects(store.session(""), TypeError);
  const outside = (await bench.base.readDirectory("/")).map(({ name }) => name);
  assert.deepEqual(outside, ["sessions"]);
  const names = await bench.names();
  assert.equal(names.filter((name) => name.endsWith(".jsonl")).length, 4, names.join(" "));
});

simulatedTest("the index is derived: where it is missing, stale or wrong, the log decides", async (bench) => {
  const session = await bench.openSession();
  const index = new CheckpointIndex();
  await run(session, 40, 10);
  const checkpoints = new Checkpoints(session, index);
  // Wrong: it says that 5 and 7 are checkpoints, and that nothing is between.
  index.add(5, 30);
  index.add(7, 38);
  assert.equal((await checkpoints.jump(35)).checkpoint?.sequence, 32);
  // Missing.
  index.clear();
  assert.equal((await checkpoints.jump(35)).checkpoint?.sequence, 32);
  // Stale: another store has rewritten the log since.
  await bench.closeAll();
  const writer = await bench.open();
  const other = await writer.session("chat");
  await other.truncate(20);
  await other.compact();
  await writer.close();
  const reader = await bench.openSession("chat", { readOnly: true });
  const stale = new Checkpoints(reader, index);
  index.add(5, 31);
  assert.equal((await stale.jump(35)).checkpoint?.sequence, 32);
  await assert.rejects(stale.jump(27), hasCode("not-found"));
});

simulatedTest("a jump reads what was recorded since its checkpoint, not the log", async (bench) => {
  const cost = async (records: number): Promise<number[]> => {
    const store = await bench.open();
    const session = await store.session(`${records}`);
    const checkpoints = new Checkpoints(session);
    for (let done = 0; done < records; done += 100) {
      const texts = Array.from({ length: 100 }, (_, index) => ({ ...step(done + index), text: "x".repeat(150) }));
      await session.appendAll(texts);
      await checkpoints.make("periodic", {});
    }
    const costs: number[] = [];
    // Where its checkpoint is, is not known the first time.
    for (let jump = 0; jump < 2; jump++) {
      const before = store.counters.bytesRead;
      assert.equal((await numbersOf(await checkpoints.jump(7_050))).length, 82);
      costs.push(store.counters.bytesRead - before);
    }
    await store.close();
    return costs;
  };
  const [small = 0, smallAgain = 0] = await cost(10_000);
  const [large = 0, largeAgain = 0] = await cost(40_000);
  assert.ok(smallAgain < small && largeAgain < large);
  assert.ok(
    large < small * 1.5 && largeAgain < smallAgain * 1.5,
    `${small} ${smallAgain}, then ${large} ${largeAgain}`,
  );
});

simulatedTest(
  "Checkpoints.jump() reaches what compaction has moved to the archive, and a fork at any record",
  async (bench) => {
    const store = await bench.open();
    const session = await store.session("chat");
    await run(session, 40, 10);
    await store.fork("chat", "fork", { at: 26 });
    await session.truncate(5);
    await session.compact({ archive: true });
    const checkpoints = new Checkpoints(session);
    for (const round of [1, 2]) {
      assert.equal((await checkpoints.jump(25)).checkpoint?.sequence, 21, `round ${round}`);
      assert.deepEqual(await numbersOf(await checkpoints.jump(25)), [22, 23, 24, 25]);
      assert.deepEqual(await numbersOf(await checkpoints.jump(2)), [0, 1, 2]);
      assert.equal((await checkpoints.jump(43)).checkpoint?.sequence, 43);
    }
    const fork = new Checkpoints(await store.session("fork"));
    assert.equal(await fork.replay(26, 0, sum), Array.from({ length: 25 }, (_, n) => n).reduce((a, b) => a + b, 0));
    assert.equal((await fork.latest())?.ordinal, 1);
    assert.equal((await fork.make("manual", { total: 0 })).ordinal, 2);
    await assert.rejects(fork.jump(30), hasCode("not-found"));
  },
);

simulatedTest("Checkpoints.list() gives all that are in the log", async (bench) => {
  const session = await bench.openSession();
  const checkpoints = await run(session, 30, 10);
  const found: number[] = [];
  for await (const { ordinal } of checkpoints.list()) found.push(ordinal);
  assert.deepEqual(found, [0, 1, 2]);
  for await (const { sequence } of checkpoints.list({ from: 12 })) found.push(sequence);
  assert.deepEqual(found, [0, 1, 2, 21, 32]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore, type SessionStore } from "../../mod.ts";
import {
  deviceBytesPerRecord,
  measurePhase,
  type PhasePlan,
  type PhaseSurroundings,
} from "../../src/cli/bench_phase.ts";
import { benchRecords } from "../../src/cli/bench_record.ts";
import type { BlockDevice } from "../../src/fs/block_device.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";

/** A store in memory, a clock that moves by one at every look, a device that counts the store's own calls. */
async function withSurroundings(
  body: (around: PhaseSurroundings, store: SessionStore) => Promise<void>,
): Promise<void> {
  const store = await openStore("/bench", { fileSystem: new SimulatedFileSystem({ model: "ordered" }) });
  const device: BlockDevice = {
    name: "card",
    capacityBytes: null,
    hasWriteCache: true,
    readCounters: async () => {
      const { writes, syncs } = store.counters;
      return { writes, bytesWritten: syncs * 4096, flushes: syncs };
    },
  };
  let nowMs = 0;
  try {
    await body({
      store,
      device,
      recordText: benchRecords(200),
      now: () => nowMs++,
      throwIfInterrupted: () => {},
      onProgress: () => Promise.resolve(),
    }, store);
  } finally {
    await store.close();
  }
}

const plan: PhasePlan = { name: "p", recordsPerTurn: 1, concurrency: 1, recordsMax: 20, durationMaxMs: Infinity };

test("measurePhase: a turn of N records has one durable end, so one sync", async () => {
  await withSurroundings(async (around, store) => {
    for (const recordsPerTurn of [1, 2, 5, 10]) {
      const result = await measurePhase({ ...plan, recordsPerTurn }, around);
      const { records, latenciesMs, syncs, device } = result;
      assert.deepEqual([records, latenciesMs.length], [20, 20 / recordsPerTurn]);
      // One more where the room that is written ahead is used up.
      assert.ok(syncs >= 20 / recordsPerTurn && syncs <= 20 / recordsPerTurn + 2, `${syncs}`);
      assert.deepEqual([device?.flushes, device?.bytesWritten], [syncs, syncs * 4096]);
      assert.ok(result.bytesWritten >= 20 * 200);
      assert.deepEqual(deviceBytesPerRecord(result), { bytes: syncs * 4096 / 20, counted: true });
    }
    assert.deepEqual(await store.list(), []);
  });
});

test("measurePhase: appends that are under way together share syncs", async () => {
  await withSurroundings(async (around) => {
    const { records, latenciesMs, syncs } = await measurePhase({ ...plan, concurrency: 10 }, around);
    assert.deepEqual([records, latenciesMs.length], [20, 20]);
    assert.ok(syncs < 20, `${syncs}`);
  });
});

test("measurePhase ends when its time is over, after one turn at the least", async () => {
  await withSurroundings(async (around) => {
    assert.equal((await measurePhase({ ...plan, durationMaxMs: 0 }, around)).records, 1);
    const { records } = await measurePhase({ ...plan, recordsMax: 1_000, durationMaxMs: 30 }, around);
    assert.ok(records > 1 && records < 30, `${records}`);
  });
});

test("measurePhase without a device estimates a page for each sync", async () => {
  await withSurroundings(async (around) => {
    const result = await measurePhase(plan, { ...around, device: null });
    assert.equal(result.device, null);
    const { bytes, counted } = deviceBytesPerRecord(result);
    assert.equal(counted, false);
    assert.equal(bytes, (result.bytesWritten + 4096 * result.syncs) / 20);
  });
});

test("measurePhase that is interrupted waits for all that is under way", async () => {
  await withSurroundings(async (around) => {
    let turns = 0;
    let progress = 0;
    const interrupted = measurePhase({ ...plan, concurrency: 4 }, {
      ...around,
      throwIfInterrupted: () => {
        if (++turns > 6) throw new Error("stop");
      },
      onProgress: async () => void progress++,
    });
    await assert.rejects(interrupted, /stop/);
    assert.equal(progress, 6);
  });
});

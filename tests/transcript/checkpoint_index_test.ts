import assert from "node:assert/strict";
import { test } from "node:test";
import { CheckpointIndex } from "../../src/transcript/checkpoint_index.ts";
import { checkpointRecord, readCheckpoint } from "../../src/transcript/checkpoint_record.ts";

test("CheckpointIndex.before() says what is known, and up to where nothing is in between", () => {
  const index = new CheckpointIndex();
  assert.deepEqual(index.before(5), { known: null, clearTo: -1 });
  index.addClearStart(3);
  index.add(10, 14);
  index.add(20);
  assert.deepEqual(index.before(9), { known: null, clearTo: 3 });
  assert.deepEqual(index.before(10), { known: 10, clearTo: 14 });
  assert.deepEqual(index.before(19), { known: 10, clearTo: 14 });
  assert.deepEqual(index.before(99), { known: 20, clearTo: 20 });
  index.add(10, 12);
  assert.deepEqual(index.before(19), { known: 10, clearTo: 14 }, "what was seen stays seen");
  assert.equal(index.size, 2);
  index.clear();
  assert.deepEqual(index.before(19), { known: null, clearTo: -1 });
});

test("CheckpointIndex is bounded, and forgets without saying anything that is not so", () => {
  const index = new CheckpointIndex(8);
  for (let sequence = 0; sequence < 1_000; sequence += 10) {
    index.add(sequence, sequence + 9);
    assert.ok(index.size <= 8);
  }
  assert.deepEqual(index.before(995), { known: 990, clearTo: 999 });
  assert.equal(index.before(100).known, null);
});

test("readCheckpoint() reads what checkpointRecord() makes, and nothing else", () => {
  assert.deepEqual(readCheckpoint(checkpointRecord(3, "effect", [1]), 9), {
    sequence: 9,
    ordinal: 3,
    reason: "effect",
    state: [1],
  });
  const good = checkpointRecord(0, "manual", {});
  const bad = [
    { ...good, type: "checkpoint" },
    { type: good["type"], checkpoint: good["checkpoint"] },
    { ...good, checkpoint: null },
    { ...good, checkpoint: { ordinal: -1, reason: "manual" } },
    { ...good, checkpoint: { ordinal: 0.5, reason: "manual" } },
    { ...good, checkpoint: { ordinal: 0, reason: 1 } },
  ];
  for (const record of bad) assert.equal(readCheckpoint(record, 0), null);
});

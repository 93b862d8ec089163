import assert from "node:assert/strict";
import { test } from "node:test";
import { LogEnd } from "../../src/log/log_end.ts";

const position = { offset: 100, checksum: 7, sequence: 3, rawCount: 3 };
const group = { bytes: new Uint8Array(40), checksum: 9, sequenceNext: 5, rawLines: 2 };

test("LogEnd begins where everything is durable, at a number that hides nothing (B2)", () => {
  const end = new LogEnd(position, 10);
  assert.deepEqual(end.position, { ...position, sequence: 10 });
  assert.deepEqual([end.size, end.syncedOffset, end.unsynced], [100, 100, 0]);
});

test("LogEnd goes behind a group, within the fill or beyond it, and back", () => {
  const end = new LogEnd(position, 0);
  end.size = 120;
  const before = end.position;
  end.advance(group);
  assert.deepEqual(end.position, { offset: 140, checksum: 9, sequence: 5, rawCount: 5 });
  assert.deepEqual([end.size, end.syncedOffset, end.unsynced], [140, 100, 40]);
  end.returnTo(before, 120);
  assert.deepEqual([end.position, end.size, end.unsynced], [position, 120, 0]);
});

test("LogEnd goes behind what somebody else appended, with the line end that was missing", () => {
  const end = new LogEnd(position, 0);
  end.goBehind({ position: { offset: 150, checksum: 1, sequence: 4, rawCount: null }, terminated: false });
  assert.deepEqual(end.position, { offset: 151, checksum: 1, sequence: 4, rawCount: null });
  assert.equal(end.size, 151);
  end.advance(group);
  assert.equal(end.rawCount, null);
});

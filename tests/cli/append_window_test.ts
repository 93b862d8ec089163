import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppendReceipt } from "../../mod.ts";
import { type AppendOutcome, appendsWaitingMax, AppendWindow } from "../../src/cli/append_window.ts";

interface Pending {
  promise: Promise<AppendReceipt>;
  resolve: (receipt: AppendReceipt) => void;
  reject: (error: unknown) => void;
}

function pending(): Pending {
  let resolve: (receipt: AppendReceipt) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<AppendReceipt>((onResolve, onReject) => [resolve, reject] = [onResolve, onReject]);
  return { promise, resolve, reject };
}

test("AppendWindow reports in the order of the calls, whatever settles first", async () => {
  const window = new AppendWindow();
  const appends = Array.from({ length: 3 }, pending);
  const reported: unknown[] = [];
  const report = (outcome: AppendOutcome): Promise<void> => {
    reported.push("receipt" in outcome ? outcome.receipt.sequence : outcome.error);
    return Promise.resolve();
  };
  for (const { promise } of appends) window.add(promise, report);
  appends[2]?.resolve({ sequence: 2, duplicate: false });
  appends[1]?.reject("refused");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(reported, []);
  appends[0]?.resolve({ sequence: 0, duplicate: false });
  await window.settled();
  assert.deepEqual(reported, [0, "refused", 2]);
});

test("AppendWindow.hasRoom() waits while the window is full", async () => {
  const window = new AppendWindow();
  const appends = Array.from({ length: appendsWaitingMax }, pending);
  for (const { promise } of appends) {
    assert.equal(window.isFull, false);
    assert.equal(await window.hasRoom(), true);
    window.add(promise, () => Promise.resolve());
  }
  assert.equal(window.isFull, true);
  let entered = false;
  const entering = window.hasRoom().then(() => entered = true);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(entered, false);
  for (const [sequence, { resolve }] of appends.entries()) resolve({ sequence, duplicate: false });
  await entering;
  await window.settled();
  assert.equal(window.isFull, false);
});

test("AppendWindow has no room once a report has thrown, and still reports what is under way", async () => {
  const window = new AppendWindow();
  const reported: number[] = [];
  for (let sequence = 0; sequence < 3; sequence++) {
    window.add(Promise.resolve({ sequence, duplicate: false }), () => {
      reported.push(sequence);
      if (sequence < 2) throw new Error(`disk full at ${sequence}`);
      return Promise.resolve();
    });
  }
  await assert.rejects(window.settled(), /disk full at 0/);
  assert.equal(await window.hasRoom(), false);
  assert.deepEqual(reported, [0, 1, 2]);
});

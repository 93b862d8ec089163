import assert from "node:assert/strict";
import { test } from "node:test";
import { type DemoTotals, isFaulty } from "../../src/cli/demo_run.ts";

const totals: DemoTotals = {
  records: 2,
  acknowledged: 2,
  kills: 1,
  tornTails: 0,
  bytesWritten: 0,
  syncs: 0,
  acknowledgedOutOfTurn: 0,
  verdict: { recovered: 2, lost: 0, duplicated: 0, outOfOrder: 0, invented: 0, firstFault: null },
};

test("isFaulty: any fault of the judge's, or an acknowledgement out of turn", () => {
  assert.equal(isFaulty(totals), false);
  assert.equal(isFaulty({ ...totals, verdict: null }), false);
  assert.equal(isFaulty({ ...totals, acknowledgedOutOfTurn: 1 }), true);
  const verdict = { recovered: 1, lost: 1, duplicated: 0, outOfOrder: 0, invented: 0, firstFault: "record 1" };
  assert.equal(isFaulty({ ...totals, verdict }), true);
});

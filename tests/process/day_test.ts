import assert from "node:assert/strict";
import { test } from "node:test";
import { dayTable, runDay, wrongs } from "../day/day_in_the_life.ts";
import { processTimeoutMs } from "./spawn_helper.ts";

test(
  "I1, I3, I14, I15: a short day of five agents on one store, killed, out of disk once: nothing is lost or twice",
  { timeout: 3 * processTimeoutMs },
  async () => {
    const day = await runDay({ lives: 2, seed: 20261120 });
    console.log(dayTable(day));
    for (const account of day.accounts) {
      assert.deepEqual(wrongs(account), { lost: 0, duplicated: 0, invented: 0, undone: 0 }, account.style);
      assert.equal(account.lives, 2);
      assert.ok(account.acknowledged.size >= 10);
    }
    assert.equal(day.damaged, 0);
    assert.ok(day.fullCount > 0, "the disk was full");
  },
);

import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeRecovery, type RecoveredRecord, type RecoveryVerdict } from "../../src/cli/demo_checker.ts";

const written = ["a", "b", "c", "d", "a", "e"];

async function judge(
  acknowledged: number,
  recovered: readonly (string | [number, string])[],
): Promise<RecoveryVerdict> {
  async function* records(): AsyncIterableIterator<RecoveredRecord> {
    for (const [place, one] of recovered.entries()) {
      yield typeof one === "string" ? { sequence: place, text: one } : { sequence: one[0], text: one[1] };
    }
  }
  return await judgeRecovery(written, acknowledged, records());
}

const clean = { lost: 0, duplicated: 0, outOfOrder: 0, invented: 0, firstFault: null };

test("judgeRecovery passes every prefix that holds what was acknowledged", async () => {
  for (let recovered = 0; recovered <= written.length; recovered++) {
    for (let acknowledged = 0; acknowledged <= recovered; acknowledged++) {
      assert.deepEqual(await judge(acknowledged, written.slice(0, recovered)), { recovered, ...clean });
    }
  }
});

test("judgeRecovery finds every acknowledged record that is missing", async () => {
  const cut = await judge(4, ["a", "b"]);
  assert.deepEqual([cut.lost, cut.firstFault], [2, "record 2 was acknowledged and is not there"]);
  for (let missing = 0; missing < written.length - 1; missing++) {
    const verdict = await judge(
      written.length,
      written.flatMap((text, place): [number, string][] => place === missing ? [] : [[place, text]]),
    );
    assert.notEqual(verdict.firstFault, null);
    assert.equal(verdict.lost, 1);
  }
});

test("judgeRecovery finds records that come twice, at the wrong place, under the wrong number, or from nowhere", async () => {
  assert.equal((await judge(2, ["a", "b", "b"])).duplicated, 1);
  assert.equal((await judge(2, ["a", "a", "b"])).firstFault !== null, true);
  assert.equal((await judge(3, ["b", "a", "c"])).outOfOrder > 0, true);
  assert.equal((await judge(2, ["a", [2, "b"]])).outOfOrder, 1);
  assert.equal((await judge(2, ["a", "c"])).outOfOrder, 1);
  const torn = await judge(2, ["a", '{"torn']);
  assert.deepEqual([torn.invented, torn.lost], [1, 1]);
});

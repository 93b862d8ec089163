import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceScenarios, DeviceTrials, lyingDevices } from "../../src/torture/device_trials.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { isEverythingAsked, sequenceStride } from "./crash_budget.ts";

const stride = isEverythingAsked ? 1 : sequenceStride === 1 ? 2 : 7;

for (const { name, profile } of lyingDevices) {
  test(`I1-I3, I11, I17 on a device that lies (${name}): nothing invented, doubled or reordered; a gap is reported`, async () => {
    const trials = new DeviceTrials(holdfastSubject, isEverythingAsked ? 16 : 4);
    for (const [index, scenario] of deviceScenarios().entries()) {
      if (index % stride > 0) continue;
      const finding = await trials.run(scenario, profile);
      if (finding !== null) {
        assert.fail(`${finding.violation.invariant}: ${finding.violation.message}\n${finding.story}`);
      }
    }
    const { states, losses, reported } = trials.counts;
    console.log(`${name}: ${states} distinct disks, ${losses} with a loss, ${reported} reported`);
    assert.ok(states > 20 && losses > 0, `${states} disks, ${losses} with a loss: the device did not lie`);
  });
}

test("I3, I11: a sync that has failed says so at the next one only: nothing invented, doubled, reordered or silent", async () => {
  const trials = new DeviceTrials(holdfastSubject, 0);
  for (const [index, scenario] of deviceScenarios().entries()) {
    if (index % stride > 0) continue;
    const finding = await trials.runLateSyncs(scenario);
    if (finding !== null) assert.fail(`${finding.violation.invariant}: ${finding.violation.message}\n${finding.story}`);
  }
  const { states, losses } = trials.counts;
  console.log(`late syncs: ${states} distinct disks, ${losses} with a loss`);
  assert.ok(losses > 0, "no sync has failed late");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { SinkSchedule } from "../../src/sink/sink_schedule.ts";
import { createSinkCounters } from "../../src/sink/sink_report.ts";

/** A schedule whose timers are kept, and fire when they are told to. */
function scheduleWith(random: () => number): { schedule: SinkSchedule; fire: (() => void)[] } {
  const fire: (() => void)[] = [];
  const fileSystem = {
    startTimer: (_: number, callback: () => void) => {
      fire.push(callback);
      return () => undefined;
    },
  };
  return { schedule: new SinkSchedule({ intervalMs: 30_000, backoffMaxMs: 600_000, fileSystem, random }), fire };
}

test("SinkSchedule.next() doubles behind each failure up to its limit, with jitter, and begins anew behind a success", () => {
  const { schedule } = scheduleWith(() => 1);
  const waits = Array.from({ length: 12 }, () => schedule.next(true));
  assert.deepEqual(waits.slice(0, 5), [1000, 2000, 4000, 8000, 16_000]);
  assert.equal(waits.at(-1), 600_000);
  assert.equal(schedule.next(false), 33_000);
  assert.equal(schedule.next(true), 1000);
  const least = scheduleWith(() => 0).schedule;
  assert.deepEqual([least.next(true), least.next(true), least.next(false)], [500, 1000, 27_000]);
});

test("SinkSchedule.wait() ends with its timer or when it is cancelled, and not at all later", async () => {
  const { schedule, fire } = scheduleWith(() => 0);
  const first = schedule.wait(10);
  fire[0]?.();
  await first;
  const second = schedule.wait(10);
  schedule.cancel();
  await second;
  await schedule.wait(10);
  assert.equal(fire.length, 2);
});

test("createSinkCounters() begins at zero", () => {
  assert.ok(Object.values(createSinkCounters()).every((value) => value === 0));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../src/cli/arguments.ts";
import { command } from "../../src/cli/bench.ts";
import { type BenchPlan, benchPlan } from "../../src/cli/bench_plan.ts";
import { UsageError } from "../../src/cli/command.ts";

function planOf(...args: string[]): BenchPlan {
  return benchPlan(parseArguments(command.description, args));
}

test("benchPlan takes a few seconds in all by default, with turns of 1, 2, 5 and 10 and 32 at a time", () => {
  const { phases, ...rest } = planOf();
  assert.deepEqual(phases.map(({ recordsPerTurn, concurrency }) => [recordsPerTurn, concurrency]), [
    [1, 1],
    [2, 1],
    [5, 1],
    [10, 1],
    [1, 32],
  ]);
  assert.equal(Math.round(phases.reduce((sum, { durationMaxMs }) => sum + durationMaxMs, 0)), 6_000);
  assert.deepEqual(rest, {
    recordBytes: 1024,
    messagesPerDay: 20_000,
    capacityBytes: null,
    enduranceCycles: 3_000,
    controllerFactor: 4,
  });
});

test("benchPlan: no measurement leaves more than 64 MiB on the card, unless it is told how many records", () => {
  for (const bytes of ["64", "1024", "1048576"]) {
    for (const { recordsMax } of planOf("--bytes", bytes).phases) {
      assert.ok(recordsMax * Number(bytes) <= 64 * 1024 * 1024 && recordsMax >= 64);
    }
  }
  const [phase] = planOf("--records", "500000").phases;
  assert.deepEqual([phase?.recordsMax, phase?.durationMaxMs], [500_000, Infinity]);
  assert.equal(planOf("--records", "9", "--seconds", "2").phases[0]?.durationMaxMs, 1_000);
});

test("benchPlan reads the card's assumptions", () => {
  const args = ["--capacity", "8GB", "--endurance", "1000", "--controller-factor", "2.5", "--messages-per-day", "7"];
  const { capacityBytes, enduranceCycles, controllerFactor, messagesPerDay } = planOf(...args);
  assert.deepEqual([capacityBytes, enduranceCycles, controllerFactor, messagesPerDay], [8e9, 1000, 2.5, 7]);
});

test("benchPlan refuses what is out of range and names the option", () => {
  for (
    const [name, value] of [
      ["bytes", "63"],
      ["bytes", "1048577"],
      ["records", "0"],
      ["records", "1000001"],
      ["concurrent", "0"],
      ["concurrent", "1025"],
      ["seconds", "0"],
      ["messages-per-day", "0"],
      ["endurance", "0"],
      ["controller-factor", "0"],
      ["controller-factor", "x"],
      ["controller-factor", "1e9"],
      ["capacity", "much"],
    ] as const
  ) {
    assert.throws(() => planOf(`--${name}`, value), (error) => {
      assert.ok(error instanceof UsageError && error.message.includes(`--${name}`), `${name} ${value}`);
      return true;
    });
  }
});

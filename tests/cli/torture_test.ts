import assert from "node:assert/strict";
import { test } from "node:test";
import { sequenceStride } from "../crash/crash_budget.ts";
import { runProgramProcess } from "./child_program.ts";
import { jsonLines, run } from "./in_process.ts";

test("torture explores in processes of its own; the seed decides what is found, however many share the work", async () => {
  const figures: { states: number; operations: number }[] = [];
  for (const jobs of sequenceStride === 1 ? ["1", "2"] : ["2"]) {
    const args = [
      "torture",
      "--exhaustive",
      "0",
      "--runs",
      "2",
      "--seconds",
      "0",
      "--seed",
      "27",
      "--jobs",
      jobs,
      "--json",
    ];
    const { code, stdout, stderr } = await runProgramProcess(args, "");
    assert.deepEqual([code, stderr], [0, ""]);
    const [totals] = jsonLines(stdout).map((value) => Object(value));
    assert.ok(totals.states > 0 && totals.cuts >= totals.states, stdout);
    assert.deepEqual([totals.broken, totals.stories, totals.seed, totals.scenarios], [[], [], 27, 2]);
    figures.push({ states: totals.states, operations: totals.operations });
  }
  const [alone, shared = alone] = figures;
  assert.ok(alone !== undefined && shared !== undefined);
  assert.equal(shared.operations, alone.operations);
  // Each process counts what is distinct for itself: a state that two come upon is counted twice.
  assert.ok(shared.states >= alone.states && shared.states <= alone.states * 1.01, JSON.stringify(figures));
});

test("torture says what is wrong with its options", async () => {
  for (const args of [["--from", "3"], ["--model", "perfect"], ["--reproduce", "{"]]) {
    const { code, stderr } = await run(["torture", ...args]);
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, /^holdfast: /);
  }
});

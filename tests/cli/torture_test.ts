import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgramProcess } from "./child_program.ts";
import { jsonLines, run } from "./in_process.ts";

test("torture explores in processes of its own, and tells figures that repeat with the seed", async () => {
  const args = [
    "torture",
    "--exhaustive",
    "1",
    "--seconds",
    "0",
    "--model",
    "weak",
    "--seed",
    "1",
    "--jobs",
    "1",
    "--json",
  ];
  const { code, stdout, stderr } = await runProgramProcess(args, "");
  assert.deepEqual([code, stderr], [0, ""]);
  const [totals] = jsonLines(stdout).map((value) => Object(value));
  assert.ok(totals.states > 0 && totals.cuts >= totals.states, stdout);
  assert.deepEqual([totals.broken, totals.stories, totals.seed], [[], [], 1]);
});

test("torture says what is wrong with its options", async () => {
  for (const args of [["--from", "3"], ["--model", "perfect"], ["--reproduce", "{"]]) {
    const { code, stderr } = await run(["torture", ...args]);
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, /^holdfast: /);
  }
});

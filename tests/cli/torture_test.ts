import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgramProcess } from "./child_program.ts";
import { jsonLines, run } from "./in_process.ts";

async function figuresOf(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runProgramProcess(["torture", "--seconds", "0", "--json", ...args], "");
  assert.deepEqual([code, stderr], [0, ""]);
  const [figures] = jsonLines(stdout);
  return Object(figures);
}

test("torture explores in processes of its own, and finds as much however many share the work", async () => {
  const [alone, shared] = [
    await figuresOf("--exhaustive", "1", "--model", "ordered", "--from", "184", "--jobs", "1"),
    await figuresOf("--exhaustive", "1", "--model", "ordered", "--from", "184", "--jobs", "2"),
  ];
  assert.deepEqual([alone.sequences, alone.sequencesInAll, alone.scenarios], [192, 192, 8]);
  // Both go through every short sequence, and divide its states. Not on a weak machine, where a lock can hold garbage:
  // of states that differ in nothing but what nobody looks at, whoever meets one first goes on from it, and no other.
  assert.deepEqual([shared.sequences, shared.scenarios], [192, 16]);
  const [states, cuts] = [Number(alone.states), Number(alone.cuts)];
  assert.ok(states > 0 && cuts >= states, JSON.stringify(alone));
  // What two come upon counts once, and nobody leaves out what the other has seen in a recovery only.
  assert.equal(shared.states, states, JSON.stringify([alone, shared]));
});

test("torture makes as many long runs as it is told, from the seed that it is told", async () => {
  const figures = await figuresOf("--exhaustive", "0", "--runs", "1", "--seed", "92");
  assert.deepEqual([figures.seed, figures.scenarios, figures.operations, figures.broken], [92, 1, 50, []]);
  assert.ok(Number(figures.states) > 100, JSON.stringify(figures));
});

test("torture says what is wrong with its options", async () => {
  for (const args of [["--from", "3"], ["--model", "perfect"], ["--reproduce", "{"]]) {
    const { code, stderr } = await run(["torture", ...args]);
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, /^holdfast: /);
  }
});

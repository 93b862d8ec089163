import { test } from "node:test";
import { runAll } from "./exhaustive_sequences.ts";
import { twoOperations, twoOperationsOptions } from "./exhaustive_two_sequences.ts";

test("I1-I11, I18, I21: every sequence of two operations, cut at every step and inside; half 2", async () => {
  await runAll(twoOperationsOptions, twoOperations(1), "sequences of two, half 2");
});

import { test } from "node:test";
import { runAll } from "./exhaustive_sequences.ts";
import { twoOperations, twoOperationsOptions } from "./exhaustive_two_sequences.ts";

test("I1-I11, I17, I18, I21: every sequence of two operations, cut at every step and inside; states of share 1 of 2", async () => {
  const options = { ...twoOperationsOptions, share: { part: 0, parts: 2 } };
  await runAll(options, twoOperations(), "sequences of two, share 1");
});

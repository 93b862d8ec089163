import assert from "node:assert/strict";
import fc from "../properties.ts";
import { test } from "node:test";
import { Explorer } from "../../src/torture/explorer.ts";
import { type Operation, operationKinds } from "../../src/torture/operations.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { withStoppedClock } from "../../src/torture/stopped_clock.ts";
import { tellStory } from "../../src/torture/story.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { isEverythingAsked, sequenceStride } from "../crash/crash_budget.ts";

const sizes = fc.array(fc.constantFrom("small", "small", "sector", "page", "crafted"), { minLength: 1, maxLength: 4 });

/** What survives a power cut, as the simulated file system reads it: it shrinks together with the operations. */
const choices = fc.array(fc.oneof(fc.constantFrom(0, -1), fc.nat(255)), { maxLength: 16 });

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom(...operationKinds),
  session: fc.constantFrom(0, 0, 1),
  sizes,
  buffered: fc.boolean(),
  keep: fc.nat(4),
  summary: fc.boolean(),
  choices,
});

const scenario: fc.Arbitrary<Scenario> = fc.record({
  model: fc.constantFrom("weak", "ordered"),
  sectorBytes: fc.constantFrom(512, 4096),
  seed: fc.nat(),
  prepare: fc.constant([]),
  operations: fc.array(operation, { minLength: 1, maxLength: 24, size: "max" }),
});

test("I1-I11, I13, I15, I18, I21: any operations, cut anywhere, leave what the model allows", async () => {
  const options = { subject: holdfastSubject, depth: 0, cutsPerStep: 3, cutsPerNestedStep: 2, sampling: 5 };
  const property = fc.asyncProperty(scenario, async (chosen) => {
    const finding = await withStoppedClock(async () => await new Explorer(options).explore(chosen));
    if (finding !== null) assert.fail(await tellStory(options, finding));
  });
  const numRuns = isEverythingAsked ? 120 : sequenceStride === 1 ? 24 : 10;
  await fc.assert(property, { numRuns, endOnFailure: false });
});

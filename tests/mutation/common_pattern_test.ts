import assert from "node:assert/strict";
import { test } from "node:test";
import { Explorer, type ExplorerOptions, type Finding } from "../../src/torture/explorer.ts";
import type { Operation } from "../../src/torture/operations.ts";
import { shrink } from "../../src/torture/shrink.ts";
import { withStoppedClock } from "../../src/torture/stopped_clock.ts";
import { tellStory } from "../../src/torture/story.ts";
import { holdfastSubject, type Subject } from "../../src/torture/subject.ts";
import { sequenceStride } from "../crash/crash_budget.ts";
import { commonPatternSubject, type Mend } from "./common_pattern_store.ts";

/** What a user of the pattern does; each has an effect on what is visible. */
const letters: readonly Operation[] = [
  { kind: "append", session: 0 },
  { kind: "truncate", session: 0, keep: 1 },
  { kind: "compact", session: 0 },
];

/** The weaknesses in the order in which they show: each but the first is hidden behind those before it. */
const weaknesses: readonly { name: string; invariant: string; seen: RegExp; mend: Mend | null }[] = [
  {
    name: "W4, an empty meta file makes a readable log unreadable",
    invariant: "error",
    seen: /The meta file is damaged/,
    mend: "sync the meta file",
  },
  {
    name: "W12, what a killed program had written is shown, and lost: neither it nor its name was synced",
    invariant: "I1",
    seen: /shows {4}\[1:1002\]/,
    mend: "sync at open",
  },
  {
    name: "W1, a record is glued to a torn line, and lost, though it was acknowledged",
    invariant: "I1",
    seen: /shows {4}\[\].*\n.*as acknowledged/,
    mend: "cut the torn end",
  },
  {
    name: "W12, what a crash has left under a temporary name stays",
    invariant: "I18",
    seen: /Left over after recovery/,
    mend: "sweep",
  },
  { name: "W3, what was truncated comes back", invariant: "I7", seen: /shows {4}\[0:1 1:2\]/, mend: null },
];

test("the common pattern is found to have W1, W3 and W4; the smallest failing case of each", async () => {
  const mends = new Set<Mend>();
  for (const { name, invariant, seen, mend } of weaknesses) {
    const options = optionsFor(commonPatternSubject(mends));
    const finding = await smallest(options, 4);
    assert.ok(finding !== null, `${name} is not found`);
    const story = (await tellStory(options, finding)).split("\n").filter((line) => !line.startsWith("again: "));
    console.log(`${name}\n${story.join("\n")}\n`);
    assert.equal(finding.violation.invariant, invariant, name);
    assert.match(finding.violation.message, seen, name);
    if (mend !== null) mends.add(mend);
  }
});

test("Holdfast, put through the same, has none of them", async () => {
  assert.equal(await smallest(optionsFor(holdfastSubject), sequenceStride === 1 ? 4 : 2), null);
});

function optionsFor(subject: Subject): ExplorerOptions {
  return { subject, depth: 0, cutsPerStep: 24, cutsPerNestedStep: 0, onlyLast: true };
}

/** The first that shows, shrunk; shorter sequences come first. */
async function smallest(options: ExplorerOptions, lengthMax: number): Promise<Finding | null> {
  return await withStoppedClock(async () => {
    const explorer = new Explorer(options);
    for (let length = 1; length <= lengthMax; length++) {
      for (const operations of sequencesOf(length)) {
        const finding = await explorer.explore({ model: "weak", sectorBytes: 512, seed: 1, prepare: [], operations });
        if (finding !== null) return await shrink(options, finding);
      }
    }
    return null;
  });
}

/** On a session that has no record yet, only an append does anything. */
function sequencesOf(length: number): Operation[][] {
  if (length === 1) return letters.slice(0, 1).map((letter) => [letter]);
  return sequencesOf(length - 1).flatMap((before) => letters.map((letter) => [...before, letter]));
}

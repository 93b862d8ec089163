import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Explorer } from "../../src/torture/explorer.ts";
import { withStoppedClock } from "../../src/torture/stopped_clock.ts";
import { tellStory } from "../../src/torture/story.ts";
import { removeScratch } from "./mutant_source.ts";
import { preyOf } from "./mutation.ts";

after(removeScratch);

test("a story says what was done, up to the step in which it showed, what was pending and what survived", async () => {
  const { subject } = await preyOf({
    leaveOut: ({ method, path }) => method === "syncData" && path.endsWith(".jsonl"),
  });
  const options = { subject, depth: 0, cutsPerStep: 4, cutsPerNestedStep: 0 };
  const operations = [{ kind: "append" as const, session: 0 }];
  const scenario = { model: "weak" as const, sectorBytes: 512 as const, seed: 1, prepare: [], operations };
  const finding = await withStoppedClock(async () => await new Explorer(options).explore(scenario));
  assert.ok(finding !== null);
  const lines = (await tellStory(options, finding)).split("\n");
  assert.equal(lines[0], "I1 is broken: what was acknowledged is there");
  assert.equal(lines[1], "on a weak file system with sectors of 512 bytes, seed 1");
  assert.equal(lines[2], "  1. append a small record [session 0]");
  // It is the record of the next one that is lost: without what is told here, nobody could see why.
  const told = lines.filter((line) => line.startsWith("afterwards: "));
  assert.ok(told.includes("afterwards: the store is opened for writing, recovers, and is read"), told.join("\n"));
  assert.ok(told.includes("afterwards: a record is appended to each session, and acknowledged"), told.join("\n"));
  const cut = lines.lastIndexOf("afterwards: the power is cut");
  assert.match(lines[cut + 1] ?? "", /^\d+ pending operations \(weak, sectors of 512 bytes\)$/);
  assert.ok(
    lines.slice(cut).some((line) => /^ {2}write \/sessions\/a_1\.jsonl .*: lost$/.test(line)),
    lines.join("\n"),
  );
  assert.match(lines.at(-1) ?? "", /^again: holdfast torture --reproduce '\{.*\}'$/);
});

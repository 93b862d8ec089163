import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { ActiveBranch, treeEntryOf } from "../../src/formats/active_branch.ts";
import { fixtureText, names } from "./fixtures.ts";

function offBranch(lines: readonly string[]): number[] {
  const branch = new ActiveBranch();
  for (const line of lines) branch.add(Object(JSON.parse(line)));
  return [...branch.offBranch()];
}

const fixtureLines = (path: string): string[] => fixtureText(path).trim().split("\n");
const pi = (id: string, parentId: string | null): string => JSON.stringify({ type: "message", id, parentId });

test("ActiveBranch: the newest record and its parents are the conversation, in every format with a tree", () => {
  assert.deepEqual(offBranch(fixtureLines("pi/v1.jsonl")), []);
  assert.deepEqual(offBranch(fixtureLines("pi/v2.jsonl")), []);
  // a → b → c was left for a → d → e → f → g.
  assert.deepEqual(offBranch(fixtureLines("pi/v3.jsonl")), [2, 3]);
  assert.deepEqual(offBranch(fixtureLines(`gencode/-home-me-app/transcripts/${names.gencode}.jsonl`)), [2, 3, 4]);
  // The side chain is lines 4 and 5.
  assert.deepEqual(offBranch(fixtureLines(`claude-code/-home-me-web/${names.claude}.jsonl`)), [3, 4]);
  assert.deepEqual(offBranch(fixtureLines("claude-code/-home-me-web/agent-5f2c.jsonl")), []);
  assert.deepEqual(offBranch(fixtureLines("picoclaw/sessions/telegram_77.jsonl").filter(Boolean)), []);
});

test("ActiveBranch: a parent that is missing is the record in front, and a circle ends", () => {
  assert.deepEqual(offBranch([pi("a", null), pi("b", "a"), pi("d", "c"), pi("e", "d")]), []);
  assert.deepEqual(offBranch([pi("x", null), pi("a", "b"), pi("b", "a")]), [0]);
  assert.deepEqual(offBranch([pi("a", "a")]), []);
});

test("ActiveBranch: results of tools that ran at the same time stay, and a compaction does not cut the chain", () => {
  const claude = (uuid: string, parentUuid: string | null, more: object = {}): string =>
    JSON.stringify({ type: "user", uuid, parentUuid, ...more });
  const result = { message: { content: [{ type: "tool_result" }] } };
  const lines = [
    claude("u", null),
    claude("a1", "u"),
    claude("a2", "a1"),
    claude("r1", "a1", result),
    claude("r2", "a2", result),
    claude("x", "r2"),
    claude("c", null, { type: "system", logicalParentUuid: "r2" }),
    claude("n", "c"),
  ];
  assert.deepEqual(offBranch(lines), [5]);
});

test("ActiveBranch: of any tree without gaps exactly the ancestors of the newest record stay", () => {
  const anyTree = fc.array(fc.nat(), { minLength: 1, maxLength: 40 })
    .map((picks) => picks.map((pick, index) => index === 0 ? null : pick % index));
  fc.assert(fc.property(anyTree, (parents) => {
    const ancestors = new Set<number>();
    for (let at: number | null = parents.length - 1; at !== null; at = parents[at] ?? null) ancestors.add(at);
    const off = offBranch(parents.map((parent, index) => pi(`n${index}`, parent === null ? null : `n${parent}`)));
    assert.deepEqual(off, parents.map((_, index) => index).filter((index) => !ancestors.has(index)));
  }));
});

test("treeEntryOf() of a record without an id, or without a parent's name, is nothing", () => {
  for (const record of [{}, { id: "x" }, { type: "session", id: "x" }, { uuid: "x" }, { type: "message.appended" }]) {
    assert.equal(treeEntryOf(record), undefined);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { findAllowedSkip, parseSkipList } from "./skip_list.ts";

const list = parseSkipList("# why\n\nnode | only here | no such call\n* | real input: * | the data is not here\n");

test("findAllowedSkip() knows a title, a beginning, and the runtime", () => {
  assert.equal(findAllowedSkip(list, "node", { title: "only here", reason: "" })?.reason, "no such call");
  assert.equal(findAllowedSkip(list, "deno", { title: "only here", reason: "" }), undefined);
  assert.equal(findAllowedSkip(list, "bun", { title: "real input: a.jsonl", reason: "" })?.runtime, "*");
  assert.equal(findAllowedSkip(list, "bun", { title: "real", reason: "" }), undefined);
});

test("parseSkipList() refuses a line without a reason, or with a runtime that is none", () => {
  assert.throws(() => parseSkipList("node | title"), SyntaxError);
  assert.throws(() => parseSkipList("nodejs | title | reason"), SyntaxError);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutPassedTests } from "./project_checks.ts";

test("withoutPassedTests() leaves what a runner says of a failure, wherever it says it", () => {
  const bun = [
    "tests/a_test.ts:",
    "(pass) one [1.00ms]",
    "",
    "tests/b_test.ts:",
    "(pass) two [1.00ms]",
    "12 | assert.ok(false)",
    "error: Property failed after 7 tests",
    "(fail) three [2.00ms]",
    "(pass) four [1.00ms]",
    "",
    "tests/c_test.ts:",
    "(pass) five [1.00ms]",
    "",
    " 4 pass",
    " 1 fail",
  ];
  assert.deepEqual(withoutPassedTests(bun.join("\n")).split("\n").filter((line) => line !== ""), [
    "tests/b_test.ts:",
    "12 | assert.ok(false)",
    "error: Property failed after 7 tests",
    "(fail) three [2.00ms]",
    " 4 pass",
    " 1 fail",
  ]);
  const node = ["✔ one (1.2ms)", "✖ two (3ms)", "ℹ fail 1", "  AssertionError"];
  assert.deepEqual(withoutPassedTests(node.join("\n")), node.slice(1).join("\n"));
  const deno = [
    "running 2 tests from ./tests/a_test.ts",
    "one ... ok (12ms)",
    "two ... FAILED (3ms)",
    "error: it broke",
  ];
  assert.equal(withoutPassedTests(deno.join("\n")), [deno[0], deno[2], deno[3]].join("\n"));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { nestsDeeper } from "../../src/formats/nesting_depth.ts";

test("nestsDeeper() counts the brackets that are open at once, and none in strings", () => {
  assert.equal(nestsDeeper("[[[]]]", 3), false);
  assert.equal(nestsDeeper("[[[]]]", 2), true);
  assert.equal(nestsDeeper(`{"a":{"b":[]}}`, 2), true);
  assert.equal(nestsDeeper(`[],[],[],[]`, 1), false);
  assert.equal(nestsDeeper(`["[[[[","\\"[[[["]`, 1), false);
  assert.equal(nestsDeeper(`["\\\\",[["x"]]]`, 2), true);
  assert.equal(nestsDeeper(`["[[[[[`, 1), false);
});

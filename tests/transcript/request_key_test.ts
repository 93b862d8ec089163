import assert from "node:assert/strict";
import { test } from "node:test";
import { requestKey } from "../../src/transcript/request_key.ts";

test("requestKey() depends on what is said, not on the order of members", () => {
  assert.equal(
    requestKey({ a: 1, b: { c: 2, d: [1, { e: 1, f: 2 }] } }),
    requestKey({ b: { d: [1, { f: 2, e: 1 }], c: 2 }, a: 1 }),
  );
  const different = [{}, [], { a: [] }, [["a", []]], { pairs: [] }, { a: 1 }, { a: "1" }, null, "", 0, { a: [1, 2] }, {
    a: [2, 1],
  }];
  assert.equal(new Set(different.map(requestKey)).size, different.length);
  assert.match(requestKey({}), /^[0-9a-f]{64}$/);
  assert.throws(() => requestKey(undefined), TypeError);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { indexOfByte } from "../../src/fs/runtime_search.ts";

test("indexOfByte() finds what Uint8Array.indexOf() finds", () => {
  const bytes = Uint8Array.from({ length: 600 }, (_, index) => index % 256);
  for (const part of [bytes, bytes.subarray(3, 77), bytes.subarray(0, 0)]) {
    for (const byte of [0, 10, 76, 255]) {
      for (let from = 0; from <= part.length; from += 7) {
        assert.equal(indexOfByte(part, byte, from), part.indexOf(byte, from), `${byte} from ${from}`);
      }
    }
  }
});

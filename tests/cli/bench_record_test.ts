import assert from "node:assert/strict";
import { test } from "node:test";
import { benchRecordBytesMin, benchRecords } from "../../src/cli/bench_record.ts";

test("benchRecords makes JSON objects of the exact size, no two alike", () => {
  for (const bytes of [benchRecordBytesMin, 200, 1024, 70_000, 1024 * 1024]) {
    const textOf = benchRecords(bytes);
    for (const number of [0, 9, 10, 65_536, 999_999]) {
      const text = textOf(number);
      assert.equal(new TextEncoder().encode(text).length, bytes);
      assert.ok(JSON.parse(text).content.startsWith(`${number} `));
    }
  }
});

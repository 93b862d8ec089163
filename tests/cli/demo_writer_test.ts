import assert from "node:assert/strict";
import { access } from "node:fs/promises";
import { test } from "node:test";
import { threeRecords, withProgram } from "./in_process.ts";

test("demo-writer tells the cost beside each acknowledged number", async () => {
  await withProgram(async (on) => {
    const { code, stdout } = await on(["demo-writer", "k", "--seed", "3"], { stdin: threeRecords });
    assert.equal(code, 0);
    assert.match(stdout, /^0 \d+ \d+\n1 \d+ \d+\n2 \d+ \d+\n$/);
  });
});

test("demo-writer that gets no record makes nothing", async () => {
  await withProgram(async (on, directory) => {
    async function* nothing(): AsyncIterableIterator<Uint8Array> {}
    assert.deepEqual(await on(["demo-writer", "k"], { stdin: nothing() }), { code: 0, stdout: "", stderr: "" });
    await assert.rejects(access(directory));
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonLines, TextStream, threeRecords, withProgram } from "./in_process.ts";

test("stats has the promised shape", async () => {
  await withProgram(async (on) => {
    await on(["append", "k"], { stdin: threeRecords });
    await on(["append", "l"], { stdin: threeRecords });
    await on(["truncate", "k", "--keep", "1"]);
    const all = jsonLines((await on(["stats", "--json"])).stdout).map((line) => Object(line));
    for (const stats of all) {
      assert.deepEqual(Object.keys(stats), [
        "key",
        "records",
        "dead",
        "bytes",
        "fillBytes",
        "quarantineBytes",
        "archiveBytes",
        "blobs",
        "blobBytes",
      ]);
    }
    assert.deepEqual(all.find(({ key }) => key === "k").dead, 2);
    const stdout = new TextStream({ isTerminal: true });
    assert.match((await on(["stats"], { stdout, environment: { NO_COLOR: "1" } })).stdout, /^2 sessions +6 +2 /m);
  });
});

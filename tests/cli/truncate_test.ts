import assert from "node:assert/strict";
import { test } from "node:test";
import { command } from "../../src/cli/truncate.ts";
import { jsonLines, threeRecords, withProgram } from "./in_process.ts";

test("truncate hides all but the newest records, with the summary in the same commit", async () => {
  await withProgram(async (on) => {
    await on(["append", "k"], { stdin: threeRecords });
    assert.deepEqual(await on([command.description.name, "k", "--keep", "2"]), {
      code: 0,
      stdout: "2 active records of 3\n",
      stderr: "",
    });
    const [truncated] = jsonLines((await on(["truncate", "k", "--keep", "1", "--summary", "s", "--json"])).stdout);
    assert.deepEqual(truncated, { key: "k", records: 3, active: 1, summary: "s" });
    assert.equal((await on(["truncate", "k", "--keep", "0"])).stdout, "0 active records of 3\n");
    assert.equal((await on(["truncate", "k"])).code, 2);
  });
});

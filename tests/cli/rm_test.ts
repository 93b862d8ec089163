import assert from "node:assert/strict";
import { test } from "node:test";
import { command } from "../../src/cli/rm.ts";
import { jsonLines, threeRecords, withProgram } from "./in_process.ts";

test("rm removes sessions, and names those that there are not", async () => {
  await withProgram(async (on) => {
    for (const key of ["a", "b", "c"]) await on(["append", key], { stdin: threeRecords });
    assert.deepEqual(await on([command.description.name, "a"]), { code: 0, stdout: "a: removed\n", stderr: "" });
    const { code, stdout, stderr } = await on(["rm", "a", "b", "--json"]);
    assert.equal(code, 1);
    assert.deepEqual(jsonLines(stdout), [{ key: "a", deleted: false }, { key: "b", deleted: true }]);
    assert.match(stderr, /no session "a"/);
    assert.match((await on(["ls"])).stdout, /^c\t[^\n]*\n$/);
    // A key that comes back is a new session.
    assert.equal((await on(["append", "a"], { stdin: "{}" })).stdout, "0\n");
  });
});

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { jsonLines, threeRecords, withProgram } from "./in_process.ts";

test("repair sets damaged lines aside; the others keep their numbers; a sound session stays as it is", async () => {
  await withProgram(async (on, directory) => {
    // One by one: of records that share a sync only the first proves that what is in front of it was durable.
    for (const record of threeRecords.trim().split("\n")) await on(["append", "k"], { stdin: record });
    const log = join(directory, "k.jsonl");
    const sound = await readFile(log);
    assert.equal((await on(["repair", "k"])).code, 0);
    assert.deepEqual(await readFile(log), sound);
    await writeFile(log, sound.toString("latin1").replace("two", "twO"), "latin1");
    assert.equal((await on(["check"])).code, 1);
    const { code, stdout } = await on(["repair", "k", "--json"]);
    assert.deepEqual([code, Object(jsonLines(stdout)[0]).key], [0, "k"]);
    assert.equal((await on(["check"])).code, 0);
    const numbers = jsonLines((await on(["show", "k", "--json"])).stdout).map((line) => Object(line).sequence);
    assert.deepEqual(numbers, [0, 2]);
    const [stats] = jsonLines((await on(["stats", "--json"])).stdout);
    assert.ok(Object(stats).quarantineBytes > 0);
  });
});

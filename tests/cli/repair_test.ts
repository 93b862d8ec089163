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

test("repair removes damaged lines alone: what truncate hid is still there, and still hidden", async () => {
  await withProgram(async (on, directory) => {
    const numbers = async (...options: string[]): Promise<unknown[]> =>
      jsonLines((await on(["show", "k", "--json", ...options])).stdout).map((line) => Object(line).sequence);
    for (let n = 0; n < 6; n++) await on(["append", "k"], { stdin: `{"n":"number ${n}"}` });
    await on(["truncate", "k", "--keep", "3"]);
    const log = join(directory, "k.jsonl");
    await writeFile(log, (await readFile(log, "latin1")).replace("number 4", "number X"), "latin1");
    assert.match((await on(["repair", "k"])).stdout, /^k: 1 damaged line set aside\nok {2}k: 5 records\n$/);
    assert.deepEqual([await numbers(), await numbers("--all")], [[3, 5], [0, 1, 2, 3, 5]]);
    // As picoclaw sees it: lines to skip, lines there are.
    const { skip, count } = JSON.parse(await readFile(join(directory, "k.meta.json"), "utf8"));
    assert.deepEqual([skip, count], [3, 5]);
    assert.deepEqual((await on(["append", "k"], { stdin: "{}" })).stdout, "6\n");
  });
});

test("repair says what it did to a torn end, and to a meta file", async () => {
  await withProgram(async (on, directory) => {
    await on(["append", "k"], { stdin: threeRecords });
    const log = join(directory, "k.jsonl");
    await writeFile(log, (await readFile(log)).subarray(0, -5));
    await writeFile(join(directory, "k.meta.json"), "");
    const { stdout } = await on(["repair", "k"]);
    assert.match(stdout, /^k: torn end of \d+ bytes set aside, meta file rebuilt\nok {2}k: 2 records\n$/);
  });
});

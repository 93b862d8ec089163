import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { jsonLines, threeRecords, withProgram } from "./in_process.ts";

test("check exits with 1 for a damaged line and names it; a foreign line is none; repair sets it aside", async () => {
  await withProgram(async (on, directory) => {
    // One by one: of records that share a sync only the first proves that what is in front of it was durable.
    for (const record of threeRecords.trim().split("\n")) await on(["append", "k"], { stdin: record });
    const [sound] = jsonLines((await on(["check", "--json"])).stdout);
    assert.deepEqual(sound, { key: "k", ok: true, records: 3, verified: 3, foreign: 0, damaged: [], tornTail: null });
    assert.match((await on(["check"])).stdout, /^ok {2}k: 3 records\n1 session, 3 records checked: no damage\n$/);
    const log = join(directory, "k.jsonl");
    const bytes = await readFile(log);
    await writeFile(log, bytes.toString("latin1").replace("two", "twO"), "latin1");
    const { code, stdout } = await on(["check", "k", "--json"]);
    const report = Object(jsonLines(stdout)[0]);
    assert.deepEqual([code, report.ok, report.damaged.length, report.damaged[0].offset > 0], [1, false, 1, true]);
    const people = await on(["check"]);
    assert.equal(people.code, 1);
    assert.match(
      people.stdout,
      /^DAMAGED {2}k: 2 records\n {6}damaged: offset \d+, \d+ bytes: .+\n1 session, .*1 session damaged/,
    );
    assert.equal((await on(["repair", "k"])).code, 0);
    assert.equal((await on(["check"])).code, 0);
    assert.deepEqual(jsonLines((await on(["show", "k", "--json"])).stdout).map((line) => Object(line).sequence), [
      0,
      2,
    ]);
  });
});

import assert from "node:assert/strict";
import { readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
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

test("check says that durable records are gone with the end of the log, or with all of it; repair gives them up", async () => {
  for (const [kept, from] of [[1, 1], [0, 0], [null, 0]] as const) {
    await withProgram(async (on, directory) => {
      await on(["append", "k"], { stdin: threeRecords });
      // Seals the log.
      await on(["truncate", "k", "--keep", "2"]);
      const log = join(directory, "k.jsonl");
      if (kept === null) await rm(log);
      else {await writeFile(
          log,
          (await readFile(log, "utf8")).split("\n").slice(0, kept).map((line) => line + "\n").join(""),
        );}
      const { code, stdout } = await on(["check", "--json"]);
      const report = Object(jsonLines(stdout)[0]);
      assert.deepEqual([code, report.ok, report.missing], [1, false, { from, to: 2 }]);
      assert.match((await on(["check"])).stdout, new RegExp(`missing: records ${from} to 2 were durable`));
      assert.match((await on(["repair", "k"])).stdout, new RegExp(`^k: records ${from} to 2 given up\nok`));
      assert.equal((await on(["check"])).code, 0);
    });
  }
});

test("check exits with 1 for files that cannot be read, and for a key that no session has", async () => {
  await withProgram(async (on, directory) => {
    await on(["append", "k"], { stdin: threeRecords });
    assert.match((await on(["check", "none", "k"])).stdout, /1 session, 3 records checked: 1 session not found\n$/);
    assert.equal((await on(["check", "none"])).code, 1);
    await rename(join(directory, "k.jsonl"), join(directory, "elsewhere"));
    await symlink("elsewhere", join(directory, "k.jsonl"));
    const { code, stdout, stderr } = await on(["check"]);
    assert.deepEqual([code, stdout], [1, "0 sessions, 0 records checked: 1 session could not be read\n"]);
    assert.match(stderr, /session-unreadable/);
  });
});

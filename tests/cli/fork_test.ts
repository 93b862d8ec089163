import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { command } from "../../src/cli/fork.ts";
import { jsonLines, threeRecords, withProgram } from "./in_process.ts";

test("fork begins another session with the same records; ls --parent finds it", async () => {
  await withProgram(async (on) => {
    const name = command.description.name;
    await on(["append", "k"], { stdin: threeRecords });
    const [forked] = jsonLines((await on([name, "k", "l", "--at", "1", "--json"])).stdout);
    const { bytes, ...rest } = Object(forked);
    assert.ok(bytes > 0);
    assert.equal(typeof rest.sharedBytes, "number");
    assert.deepEqual({ ...rest, sharedBytes: 0 }, { from: "k", key: "l", sequence: 1, sharedBytes: 0 });
    const shown = jsonLines((await on(["show", "l", "--json"])).stdout);
    assert.deepEqual(shown, jsonLines((await on(["show", "k", "--json"])).stdout).slice(0, 2));
    assert.match((await on([name, "k", "m"])).stdout, /^m: from k, up to record 2, \d+ B/);
    const children = jsonLines((await on(["ls", "--parent", "k", "--json"])).stdout);
    assert.deepEqual(children.map((line) => Object(line).key).sort(), ["l", "m"]);
    assert.deepEqual(children.map((line) => Object(line).parent.sequence).sort(), [1, 2]);
    assert.equal((await on(["check"])).code, 0);
  });
});

test("fork refuses a key that is taken, with a hint, and a record or session that is not there", async () => {
  await withProgram(async (on) => {
    const name = command.description.name;
    await on(["append", "k"], { stdin: threeRecords });
    await on(["append", "l"], { stdin: threeRecords });
    const taken = await on([name, "k", "l"]);
    assert.equal(taken.code, 1);
    assert.match(taken.stderr, /There is a session "l" already/);
    assert.match(taken.stderr, /holdfast rm/);
    assert.equal((await on([name, "k", "m", "--at", "7"])).code, 1);
    assert.match((await on([name, "nobody", "m"])).stderr, /nobody/);
    assert.equal((await on([name, "k"])).code, 2);
    assert.equal((await on([name, "k", "m", "--at", "x"])).code, 2);
    assert.deepEqual(jsonLines((await on(["ls", "--json"])).stdout).map((line) => Object(line).key).sort(), ["k", "l"]);
  });
});

test("compact --archive keeps what it takes out; show --all, stats and check see it", async () => {
  await withProgram(async (on, directory) => {
    await on(["append", "k"], { stdin: threeRecords });
    const before = (await on(["show", "k", "--json"])).stdout;
    await on(["truncate", "k", "--keep", "1"]);
    const compacted = await on(["compact", "k", "--archive"]);
    assert.match(compacted.stdout, /^k: 2 records removed, 2 records kept in the archive, /);
    assert.equal(jsonLines((await on(["show", "k", "--json"])).stdout).length, 1);
    assert.equal((await on(["show", "k", "--json", "--all"])).stdout, before);
    const [stats] = jsonLines((await on(["stats", "k", "--json"])).stdout);
    assert.ok(Object(stats).archiveBytes > 0);
    const check = await on(["check", "k"]);
    assert.equal(check.code, 0);
    assert.match(check.stdout, /k: 1 record, 2 more in the archive/);
    const path = `${directory}/k.archive/0-1.jsonl`;
    await writeFile(path, (await readFile(path, "utf8")).replace("one", "0ne"));
    const damaged = await on(["check", "k"]);
    assert.equal(damaged.code, 1);
    assert.match(damaged.stdout, /archive: 0-1\.jsonl, offset 0, \d+ bytes: its checksum does not fit/);
    const [report] = jsonLines((await on(["check", "k", "--json"])).stdout);
    assert.deepEqual(Object(report).archive.damaged.map((line: unknown) => Object(line).file), ["0-1.jsonl"]);
    assert.equal((await on(["rm", "k"])).code, 0);
    assert.equal((await on(["show", "k"])).code, 1);
  });
});

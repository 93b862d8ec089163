import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../../mod.ts";
import { command } from "../../src/cli/compact.ts";
import { jsonLines, threeRecords, withProgram } from "./in_process.ts";

test("compact takes truncated records out of the log; what stays keeps its number", async () => {
  await withProgram(async (on) => {
    await on(["append", "k"], { stdin: threeRecords });
    await on(["truncate", "k", "--keep", "1"]);
    const [compacted] = jsonLines((await on(["compact", "k", "--json"])).stdout);
    const { bytesBefore, bytesAfter, ...rest } = Object(compacted);
    assert.deepEqual(rest, { key: "k", removed: 2 });
    assert.ok(bytesAfter < bytesBefore);
    assert.match((await on(["compact", "--all"])).stdout, /^k: 0 records removed, /);
    assert.deepEqual(jsonLines((await on(["show", "k", "--json", "--all"])).stdout), [
      { sequence: 2, record: { role: "user", content: "three" } },
    ]);
  });
});

test("compact sets a damaged line aside, says so, and ends with 1", async () => {
  await withProgram(async (on, directory) => {
    for (const line of threeRecords.trim().split("\n")) await on(["append", "k"], { stdin: line });
    const path = join(directory, "k.jsonl");
    writeFileSync(path, readFileSync(path, "utf8").replace("two", "tvo"));
    for (const args of [["compact", "k"], ["compact", "--all"]]) {
      const { code, stderr } = await on(args);
      // It is gone from the log after the first time.
      assert.equal(code, args[1] === "k" ? 1 : 0, stderr);
      if (args[1] === "k") assert.match(stderr, /Damaged line .* was set aside/);
    }
  });
});

test("a session that another store writes is locked, exit code 3; compact --all skips it; reading goes on", async () => {
  await withProgram(async (on, directory) => {
    await on(["append", "k"], { stdin: threeRecords });
    await on(["append", "l"], { stdin: threeRecords });
    const store = await openStore(directory);
    await (await store.session("k")).append({ n: 1 });
    for (const args of [["append", "k"], ["truncate", "k", "--keep", "1"], ["compact", "k"], ["rm", "k"]]) {
      const { code, stderr } = await on(args, { stdin: '{"n":2}' });
      assert.equal(code, 3, args.join(" "));
      assert.match(stderr, /^holdfast: /);
    }
    const all = await on([command.description.name, "--all", "--json"]);
    assert.equal(all.code, 0);
    assert.ok(jsonLines(all.stdout).some((line) => Object(line).key === "k" && Object(line).skipped === "locked"));
    assert.match(all.stderr, /1 session skipped, written by another process/);
    for (const args of [["show", "k"], ["check"], ["export", "k"], ["stats"], ["ls"]]) {
      assert.equal((await on(args)).code, 0);
    }
    await store.close();
    assert.equal((await on(["append", "k"], { stdin: '{"n":2}' })).code, 0);
  });
});

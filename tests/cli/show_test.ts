import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { Interruption } from "../../src/cli/command.ts";
import { jsonLines, TextStream, threeRecords, withProgram } from "./in_process.ts";

test("show is readable, with --tail and --all; what is truncated is counted", async () => {
  await withProgram(async (on) => {
    await on(["append", "k"], { stdin: threeRecords });
    assert.equal((await on(["show", "k"])).stdout, "#0  user\n    one\n#1  assistant\n    two\n#2  user\n    three\n");
    assert.equal((await on(["show", "k", "--tail", "1"])).stdout, "#2  user\n    three\n");
    assert.equal((await on(["show", "k", "--tail", "0"])).stdout, "");
    await on(["truncate", "k", "--keep", "1", "--summary", "They said one and two."]);
    assert.equal(
      (await on(["show", "k"])).stdout,
      "Summary of what came before:\n    They said one and two.\n2 earlier records hidden; --all shows them\n\n#2  user\n    three\n",
    );
    assert.deepEqual(jsonLines((await on(["show", "k", "--json", "--all", "--tail", "2"])).stdout), [
      { sequence: 1, record: { role: "assistant", content: "two" } },
      { sequence: 2, record: { role: "user", content: "three" } },
    ]);
    assert.equal(jsonLines((await on(["show", "k", "--json", "--all"])).stdout).length, 3);
  });
});

test("show --follow goes on with what another store appends, and ends on SIGINT with 0", async () => {
  await withProgram(async (on, directory) => {
    await on(["append", "k"], { stdin: threeRecords });
    const controller = new AbortController();
    const stdout = new TextStream();
    const following = on(["show", "k", "--json", "--tail", "1", "--follow"], { stdout, signal: controller.signal });
    while (!stdout.text.includes("three")) await new Promise((resolve) => setImmediate(resolve));
    const store = await openStore(directory);
    await (await store.session("k")).append({ n: 4 });
    while (!stdout.text.endsWith('{"sequence":3,"record":{"n":4}}\n')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    controller.abort(new Interruption("SIGINT"));
    assert.equal((await following).code, 0);
    await store.close();
  });
});

test("show stops when nobody reads any more", async () => {
  await withProgram(async (on) => {
    await on(["append", "k"], { stdin: threeRecords.repeat(100) });
    const stdout = new TextStream({ closeAfter: 50 });
    assert.equal((await on(["show", "k", "--json"], { stdout })).code, 0);
    assert.ok(stdout.text.length < 200);
  });
});

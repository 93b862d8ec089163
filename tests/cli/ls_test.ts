import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { jsonLines, TextStream, threeRecords, withProgram } from "./in_process.ts";

test("ls lists newest first, in the promised shape; in a pipe separated by tabs", async () => {
  await withProgram(async (on, directory) => {
    await on(["append", "old"], { stdin: threeRecords });
    await on(["append", "new:1"], { stdin: '{"n":1}' });
    const store = await openStore(directory);
    await (await store.session("old")).update({ title: "T\u001b", workspace: "/w" });
    await store.close();
    const entries = jsonLines((await on(["ls", "--json"])).stdout);
    const names = [
      "key",
      "records",
      "active",
      "bytes",
      "summary",
      "title",
      "workspace",
      "createdAt",
      "updatedAt",
      "parent",
    ];
    for (const entry of entries) assert.deepEqual(Object.keys(Object(entry)), names);
    assert.deepEqual(jsonLines((await on(["ls", "--json", "--workspace", "/w"])).stdout).length, 1);
    assert.deepEqual(jsonLines((await on(["ls", "--json", "--limit", "1"])).stdout).length, 1);
    const { stdout } = await on(["ls"]);
    assert.deepEqual(stdout.split("\n").slice(0, -1).map((line) => line.split("\t").length), [8, 8]);
    assert.match(stdout, /^new:1\t1\t1\t/m);
    const people =
      (await on(["ls"], { stdout: new TextStream({ isTerminal: true }), environment: { NO_COLOR: "1" } })).stdout;
    assert.match(people, /^KEY +ACTIVE +RECORDS +SIZE +LAST WRITE +ABOUT\n/);
    assert.match(people, /\[\/w\] T\\x1b/);
  });
});

import assert from "node:assert/strict";
import { utimes } from "node:fs/promises";
import { test } from "node:test";
import { command as restore } from "../../src/cli/restore.ts";
import { command as retain } from "../../src/cli/retain.ts";
import { Interruption } from "../../src/cli/command.ts";
import { openStore } from "../../mod.ts";
import { jsonLines, type ProgramOnStore, threeRecords, withProgram } from "./in_process.ts";

const dayMs = 86_400_000;

/** Sessions that were written to so many days ago. */
async function sessionsOf(on: ProgramOnStore, directory: string, days: Record<string, number>): Promise<void> {
  for (const [key, count] of Object.entries(days)) {
    await on(["append", key], { stdin: threeRecords });
    const seconds = (Date.now() - count * dayMs) / 1000 - 60;
    await utimes(`${directory}/${key}.jsonl`, seconds, seconds);
  }
}

test("retain says what would go, moves it to the trash, and restore brings it back", async () => {
  await withProgram(async (on, directory) => {
    await sessionsOf(on, directory, { old: 100, mid: 50, new: 0 });
    const args = [retain.description.name, "--age", "90", "--sessions", "1"];
    const dry = await on([...args, "--dry-run", "--json"]);
    assert.deepEqual(
      jsonLines(dry.stdout).map((step) => [Object(step).action, Object(step).key, Object(step).reason]),
      [
        ["trash", "old", "age"],
        ["trash", "mid", "count"],
      ],
    );
    assert.deepEqual(Object.keys(Object(jsonLines(dry.stdout)[0])), [
      "action",
      "reason",
      "key",
      "path",
      "bytes",
      "ageMs",
      "skipped",
      "dryRun",
    ]);
    assert.equal(jsonLines((await on(["ls", "--json"])).stdout).length, 3);
    const { code, stdout } = await on(args);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^old: moved to the trash: too old, \d+ B, 100 days old\nmid: .*too many.*\n2 steps, \d+ B\n$/,
    );
    assert.deepEqual(jsonLines((await on(["ls", "--json"])).stdout).map((line) => Object(line).key), ["new"]);
    const listed = jsonLines((await on([restore.description.name, "--json"])).stdout);
    assert.deepEqual(listed.map((entry) => Object(entry).id).sort(), ["1-mid", "1-old"]);
    assert.match((await on(["restore"])).stdout, /^1-(old|mid)\t/);
    assert.deepEqual(await on(["restore", "old"]), { code: 0, stdout: "old: restored\n", stderr: "" });
    assert.equal(jsonLines((await on(["show", "old", "--json"])).stdout).length, 3);
    assert.equal((await on(["restore", "nobody"])).code, 1);
    assert.equal((await on(["restore", "1-mid", "--json"])).stdout, '{"key":"mid","restored":true}\n');
  });
});

test("retain --trash-age 0 removes for good; rm --trash moves there", async () => {
  await withProgram(async (on, directory) => {
    await sessionsOf(on, directory, { a: 0, b: 0 });
    assert.equal((await on(["rm", "a", "--trash"])).stdout, "a: moved to the trash\n");
    assert.deepEqual(jsonLines((await on(["rm", "b", "--trash", "--json"])).stdout), [
      { key: "b", deleted: true, trash: "1-b" },
    ]);
    assert.equal((await on(["retain"])).stdout, "0 steps, 0 B\n");
    const emptied = jsonLines((await on(["retain", "--trash-age", "0", "--json"])).stdout);
    assert.deepEqual(emptied.map((step) => Object(step).action), ["empty", "empty"]);
    assert.equal((await on(["restore"])).stdout, "");
  });
});

test("retain skips and counts what another store writes, and exits 0", async () => {
  await withProgram(async (on, directory) => {
    await sessionsOf(on, directory, { held: 100, idle: 100 });
    const store = await openStore(directory);
    await (await store.session("held")).update({ title: "t" });
    const { code, stdout, stderr } = await on(["retain", "--age", "90", "--json"]);
    await store.close();
    assert.equal(code, 0);
    const steps = jsonLines(stdout).map((step) => [Object(step).key, Object(step).skipped]);
    assert.deepEqual(steps.sort(), [["held", "locked"], ["idle", null]]);
    assert.match(stderr, /1 session skipped, in use/);
  });
});

test("retain stops between two steps when it is interrupted; doing it again goes on", async () => {
  await withProgram(async (on, directory) => {
    await sessionsOf(on, directory, { a: 100, b: 100 });
    const controller = new AbortController();
    controller.abort(new Interruption("SIGINT"));
    const { code } = await on(["retain", "--age", "90"], { signal: controller.signal });
    assert.equal(code, 130);
    assert.equal((await on(["retain", "--age", "90", "--json"])).stdout.split("\n").length, 3);
  });
});

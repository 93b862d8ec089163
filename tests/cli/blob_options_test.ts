import assert from "node:assert/strict";
import { readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { jsonLines, withProgram } from "./in_process.ts";

test("append --blobs keeps large strings in files; check names one that is gone; compact --all removes what is unused", async () => {
  await withProgram(async (on, directory) => {
    const [one, other] = ["one ".repeat(500), "two ".repeat(500)].map((content) => JSON.stringify({ content }));
    assert.equal((await on(["append", "k", "--blobs", "1024"], { stdin: `${one}\n` })).code, 0);
    assert.equal((await on(["append", "l", "--blobs", "1024"], { stdin: `${other}\n` })).code, 0);
    const names = async () => (await readdir(join(directory, "blobs"))).filter((name) => name.length === 64);
    assert.equal((await names()).length, 2);
    assert.equal((await on(["export", "k"])).stdout, `${one}\n`);
    assert.equal(Object(jsonLines((await on(["stats", "k", "--json"])).stdout)[0]).blobBytes, 2000);
    const [sound] = jsonLines((await on(["check", "k", "--json"])).stdout);
    assert.deepEqual([Object(sound).blobs, Object(sound).damagedBlobs], [1, []]);
    assert.match((await on(["check", "k"])).stdout, /^ok {2}k: 1 record, 1 blob\n/);

    await on(["rm", "k"]);
    const compacted = await on(["compact", "--all", "--json"]);
    assert.deepEqual(jsonLines(compacted.stdout).at(-1), { blobs: { kept: 1, removed: 1, bytesRemoved: 2000 } });
    assert.equal((await on(["export", "l"])).stdout, `${other}\n`);
    assert.match((await on(["compact", "--all"])).stdout, /\n0 blobs removed, .*; 1 kept\n$/);

    const [hash = ""] = await names();
    await unlink(join(directory, "blobs", hash));
    const damaged = await on(["check"]);
    assert.equal(damaged.code, 1);
    assert.match(damaged.stdout, new RegExp(`\\n {6}blob: record 0, /content: it is missing: blobs/${hash}\n`));
    assert.match((await on(["show", "l"])).stderr, /damaged-blob/);
    assert.equal((await on(["append", "k", "--blobs", "10"], { stdin: "{}" })).code, 2);
  });
});

test("compact --all says nothing of blobs where there are none", async () => {
  await withProgram(async (on) => {
    await on(["append", "k"], { stdin: '{"n":1}\n' });
    assert.doesNotMatch((await on(["compact", "--all"])).stdout, /blob/);
  });
});

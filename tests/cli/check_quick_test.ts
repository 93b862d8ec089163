import assert from "node:assert/strict";
import { appendFile, mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { jsonLines, threeRecords, withProgram } from "./in_process.ts";

test("check --quick says that a healthy store is healthy, in one line, also while a session is written", async () => {
  await withProgram(async (on, directory) => {
    await on(["append", "k"], { stdin: threeRecords });
    assert.deepEqual(await on(["check", "--quick"]), { code: 0, stdout: "1 session: healthy\n", stderr: "" });
    const store = await openStore(directory);
    const session = await store.session("busy");
    await session.append({ n: 1 });
    const { code, stdout } = await on(["check", "--quick"]);
    assert.deepEqual([code, stdout], [0, "2 sessions, 1 in use or left by a killed writer: healthy\n"]);
    const [busy] = jsonLines((await on(["check", "--quick", "busy", "--json"])).stdout).map(Object);
    assert.deepEqual([busy.key, busy.ok, busy.lock, busy.meta, busy.damaged], ["busy", true, "present", "ok", []]);
    await store.close();
  });
});

test("check --quick finds damage behind the seal, and none in front of it: that takes check", async () => {
  await withProgram(async (on, directory) => {
    for (const record of threeRecords.trim().split("\n")) await on(["append", "k"], { stdin: record });
    const log = join(directory, "k.jsonl");
    const sound = await readFile(log, "latin1");
    await writeFile(log, sound.replace("two", "twO"), "latin1");
    const found = await on(["check", "--quick"]);
    assert.equal(found.code, 1);
    assert.match(found.stdout, /^FAULTY {2}k\n {8}damaged: 1 line, first: offset \d+, .*\n1 session: 1 faulty\n$/);
    await writeFile(log, sound, "latin1");
    // Seals the log at its size.
    await on(["truncate", "k", "--keep", "3", "--summary", "s"]);
    const sealed = await readFile(log, "latin1");
    await writeFile(log, sealed.replace("two", "twO"), "latin1");
    assert.equal((await on(["check", "--quick"])).code, 0);
    assert.equal((await on(["check"])).code, 1);
  });
});

test("check --quick counts a torn tail as no fault, and says that it is there", async () => {
  await withProgram(async (on, directory) => {
    await on(["append", "k"], { stdin: threeRecords });
    await appendFile(join(directory, "k.jsonl"), '{"role":"user","cont');
    const { code, stdout } = await on(["check", "--quick"]);
    assert.equal(code, 0);
    assert.match(stdout, /^torn {2}k\n {8}torn tail: .*no fault\n1 session, 1 with a torn tail: healthy\n$/);
  });
});

test("check --quick exits with 1 for a lost meta file, a log that ends too early, a blocked lock, an unknown key", async () => {
  const faults: [(directory: string) => Promise<void>, RegExp][] = [
    [async (directory) => await rm(join(directory, "k.meta.json")), /meta file missing/],
    [async (directory) => await writeFile(join(directory, "k.meta.json"), "{"), /meta file damaged: /],
    [async (directory) => await truncate(join(directory, "k.jsonl"), 0), /missing: records 0 to 2 were durable/],
    [async (directory) => void await mkdir(join(directory, "k.lock")), /nobody can write/],
  ];
  for (const [breakIt, expected] of faults) {
    await withProgram(async (on, directory) => {
      await on(["append", "k"], { stdin: threeRecords });
      await on(["truncate", "k", "--keep", "2"]);
      await breakIt(directory);
      const { code, stdout } = await on(["check", "--quick"]);
      assert.equal(code, 1, stdout);
      assert.match(stdout, expected);
    });
  }
  await withProgram(async (on) => {
    await on(["append", "k"], { stdin: threeRecords });
    const { code, stdout } = await on(["check", "--quick", "none", "k"]);
    assert.deepEqual([code, stdout], [1, "1 session: 1 not found\n"]);
  });
});

test("check --quick reads no more of a long log than its end (I18)", async () => {
  await withProgram(async (on, directory) => {
    const store = await openStore(directory);
    const session = await store.session("long");
    for (let count = 0; count < 40; count++) await session.append({ text: "x".repeat(100_000) });
    const [report] = jsonLines((await on(["check", "--quick", "--json"])).stdout).map(Object);
    assert.ok(report.bytes > 4_000_000, String(report.bytes));
    assert.ok(report.bytesChecked <= 1024 * 1024, String(report.bytesChecked));
    await store.close();
  });
});

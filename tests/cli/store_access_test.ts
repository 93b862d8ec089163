import assert from "node:assert/strict";
import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { run, threeRecords, withDirectory, withProgram } from "./in_process.ts";

test("the directory is --dir, else HOLDFAST_DIR, else XDG_DATA_HOME/holdfast, else ~/.local/share/holdfast", async () => {
  await withDirectory(async (base) => {
    const keysIn = async (directory: string): Promise<string[]> => {
      const store = await openStore(directory, { readOnly: true });
      const keys = (await store.list()).map(({ key }) => key);
      await store.close();
      return keys;
    };
    const environment = { HOLDFAST_DIR: join(base, "own"), XDG_DATA_HOME: join(base, "xdg"), HOME: join(base, "home") };
    await run(["append", "a", "--dir", join(base, "given")], { stdin: threeRecords, environment });
    await run(["append", "b"], { stdin: threeRecords, environment });
    await run(["append", "c"], { stdin: threeRecords, environment: { ...environment, HOLDFAST_DIR: "" } });
    await run(["append", "d"], {
      stdin: threeRecords,
      environment: { HOME: environment.HOME, XDG_DATA_HOME: "relative" },
    });
    assert.deepEqual(await keysIn(join(base, "given")), ["a"]);
    assert.deepEqual(await keysIn(join(base, "own")), ["b"]);
    assert.deepEqual(await keysIn(join(base, "xdg/holdfast")), ["c"]);
    assert.deepEqual(await keysIn(join(base, "home/.local/share/holdfast")), ["d"]);
    assert.equal((await run(["ls"])).code, 2);
  });
});

test("reading a directory that is not there is a clear error, and makes nothing", async () => {
  await withProgram(async (on, directory) => {
    for (const name of ["ls", "stats", "check"]) {
      const { code, stdout, stderr } = await on([name]);
      assert.deepEqual([code, stdout], [1, ""], name);
      assert.ok(stderr.includes(directory) && stderr.includes("--dir"), stderr);
    }
    await assert.rejects(access(directory));
  });
});

test("a session that there is not is named, exit code 1", async () => {
  await withProgram(async (on) => {
    await on(["append", "k"], { stdin: threeRecords });
    for (
      const args of [["show"], ["truncate", "--keep", "1"], ["compact"], ["check"], ["repair"], ["export"], ["stats"]]
    ) {
      const { code, stdout, stderr } = await on([...args, "nope"]);
      assert.equal(code, 1, args[0]);
      assert.doesNotMatch(stdout, /ok/);
      assert.match(stderr, /no session "nope"/);
    }
  });
});

test("a directory that is a file, and one that may not be made, are clear errors", async () => {
  await withDirectory(async (base) => {
    const file = join(base, "file");
    await writeFile(file, "x");
    for (const args of [["append", "k"], ["ls"], ["check"]]) {
      const { code, stderr } = await run([...args, "--dir", file], { stdin: threeRecords });
      assert.equal(code, 1, args.join(" "));
      assert.match(stderr, /^holdfast: .*file/);
    }
  });
});

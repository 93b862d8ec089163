import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { OutputFile } from "../../src/cli/output_file.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { withDirectory } from "./in_process.ts";

test("OutputFile has its name only when it is whole, and is its owner's alone", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "out.jsonl");
    const file = await OutputFile.create(runtimeFileSystem, path);
    const line = "ä".repeat(1000) + "\n";
    for (let n = 0; n < 400; n++) await file.write(line);
    assert.ok(!(await readdir(directory)).includes("out.jsonl"));
    await file.commit();
    assert.equal(await readFile(path, "utf8"), line.repeat(400));
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(directory), ["out.jsonl"]);
  });
});

test("OutputFile.abandon leaves nothing, and what had the name as it was", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "out.jsonl");
    for (const text of ["first", "second"]) {
      const file = await OutputFile.create(runtimeFileSystem, path);
      await file.write(text);
      if (text === "first") await file.commit();
      else await file.abandon();
    }
    assert.equal(await readFile(path, "utf8"), "first");
    assert.deepEqual(await readdir(directory), ["out.jsonl"]);
  });
});

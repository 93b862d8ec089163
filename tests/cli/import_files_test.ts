import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { directoryOf, findFiles, joinPath, stemOf } from "../../src/cli/import_files.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { withDirectory } from "./in_process.ts";

test("findFiles() lists all files below a directory by name, without hidden ones, links and the store", async () => {
  await withDirectory(async (base) => {
    for (const directory of ["a", "a/b", ".hidden", "store"]) await mkdir(join(base, directory));
    const files = ["b.jsonl", "a/z", "a/b/y.json", ".tmp", ".hidden/x", "store/own.jsonl"];
    for (const file of files) await writeFile(join(base, file), "{}");
    await symlink(base, join(base, "loop"));
    const { files: found, isDirectory, passedOver } = await findFiles(
      runtimeFileSystem,
      `${base}/`,
      join(base, "store"),
    );
    assert.deepEqual(found, ["a/b/y.json", "a/z", "b.jsonl"].map((file) => join(base, file)));
    assert.deepEqual([isDirectory, passedOver], [true, 3]);
    const file = join(base, "b.jsonl");
    assert.deepEqual(await findFiles(runtimeFileSystem, file, base), {
      files: [file],
      isDirectory: false,
      passedOver: 0,
      unreadable: [],
    });
    await assert.rejects(findFiles(runtimeFileSystem, join(base, "none"), base), { code: "io" });
  });
});

test("joinPath(), directoryOf() and stemOf() take paths apart and together", () => {
  const joined: Record<string, [string, string]> = {
    "a/b": ["a", "b"],
    "c/d": ["a/b/..", "../c/d"],
    b: [".", "b"],
    ".": ["a", ".."],
    "../../x": ["..", "../x"],
    "/x": ["/", "../x"],
    "/": ["/a", ".."],
    "/a/c": ["/a//b/", "../c"],
  };
  for (const [expected, [directory, relative]] of Object.entries(joined)) {
    assert.equal(joinPath(directory, relative), expected, `${directory} ${relative}`);
  }
  assert.deepEqual(["a", "/a", "x/y/z"].map(directoryOf), [".", "/", "x/y"]);
  assert.deepEqual(["a/b.jsonl", "c.json", "d.meta.json", "e"].map(stemOf), ["b", "c", "d.meta", "e"]);
});

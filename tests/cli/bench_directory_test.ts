import assert from "node:assert/strict";
import { access, mkdir, readdir, realpath, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { nearestDirectory, withBenchDirectory } from "../../src/cli/bench_directory.ts";
import { HoldfastError } from "../../src/errors.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { withDirectory } from "./in_process.ts";

test("nearestDirectory is the path itself, or what exists above it", async () => {
  await withDirectory(async (base) => {
    const real = await realpath(base);
    for (const path of [base, `${base}/`, `${base}/a`, `${base}/a/b/c/`]) {
      assert.equal(await nearestDirectory(runtimeFileSystem, path), real);
    }
    assert.equal(await nearestDirectory(runtimeFileSystem, "there/is/none"), await realpath("."));
    assert.equal(await nearestDirectory(runtimeFileSystem, "/there-is-none"), "/");
  });
});

test("withBenchDirectory removes all that was made, also when it fails, and follows no link", async () => {
  await withDirectory(async (base) => {
    await mkdir(join(base, "kept"));
    await writeFile(join(base, "kept/file"), "x");
    const use = async (directory: string): Promise<string> => {
      await mkdir(join(directory, "a/b"), { recursive: true });
      await writeFile(join(directory, "a/b/c"), "x");
      await symlink(join(base, "kept"), join(directory, "link"));
      return directory;
    };
    const directory = await withBenchDirectory(runtimeFileSystem, base, use);
    assert.ok(directory.startsWith(`${base}/.holdfast-bench-`));
    await assert.rejects(access(directory));
    await assert.rejects(
      withBenchDirectory(runtimeFileSystem, base, async (path) => {
        await use(path);
        throw new Error("stop");
      }),
      /stop/,
    );
    assert.deepEqual(await readdir(base), ["kept"]);
    assert.deepEqual(await readdir(join(base, "kept")), ["file"]);
  });
});

test("withBenchDirectory on a file is a clear error", async () => {
  await withDirectory(async (base) => {
    const file = join(base, "file");
    await writeFile(file, "x");
    await assert.rejects(
      withBenchDirectory(runtimeFileSystem, file, () => Promise.resolve()),
      (error) => error instanceof HoldfastError && error.message === `Not a directory: ${file}`,
    );
  });
});

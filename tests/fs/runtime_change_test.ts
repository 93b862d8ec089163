/**
 * Changes that neither size nor stamp betrays.
 *
 * @module
 */
import { test } from "node:test";
import { mkdtemp, realpath, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { waitForRuntimeChange } from "../../src/fs/runtime_change.ts";

async function withFile(body: (path: string) => Promise<void>): Promise<void> {
  const directory = await realpath(await mkdtemp(`${tmpdir()}/holdfast-change-`));
  try {
    await writeFile(`${directory}/file`, "1");
    await body(`${directory}/file`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test("waitForRuntimeChange() resolves when bytes were written over within one tick of the clock", async () => {
  await withFile(async (path) => {
    const stamp = new Date();
    await utimes(path, stamp, stamp);
    const change = waitForRuntimeChange(path, new AbortController().signal);
    await writeFile(path, "2");
    await utimes(path, stamp, stamp);
    await change;
  });
});

test("waitForRuntimeChange() resolves when an old file is written over", async () => {
  await withFile(async (path) => {
    await utimes(path, new Date(0), new Date(0));
    const change = waitForRuntimeChange(path, new AbortController().signal);
    await writeFile(path, "2");
    await change;
  });
});

test("waitForRuntimeChange() resolves for nothing in the end, so that no wrong clock hides a change", {
  timeout: 120_000,
}, async () => {
  await withFile(async (path) => {
    const stamp = new Date(Date.now() + 1_000_000_000);
    await utimes(path, stamp, stamp);
    const change = waitForRuntimeChange(path, new AbortController().signal);
    await writeFile(path, "2");
    await utimes(path, stamp, stamp);
    await change;
  });
});

test("waitForRuntimeChange() resolves on a path that cannot be looked at", async () => {
  await withFile(async (path) => {
    const controller = new AbortController();
    const change = waitForRuntimeChange(`${path}/below`, controller.signal);
    controller.abort();
    await change;
  });
});

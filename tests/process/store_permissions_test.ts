/**
 * What a store needs of Deno's permissions: to read and write its directory, and nothing else.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { missingRuntimes, runtimeNames, spawnRuntime } from "./spawn_helper.ts";

const fixture = fileURLToPath(new URL("fixtures/store_walk.ts", import.meta.url));

for (const runtime of runtimeNames) {
  const rights = runtime === "deno" ? "no more rights than to read and write its directory" : "a foreign directory";
  const title = `openStore() and all of the store work on ${runtime} with ${rights}`;
  const reason = missingRuntimes([runtime]);
  if (reason !== undefined) console.log(`skipped: ${title}: ${reason}`);
  test(title, { timeout: 60_000, skip: reason ?? false }, async () => {
    const directory = await realpath(await mkdtemp(`${tmpdir()}/holdfast-permissions-`));
    const denoPermissions = [`--allow-read=${directory}`, `--allow-write=${directory}`];
    const child = spawnRuntime(runtime, fixture, { args: [directory], denoPermissions, workingDirectory: directory });
    try {
      assert.equal(await child.readLine(), "done");
      assert.deepEqual(await child.ended, { code: 0, signal: null });
      assert.equal(child.errorText(), "");
    } finally {
      await child.kill();
      await rm(directory, { recursive: true, force: true });
    }
  });
}

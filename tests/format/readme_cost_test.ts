/**
 * The table of costs in the README is what `npm run bench:append` prints: it counts, so it repeats exactly.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { currentRuntime, processTimeoutMs, runtimeCommand } from "../process/spawn_helper.ts";
import { projectDirectory } from "../runner/project_files.ts";

const overwrites = await runtimeFileSystem.overwritesInPlace?.(tmpdir());
const reason = overwrites === false ? "nothing is filled ahead on a file system that copies on write" : false;
if (reason !== false) console.log(`skipped: the README's table of costs: ${reason}`);

test("README: what an append costs is what bench:append prints", { timeout: processTimeoutMs, skip: reason }, () => {
  const [command, ...args] = runtimeCommand(currentRuntime(), join(projectDirectory, "bench/append_cost.ts"));
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: projectDirectory });
  const table = stdout.slice(stdout.indexOf("operation  ")).trim();
  assert.ok(table.split("\n").length > 10, stderr);
  const readme = readFileSync(join(projectDirectory, "README.md"), "utf8");
  assert.ok(readme.includes(table), `npm run bench:append prints another table:\n${table}`);
});

/**
 * Three days of `npm run soak`, on an image where one can be mounted, else on a plain directory.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { projectDirectory } from "../runner/project_files.ts";

test("soak: three days of an agent's board lose no turn and leave nothing over (I1, I2, I4, I5)", () => {
  const args = ["--import", "tsx", join(projectDirectory, "bench/soak.ts"), "--days", "3", "--turns", "6", "--json"];
  const { status, stdout, stderr } = spawnSync("node", args, { encoding: "utf8", cwd: projectDirectory });
  const said = stdout + stderr;
  assert.equal(status, 0, said);
  const result = Object(JSON.parse(stdout));
  assert.deepEqual([result["turns lost"], result.faults, result["files left over"]], [0, 0, 0], said);
  assert.ok(result.boots === 3 && result["turns acknowledged"] > 0, said);
  if ("device" in result) console.log(`# soak: on a plain directory: ${stderr.trim()}`);
});

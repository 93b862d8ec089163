/**
 * `npm run test:s3`: the sink against a real server, Ceph's object gateway from Debian's packages, on loopback, on Node,
 * Deno and Bun. Says plainly if the server is not there and cannot be installed.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { projectDirectory } from "../runner/project_files.ts";
import { installServer, type RealServer, startRealServer } from "./rgw_server.ts";

const reason = installServer();
if (reason !== null) {
  console.log(`NOT RUN: the real S3 server could not be installed: ${reason}`);
  console.log("The sink was tested against the small server of the suite only.");
  process.exit(0);
}
let failed = false;
let server: RealServer | null = null;
try {
  server = await startRealServer();
  const { endpoint, accessKeyId, secretAccessKey } = server;
  console.log(server.words);
  const env = {
    ...process.env,
    HOLDFAST_S3_ENDPOINT: endpoint,
    HOLDFAST_S3_BUCKET: "boards",
    HOLDFAST_S3_REGION: "default",
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const file = "tests/s3/real_server.ts";
  const bin = join(projectDirectory, "node_modules/.bin");
  const wanted = process.argv[2];
  const runtimes: [name: string, program: string, args: string[]][] = [
    ["node", process.execPath, ["--import", "tsx", "--test", file]],
    ["deno", join(bin, "deno"), ["test", "-A", "--no-check", file]],
    ["bun", join(bin, "bun"), ["test", "--timeout", "120000", `./${file}`]],
  ];
  for (const [name, program, args] of runtimes) {
    if (wanted !== undefined && wanted !== name) continue;
    const started = performance.now();
    const { status } = spawnSync(program, args, { cwd: projectDirectory, env, stdio: "inherit", timeout: 300_000 });
    console.log(`${status === 0 ? "ok  " : "FAIL"}  ${name}  (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    failed ||= status !== 0;
  }
} catch (error) {
  console.error(error);
  failed = true;
} finally {
  server?.stop();
}
process.exit(failed ? 1 : 0);

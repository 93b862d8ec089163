/**
 * `npm run test:s3`: the sink against a real server, Ceph's object gateway from Debian's packages, on loopback, on Node,
 * Deno and Bun. Says plainly if the server is not there and cannot be installed.
 *
 * @module
 */

import { execFileSync, spawnSync, type SpawnSyncOptions } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { projectDirectory } from "../runner/project_files.ts";

const packages = ["radosgw", "ceph-mon", "ceph-osd", "ceph-common", "curl"];
const programs = ["radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "ceph-authtool", "monmaptool", "curl"];
const script = join(projectDirectory, "tests/s3/rgw.sh");

function missingPrograms(): string[] {
  return programs.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0);
}

/** Null if it is there now, else why not. */
function installServer(): string | null {
  if (missingPrograms().length === 0) return null;
  if (process.getuid?.() !== 0 || spawnSync("apt-get", ["--version"]).status !== 0) {
    return `${missingPrograms().join(", ")} missing, and not root or not Debian`;
  }
  console.log(`installing ${packages.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const options: SpawnSyncOptions = { env, stdio: ["ignore", "ignore", "inherit"], timeout: 600_000 };
  spawnSync("apt-get", ["-qq", "update"], options);
  spawnSync("apt-get", ["-qq", "install", "--yes", "--no-install-recommends", ...packages], options);
  const missing = missingPrograms();
  return missing.length === 0 ? null : `apt-get could not install it: ${missing.join(", ")} missing`;
}

/** Two that follow each other: the server's, and its monitor's. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? Math.min(address.port, 65_000) : 27_480;
}

/** The bucket is made by a signed request of the same client. */
async function makeBucket(endpoint: string, accessKeyId: string, secretAccessKey: string): Promise<void> {
  const { S3mini } = await import("s3mini");
  const client = new S3mini({ accessKeyId, secretAccessKey, endpoint: `${endpoint}/boards`, region: "default" });
  if (!await client.createBucket()) throw new Error("the server made no bucket");
}

const reason = installServer();
if (reason !== null) {
  console.log(`NOT RUN: the real S3 server could not be installed: ${reason}`);
  console.log("The sink was tested against the small server of the suite only.");
  process.exit(0);
}
const directory = mkdtempSync(join(tmpdir(), "holdfast-rgw-"));
let failed = false;
try {
  const port = await freePort();
  const begun = performance.now();
  const keys = execFileSync("bash", [script, "start", directory, String(port)], { encoding: "utf8", timeout: 180_000 });
  const [accessKeyId = "", secretAccessKey = ""] = keys.trim().split(" ");
  const endpoint = `http://127.0.0.1:${port}`;
  await makeBucket(endpoint, accessKeyId, secretAccessKey);
  const version = execFileSync("radosgw", ["--version"], { encoding: "utf8" }).trim();
  console.log(`${version}\nanswers on ${endpoint} after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
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
  spawnSync("bash", [script, "stop", directory]);
  rmSync(directory, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);

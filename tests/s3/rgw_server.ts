/**
 * The real server: Ceph's object gateway from Debian's packages, on loopback, its data in memory.
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

/** Installs what is missing; null, or why it is not there. */
export function installServer(): string | null {
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

/** A server that runs. */
export interface RealServer {
  /** Where it is. */
  endpoint: string;
  /** Who we are there. */
  accessKeyId: string;
  /** Only for this run. */
  secretAccessKey: string;
  /** What it says of itself, and how long it took to answer. */
  words: string;
  /** Ends it, and removes its files. */
  stop: () => void;
}

/** Starts the server, with an empty bucket that is called `boards`. */
export async function startRealServer(): Promise<RealServer> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-rgw-"));
  let isStopped = false;
  const stop = (): void => {
    if (isStopped) return;
    isStopped = true;
    spawnSync("bash", [script, "stop", directory]);
    rmSync(directory, { recursive: true, force: true });
  };
  // Whatever ends this program ends the server, too.
  process.once("exit", stop);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  try {
    const port = await freePort();
    const begun = performance.now();
    const start = [script, "start", directory, String(port)];
    const keys = execFileSync("bash", start, { encoding: "utf8", timeout: 180_000 });
    const [accessKeyId = "", secretAccessKey = ""] = keys.trim().split(" ");
    const endpoint = `http://127.0.0.1:${port}`;
    await makeBucket(endpoint, accessKeyId, secretAccessKey);
    const version = execFileSync("radosgw", ["--version"], { encoding: "utf8" }).trim();
    const words = `${version}\nanswers on ${endpoint} after ${((performance.now() - begun) / 1000).toFixed(1)} s`;
    return { endpoint, accessKeyId, secretAccessKey, words, stop };
  } catch (error) {
    stop();
    throw error;
  }
}

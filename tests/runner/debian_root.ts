/**
 * A Debian of its own, made by debootstrap from the mirror that apt uses here, and the packages that are tried in it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { projectDirectory } from "./project_files.ts";

/** Runs a program of this machine, and gives what it prints. */
export function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64e6 });
}

/** Builds `holdfast_VERSION_ARCH.deb` into a directory. */
export function buildPackage(directory: string, ...args: string[]): void {
  const script = join(projectDirectory, "deploy/build_package.ts");
  const all = ["--import", "tsx", script, "--compress", "gzip", "--out", directory, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { cwd: projectDirectory, encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
}

/** Why there can be no Debian of its own here; null if there can. */
export function debianObstacle(): string | null {
  if (process.arch !== "x64") return "this machine is not amd64";
  if (process.getuid?.() !== 0) return "it takes root: a Debian of its own is made and entered";
  if (spawnSync("debootstrap", ["--version"]).error !== undefined) return "debootstrap is not installed";
  return null;
}

/**
 * Makes one.
 *
 * @param root Where; made here.
 * @param base A tar file of one, taken if it is there, and made if not; empty: neither.
 * @param packages What is in it beside the smallest.
 */
export function makeDebian(root: string, base: string, packages: readonly string[] = []): void {
  mkdirSync(root);
  if (base !== "" && existsSync(base)) return void run("tar", "-C", root, "-xf", base);
  const suite = /^VERSION_CODENAME=(\S+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "stable";
  const targets = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)").split("\n");
  const mirror = targets.find((line) => line.endsWith(` ${suite}`))?.split(" ")[0];
  assert.ok(mirror !== undefined, `apt has no mirror for ${suite}`);
  const include = packages.length === 0 ? [] : [`--include=${packages.join(",")}`];
  run("debootstrap", "--variant=minbase", ...include, suite, root, mirror);
  if (base !== "") run("tar", "-C", root, "-cf", base, ".");
}

/**
 * `npm run binaries:check`: builds the program as one file with Bun and runs it: this machine's for real, through the
 * main job too, the one for 64-bit ARM under `qemu-aarch64-static` and the one for musl, where those are installed. What `deno compile` can
 * do without a network is tried as far as it goes.
 *
 * Prints name, size and `--version` of each file; whatever could not be run is named with its reason.
 *
 * @module
 */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { programVersion } from "../src/cli/program_version.ts";
import { armPrefix } from "./runner/arm_machine.ts";
import { muslPrefix } from "./runner/musl_machine.ts";
import { projectDirectory } from "./runner/project_files.ts";

const scratch = mkdtempSync(join(tmpdir(), "holdfast-binaries-"));
const bytesOfMegabyte = 1e6;

function build(args: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  const script = join(projectDirectory, "deploy/build_portable.ts");
  const { stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", script, `--out=${scratch}`, ...args], {
    cwd: projectDirectory,
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  return stdout + stderr;
}

/** Runs a built program, behind what emulates its machine. */
function program(prefix: readonly string[], name: string): (args: readonly string[], input?: string) => string {
  const [file, ...before] = [...prefix, join(scratch, name)];
  return (args, input = "") => {
    assert.ok(file !== undefined);
    return execFileSync(file, [...before, ...args], { encoding: "utf8", input, stdio: ["pipe", "pipe", "pipe"] });
  };
}

/** What a person does first. */
function useProgram(prefix: readonly string[], name: string): void {
  const run = program(prefix, name);
  assert.equal(run(["--version"]), `holdfast ${programVersion}\n`);
  const directory = join(scratch, `${name}.sessions`);
  mkdirSync(directory);
  assert.equal(
    run(["append", "k", "--dir", directory], '{"role":"user","content":"hi"}\n{"n":12345678901234567890}\n'),
    "0\n1\n",
  );
  assert.match(run(["show", "k", "--json", "--dir", directory]), /"n":12345678901234567890/);
  assert.match(run(["check", "--dir", directory]), /no damage/);
  const size = (statSync(join(scratch, name)).size / bytesOfMegabyte).toFixed(1);
  console.log(`ok  ${name}  ${size} MB  ${run(["--version"]).trim()}  (appends, shows and checks)`);
}

function checkBun(): void {
  const targets = ["linux-x64", "linux-arm64", "linux-x64-musl", "linux-arm64-musl"];
  const printed = build(["--runtime=bun", ...targets.map((target) => `--target=${target}`)]);
  const nameOf = (target: string): string => `holdfast-${programVersion}-${target}-bun`;
  for (const target of targets) assert.ok(existsSync(join(scratch, nameOf(target))), printed);
  execFileSync("sha256sum", ["--check", "--quiet", "SHA256SUMS"], { cwd: scratch, stdio: "pipe" });
  console.log(`ok  SHA256SUMS fits ${targets.length} files`);
  const native = nameOf(process.arch === "arm64" ? "linux-arm64" : "linux-x64");
  useProgram([], native);
  const demo = program([], native)(["demo"]);
  assert.match(demo, /lost +0\n/);
  console.log(
    `ok  ${native} demo: ${demo.split("\n").filter((line) => /^(acknowledged|lost|kills)/.test(line)).join(", ")}`,
  );
  const emulated = armPrefix();
  if (process.arch === "arm64") console.log("skipped: the emulated one; this machine is 64-bit ARM itself");
  else if (typeof emulated === "string") console.log(`skipped: ${nameOf("linux-arm64")} was not run: ${emulated}`);
  else useProgram(emulated, nameOf("linux-arm64"));
  const musl = muslPrefix(join(scratch, "musl"));
  if (typeof musl === "string") console.log(`skipped: ${nameOf("linux-x64-musl")} was not run: ${musl}`);
  else useProgram(musl, nameOf("linux-x64-musl"));
  console.log(`not run: ${nameOf("linux-arm64-musl")}: there is no C++ library for it to borrow`);
}

/** With Deno itself in place of the base binary, packaging goes all the way, but for the result's use. */
function checkDeno(): void {
  const deno = join(projectDirectory, "node_modules/.bin/deno");
  const printed = build(["--target=linux-x64", "--offline"], { DENORT_BIN: deno });
  const path = join(scratch, `holdfast-${programVersion}-linux-x64`);
  assert.ok(existsSync(path), printed);
  if (process.arch === "x64") assert.match(printed, /is no denort/);
  const packed = readFileSync(path).subarray(statSync(deno).size);
  assert.ok(packed.length > 500_000 && packed.length < 20_000_000, `${packed.length} bytes are packed`);
  assert.ok(packed.includes("cli/main.ts") && packed.includes("log_recovery.ts"), "the program's modules are in it");
  console.log(
    `ok  deno compile, offline: packs ${(packed.length / bytesOfMegabyte).toFixed(1)} MB behind its base binary`,
  );
  console.log("    (Deno itself stood in for the base binary, so the result cannot be run; deploy/build.ts says so)");
  assert.match(
    build(["--target=linux-x64", "--offline"], { DENORT_BIN: join(scratch, "none") }),
    /DENORT_BIN leads to/,
  );
  console.log("ok  deno compile, base binary missing: says what to do");
}

try {
  checkBun();
  checkDeno();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

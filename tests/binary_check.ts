/**
 * `npm run binaries:check`: builds the program as one file with Bun and runs it: this machine's for real, through the
 * main job too, the one for 64-bit ARM under `qemu-aarch64-static` and the one for musl, where those are installed (in
 * `.ci/run` as root they have to be). What `deno compile` can do without a network is tried as far as it goes.
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

/** Where `.ci/run` installs what is missing, nothing may stay untried for want of it. */
function reportUntried(name: string, reason: string): void {
  const isInstalledByCi = process.env.CI === "true" && process.arch === "x64" && process.getuid?.() === 0;
  const message = `${name} was not run: ${reason}`;
  assert.ok(!isInstalledByCi || !reason.startsWith("not installed"), message);
  console.log(`skipped: ${message}`);
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
  else if (typeof emulated === "string") reportUntried(nameOf("linux-arm64"), emulated);
  else useProgram(emulated, nameOf("linux-arm64"));
  const musl = muslPrefix(join(scratch, "musl"));
  if (typeof musl === "string") reportUntried(nameOf("linux-x64-musl"), musl);
  else useProgram(musl, nameOf("linux-x64-musl"));
  console.log(`not run: ${nameOf("linux-arm64-musl")}: there is no C++ library for it to borrow`);
}

/**
 * With Deno itself in place of the base binary, packaging goes all the way, but for the result's use. It stays where
 * files are that failed their check.
 */
function checkDeno(): void {
  const deno = join(projectDirectory, "node_modules/.bin/deno");
  const target = process.arch === "arm64" ? "linux-arm64" : "linux-x64";
  const name = `holdfast-${programVersion}-${target}`;
  const path = join(scratch, ".partial", name);
  const pack = (...options: string[]): Buffer => {
    const printed = build([`--target=${target}`, "--offline", ...options], { DENORT_BIN: deno });
    assert.ok(existsSync(path), printed);
    assert.ok(printed.includes("is no denort") && printed.includes(path), printed);
    assert.equal(existsSync(join(scratch, name)), false, "it does not come to its place");
    return readFileSync(path).subarray(statSync(deno).size);
  };
  const client = "s3mini/dist/index.mjs";
  const packed = pack();
  assert.ok(packed.length > 500_000 && packed.length < 20_000_000, `${packed.length} bytes are packed`);
  assert.ok(packed.includes("cli/main.ts") && packed.includes("log_recovery.ts"), "the program's modules are in it");
  assert.equal(packed.includes(client), false, "without the network there is no use for it");
  console.log(
    `ok  deno compile, offline: packs ${(packed.length / bytesOfMegabyte).toFixed(1)} MB behind its base binary`,
  );
  assert.ok(pack("--allow-net=s3.example").includes(client), "push and pull need it");
  console.log("ok  deno compile --allow-net: the client for buckets is packed");
  console.log("    (Deno itself stood in for the base binary, so the result cannot be run; deploy/build.ts says so)");
  assert.match(
    build([`--target=${target}`, "--offline"], { DENORT_BIN: join(scratch, "none") }),
    /DENORT_BIN leads to/,
  );
  console.log("ok  deno compile, base binary missing: says what to do");
  assert.match(
    build(["--offline"], { DENORT_BIN: deno }),
    /DENORT_BIN is a base binary for one machine.*name one with --target/,
  );
  console.log("ok  deno compile, one base binary for two machines: is refused");
}

try {
  checkBun();
  checkDeno();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/**
 * `npm run deb:check`: builds the Debian packages and tries them: amd64 through its whole life in a Debian of its own
 * (install, upgrade over a store in use, remove, purge), arm64 by what is in it, and under qemu where that is installed.
 *
 * The Debian of its own is made by debootstrap from the mirror that apt uses here, as root. `HOLDFAST_DEB_BASE=FILE.tar`
 * is taken instead, if there is such a file, and made if not. What could not be tried is named with its reason.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { programVersion } from "../src/cli/program_version.ts";
import { armPrefix } from "./runner/arm_machine.ts";
import { buildPackage, debianObstacle, makeDebian, run } from "./runner/debian_root.ts";

const scratch = mkdtempSync(join(tmpdir(), "holdfast-deb-check-"));
const root = join(scratch, "debian");
const store = "/var/lib/holdfast/sessions";
const nextVersion = `${programVersion}+next`;

/** Runs something in the Debian of its own. */
function inside(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync("chroot", [root, ...args], {
    encoding: "utf8",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" },
  });
  return { status, output: stdout + stderr };
}

function insideOk(...args: string[]): string {
  const { status, output } = inside(...args);
  assert.equal(status, 0, `${args.join(" ")}: ${output}`);
  return output;
}

/** A second writer of the session; it has something to write. */
function appendAsHoldfast(text: string): number | null {
  const command = ["runuser", "-u", "holdfast", "--", "holdfast", "append", "agent", "--dir", store];
  return spawnSync("chroot", [root, ...command], { input: JSON.stringify({ role: "user", content: text }) + "\n" })
    .status;
}

function asHoldfast(...args: string[]): { status: number | null; output: string } {
  return inside("runuser", "-u", "holdfast", "--", "holdfast", ...args, "--dir", store);
}

/** A program that appends what it is given, and answers with a number when that is durable. */
class Writer {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #numbers: AsyncIterator<string>;

  constructor() {
    const command = ["runuser", "-u", "holdfast", "--", "holdfast", "append", "agent", "--dir", store];
    this.#child = spawn("chroot", [root, ...command], { stdio: ["pipe", "pipe", "pipe"] });
    this.#numbers = this.#child.stdout.setEncoding("utf8")[Symbol.asyncIterator]();
  }

  async append(text: string): Promise<string> {
    this.#child.stdin.write(JSON.stringify({ role: "user", content: text }) + "\n");
    const { value, done } = await this.#numbers.next();
    assert.ok(done !== true, "the writer has ended");
    return String(value).trim();
  }

  async end(): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => this.#child.once("close", resolve));
    this.#child.stdin.end();
    return await ended;
  }
}

function install(version: string): void {
  const file = `holdfast_${version}_amd64.deb`;
  run("cp", join(scratch, file), join(root, "tmp", file));
  insideOk("dpkg", "--force-confold", "--install", `/tmp/${file}`);
  rmSync(join(root, "tmp", file));
}

/** Everything that has our name, but what dpkg and the system write about themselves. */
function traces(): string[] {
  const found = insideOk("sh", "-c", "find / -xdev -name '*holdfast*' -not -path '/proc/*' 2>/dev/null || true");
  const users = insideOk("sh", "-c", "grep -h holdfast /etc/passwd /etc/group /etc/shadow || true");
  return [...found.split("\n"), ...users.split("\n")].filter((line) => line !== "").sort();
}

async function tryLife(): Promise<void> {
  install(programVersion);
  assert.equal(insideOk("holdfast", "--version"), `holdfast ${programVersion}\n`);
  const agent = insideOk("env", "BUN_BE_BUN=1", "holdfast", "/usr/share/holdfast/agent.js", "--help");
  assert.match(agent, /^An agent for a board/);
  assert.equal(insideOk("stat", "-c", "%U:%G %a", "/var/lib/holdfast"), "holdfast:holdfast 700\n");
  assert.match(insideOk("dpkg", "--verify", "holdfast"), /^$/);
  console.log(`ok  amd64: installs; holdfast ${programVersion} runs; /var/lib/holdfast is holdfast's alone`);

  const writer = new Writer();
  assert.equal(await writer.append("before the upgrade"), "0");
  writeFileSync(join(root, "etc/default/holdfast"), "HOLDFAST_RETAIN=--age 1\n");
  install(nextVersion);
  assert.equal(await writer.append("during the upgrade"), "1");
  assert.equal(appendAsHoldfast("beside the writer"), 3);
  assert.match(asHoldfast("check", "--quick").output, /1 session, 1 in use .*: healthy/);
  assert.equal(await writer.end(), 0);
  assert.match(asHoldfast("check").output, /2 records checked: no damage/);
  assert.match(insideOk("dpkg", "-s", "holdfast"), new RegExp(`Version: ${nextVersion.replace("+", "\\+")}`));
  assert.equal(readFileSync(join(root, "etc/default/holdfast"), "utf8"), "HOLDFAST_RETAIN=--age 1\n");
  console.log(`ok  amd64: upgrades to ${nextVersion} over a store in use: the writer goes on, both records are there,`);
  console.log("    a second writer is refused (exit code 3), changed settings stay");

  insideOk("dpkg", "--remove", "holdfast");
  assert.equal(inside("holdfast", "--version").status, 127);
  assert.ok(existsSync(join(root, store, "agent.jsonl")), "removing the package keeps the store");
  install(nextVersion);
  assert.match(asHoldfast("show", "agent").output, /before the upgrade[\s\S]*during the upgrade/);
  console.log("ok  amd64: removed, the store and the settings stay; installed again, it goes on");

  insideOk("dpkg", "--purge", "holdfast");
  assert.deepEqual(traces(), []);
  console.log("ok  amd64: purged, nothing of it is left: no file, no user, no group");
}

function inspectArm(): void {
  const file = join(scratch, `holdfast_${programVersion}_arm64.deb`);
  const contents = run("dpkg-deb", "--contents", file);
  const wanted = ["./usr/bin/holdfast", "./usr/share/holdfast/agent.js", "./usr/share/man/man1/holdfast.1.gz"];
  for (const path of wanted) assert.ok(contents.includes(` ${path}\n`), path);
  assert.equal(run("dpkg-deb", "--field", file, "Architecture"), "arm64\n");
  const unpacked = join(scratch, "arm64");
  run("dpkg-deb", "--extract", file, unpacked);
  const program = join(unpacked, "usr/bin/holdfast");
  // ELF's machine: 183 is AArch64.
  assert.equal(readFileSync(program).readUInt16LE(18), 183);
  console.log(
    `ok  arm64: ${contents.trim().split("\n").length} entries, ${megabytes(file)}; its program is for AArch64`,
  );
  const prefix = armPrefix();
  if (typeof prefix === "string") return console.log(`skipped: arm64 was not run: ${prefix}`);
  const [emulator = "", ...before] = prefix;
  assert.equal(run(emulator, ...before, program, "--version"), `holdfast ${programVersion}\n`);
  console.log("ok  arm64: its program runs under qemu");
}

function megabytes(file: string): string {
  return `${(statSync(file).size / 1e6).toFixed(1)} MB`;
}

function askLintian(): void {
  const file = join(scratch, `holdfast_${programVersion}_amd64.deb`);
  const { error, stdout } = spawnSync("lintian", ["--allow-root", "--tag-display-limit", "0", file], {
    encoding: "utf8",
  });
  if (error !== undefined) return console.log("skipped: lintian is not installed");
  const said = stdout.split("\n").filter((line) => /^[EW]: /.test(line));
  console.log(`lintian: ${said.length} errors and warnings`);
  for (const line of said) console.log(`    ${line}`);
}

let isMounted = false;
try {
  buildPackage(scratch, "--arch", "arm64");
  inspectArm();
  const why = debianObstacle();
  if (why !== null) console.log(`skipped: the package's life was not tried: ${why}`);
  else {
    buildPackage(scratch, "--arch", "amd64");
    console.log(`ok  amd64: ${megabytes(join(scratch, `holdfast_${programVersion}_amd64.deb`))} (gzip)`);
    run("dpkg-deb", "--extract", join(scratch, `holdfast_${programVersion}_amd64.deb`), join(scratch, "amd64"));
    buildPackage(
      scratch,
      "--arch",
      "amd64",
      "--version",
      nextVersion,
      "--program",
      join(scratch, "amd64/usr/bin/holdfast"),
    );
    makeDebian(root, process.env.HOLDFAST_DEB_BASE ?? "");
    run("mount", "-t", "proc", "proc", join(root, "proc"));
    isMounted = true;
    await tryLife();
    askLintian();
  }
} finally {
  if (isMounted) run("umount", join(root, "proc"));
  rmSync(scratch, { recursive: true, force: true });
}

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checksumFile, controlFile, copyrightFile, debianChangelog } from "../../deploy/package/debian_control.ts";
import { projectDirectory } from "../runner/project_files.ts";

const facts = { version: "1.2.3", architecture: "arm64", installedKibibytes: 42, maintainer: "Ada <ada@host.invalid>" };

test("controlFile() says what dpkg needs, and refuses a version and an address that are none", () => {
  const control = controlFile(facts);
  assert.match(control, /^Package: holdfast\nVersion: 1\.2\.3\nArchitecture: arm64\n/);
  assert.match(control, /\nInstalled-Size: 42\n/);
  for (const line of control.trimEnd().split("\n").slice(-8)) assert.match(line, /^( \S| \.$|Description: )/);
  assert.throws(() => controlFile({ ...facts, version: "next" }), RangeError);
  assert.throws(() => controlFile({ ...facts, maintainer: "Ada" }), RangeError);
  assert.throws(() => controlFile({ ...facts, maintainer: "Ada <a@b>\nEvil: yes" }), RangeError);
});

test("debianChangelog(), copyrightFile() and checksumFile() have Debian's form", () => {
  assert.match(
    debianChangelog(facts, new Date(0)),
    / -- Ada <ada@host\.invalid> {2}Thu, 01 Jan 1970 00:00:00 \+0000\n$/,
  );
  const copyright = copyrightFile(readFileSync(join(projectDirectory, "LICENSE"), "utf8"));
  assert.match(copyright, /^Format: https:.*\n/);
  assert.match(copyright, /\nLicense: Expat\n \S/);
  assert.ok(!/\n\n\n/.test(copyright));
  assert.equal(
    checksumFile([{ path: "usr/bin/holdfast", md5: "0".repeat(32) }]),
    `${"0".repeat(32)}  usr/bin/holdfast\n`,
  );
});

test("the package's scripts are scripts to sh", () => {
  for (const name of ["postinst", "prerm", "postrm"]) {
    const { status, stderr } = spawnSync("sh", ["-n", join(projectDirectory, "deploy/package/debian", name)]);
    assert.equal(status, 0, String(stderr));
  }
});

test("build_package.ts --help says what there is, and a wrong option is named", () => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-deb-test-"));
  try {
    const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } => {
      const script = join(projectDirectory, "deploy/build_package.ts");
      const all = ["--import", "tsx", script, "--out", directory, ...args];
      return spawnSync("node", all, { encoding: "utf8", cwd: projectDirectory });
    };
    assert.match(run("--help").stdout, /--maintainer WHO/);
    const wrong = run("--arch", "mips");
    assert.deepEqual([wrong.status, /--arch mips: there are amd64 and arm64/.test(wrong.stderr)], [2, true]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

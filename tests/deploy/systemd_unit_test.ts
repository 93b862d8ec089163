import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { projectDirectory } from "../runner/project_files.ts";

const unit = readFileSync(join(projectDirectory, "deploy/systemd/holdfast-agent.service"), "utf8");
const manual = readFileSync(join(projectDirectory, "deploy/README.md"), "utf8");
const found = spawnSync("systemd-analyze", ["--version"], { encoding: "utf8" });
const version = Number(/^systemd (\d+)/.exec(found.stdout ?? "")?.[1] ?? 0);
const absent = version >= 252 ? false : "systemd-analyze 252 or newer is not here";
if (absent !== false) console.log(`# deploy/systemd is not checked by systemd itself: ${absent}`);

/** Asks systemd about the unit, started with a program that is on this machine. */
function analyze(args: string[]): { status: number | null; output: string } {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-unit-"));
  try {
    const path = join(directory, "holdfast-agent.service");
    writeFileSync(path, unit.replace("/usr/bin/node", process.execPath));
    const { status, stdout, stderr } = spawnSync("systemd-analyze", [...args, path], { encoding: "utf8" });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test("systemd: the unit is what systemd understands, without a warning", { skip: absent }, () => {
  assert.deepEqual(analyze(["verify"]), { status: 0, output: "" });
});

test("systemd: the unit is exposed by 2 of 10 at most", { skip: absent }, () => {
  const { output } = analyze(["security", "--offline=yes", "--no-pager"]);
  const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(output)?.[1]);
  assert.ok(exposure <= 2, output);
});

test("systemd: every setting of the unit stands in the manual with its reason", () => {
  const settings = unit.split("\n").map((line) => /^([A-Z]\w+)=/.exec(line)?.[1]).filter((name) => name !== undefined);
  assert.ok(settings.length > 40);
  const plain = new Set(["Description", "WantedBy"]);
  const missing = settings.filter((name) => !plain.has(name) && !manual.includes(`\`${name}=`));
  assert.deepEqual(missing, []);
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { projectDirectory } from "../runner/project_files.ts";

const deploy = join(projectDirectory, "deploy");

const allUnits = [
  "holdfast-agent.service",
  "holdfast-agent.socket",
  "holdfast-maintenance.service",
  "holdfast-maintenance.timer",
];
const manual = readFileSync(join(deploy, "README.md"), "utf8");
const systemUnits = "/usr/lib/systemd/system";
const found = spawnSync("systemd-analyze", ["--version"], { encoding: "utf8" });
const version = Number(/^systemd (\d+)/.exec(found.stdout ?? "")?.[1] ?? 0);
const absent = version >= 252 && existsSync(join(systemUnits, "sysinit.target"))
  ? false
  : "systemd-analyze 252 or newer, and systemd's own units, are not here";
if (absent !== false) console.log(`# deploy/systemd is not checked by systemd itself: ${absent}`);

/** A folder to install into, and the files to install. */
interface Machine {
  root: string;
  install: (...args: string[]) => string;
  uninstall: (...args: string[]) => string;
  files: () => string[];
}

function withMachine(use: (machine: Machine) => void): void {
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-install-"));
  try {
    const root = join(scratch, "root");
    const given = ["program", "agent.js", "holdfast.1"].map((name) => join(scratch, name));
    for (const path of given) writeFileSync(path, `#!/bin/sh\n# ${path}\n`);
    for (const name of ["holdfast.bash", "_holdfast"]) writeFileSync(join(scratch, name), "# completions\n");
    chmodSync(given[0] ?? "", 0o755);
    const run = (script: string, args: string[]): string => {
      const environment = { PATH: process.env.PATH ?? "", DESTDIR: root };
      const { status, stdout, stderr } = spawnSync("sh", [join(deploy, script), ...args], {
        encoding: "utf8",
        env: environment,
      });
      assert.equal(status, 0, stdout + stderr);
      return stdout;
    };
    const all = ["--program", given[0] ?? "", "--agent", given[1] ?? "", "--man", given[2] ?? ""];
    use({
      root,
      install: (...args) => run("install.sh", [...all, "--completions", scratch, ...args]),
      uninstall: (...args) => run("uninstall.sh", args),
      files: () => filesBelow(root),
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function filesBelow(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name))).sort();
}

/** Asks systemd about units as they are installed, beside systemd's own. */
function analyze(
  args: string[],
  change: (text: string) => string = (text) => text,
): { status: number; output: string } {
  let result = { status: -1, output: "" };
  withMachine(({ root, install }) => {
    install();
    const target = join(root, systemUnits);
    mkdirSync(target, { recursive: true });
    for (const name of readdirSync(systemUnits)) {
      if (/\.(target|slice|mount)$/.test(name)) cpSync(join(systemUnits, name), join(target, name));
    }
    for (const name of allUnits) {
      const path = join(root, "etc/systemd/system", name);
      writeFileSync(path, change(readFileSync(path, "utf8")));
    }
    const paths = args.map((arg) => arg.replace("ROOT", root));
    const { status, stdout, stderr } = spawnSync("systemd-analyze", paths, { encoding: "utf8" });
    result = { status: status ?? -1, output: stdout + stderr };
  });
  return result;
}

test("systemd: the units as installed are what systemd understands, without a warning", { skip: absent }, () => {
  const verify = ["verify", "--man=no", "--root=ROOT", ...allUnits];
  assert.deepEqual(analyze(verify), { status: 0, output: "" });
  const wrong = analyze(verify, (text) => text.replace("WatchdogSec=60", "WatchdogSecs=60"));
  assert.match(wrong.output, /Unknown key.* 'WatchdogSecs'/);
});

test("systemd: the units' exposure is 1.6 and 1.0 of 10 at most", { skip: absent }, () => {
  const thresholds = { "holdfast-agent.service": 16, "holdfast-maintenance.service": 10 };
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-unit-"));
  try {
    for (const [name, threshold] of Object.entries(thresholds)) {
      const path = join(scratch, name);
      const judge = (text: string): { status: number | null; stdout: string } => {
        writeFileSync(path, text);
        const args = ["security", "--offline=yes", "--no-pager", `--threshold=${threshold}`, path];
        return spawnSync("systemd-analyze", args, { encoding: "utf8" });
      };
      const unit = readFileSync(join(deploy, "systemd", name), "utf8");
      const sound = judge(unit);
      assert.equal(sound.status, 0, sound.stdout);
      const open = judge(unit.replace("CapabilityBoundingSet=\n", ""));
      assert.notEqual(open.status, 0, "a unit that is open shall be refused");
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

test("systemd: every setting of the units stands in the manual with its reason", () => {
  const plain = new Set(["Description", "Documentation", "WantedBy"]);
  for (const name of allUnits) {
    const unit = readFileSync(join(deploy, "systemd", name), "utf8");
    const settings = unit.split("\n").map((line) => /^([A-Z]\w+)=/.exec(line)?.[1]).filter((key) => key !== undefined);
    const missing = settings.filter((key) => !plain.has(key) && !manual.includes(`\`${key}=`));
    assert.deepEqual(missing, [], name);
  }
});

test("install.sh, twice: the same files, and settings that were changed stay; uninstall.sh, twice: none", () => {
  withMachine(({ root, install, uninstall, files }) => {
    install();
    const once = files();
    assert.ok(once.length > 10 && once.includes("usr/bin/holdfast"), once.join("\n"));
    for (const unit of allUnits) assert.ok(once.includes(`etc/systemd/system/${unit}`));
    const settings = join(root, "etc/default/holdfast");
    writeFileSync(settings, "HOLDFAST_RETAIN=--age 1\n");
    install();
    assert.deepEqual(files(), once);
    assert.equal(readFileSync(settings, "utf8"), "HOLDFAST_RETAIN=--age 1\n");
    mkdirSync(join(root, "var/lib/holdfast/sessions"), { recursive: true });
    writeFileSync(join(root, "var/lib/holdfast/sessions/k.jsonl"), "{}\n");
    const kept = ["etc/default/holdfast", "var/lib/holdfast/sessions/k.jsonl"];
    for (const _ of [1, 2]) {
      uninstall();
      assert.deepEqual(files(), kept);
    }
    for (const _ of [1, 2]) {
      uninstall("--purge");
      assert.deepEqual(files(), []);
    }
  });
});

test("install.sh says what is missing, and what it takes", () => {
  const run = (...args: string[]): { status: number | null; stderr: string } => {
    return spawnSync("sh", [join(deploy, "install.sh"), ...args], { encoding: "utf8", env: { DESTDIR: "/nowhere" } });
  };
  assert.deepEqual(run().status, 2);
  assert.match(run("--agent", "x").stderr, /--program FILE is missing: npm run compile/);
  assert.match(run("--program", "/none", "--agent", "x").stderr, /there is no file \/none/);
  assert.match(run("--wrong").stderr, /unknown option --wrong/);
});

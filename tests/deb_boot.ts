/**
 * `npm run deb:boot`: installs the amd64 package in a Debian that its own systemd has booted (debootstrap, systemd-nspawn),
 * and lives with it: questions, limits, watchdog, SIGKILL, stop, a boot, housekeeping by its timer, an upgrade under a
 * running agent, purge, and `install.sh` and `uninstall.sh`, twice each.
 *
 * As root; about three minutes. `HOLDFAST_BOOT_BASE=FILE.tar` is the Debian to begin with, if there is such a file, and is made
 * if not. Where no Debian can be made or booted it says why, and is skipped.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { programVersion } from "../src/cli/program_version.ts";
import { addSettings, BootedDebian, bootObstacle, bootPackages, CannotBoot } from "./runner/booted_debian.ts";
import { buildPackage, makeDebian, run } from "./runner/debian_root.ts";
import { projectDirectory } from "./runner/project_files.ts";

const scratch = mkdtempSync(join(tmpdir(), "holdfast-deb-boot-"));
const root = join(scratch, "debian");
const nextVersion = `${programVersion}+next`;
const store = "/var/lib/holdfast/sessions";
const machine = new BootedDebian(root, join(scratch, "console"));

function property(unit: string, name: string): string {
  return machine.ok("systemctl", "show", unit, "--property", name, "--value").trim();
}

/** What a unit has printed in this boot. */
function journal(unit: string): string {
  return machine.ok("journalctl", "--boot", "--no-pager", "--output=cat", "--unit", unit);
}

function untilJournal(unit: string, text: string): void {
  machine.until(`journalctl --boot --no-pager --output=cat --unit=${unit} | grep -qF '${text}'`);
}

function ask(question: string): void {
  machine.ok("sh", "-c", 'echo "$1" > /run/holdfast/questions', "sh", question);
}

function askAndHear(question: string): void {
  ask(question);
  untilJournal("holdfast-agent", `You asked: ${question}`);
}

function holdfast(...args: string[]): { status: number | null; output: string } {
  return machine.run("runuser", "-u", "holdfast", "--", "holdfast", ...args, "--dir", store);
}

function install(version: string): string {
  return machine.ok("dpkg", "--force-confold", "--install", `/root/holdfast_${version}_amd64.deb`);
}

function startModel(): void {
  machine.ok("systemd-run", "--unit=model", "--setenv=BUN_BE_BUN=1", "/usr/bin/holdfast", "/root/model.js", "8080");
  untilJournal("model", "http://");
}

function prepare(): void {
  buildPackage(scratch, "--arch", "amd64");
  const first = join(scratch, `holdfast_${programVersion}_amd64.deb`);
  run("dpkg-deb", "--extract", first, join(scratch, "package"));
  const program = join(scratch, "package/usr/bin/holdfast");
  buildPackage(scratch, "--arch", "amd64", "--version", nextVersion, "--program", program);
  makeDebian(root, process.env.HOLDFAST_BOOT_BASE ?? "", bootPackages);
  for (const version of [programVersion, nextVersion]) {
    const name = `holdfast_${version}_amd64.deb`;
    cpSync(join(scratch, name), join(root, "root", name));
  }
  const bun = join(projectDirectory, "node_modules/.bin/bun");
  const model = join(projectDirectory, "tests/deploy/model_server.ts");
  run(bun, "build", "--target=bun", model, "--outfile", join(root, "root/model.js"));
  cpSync(join(projectDirectory, "deploy"), join(root, "root/deploy"), { recursive: true });
  for (const name of ["usr/bin/holdfast", "usr/share/holdfast/agent.js"]) {
    cpSync(join(scratch, "package", name), join(root, "root/deploy", name.split("/").at(-1) ?? ""));
  }
  writeFileSync(join(root, "srv/temperature"), "20500\n");
}

function tryInstall(): void {
  install(programVersion);
  assert.equal(property("holdfast-agent.socket", "SubState"), "listening");
  assert.equal(property("holdfast-maintenance.timer", "SubState"), "waiting");
  assert.equal(machine.run("systemctl", "is-system-running").output, "running\n");
  const settings = readFileSync(join(root, "etc/default/holdfast"), "utf8");
  writeFileSync(join(root, "etc/default/holdfast"), `${settings}HOLDFAST_AGENT_SENSOR=/srv/temperature\n`);
  console.log("ok  installed in a running system: the pipe for questions and the timer are there, nothing has failed");
}

function tryQuestions(): void {
  ask("Is anybody there?");
  untilJournal("holdfast-agent", "No model answers at http://127.0.0.1:8080/v1");
  assert.match(journal("holdfast-agent"), /llama-server -m model\.gguf/);
  startModel();
  askAndHear("How warm is it?");
  assert.match(journal("holdfast-agent"), /The sensor says .*20500/);
  assert.equal(property("holdfast-agent", "StatusText"), "waiting for questions");
  const resident = /^VmRSS:\s+(\d+)/m.exec(machine.ok("cat", `/proc/${property("holdfast-agent", "MainPID")}/status`));
  console.log(`ok  the first question starts the agent; without a model it says how to start one; it answers with the`);
  console.log(`    sensor's value, and takes ${(Number(resident?.[1]) / 1024).toFixed(0)} MiB (VmRSS)`);
}

function tryConfinement(): void {
  const pid = property("holdfast-agent", "MainPID");
  const status = machine.ok("cat", `/proc/${pid}/status`);
  const user = machine.ok("id", "-u", "holdfast").trim();
  for (const line of [`Uid:\t${user}\t`, "NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000"]) {
    assert.ok(status.includes(line), `${line} is not in\n${status}`);
  }
  const touch = machine.run("nsenter", `--target=${pid}`, "--mount", "--", "touch", "/usr/trace");
  assert.match(touch.output, /Read-only file system/);
  console.log(
    "ok  it runs as holdfast, without capabilities, with a filter of system calls, and the system is read-only for it",
  );
}

function tryMemoryLimit(): void {
  const unit = "holdfast-agent.service";
  const group = property(unit, "ControlGroup");
  const files = [`/sys/fs/cgroup/memory${group}/memory.limit_in_bytes`, `/sys/fs/cgroup${group}/memory.max`];
  const limit = files.map((file) => machine.run("cat", file)).find(({ status }) => status === 0)?.output.trim();
  if (limit === undefined) return console.log("skipped: the memory limit: the container has no memory controller here");
  assert.equal(limit, String(160 * 1024 * 1024));
  const greedy = "const all = []; for (let n = 1; n <= 400; n++) { all.push(Buffer.alloc(1 << 20, n)); " +
    "if (n % 20 === 0) console.log(`holds ${n} MiB`); }\n";
  writeFileSync(join(root, "srv/greedy.js"), greedy);
  // Where there is MemoryHigh, it would be slowed down for long before it reaches the limit.
  const lines = ["Type=exec", "WatchdogSec=0", "Restart=no", "MemoryHigh=infinity", "ExecStart="];
  withSettings(unit, [...lines, "ExecStart=/usr/bin/holdfast /srv/greedy.js"], () => {
    machine.run("systemctl", "restart", unit);
    machine.until(`systemctl is-failed --quiet ${unit}`);
    const held = [...journal(unit).matchAll(/holds (\d+) MiB/g)].map((match) => Number(match[1])).at(-1) ?? 0;
    assert.ok(held > 0 && held <= 160, `${held} MiB`);
    console.log(
      `ok  MemoryMax is in force: ${limit} bytes; a program in the agent's place that takes more and more is ended ` +
        `behind ${held} MiB (${property(unit, "Result")})`,
    );
  });
  machine.ok("systemctl", "reset-failed", unit);
  machine.ok("systemctl", "start", unit);
}

/** Changes settings of a unit for a while. */
function withSettings(unit: string, lines: readonly string[], use: () => void): void {
  const section = unit.endsWith(".timer") ? "Timer" : "Service";
  addSettings(root, unit, "for-a-while.conf", [`[${section}]`, ...lines, ""].join("\n"));
  machine.ok("systemctl", "daemon-reload");
  use();
  rmSync(join(root, "etc/systemd/system", `${unit}.d`), { recursive: true });
  machine.ok("systemctl", "daemon-reload");
}

function tryWatchdog(): void {
  const unit = "holdfast-agent.service";
  assert.equal(property(unit, "WatchdogUSec"), "1min");
  withSettings(unit, ["WatchdogSec=4"], () => {
    machine.ok("systemctl", "restart", unit);
    const stamp = property(unit, "WatchdogTimestampMonotonic");
    machine.until(`[ "$(systemctl show ${unit} --property WatchdogTimestampMonotonic --value)" != ${stamp} ]`);
    const pid = property(unit, "MainPID");
    machine.ok("systemctl", "kill", "--signal=STOP", "--kill-whom=main", unit);
    untilJournal(unit, "Watchdog timeout");
    machine.until(`systemctl is-active --quiet ${unit}`);
    assert.notEqual(property(unit, "MainPID"), pid);
  });
  machine.ok("systemctl", "restart", unit);
  askAndHear("Do you still turn?");
  console.log("ok  watchdog (at 4 s): it reports by itself; stopped by SIGSTOP it is killed, and started again");
}

function askForSilence(question: string): void {
  ask(`${question}, and keep silent`);
  untilJournal("model", `"asked":"${question}, and keep silent"`);
}

function tryKill(): void {
  const unit = "holdfast-agent.service";
  const restarts = Number(property(unit, "NRestarts"));
  askForSilence("Wait");
  machine.ok("systemctl", "kill", "--signal=KILL", unit);
  machine.until(`[ "$(systemctl show ${unit} --property NRestarts --value)" = ${restarts + 1} ]`);
  machine.until(`systemctl is-active --quiet ${unit}`);
  askAndHear("What was that?");
  assert.match(journal(unit), /Main process exited, code=killed, status=9\/KILL[\s\S]*going on with "agent"/);
  assert.match(holdfast("check").output, /no damage/);
  console.log(
    "ok  SIGKILL in the middle of a turn: started again by the policy, and the model refuses nothing of what it remembers",
  );
}

function tryStop(): void {
  const unit = "holdfast-agent.service";
  askForSilence("Wait once more");
  machine.ok("systemctl", "stop", unit);
  assert.deepEqual([property(unit, "Result"), property(unit, "ExecMainStatus")], ["success", "0"]);
  assert.match(journal(unit), /agent: told to stop\n(?!.*Killing process)/);
  assert.equal(machine.run("test", "-e", `${store}/agent.lock`).status, 1);
  const [begun, ended] = ["ActiveExitTimestampMonotonic", "InactiveEnterTimestampMonotonic"].map((name) =>
    Number(property(unit, name))
  );
  askAndHear("Are you back?");
  console.log(
    `ok  systemctl stop in the middle of a turn: clean, after ${((ended ?? 0) - (begun ?? 0)) / 1000} ms of the 15 s ` +
      "that it has; the next question starts it",
  );
}

function tryHousekeeping(): void {
  const [unit, timer] = ["holdfast-maintenance.service", "holdfast-maintenance.timer"];
  const append =
    `for n in 1 2 3 4 5; do echo '{"role":"user","content":"n'$n'"}'; done | holdfast append other --dir ${store}`;
  machine.ok("runuser", "-u", "holdfast", "--", "sh", "-c", append);
  assert.equal(holdfast("truncate", "other", "--keep", "3").status, 0);
  withSettings(timer, ["OnBootSec=", "OnUnitActiveSec=", "OnActiveSec=1s", "AccuracySec=1s"], () => {
    machine.ok("systemctl", "restart", timer);
    untilJournal(unit, "Finished");
  });
  machine.ok("systemctl", "restart", timer);
  const said = journal(unit);
  assert.match(said, /other: 2 records removed/);
  assert.match(said, /agent: skipped: .* is being written by process/);
  assert.match(said, /2 sessions, 1 in use .*: healthy/);
  assert.equal(property(unit, "Result"), "success");
  // A byte that no power cut explains: in what is sealed, compaction meets it; in what is not, the quick look does.
  const damage = (key: string, from: string): void => {
    machine.ok("runuser", "-u", "holdfast", "--", "sed", "-i", `s/${from}/nX/`, `${store}/${key}.jsonl`);
    assert.equal(machine.run("systemctl", "start", unit).status, 1);
    assert.match(machine.ok("systemctl", "list-units", "--failed", "--no-legend"), /holdfast-maintenance\.service/);
  };
  damage("other", "n4");
  assert.match(journal(unit), /quarantined: Damaged line .* was set aside/);
  machine.ok("systemctl", "start", unit);
  const byOne =
    `for n in 1 2 3; do echo '{"role":"user","content":"n'$n'"}' | holdfast append third --dir ${store}; done`;
  machine.ok("runuser", "-u", "holdfast", "--", "sh", "-c", byOne);
  damage("third", "n2");
  assert.match(journal(unit), /FAULTY {2}third/);
  assert.equal(machine.run("systemctl", "start", unit).status, 1, "until somebody has looked at it");
  assert.equal(holdfast("repair", "third").status, 0);
  machine.ok("systemctl", "start", unit);
  assert.equal(machine.run("systemctl", "is-system-running").output, "running\n");
  console.log(
    "ok  housekeeping by its timer: compacts, skips the session in use, healthy; with a damaged line the unit fails,",
  );
  console.log("    and is well again when they are set aside");
}

async function tryBoot(): Promise<void> {
  askForSilence("Wait for the end");
  await machine.shutDown();
  await machine.boot();
  assert.equal(machine.run("systemctl", "is-system-running").output, "running\n");
  assert.equal(property("holdfast-agent.socket", "SubState"), "listening");
  assert.equal(property("holdfast-maintenance.timer", "SubState"), "waiting");
  assert.equal(property("holdfast-agent.service", "SubState"), "dead");
  startModel();
  askAndHear("What do you remember?");
  assert.match(journal("holdfast-agent"), /going on with "agent", \d+ records/);
  assert.match(holdfast("check", "--quick").output, /healthy/);
  console.log(
    "ok  shut down in the middle of a turn and booted: pipe and timer are there, the first question starts the agent, which goes on",
  );
}

function tryUpgrade(): void {
  const unit = "holdfast-agent.service";
  machine.ok("systemctl", "disable", "--now", "holdfast-maintenance.timer");
  const pid = property(unit, "MainPID");
  install(nextVersion);
  machine.until(`systemctl is-active --quiet ${unit}`);
  const next = property(unit, "MainPID");
  assert.notEqual(next, pid);
  assert.equal(machine.ok("readlink", `/proc/${next}/exe`), "/usr/bin/holdfast\n");
  askAndHear("Are you the new one?");
  assert.equal(machine.run("systemctl", "is-enabled", "holdfast-maintenance.timer").output, "disabled\n");
  assert.match(holdfast("check").output, /no damage/);
  console.log(`ok  upgraded to ${nextVersion} under the running agent: it is started with the new file and goes on;`);
  console.log("    a timer that was switched off stays off");
}

/** What has our name, outside what was brought along to be installed. */
function traces(): string {
  const places = "/etc /usr /var /run /tmp /opt";
  const units = machine.ok("systemctl", "list-units", "--all", "--no-legend", "holdfast*");
  return units +
    machine.ok("sh", "-c", `find ${places} -name '*holdfast*' | sort; grep -h holdfast /etc/passwd /etc/group || true`);
}

function tryPurge(): void {
  machine.ok("dpkg", "--remove", "holdfast");
  assert.equal(
    machine.run("systemctl", "is-active", "holdfast-agent.service", "holdfast-agent.socket").output,
    "inactive\ninactive\n",
  );
  assert.equal(machine.run("test", "-e", `${store}/agent.jsonl`).status, 0);
  machine.ok("dpkg", "--purge", "holdfast");
  assert.equal(traces(), "");
  assert.equal(machine.run("systemctl", "is-system-running").output, "running\n");
  console.log(
    "ok  removed under the running agent: it is stopped, the store stays; purged: no file, no unit, no user is left",
  );
}

function tryScripts(): void {
  const install = ["/root/deploy/install.sh", "--program", "/root/deploy/holdfast", "--agent", "/root/deploy/agent.js"];
  machine.ok(...install);
  writeFileSync(join(root, "etc/default/holdfast"), "HOLDFAST_AGENT_SENSOR=/srv/temperature\n");
  askAndHear("Who has installed you?");
  const pid = property("holdfast-agent.service", "MainPID");
  machine.ok(...install);
  askAndHear("And now?");
  assert.notEqual(property("holdfast-agent.service", "MainPID"), pid);
  for (const _ of [1, 2]) machine.ok("/root/deploy/uninstall.sh");
  assert.equal(machine.run("test", "-e", `${store}/agent.jsonl`).status, 0);
  for (const _ of [1, 2]) machine.ok("/root/deploy/uninstall.sh", "--purge");
  assert.equal(traces(), "");
  assert.equal(machine.run("systemctl", "is-system-running").output, "running\n");
  console.log(
    "ok  install.sh, twice: installs, and updates under the running agent; uninstall.sh, twice: the store stays;",
  );
  console.log("    with --purge, twice: nothing is left");
}

async function live(): Promise<void> {
  prepare();
  await machine.boot();
  console.log(
    `booted: ${machine.ok("systemctl", "--version").split("\n")[0]}, Linux ${machine.ok("uname", "-r").trim()}`,
  );
  tryInstall();
  tryQuestions();
  tryConfinement();
  tryMemoryLimit();
  tryWatchdog();
  tryKill();
  tryStop();
  tryHousekeeping();
  await tryBoot();
  tryUpgrade();
  tryPurge();
  tryScripts();
}

const why = bootObstacle();
try {
  if (why === null) await live();
  else console.log(`skipped: no systemd was booted: ${why}`);
} catch (error) {
  if (error instanceof CannotBoot) console.log(`skipped: systemd-nspawn does not run here: ${error.message}`);
  else {
    console.error(error);
    process.exitCode = 1;
  }
} finally {
  await machine.shutDown();
  rmSync(scratch, { recursive: true, force: true });
}

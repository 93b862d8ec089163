/**
 * A Debian of its own that is booted by its own systemd, in a container of systemd-nspawn without a network.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { debianObstacle } from "./debian_root.ts";

/** What a command printed, and how it ended. */
export interface Outcome {
  /** Its exit code; null if a signal ended it. */
  readonly status: number | null;
  /** stdout and stderr. */
  readonly output: string;
}

/** Debian's packages that a Debian needs to be booted. */
export const bootPackages: readonly string[] = ["systemd", "systemd-sysv", "dbus"];

const memoryTree = "/sys/fs/cgroup/memory";

/** Why nothing can be booted here; null if it can be tried. */
export function bootObstacle(): string | null {
  const obstacle = debianObstacle();
  if (obstacle !== null) return obstacle;
  if (spawnSync("systemd-nspawn", ["--version"]).error !== undefined) {
    return "systemd-nspawn is not installed: apt-get install systemd-container";
  }
  return null;
}

/** systemd-nspawn has ended before there was a systemd: this machine cannot run it. */
export class CannotBoot extends Error {
  override readonly name = "CannotBoot";
}

/** The machine. */
export class BootedDebian {
  readonly #root: string;
  readonly #console: string;
  #child: ChildProcess | undefined;
  #init = "";
  #groups: string[] = [];

  /**
   * Takes a Debian that has {@linkcode bootPackages}; it is not started yet.
   *
   * @param root Where it is.
   * @param console The file that gets what it prints to its console.
   */
  constructor(root: string, console: string) {
    this.#root = root;
    this.#console = console;
  }

  /**
   * Boots it, and waits until everything has been started.
   *
   * @throws {CannotBoot} systemd-nspawn does not run here; the message is what it printed.
   */
  async boot(): Promise<void> {
    const output = openSync(this.#console, "a");
    const all = ["--directory", this.#root, "--machine=holdfast-boot", "--boot", "--private-network", "--console=pipe"];
    // Without a systemd of its own, this machine has nobody to register with.
    if (!existsSync("/run/systemd/system")) all.push("--register=no", "--keep-unit");
    const join = this.#makeGroup();
    // The shell is in the group when it becomes the container.
    const command = ["-c", `${join}exec systemd-nspawn "$@"`, "sh", ...all];
    this.#child = spawn("sh", command, { stdio: ["ignore", output, output] });
    closeSync(output);
    const ended = new Promise<void>((resolve) => this.#child?.once("close", () => resolve()));
    for (const deadline = Date.now() + 120_000;;) {
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 200))]);
      if (this.#child.exitCode !== null && this.#init === "") throw new CannotBoot(this.printed());
      if (this.#child.exitCode !== null || Date.now() > deadline) throw new Error(`it ended: ${this.printed()}`);
      this.#init = this.#findInit();
      if (this.#init !== "" && /^(starting|running|degraded)$/m.test(this.#state())) break;
    }
    if (this.#groups.length > 0) {
      this.#enter(["--mount", "--cgroup"], ["mount", "-o", "remount,rw,bind", memoryTree]);
      this.ok("systemctl", "daemon-reexec");
    }
    this.run("systemctl", "is-system-running", "--wait");
  }

  #state(): string {
    return this.run("systemctl", "is-system-running").output;
  }

  /** What has come to its console. */
  printed(): string {
    return readFileSync(this.#console, "utf8").trim();
  }

  /** Runs a command in it. */
  run(...command: string[]): Outcome {
    return this.#enter(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"], command);
  }

  /** Runs a command in it that has to go well; what it prints. */
  ok(...command: string[]): string {
    const { status, output } = this.run(...command);
    assert.equal(status, 0, `${command.join(" ")}: ${output}`);
    return output;
  }

  /** Waits until a line of its shell says yes. */
  until(condition: string, seconds = 60): void {
    const loop = `until ${condition}; do sleep 0.2; done`;
    const { status } = this.run("timeout", String(seconds), "sh", "-c", loop);
    const journal = (): string => this.run("journalctl", "--no-pager", "--lines=40").output;
    assert.equal(status, 0, status === 0 ? "" : `not within ${seconds} s: ${condition}\n${journal()}`);
  }

  /** Shuts it down, and waits for its end. */
  async shutDown(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return await this.#removeGroups();
    this.#child = undefined;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
      // SIGRTMIN+4 asks systemd for the same, whatever has become of its bus.
      if (this.run("systemctl", "poweroff").status !== 0) this.run("sh", "-c", "kill -38 1");
      const deadline = setTimeout(() => {
        // Without nspawn its container would live on.
        if (this.#init !== "") process.kill(Number(this.#init), "SIGKILL");
        child.kill("SIGKILL");
      }, 60_000);
      await ended;
      clearTimeout(deadline);
    }
    await this.#removeGroups();
  }

  /** Its last processes may still be on their way out. */
  async #removeGroups(): Promise<void> {
    for (let left = 50; this.#groups.length > 0; left--) {
      try {
        for (const group of this.#groups) removeTree(group);
        this.#groups = [];
      } catch (error) {
        if (left === 0) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  #enter(namespaces: readonly string[], command: readonly string[]): Outcome {
    const all = [`--target=${this.#init}`, ...namespaces, "--", ...command];
    const { status, stdout, stderr } = spawnSync("nsenter", all, {
      encoding: "utf8",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" },
      maxBuffer: 64e6,
    });
    return { status, output: stdout + stderr };
  }

  /** The container's first process is the child of nspawn, once it is a systemd. */
  #findInit(): string {
    const nspawn = String(this.#child?.pid);
    try {
      const child = readFileSync(`/proc/${nspawn}/task/${nspawn}/children`, "utf8").trim().split(" ")[0] ?? "";
      return child !== "" && /systemd\0$|\/sbin\/init/.test(readFileSync(`/proc/${child}/cmdline`, "utf8"))
        ? child
        : "";
    } catch {
      return "";
    }
  }

  /**
   * On a machine whose memory controller is still in the first kind of control groups, nspawn gives none to the container.
   * A group of its own makes that possible; it lies in ours, and is removed with the container.
   *
   * @returns What a shell does to join it.
   */
  #makeGroup(): string {
    if (!existsSync(join(memoryTree, "memory.limit_in_bytes"))) return "";
    const group = join(ownGroup(memoryTree, "memory"), `holdfast-boot-${process.pid}`);
    mkdirSync(group);
    // What nspawn makes, and leaves there.
    const trees = [ownGroup("/sys/fs/cgroup/systemd", "name=systemd"), ownGroup("/sys/fs/cgroup/unified", "")];
    const made = trees.flatMap((tree) => [join(tree, "payload"), join(tree, "supervisor")]);
    this.#groups = [group, ...made.filter((path) => !existsSync(path))];
    return `echo $$ > '${group}/cgroup.procs'; `;
  }
}

/** This process's group in one of the trees. */
function ownGroup(tree: string, controller: string): string {
  const lines = readFileSync("/proc/self/cgroup", "utf8").split("\n").map((line) => line.split(":"));
  return join(tree, lines.find(([, name]) => name === controller)?.[2] ?? "/");
}

function removeTree(directory: string): void {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  }
  rmdirSync(directory);
}

/** Adds a file of settings to a unit, until the machine is booted again. */
export function addSettings(root: string, unit: string, name: string, text: string): void {
  const directory = join(root, "etc/systemd/system", `${unit}.d`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), text);
}

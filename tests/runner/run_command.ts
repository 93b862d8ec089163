/**
 * One command with its output kept, ended if it takes too long.
 *
 * @module
 */

import { spawn } from "node:child_process";
import process from "node:process";
import { projectDirectory } from "./project_files.ts";

/** What to run. */
export interface Command {
  /** A program, by path or by name. */
  program: string;
  /** Its arguments. */
  args: readonly string[];
  /** Where; the project unless told. */
  directory?: string;
  /** Set on top of this process's own environment. */
  environment?: Record<string, string>;
  /** After so long its whole process group is killed. */
  timeoutMs: number;
}

/** What came of it. */
export interface CommandResult {
  /** It ended by itself, with exit code 0. */
  ok: boolean;
  /** Standard output and standard error, as they came. */
  output: string;
  /** How it ended, in words. */
  ending: string;
  /** How long it took. */
  elapsedMs: number;
}

const running = new Set<number>();

/** Kills what still runs: a check that was interrupted leaves nothing behind. */
export function killRunningCommands(): void {
  for (const group of running) killGroup(group);
}

function killGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // It ended in the meantime.
  }
}

/** No colours: what a check prints is read by programs too. */
function plainEnvironment(): Record<string, string | undefined> {
  const { FORCE_COLOR: _, ...rest } = process.env;
  return { ...rest, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
}

/**
 * Runs a command.
 *
 * @param command What to run.
 * @returns What came of it; a command that cannot be started is one that failed.
 */
export function runCommand(command: Command): Promise<CommandResult> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command.program, [...command.args], {
      cwd: command.directory ?? projectDirectory,
      env: { ...plainEnvironment(), ...command.environment },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const group = child.pid;
    if (group !== undefined) running.add(group);
    const chunks: Uint8Array[] = [];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      if (group !== undefined) killGroup(group);
    }, command.timeoutMs);
    const settle = (ok: boolean, ending: string): void => {
      clearTimeout(timer);
      if (group !== undefined) running.delete(group);
      const output = Buffer.concat(chunks).toString("utf8");
      resolve({ ok, output, ending, elapsedMs: performance.now() - begun });
    };
    child.stdout.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    child.on("error", (error) => settle(false, `could not be started: ${error.message}`));
    child.on("close", (code, signal) => {
      if (timedOut) settle(false, `took longer than ${Math.round(command.timeoutMs / 1000)} s`);
      else settle(code === 0, code === null ? `ended by ${signal}` : `exit code ${code}`);
    });
  });
}

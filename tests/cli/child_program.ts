/** Runs the program as a process of its own, under the runtime that runs the test. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { prefixedCommand, runtimeProgram, typeLoaderArguments } from "../process/spawn_helper.ts";

/** The checkout. */
export const projectDirectory: string = fileURLToPath(new URL("../../", import.meta.url));

/** A process. */
export interface ChildProgram {
  readonly child: ChildProcess;
  /** What it has written to stdout so far. */
  readonly stdout: () => string;
  /** Resolves once stdout holds what the pattern asks for; rejects if the process ends before. */
  printed(pattern: RegExp): Promise<void>;
  /** Writes to its stdin; a process that is gone does not mind. */
  write(text: string): void;
  /** How it ended, and everything that it wrote. */
  readonly ended: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>;
}

export interface ChildOptions {
  /** Another checkout. */
  directory?: string;
  /** Runs on Deno, whatever runs the test, with these permissions and no others. */
  denoPermissions?: readonly string[];
  environment?: Record<string, string>;
}

/** Starts `holdfast` with these arguments. */
export function startProgram(args: readonly string[], options: ChildOptions = {}): ChildProgram {
  const directory = options.directory ?? projectDirectory;
  const program = options.denoPermissions === undefined ? process.execPath : runtimeProgram("deno");
  assert.ok(program !== undefined, "Deno is installed");
  const words = [...runtimeArguments(options), `${directory}/src/cli/main.ts`, ...args];
  const [command, ...rest] = prefixedCommand(program, words);
  const child = spawn(command, rest, {
    cwd: directory,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.environment },
  });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const watch of watchers) watch();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
  child.stdin.on("error", () => {});
  const ended = new Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>(
    (resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve({ code: code ?? codeOnDeno(signal), signal, stdout, stderr }));
    },
  );
  return {
    child,
    stdout: () => stdout,
    write: (text) => void child.stdin.write(text),
    ended,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const watch = (): void => {
          if (!pattern.test(stdout)) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
        void ended.then(() => reject(new Error(`Ended before ${pattern}: ${stdout}\n${stderr}`)));
      }),
  };
}

/** Runs `holdfast` to its end. */
export async function runProgramProcess(
  args: readonly string[],
  stdin = "",
  options: ChildOptions = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = startProgram(args, options);
  program.child.stdin?.end(stdin);
  const { code, stdout, stderr } = await program.ended;
  return { code, stdout, stderr };
}

/** Deno takes exit code 130 or 143 of a child for the signal of that number. */
function codeOnDeno(signal: string | null): number | null {
  if (!onDeno) return null;
  return signal === "SIGINT" ? 130 : signal === "SIGTERM" ? 143 : null;
}

const onDeno: boolean = "deno" in process.versions;

function runtimeArguments({ denoPermissions }: ChildOptions): string[] {
  if (onDeno || denoPermissions !== undefined) {
    return ["run", "--no-check", "--no-prompt", ...denoPermissions ?? ["-A"]];
  }
  return "bun" in process.versions ? [] : typeLoaderArguments();
}

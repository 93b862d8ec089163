/**
 * Starts this program once more, under the runtime that it runs on: what a demonstration kills.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";

/** How a process ended. */
export interface ProcessEnd {
  /** The exit code; null if a signal ended it. */
  exitCode: number | null;
  /** The signal's name; null if it exited by itself. */
  signalName: string | null;
  /** The end of what it wrote to stderr. */
  errorOutput: string;
}

/** A process that was started. Its stdin and stdout are ours; its stderr is kept for {@linkcode ProcessEnd}. */
export interface RespawnedProgram {
  /** Resolves when the process is gone and all of its output has been handed over. */
  readonly ended: Promise<ProcessEnd>;
  /** Writes to its stdin; resolves when there is room for more, or nobody reads any more. */
  write(text: string): Promise<void>;
  /** Ends its stdin. */
  endInput(): void;
  /** SIGKILL: no warning, no clean-up. */
  kill(): void;
}

const errorOutputLengthMax = 16 * 1024;

/**
 * Starts a script of this program.
 *
 * @param scriptPath The script.
 * @param args What stands behind it.
 * @param onOutput Gets each part of its stdout as it comes.
 * @returns The process.
 */
export function respawnProgram(
  scriptPath: string,
  args: readonly string[],
  onOutput: (text: string) => void,
): RespawnedProgram {
  const before = isStandalone(scriptPath) ? [] : [...runtimeArguments(), scriptPath];
  const child = spawn(process.execPath, [...before, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  let errorOutput = "";
  child.stdout.setEncoding("utf8").on("data", onOutput);
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errorOutput = (errorOutput + text).slice(-errorOutputLengthMax);
  });
  // Writing to a process that was killed is what happens here all the time.
  child.stdin.on("error", () => {});
  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, signalName) => resolve({ exitCode, signalName, errorOutput }));
  });
  return {
    ended,
    write: (text) => writeText(child, text),
    endInput: () => void child.stdin.end(),
    kill: () => void child.kill("SIGKILL"),
  };
}

/** A compiled program is its own runtime and takes no script: Bun's has its modules in a file system of its own. */
function isStandalone(scriptPath: string): boolean {
  if ("bun" in process.versions) return scriptPath.startsWith("/$bunfs/") || scriptPath.includes("~BUN");
  const deno: unknown = Reflect.get(globalThis, "Deno");
  if (typeof deno !== "object" || deno === null || !("build" in deno)) return false;
  const { build } = deno;
  return typeof build === "object" && build !== null && "standalone" in build && build.standalone === true;
}

/** Deno's own options are not in `execArgv`, and a bare script is no command of its. */
function runtimeArguments(): string[] {
  if ("deno" in process.versions) return ["run", "-A", "--no-check"];
  return [...process.execArgv];
}

function writeText(child: ChildProcess, text: string): Promise<void> {
  const { stdin } = child;
  if (stdin === null || stdin.destroyed || stdin.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = (): void => {
      stdin.off("drain", settle).off("close", settle);
      resolve();
    };
    stdin.on("drain", settle).on("close", settle);
  });
}

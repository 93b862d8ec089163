/**
 * Child processes for tests: a TypeScript program on Node, Deno or Bun, spoken to by lines.
 *
 * Environment, all optional:
 * - `HOLDFAST_SPAWN_PREFIX`: words to put in front of the program, such as an emulator and its options.
 * - `HOLDFAST_SPAWN_SLOWNESS`: how many times longer children may take.
 * - `HOLDFAST_SPAWN_NODE`, `HOLDFAST_SPAWN_DENO`, `HOLDFAST_SPAWN_BUN`: the program itself.
 *
 * @module
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

/** How many times longer everything may take, as where it is emulated (`HOLDFAST_SPAWN_SLOWNESS`). */
export const slowness: number = Number(process.env["HOLDFAST_SPAWN_SLOWNESS"] ?? 1);

/** How long a test with children may take: what ends one that hangs, and far more than a busy machine needs. */
export const processTimeoutMs: number = 180_000 * slowness;

/** A runtime that a child can run on. */
export type RuntimeName = "node" | "deno" | "bun";

/** All of them. */
export const runtimeNames: readonly RuntimeName[] = ["node", "deno", "bun"];

/**
 * Those that children are tried on from here: from Node all of them, elsewhere its own only. Who starts a child makes no
 * difference to it.
 */
export const childRuntimes: readonly RuntimeName[] = currentRuntime() === "node" ? runtimeNames : [currentRuntime()];

/** How a child is started. */
export interface SpawnRuntimeOptions {
  /** Arguments of the program. */
  args?: readonly string[];
  /** Deno's permissions; @default {["--allow-all"]} */
  denoPermissions?: readonly string[];
  /** Added to the environment. */
  environment?: Record<string, string>;
  /** @default the directory of the project */
  workingDirectory?: string;
  /** Given to the runtime in front of the program, such as `--expose-gc`. */
  runtimeArguments?: readonly string[];
}

/** How a child ended. */
export interface ChildEnd {
  code: number | null;
  signal: string | null;
}

/** A running child. */
export interface RuntimeChild {
  /** Its process number as we know it (of the emulator, if there is one). */
  readonly pid: number;
  /** How it ended, once it has, and after all of its output was read. */
  readonly ended: Promise<ChildEnd>;
  /** The next line of its standard output; rejects, with what it wrote to standard error, if it ended instead. */
  readLine(): Promise<string>;
  /** Sends a line to its standard input. */
  writeLine(line: string): void;
  /** Closes its standard input. */
  endInput(): void;
  /** Sends a signal, and waits for its end. */
  kill(signal?: NodeJS.Signals): Promise<ChildEnd>;
  /** What it wrote to standard error so far. */
  errorText(): string;
}

const projectDirectory = fileURLToPath(new URL("../../", import.meta.url));
const tsxLoader = new URL("../../node_modules/tsx/dist/loader.mjs", import.meta.url).href;

/**
 * Where the program of a runtime is.
 *
 * @returns Its path; undefined if it is not installed.
 */
export function runtimeProgram(runtime: RuntimeName): string | undefined {
  const chosen = process.env[`HOLDFAST_SPAWN_${runtime.toUpperCase()}`];
  if (chosen !== undefined && chosen !== "") return chosen;
  if (runtime === currentRuntime()) return process.execPath;
  const installed = `${projectDirectory}node_modules/.bin/${runtime}`;
  return isExecutable(installed) ? installed : programOnPath(runtime);
}

/** By our own search path: a test may give the child another. */
export function programOnPath(name: string): string | undefined {
  if (name.includes("/")) return name;
  const directories = (process.env["PATH"] ?? "").split(":").filter((directory) => directory !== "");
  return directories.map((directory) => `${directory}/${name}`).find(isExecutable);
}

/** The runtime that this very process runs on. */
export function currentRuntime(): RuntimeName {
  if ("deno" in process.versions) return "deno";
  return "bun" in process.versions ? "bun" : "node";
}

/**
 * Why a test that needs these runtimes cannot run here.
 *
 * @returns The reason to print; undefined if all are there.
 */
export function missingRuntimes(runtimes: readonly RuntimeName[]): string | undefined {
  const missing = runtimes.filter((runtime) => runtimeProgram(runtime) === undefined);
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

/**
 * What stands in front of every program that a test starts: an emulator, where the suite runs for another machine.
 *
 * @returns The words of `HOLDFAST_SPAWN_PREFIX`.
 */
export function spawnPrefix(): string[] {
  return (process.env["HOLDFAST_SPAWN_PREFIX"] ?? "").split(" ").filter((word) => word !== "");
}

/**
 * A command behind {@linkcode spawnPrefix}.
 *
 * @param executable The program.
 * @param args Its arguments.
 * @returns What to start, and its arguments.
 */
export function prefixedCommand(executable: string, args: readonly string[]): [string, ...string[]] {
  const [first = executable, ...rest] = [...spawnPrefix(), executable, ...args];
  return [programOnPath(first) ?? first, ...rest];
}

/**
 * What Node needs in front of a TypeScript file: nothing where it reads those by itself. The loader's own program is for
 * the machine that it was installed on, not for an emulated one.
 *
 * @returns The words.
 */
export function typeLoaderArguments(): string[] {
  return nodeStripsTypes() ? [] : ["--import", tsxLoader];
}

/**
 * The words that start a program.
 *
 * @param runtime The runtime.
 * @param program The path of a TypeScript file.
 * @param options How.
 * @returns The command and its arguments.
 */
export function runtimeCommand(
  runtime: RuntimeName,
  program: string,
  options: SpawnRuntimeOptions = {},
): [string, ...string[]] {
  const executable = runtimeProgram(runtime);
  if (executable === undefined) throw new Error(`${runtime} is not installed`);
  const own = options.runtimeArguments ?? [];
  return prefixedCommand(executable, [...runtimeWords(runtime, options), ...own, program, ...(options.args ?? [])]);
}

function runtimeWords(runtime: RuntimeName, options: SpawnRuntimeOptions): string[] {
  switch (runtime) {
    case "node":
      return typeLoaderArguments();
    case "deno":
      return [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-check",
        "--no-lock",
        ...options.denoPermissions ?? ["--allow-all"],
      ];
    case "bun":
      return ["run"];
  }
}

/** Only of ourselves do we know it for sure. */
function nodeStripsTypes(): boolean {
  if (currentRuntime() !== "node" || process.env["HOLDFAST_SPAWN_NODE"] !== undefined) return false;
  return Boolean(Reflect.get(process.features, "typescript"));
}

/**
 * Starts a program.
 *
 * @param runtime The runtime.
 * @param program The path of a TypeScript file.
 * @param options How.
 * @returns The running child; the caller ends it.
 */
export function spawnRuntime(runtime: RuntimeName, program: string, options: SpawnRuntimeOptions = {}): RuntimeChild {
  const [command, ...args] = runtimeCommand(runtime, program, options);
  const child = spawn(command, args, {
    cwd: options.workingDirectory ?? projectDirectory,
    env: { ...process.env, ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  return runtimeChildOf(runtime, child);
}

function runtimeChildOf(runtime: RuntimeName, child: ChildProcessByStdio<Writable, Readable, Readable>): RuntimeChild {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let errorText = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => errorText += text);
  // A child that was killed does not read what we still send.
  child.stdin.on("error", () => {});
  const ended = new Promise<ChildEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  ended.catch(() => {});
  return {
    pid: child.pid ?? 0,
    ended,
    errorText: () => errorText,
    async readLine() {
      const next = await lines.next();
      if (next.done !== true) return next.value;
      const end = await ended;
      throw new Error(`${runtime} ended (${end.code ?? end.signal}) instead of answering: ${errorText}`);
    },
    writeLine: (line) => void child.stdin.write(`${line}\n`),
    endInput: () => void child.stdin.end(),
    async kill(signal = "SIGKILL") {
      child.kill(signal);
      return await ended;
    },
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Every way to run the program, beside each other: size, start and resident memory.
 *
 *     binary_ways.ts [--runs 21] [--scratch DIRECTORY] [--download] [--json]
 *
 * The start is an append of one record to an existing session, from start to end; the ways take turns and the best run
 * of each counts. Resident memory is the peak after a thousand appends, one at a time. Size is what must be on the
 * board: the file, or the runtime and the program's files. `--download` fetches Node 20 and 24 from the npm registry for
 * Node's single executable. A way that cannot be had here is named, with the reason.
 *
 * @module
 */

import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { adviceFor, bunOptions, compileCommand, programEntry } from "../deploy/build/build_commands.ts";
import { readBuildRequest } from "../deploy/build/build_options.ts";
import { hasMusl, targetOfMachine } from "../deploy/build/build_targets.ts";
import { armPrefix } from "../tests/runner/arm_machine.ts";
import { tableText } from "./bench_report.ts";
import { buildNodeExecutable } from "./node_executable.ts";
import { Appender, bestInTurn, factsOf, type ProgramCommand, runMs } from "./running_program.ts";

/** A way to run the program. */
interface Way {
  title: string;
  /** How it is started; null: it is not, for the reason in `note`. */
  command: ProgramCommand | null;
  sizeBytes: number | null;
  note: string;
}

/** What it costs. */
interface WayCost extends Way {
  startMs: number | null;
  peakBytes: number | null;
}

const projectDirectory = fileURLToPath(new URL("..", import.meta.url));
const [bun, deno] = ["bun", "deno"].map((name) => join(projectDirectory, "node_modules/.bin", name));
const record = `{"role":"user","content":"${"x".repeat(1000)}"}\n`;
const appendsOfBusy = 1000;
const compileTimeoutMs = 120_000;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "21" },
    scratch: { type: "string", default: existsSync("/dev/shm") ? "/dev/shm" : tmpdir() },
    download: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

function sizeOf(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

function tried(title: string, build: () => Way): Way {
  try {
    return build();
  } catch (error) {
    return { title, command: null, sizeBytes: null, note: firstLineOf(error) };
  }
}

function firstLineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").find((line) => line !== "") ?? text;
}

function bunWay(title: string, scratch: string, options: readonly string[], note = ""): Way {
  return tried(title, () => {
    const path = join(scratch, title.replaceAll(/[^a-z0-9]+/g, "-"));
    const args = ["build", ...options, "--sourcemap=none", programEntry, "--outfile", path];
    execFileSync(bun ?? "bun", args, { cwd: projectDirectory, stdio: "pipe" });
    return { title, command: [path], sizeBytes: sizeOf(path), note };
  });
}

/** The one for another machine: the emulator says nothing of its speed. */
function armWay(scratch: string): Way {
  const built = bunWay("bun, one file, arm64", scratch, [...bunOptions, "--target=bun-linux-arm64"]);
  const [program] = built.command ?? [];
  if (program === undefined) return built;
  const prefix = armPrefix();
  if (typeof prefix === "string") return { ...built, command: null, note: `not run: ${prefix}` };
  const [first = program, ...rest] = [...prefix, program, "--version"];
  const version = execFileSync(first, rest, { encoding: "utf8" }).trim();
  return { ...built, command: null, note: `size only; under qemu it says ${version}` };
}

function denoCompileWay(scratch: string, engine: string): Way {
  const title = `deno compile, ${engine}`;
  return tried(title, () => {
    const machine = { platform: process.platform, architecture: process.arch, isMusl: hasMusl(existsSync) };
    const name = targetOfMachine(machine);
    const request = readBuildRequest([`--target=${name}`, `--engine=${engine}`]);
    const target = "options" in request ? request.options.targets[0] : undefined;
    if (!("options" in request) || target === undefined) throw new Error("no such target");
    const path = join(scratch, `deno-${engine}`);
    const command = compileCommand(request.options, target, path);
    const { status, stderr, stdout } = spawnSync(deno ?? "deno", command.args, {
      cwd: projectDirectory,
      encoding: "utf8",
      env: { ...process.env, ...command.environment },
      timeout: compileTimeoutMs,
    });
    if (status === 0) return { title, command: [path], sizeBytes: sizeOf(path), note: "" };
    const advice = adviceFor(command, stderr + stdout, process.env.DENORT_BIN ?? null);
    throw new Error(advice ?? stderr.trim().split("\n").at(-1) ?? `ended with ${status}`);
  });
}

function nodeExecutableWay(scratch: string, version: string): Way {
  const title = `Node ${version}, single executable`;
  if (!values.download) return { title, command: null, sizeBytes: null, note: "--download fetches Node for it" };
  return tried(title, () => {
    const path = buildNodeExecutable({ version, projectDirectory, scratch });
    return { title, command: [path], sizeBytes: sizeOf(path), note: "stripped" };
  });
}

function builtFiles(scratch: string): string {
  const directory = join(scratch, "dist");
  execFileSync(join(projectDirectory, "node_modules/.bin/tsc"), [
    "-p",
    "tsconfig.build.json",
    "--outDir",
    directory,
    ...["--declaration", "false", "--isolatedDeclarations", "false"],
  ], { cwd: projectDirectory, stdio: "pipe" });
  writeFileSync(join(directory, "package.json"), '{"type":"module"}\n');
  return directory;
}

function allWays(scratch: string): Way[] {
  const files = builtFiles(scratch);
  const [source, script] = [join(projectDirectory, programEntry), join(files, "src/cli/main.js")];
  const withRuntime = (title: string, runtime: string, args: readonly string[], note: string): Way => {
    const program = realpathSync(runtime);
    return { title, command: [program, ...args], sizeBytes: sizeOf(program) + sizeOf(files), note };
  };
  return [
    bunWay("bun, one file", scratch, bunOptions, "as npm run compile builds it"),
    bunWay("bun, one file, parsed at each start", scratch, ["--compile", "--minify"], "no bytecode, not split"),
    armWay(scratch),
    nodeExecutableWay(scratch, "20.20.2"),
    nodeExecutableWay(scratch, "24.21.0"),
    denoCompileWay(scratch, "v8"),
    denoCompileWay(scratch, "quickjs"),
    withRuntime(`node ${process.versions.node}, dist`, process.execPath, [script], "node dist/src/cli/main.js"),
    withRuntime("bun run", bun ?? "bun", ["run", source], "from source"),
    // With less Deno keeps /dev/shm from whoever asks.
    withRuntime("deno run", deno ?? "deno", ["run", "--no-check", "-A", source], "from source"),
  ];
}

async function peakOf(command: ProgramCommand, directory: string): Promise<number> {
  const appender = new Appender(command, ["append", "busy", "--dir", directory]);
  for (let count = 0; count < appendsOfBusy; count++) await appender.append(record);
  const { peakBytes } = factsOf(appender.pid);
  await appender.end();
  return peakBytes;
}

async function costsOf(ways: readonly Way[], scratch: string): Promise<WayCost[]> {
  const directory = join(scratch, "sessions");
  mkdirSync(directory);
  const costs: WayCost[] = ways.map((way) => ({ ...way, startMs: null, peakBytes: null }));
  const runs = costs.map((cost) => () => runMsOf(cost, ["append", "one", "--dir", directory]));
  bestInTurn(1, runs);
  const best = bestInTurn(Number(values.runs), runs);
  for (const [index, cost] of costs.entries()) {
    if (cost.command === null) continue;
    try {
      cost.peakBytes = await peakOf(cost.command, directory);
      cost.startMs = best[index] ?? null;
    } catch (error) {
      giveUp(cost, error);
    }
  }
  return costs;
}

/** One that is not run takes no part in the best. */
function runMsOf(cost: WayCost, args: readonly string[]): number {
  if (cost.command === null) return Infinity;
  try {
    return runMs(cost.command, args, record);
  } catch (error) {
    giveUp(cost, error);
    return Infinity;
  }
}

/** A way that fails is named, and the others are measured all the same. */
function giveUp(cost: WayCost, error: unknown): void {
  cost.command = null;
  cost.note = `failed: ${firstLineOf(error)}`;
}

const scratch = mkdtempSync(join(values.scratch, "holdfast-ways-"));
try {
  const costs = await costsOf(allWays(scratch), scratch);
  if (values.json) console.log(JSON.stringify(costs.map(({ command: _, ...cost }) => cost)));
  else {
    const number = (value: number | null, unit: number): string => value === null ? "-" : (value / unit).toFixed(1);
    console.log(tableText(
      ["", "size, MB", "append of 1 record, ms", "peak of resident, MB", ""],
      costs.map(({ title, sizeBytes, startMs, peakBytes, note }) => [
        title,
        number(sizeBytes, 1e6),
        number(startMs, 1),
        number(peakBytes, 1e6),
        note,
      ]),
    ));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

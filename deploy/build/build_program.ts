/**
 * Builds the program for each target and writes what goes with it. Pure of any runtime: files, processes and output come
 * from a {@linkcode BuildHost}.
 *
 * @module
 */

import { adviceFor, compileCommand } from "./build_commands.ts";
import type { BuildOptions } from "./build_options.ts";
import { type BuildTarget, targetOfMachine } from "./build_targets.ts";
import { checksumOf, type ListedChecksum, readChecksumList, writeChecksumList } from "./checksum_list.ts";
import { writeSoftwareBill } from "./software_bill.ts";

/** How a command ended. */
export interface CommandEnd {
  /** Its exit code. */
  readonly exitCode: number;
  /** What it wrote, stdout and stderr. */
  readonly output: string;
}

/** What building needs of the machine. */
export interface BuildHost {
  /** Runs a program in the project's directory to its end; one that is not there ends with 127. */
  run(program: string, args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<CommandEnd>;
  /** Makes a directory and its parents, if they are not there. */
  ensureDirectory(path: string): Promise<void>;
  /** A file's bytes, in pieces. */
  readBytes(path: string): AsyncIterable<Uint8Array>;
  /** A small file's text; null if there is none. */
  readText(path: string): Promise<string | null>;
  /** Writes a small file. */
  writeText(path: string, text: string): Promise<void>;
  /** A file's size in bytes; null if there is none. */
  sizeBytesOf(path: string): Promise<number | null>;
  /** Shows a line to a person. */
  print(line: string): void;
  /** A variable of the environment; null if it is not set. */
  variable(name: string): string | null;
  /** As `process.platform` has it. */
  readonly platform: string;
  /** As `process.arch` has it. */
  readonly architecture: string;
}

/** A file that was built. */
export interface BuiltProgram extends ListedChecksum {
  /** For which machine. */
  readonly target: string;
  /** Its size. */
  readonly sizeBytes: number;
  /** What it said to `--version`; null where it cannot be run here. */
  readonly versionText: string | null;
}

/** A build that failed, with what to do about it. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

/**
 * Builds.
 *
 * @param options What.
 * @param version The version of Holdfast.
 * @param host The machine.
 * @returns The files, in the order of the targets.
 * @throws {BuildError} A command failed; what was built before it is whole and listed.
 */
export async function buildProgram(options: BuildOptions, version: string, host: BuildHost): Promise<BuiltProgram[]> {
  await host.ensureDirectory(options.outputDirectory);
  const runtimeVersion = await versionOfRuntime(options, host);
  const commit = await commitOf(host);
  const built: BuiltProgram[] = [];
  for (const target of options.targets) {
    const name = fileNameOf(options, version, target);
    const path = `${options.outputDirectory}/${name}`;
    host.print(`${name}: building with ${options.runtime} ${runtimeVersion}`);
    await compile(options, target, path, host);
    const sizeBytes = await host.sizeBytesOf(path);
    if (sizeBytes === null) throw new BuildError(`${options.runtime} reported success, but there is no file ${path}`);
    const sha256 = await checksumOf(host.readBytes(path));
    const versionText = await versionTextOf(target, path, version, host);
    const engine = options.runtime === "bun" ? "JavaScriptCore" : options.engine;
    const bill = { fileName: name, sha256, version, runtimeVersion, engine, commit };
    await host.writeText(
      `${path}.cdx.json`,
      writeSoftwareBill({ ...bill, runtime: options.runtime, target: target.name }),
    );
    built.push({ name, sha256, target: target.name, sizeBytes, versionText });
    await listChecksums(options.outputDirectory, built, host);
  }
  for (const line of reportLines(built)) host.print(line);
  return built;
}

/**
 * The name of a built file: what it is, which version, for which machine, and with what in it where that is not Deno's
 * own engine.
 *
 * @param options What is built.
 * @param version The version of Holdfast.
 * @param target For which machine.
 * @returns The name.
 */
export function fileNameOf(options: BuildOptions, version: string, target: BuildTarget): string {
  const variant = options.runtime === "bun" ? "-bun" : options.engine === "quickjs" ? "-quickjs" : "";
  return `holdfast-${version}-${target.name}${variant}${target.extension}`;
}

async function compile(options: BuildOptions, target: BuildTarget, path: string, host: BuildHost): Promise<void> {
  const command = compileCommand(options, target, path);
  const { exitCode, output } = await host.run(command.program, command.args, command.environment);
  if (exitCode === 0) return;
  const said = (output.split("\n  Stack backtrace")[0] ?? "").split("Stack backtrace:")[0]?.trimEnd() ?? "";
  host.print(said.replace(/^/gm, "  "));
  const advice = adviceFor(command, output, host.variable("DENORT_BIN"));
  throw new BuildError(
    `${command.program} ${command.args[0]} for ${target.name} ended with ${exitCode}` +
      (advice === null ? "" : `\n${advice}`),
  );
}

async function versionOfRuntime(options: BuildOptions, host: BuildHost): Promise<string> {
  const { exitCode, output } = await host.run(options.runtime, ["--version"]);
  const version = /(\d+\.\d+\.\d+)/.exec(output)?.[1];
  if (exitCode !== 0 || version === undefined) {
    throw new BuildError(`${options.runtime} does not run: install it, or run npm ci (exit code ${exitCode})`);
  }
  return version;
}

async function commitOf(host: BuildHost): Promise<string | null> {
  const { exitCode, output } = await host.run("git", ["rev-parse", "HEAD"]);
  const commit = output.trim();
  return exitCode === 0 && /^[0-9a-f]{40,64}$/.test(commit) ? commit : null;
}

/** A file for the machine that builds it is run: a binary that cannot say its version is none. */
async function versionTextOf(
  target: BuildTarget,
  path: string,
  version: string,
  host: BuildHost,
): Promise<string | null> {
  if (target.name !== targetOfMachine(host.platform, host.architecture)) return null;
  const { exitCode, output } = await host.run(path.startsWith("/") ? path : `./${path}`, ["--version"]);
  const text = output.trim();
  if (exitCode !== 0) throw new BuildError(`${path} --version ended with ${exitCode}: ${text}`);
  if (text !== `holdfast ${version}`) {
    throw new BuildError(
      `${path} --version printed ${JSON.stringify(text.slice(0, 200))}: its base binary is no denort ` +
        `(DENORT_BIN=${host.variable("DENORT_BIN") ?? ""})`,
    );
  }
  return text;
}

async function listChecksums(directory: string, built: readonly BuiltProgram[], host: BuildHost): Promise<void> {
  const path = `${directory}/SHA256SUMS`;
  const before = readChecksumList(await host.readText(path) ?? "");
  const others = before.filter(({ name }) => built.every((one) => one.name !== name));
  await host.writeText(path, writeChecksumList([...others, ...built]));
}

function reportLines(built: readonly BuiltProgram[]): string[] {
  const nameLength = Math.max(...built.map(({ name }) => name.length));
  return built.map(({ name, sizeBytes, versionText }) =>
    `${name.padEnd(nameLength)}  ${(sizeBytes / 1e6).toFixed(1).padStart(6)} MB  ` +
    (versionText ?? "not run: it is for another machine")
  );
}

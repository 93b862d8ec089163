/**
 * Builds the program for each target and writes what goes with it. Pure of any runtime: files, processes and output
 * come from a {@linkcode BuildHost}.
 *
 * @module
 */

import { adviceFor, clientPackage, compileCommand, packsClient } from "./build_commands.ts";
import type { BuildOptions } from "./build_options.ts";
import { type BuildTarget, type MachineFacts, targetOfMachine } from "./build_targets.ts";
import { checksumOf, type ListedChecksum, readChecksumList, writeChecksumList } from "./checksum_list.ts";
import { elfKindFor, fileKindOf } from "./elf_header.ts";
import { type PackedPackage, readPackedPackage, writeSoftwareBill } from "./software_bill.ts";

/** How a command ended. */
export interface CommandEnd {
  /** Its exit code. */
  readonly exitCode: number;
  /** What it wrote, stdout and stderr. */
  readonly output: string;
}

/** What building needs of the machine. A path that is not absolute begins in the project's directory. */
export interface BuildHost extends MachineFacts {
  /** Runs a program in the project's directory to its end; one that is not there ends with 127. */
  run(program: string, args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<CommandEnd>;
  /** Removes all that is in a directory; makes it and its parents if it is not there. */
  emptyDirectory(path: string): Promise<void>;
  /** Removes a directory with all that is in it. */
  removeDirectory(path: string): Promise<void>;
  /** Gives a file another name, at once and in place of any file that has it. */
  rename(from: string, to: string): Promise<void>;
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
 * Builds. What is not whole and looked at never has the name that people take it by: each file is made in `.partial`
 * below the output directory and comes to its place by a rename.
 *
 * @param options What.
 * @param version The version of Holdfast.
 * @param host The machine.
 * @returns The files, in the order of the targets.
 * @throws {BuildError} A command failed, or its file is none; what was built before it is whole and listed.
 * @throws {RangeError} `DENORT_BIN` is set for more than one target.
 */
export async function buildProgram(options: BuildOptions, version: string, host: BuildHost): Promise<BuiltProgram[]> {
  const { runtime, targets, outputDirectory } = options;
  if (runtime === "deno" && targets.length > 1 && host.variable("DENORT_BIN") !== null) {
    // Deno takes it before it looks at the target.
    const names = targets.map(({ name }) => name).join(", ");
    throw new RangeError(`DENORT_BIN is a base binary for one machine, not for ${names}: name one with --target`);
  }
  const packages = await packagesOf(options, host);
  const runtimeVersion = await versionOfRuntime(options, host);
  const commit = await commitOf(host);
  await host.emptyDirectory(partialDirectory(options));
  const built: BuiltProgram[] = [];
  for (const target of targets) {
    const name = fileNameOf(options, version, target);
    host.print(`${name}: building with ${runtime} ${runtimeVersion}`);
    const path = `${partialDirectory(options)}/${name}`;
    await compile(options, target, path, host);
    const { sizeBytes, versionText } = await inspect(options, target, path, version, host);
    const sha256 = await checksumOf(host.readBytes(path));
    const engine = runtime === "bun" ? "JavaScriptCore" : options.engine;
    const facts = { fileName: name, sha256, version, runtimeVersion, engine, commit, runtime, packages };
    await host.rename(path, `${outputDirectory}/${name}`);
    await writePlaced(options, `${name}.cdx.json`, writeSoftwareBill({ ...facts, target: target.name }), host);
    built.push({ name, sha256, target: target.name, sizeBytes, versionText });
    await listChecksums(options, built, host);
  }
  await host.removeDirectory(partialDirectory(options));
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

/** Below the output directory: a rename from another file system would be a copy. */
function partialDirectory(options: BuildOptions): string {
  return `${options.outputDirectory}/.partial`;
}

async function writePlaced(options: BuildOptions, name: string, text: string, host: BuildHost): Promise<void> {
  const path = `${partialDirectory(options)}/${name}`;
  await host.writeText(path, text);
  await host.rename(path, `${options.outputDirectory}/${name}`);
}

/** A compiler leaves out a package that it does not find, and says so at best: `push` would fail on the board. */
async function packagesOf(options: BuildOptions, host: BuildHost): Promise<PackedPackage[]> {
  if (!packsClient(options)) return [];
  const text = await host.readText(`node_modules/${clientPackage}/package.json`);
  const packed = text === null ? null : readPackedPackage(text);
  if (packed === null) throw new BuildError(`${clientPackage}, which is to be packed, is not installed: run npm ci`);
  return [packed];
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

/** Looks at a file as far as this machine can. */
async function inspect(
  options: BuildOptions,
  target: BuildTarget,
  path: string,
  version: string,
  host: BuildHost,
): Promise<Pick<BuiltProgram, "sizeBytes" | "versionText">> {
  const sizeBytes = await host.sizeBytesOf(path);
  if (sizeBytes === null) throw new BuildError(`${options.runtime} reported success, but there is no file ${path}`);
  if (target.machine !== undefined) {
    const [kind, expected] = [await fileKindOf(host.readBytes(path)), elfKindFor(target.machine)];
    if (kind !== expected) {
      const denort = host.variable("DENORT_BIN");
      const origin = options.runtime === "bun" || denort === null ? "" : `; its base binary is DENORT_BIN=${denort}`;
      throw new BuildError(`What was built for ${target.name} is ${kind}, not ${expected}${origin}${stays(path)}`);
    }
  }
  return { sizeBytes, versionText: await versionTextOf(target, path, version, host) };
}

/** A file for the machine that builds it is run: a binary that cannot say its version is none. */
async function versionTextOf(
  target: BuildTarget,
  path: string,
  version: string,
  host: BuildHost,
): Promise<string | null> {
  if (target.name !== targetOfMachine(host)) return null;
  const { exitCode, output } = await host.run(path, ["--version"]);
  const text = output.trim();
  if (exitCode !== 0) throw new BuildError(`${target.name} --version ended with ${exitCode}: ${text}${stays(path)}`);
  if (text !== `holdfast ${version}`) {
    throw new BuildError(
      `${target.name} --version printed ${JSON.stringify(text.slice(0, 200))}: its base binary is no denort ` +
        `(DENORT_BIN=${host.variable("DENORT_BIN") ?? ""})${stays(path)}`,
    );
  }
  return text;
}

function stays(path: string): string {
  return `\nThe file stays in ${path} until the next build`;
}

async function listChecksums(options: BuildOptions, built: readonly BuiltProgram[], host: BuildHost): Promise<void> {
  const before = readChecksumList(await host.readText(`${options.outputDirectory}/SHA256SUMS`) ?? "");
  const others = before.filter(({ name }) => built.every((one) => one.name !== name));
  await writePlaced(options, "SHA256SUMS", writeChecksumList([...others, ...built]), host);
}

function reportLines(built: readonly BuiltProgram[]): string[] {
  const nameLength = Math.max(...built.map(({ name }) => name.length));
  return built.map(({ name, sizeBytes, versionText }) =>
    `${name.padEnd(nameLength)}  ${(sizeBytes / 1e6).toFixed(1).padStart(6)} MB  ` +
    (versionText ?? "not run: it is for another machine")
  );
}

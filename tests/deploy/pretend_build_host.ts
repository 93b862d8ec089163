/**
 * A machine for the build's tests: files in memory, and compilers that write one each.
 *
 * @module
 */

import assert from "node:assert/strict";
import { resolve } from "node:path";
import type { BuildHost, CommandEnd } from "../../deploy/build/build_program.ts";
import { programVersion } from "../../src/cli/program_version.ts";

/** The first bytes of an ELF file, as a text of one character for each. */
export function elfFor(machine: number): string {
  return `\x7fELF\x02\x01\x01${"\0".repeat(9)}\x02\0${String.fromCharCode(machine)}\0${"\0".repeat(44)}`;
}

/** The bytes of such a text, one by one. */
export async function* bytesOf(text: string): AsyncIterable<Uint8Array> {
  for (const part of text) yield Uint8Array.of(part.charCodeAt(0));
}

/** Where files are built, without `--out`. */
export const output = resolve("binaries");
/** What says which client for buckets there is. */
export const clientSettings = "node_modules/s3mini/package.json";

/** A machine whose compilers write a file each, or fail. */
export class PretendHost implements BuildHost {
  readonly platform = "linux";
  readonly architecture = "x64";
  readonly files = new Map<string, string>([[clientSettings, '{"name":"s3mini","version":"7.6.5","license":"MIT"}']]);
  readonly commands: string[] = [];
  readonly printed: string[] = [];
  isMusl = false;
  failure: CommandEnd | null = null;
  writeFailure: Error | null = null;
  versionText = `holdfast ${programVersion}`;
  denort: string | null = null;
  /** What Deno takes for its base binary, whatever the target. */
  denortMachine: number | null = null;

  async run(program: string, args: readonly string[]): Promise<CommandEnd> {
    this.commands.push([program, ...args].join(" "));
    if (program === "git") return { exitCode: 0, output: `${"ab".repeat(20)}\n` };
    if (program.startsWith("/")) return { exitCode: 0, output: `${this.versionText}\n` };
    if (args[0] === "--version") return { exitCode: 0, output: `${program} 9.8.7 (stable)\n` };
    if (this.failure !== null) return this.failure;
    const path = args.find((arg) => arg.startsWith("--output="))?.slice(9) ?? args[args.indexOf("--outfile") + 1] ?? "";
    const isArm = args.some((arg) => /^--target=.*(arm64|aarch64)/.test(arg));
    this.files.set(path, `${elfFor(this.denortMachine ?? (isArm ? 0xb7 : 0x3e))}program ${path}`);
    return { exitCode: 0, output: "" };
  }

  async emptyDirectory(path: string): Promise<void> {
    for (const name of this.namesIn(path)) this.files.delete(`${path}/${name}`);
  }
  removeDirectory(path: string): Promise<void> {
    return this.emptyDirectory(path);
  }
  async rename(from: string, to: string): Promise<void> {
    const text = this.files.get(from);
    assert.ok(text !== undefined, from);
    this.files.delete(from);
    this.files.set(to, text);
  }
  readBytes = (path: string): AsyncIterable<Uint8Array> => bytesOf(this.files.get(path) ?? "");
  readText = async (path: string): Promise<string | null> => this.files.get(path) ?? null;
  writeText = async (path: string, text: string): Promise<void> => {
    if (this.writeFailure !== null) throw this.writeFailure;
    this.files.set(path, text);
  };
  sizeBytesOf = async (path: string): Promise<number | null> => this.files.get(path)?.length ?? null;
  print = (line: string): void => void this.printed.push(line);
  variable = (name: string): string | null => name === "DENORT_BIN" ? this.denort : null;

  namesIn(directory: string): string[] {
    const paths = [...this.files.keys()].filter((path) => path.startsWith(`${directory}/`));
    return paths.map((path) => path.slice(directory.length + 1));
  }
}

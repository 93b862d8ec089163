/**
 * For which machines the program is built, and what each runtime calls them.
 *
 * @module
 */

import type { ElfMachine } from "./elf_header.ts";

/** A kind of machine. */
export interface BuildTarget {
  /** Our name for it, which ends the file's name: `linux-arm64`. */
  readonly name: string;
  /** Deno's name for it; undefined: Deno does not build for it. */
  readonly denoTarget?: string;
  /** Bun's name for it; undefined: Bun does not build for it. */
  readonly bunTarget?: string;
  /** The machine that the file's ELF header names; undefined: the file is no ELF file. */
  readonly machine?: ElfMachine;
  /** What the file's name ends in. */
  readonly extension: "" | ".exe";
  /** What a person has to know. */
  readonly note: string;
}

const linuxOnly = "the program builds; what it promises is promised for Linux";

/** All of them. The promises of Holdfast are for Linux: elsewhere a sync does what that system makes of it. */
export const buildTargets: readonly BuildTarget[] = [
  {
    name: "linux-x64",
    denoTarget: "x86_64-unknown-linux-gnu",
    bunTarget: "bun-linux-x64",
    machine: "x86-64",
    extension: "",
    note: "x86-64 with glibc",
  },
  {
    name: "linux-arm64",
    denoTarget: "aarch64-unknown-linux-gnu",
    bunTarget: "bun-linux-arm64",
    machine: "aarch64",
    extension: "",
    note: "64-bit ARM with glibc: Raspberry Pi OS, Debian, Ubuntu",
  },
  {
    name: "linux-x64-musl",
    bunTarget: "bun-linux-x64-musl",
    machine: "x86-64",
    extension: "",
    note: "x86-64 with musl: Alpine",
  },
  {
    name: "linux-arm64-musl",
    bunTarget: "bun-linux-arm64-musl",
    machine: "aarch64",
    extension: "",
    note: "64-bit ARM with musl: Alpine",
  },
  {
    name: "macos-arm64",
    denoTarget: "aarch64-apple-darwin",
    bunTarget: "bun-darwin-arm64",
    extension: "",
    note: linuxOnly,
  },
  { name: "macos-x64", denoTarget: "x86_64-apple-darwin", bunTarget: "bun-darwin-x64", extension: "", note: linuxOnly },
  {
    name: "windows-x64",
    denoTarget: "x86_64-pc-windows-msvc",
    bunTarget: "bun-windows-x64",
    extension: ".exe",
    note: linuxOnly,
  },
];

/** The runtimes that can be packed with the program. */
export type BuildRuntime = "deno" | "bun";

/**
 * Finds targets by their names.
 *
 * @param names Names, or `all`; none: the 64-bit Linux machines with glibc.
 * @param runtime Which runtime packs.
 * @returns The targets, each once, in the order of {@linkcode buildTargets}.
 * @throws {RangeError} A name is unknown, or the runtime does not build for it.
 */
export function findTargets(names: readonly string[], runtime: BuildRuntime): BuildTarget[] {
  const wanted = names.length === 0 ? ["linux-x64", "linux-arm64"] : names;
  const known = buildTargets.filter((target) => nameIn(target, runtime) !== undefined);
  if (wanted.includes("all")) return known;
  for (const name of wanted) {
    if (known.some((target) => target.name === name)) continue;
    const offered = known.map((target) => target.name).join(", ");
    const exists = buildTargets.some((target) => target.name === name);
    throw new RangeError(
      `${exists ? `${runtime} does not build for` : "Unknown target"} ${name}; there are: ${offered}, all`,
    );
  }
  return known.filter((target) => wanted.includes(target.name));
}

/**
 * What a runtime calls a target.
 *
 * @param target The target.
 * @param runtime The runtime.
 * @returns Its name; undefined if it does not build for it.
 */
export function nameIn(target: BuildTarget, runtime: BuildRuntime): string | undefined {
  return runtime === "deno" ? target.denoTarget : target.bunTarget;
}

/** A machine, as far as it matters which files run on it. */
export interface MachineFacts {
  /** As `process.platform` has it. */
  readonly platform: string;
  /** As `process.arch` has it. */
  readonly architecture: string;
  /** Whether its C library is musl. */
  readonly isMusl: boolean;
}

/**
 * The target that is the machine this runs on.
 *
 * @param machine The machine.
 * @returns The target's name; it may be none of ours.
 */
export function targetOfMachine(machine: MachineFacts): string {
  const { platform, architecture, isMusl } = machine;
  const system: Readonly<Record<string, string>> = { darwin: "macos", win32: "windows" };
  return `${system[platform] ?? platform}-${architecture}${platform === "linux" && isMusl ? "-musl" : ""}`;
}

/**
 * Whether a Linux machine's C library is musl. Its loader alone says nothing: Debian can have it beside its own, and
 * Alpine glibc's.
 *
 * @param exists Whether there is such a file.
 * @returns Whether it is.
 */
export function hasMusl(exists: (path: string) => boolean): boolean {
  if (exists("/etc/alpine-release")) return true;
  const glibcLoaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
  const muslLoaders = ["/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1"];
  return muslLoaders.some(exists) && !glibcLoaders.some(exists);
}

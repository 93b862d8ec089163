/**
 * For which machines the program is built, and what each runtime calls them.
 *
 * @module
 */

/** A kind of machine. */
export interface BuildTarget {
  /** Our name for it, which ends the file's name: `linux-arm64`. */
  readonly name: string;
  /** Deno's name for it; undefined: Deno does not build for it. */
  readonly denoTarget?: string;
  /** Bun's name for it; undefined: Bun does not build for it. */
  readonly bunTarget?: string;
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
    extension: "",
    note: "x86-64 with glibc",
  },
  {
    name: "linux-arm64",
    denoTarget: "aarch64-unknown-linux-gnu",
    bunTarget: "bun-linux-arm64",
    extension: "",
    note: "64-bit ARM with glibc: Raspberry Pi OS, Debian, Ubuntu",
  },
  { name: "linux-x64-musl", bunTarget: "bun-linux-x64-musl", extension: "", note: "x86-64 with musl: Alpine" },
  { name: "linux-arm64-musl", bunTarget: "bun-linux-arm64-musl", extension: "", note: "64-bit ARM with musl: Alpine" },
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

/**
 * The target that is the machine this runs on.
 *
 * @param platform As `process.platform` has it.
 * @param architecture As `process.arch` has it.
 * @returns The target's name; it may be none of ours.
 */
export function targetOfMachine(platform: string, architecture: string): string {
  const system: Readonly<Record<string, string>> = { darwin: "macos", win32: "windows" };
  return `${system[platform] ?? platform}-${architecture}`;
}

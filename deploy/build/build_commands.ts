/**
 * The commands that pack the program, and what their failures mean.
 *
 * @module
 */

import { bucketVariables } from "../../src/sink/bucket_settings.ts";
import type { BuildOptions } from "./build_options.ts";
import { type BuildTarget, nameIn } from "./build_targets.ts";

/** The program's entry, relative to the project. */
export const programEntry = "src/cli/main.ts";

/** The client for buckets, the one package that the program imports. */
export const clientPackage = "s3mini";

/** Where that one is, for Deno, which does not see the project's settings. */
const importMap = "deploy/build/program_imports.json";

/** Variables of the environment that the program reads, without those of the bucket. */
export const programVariables: readonly string[] = [
  "HOLDFAST_DIR",
  "XDG_DATA_HOME",
  "HOME",
  "NO_COLOR",
  "FORCE_COLOR",
  "TERM",
  "COLUMNS",
];

/** How Bun is to pack it. */
export const bunOptions: readonly string[] = [
  "--compile",
  "--minify",
  // Parsed when it is built, not at every start.
  "--bytecode",
  "--format=esm",
  // A command loads its own part, and nothing that only another one needs.
  "--splitting",
  // Most runs are over before compiling anything pays; what takes longer says so (`src/fs/runtime_compiler.ts`).
  "--compile-jit-policy=1000",
  // What lies about in the directory where it is started is none of its business.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

/** A command. */
export interface BuildCommand {
  /** The program: `deno` or `bun`. */
  readonly program: "deno" | "bun";
  /** What stands behind it. */
  readonly args: readonly string[];
  /** Variables that it gets beside those of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether nothing may be downloaded. */
  readonly offline: boolean;
}

/** Nobody listens there. Neither compiler can be told to download nothing; both ask a proxy that is named to them. */
const nowhere = "http://127.0.0.1:9";
const offlineEnvironment: Readonly<Record<string, string>> = Object.fromEntries([
  ...["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"].map((name) => [name, nowhere]),
  ...["NO_PROXY", "no_proxy"].map((name) => [name, ""]),
  ...["BUN_CONFIG_REGISTRY", "NPM_CONFIG_REGISTRY"].map((name) => [name, nowhere]),
]);

/**
 * Whether the client for buckets is packed: Bun takes what is imported; with Deno, a program without the network has no
 * use for it.
 *
 * @param options What is to be built.
 * @returns Whether it is.
 */
export function packsClient(options: BuildOptions): boolean {
  return options.runtime === "bun" || options.allowedHosts.length > 0;
}

/**
 * What the built program may do, for Deno: read and write, its variables, the hosts that were named, and nothing
 * else. No `--allow-run`: Deno's lock needs no other program. `demo` and `torture`, which start processes, ask for it
 * in words.
 *
 * @param options What is to be built.
 * @returns Deno's options.
 */
export function permissionOptions(options: BuildOptions): string[] {
  const { storeDirectory, allowedHosts } = options;
  const path = storeDirectory === null ? "" : `=${storeDirectory}`;
  return [
    `--allow-read${path}`,
    `--allow-write${path}`,
    `--allow-env=${[...programVariables, ...(allowedHosts.length === 0 ? [] : bucketVariables)].join(",")}`,
    ...(allowedHosts.length === 0 ? [] : [`--allow-net=${allowedHosts.join(",")}`]),
    "--no-prompt",
  ];
}

/**
 * The command for one target.
 *
 * @param options What is to be built.
 * @param target For which machine.
 * @param outputPath The file to make.
 * @returns The command, to be run in the project's directory.
 * @throws {RangeError} The runtime does not build for the target.
 */
export function compileCommand(options: BuildOptions, target: BuildTarget, outputPath: string): BuildCommand {
  const name = nameIn(target, options.runtime);
  if (name === undefined) throw new RangeError(`${options.runtime} does not build for ${target.name}`);
  const environment = { NO_COLOR: "1", ...(options.offline ? offlineEnvironment : {}) };
  if (options.runtime === "bun") {
    return {
      program: "bun",
      args: [
        "build",
        ...bunOptions,
        "--sourcemap=none",
        `--target=${name}`,
        programEntry,
        "--outfile",
        outputPath,
      ],
      environment,
      offline: options.offline,
    };
  }
  return {
    program: "deno",
    args: [
      "compile",
      "--no-check",
      // With the project's settings Deno would pack all of node_modules.
      "--no-config",
      ...(packsClient(options) ? [`--import-map=${importMap}`] : []),
      "--no-lock",
      ...(options.offline ? ["--cached-only"] : []),
      ...(options.engine === "quickjs" ? ["--engine=quickjs"] : []),
      ...permissionOptions(options),
      `--target=${name}`,
      `--output=${outputPath}`,
      programEntry,
    ],
    environment: { ...environment, DENO_NO_PACKAGE_JSON: "1" },
    offline: options.offline,
  };
}

/**
 * Says what to do about a failed command.
 *
 * @param command What was run.
 * @param output What it wrote.
 * @param denortPath What `DENORT_BIN` says; null if it is not set.
 * @returns Advice in one line; null where its own output says all.
 */
export function adviceFor(command: BuildCommand, output: string, denortPath: string | null): string | null {
  if (command.program === "deno") {
    if (denortPath !== null && /No such file|os error 2\b|not found/i.test(output)) {
      return `DENORT_BIN leads to ${denortPath}: see that the file is there and fits the target`;
    }
    if (/denort|downloading|dl\.deno|error sending request|tunnel|dns error/i.test(output)) {
      if (command.offline) {
        return "Its base binary is not in DENO_DIR, and --offline downloads nothing. Build once without --offline, " +
          "copy DENO_DIR from a machine that has, or set DENORT_BIN to a denort of the same version";
      }
      return "Its base binary could not be downloaded. Set DENORT_BIN to a denort of the same version, " +
        "or copy DENO_DIR from a machine that has built before, or use --runtime bun";
    }
    if (/@types\/node/.test(output)) return "Run npm ci first: the types of node: are looked for in node_modules";
    return null;
  }
  if (/download|registry|ENOTFOUND|ConnectionRefused|failed to extract/i.test(output)) {
    if (command.offline) {
      return "Its base binary is not in Bun's cache, and --offline downloads nothing. Build once without --offline, " +
        "or copy Bun's cache (bun pm cache) from a machine that has";
    }
    return "Its base binary could not be fetched from the npm registry; once fetched, it stays in Bun's cache";
  }
  return null;
}

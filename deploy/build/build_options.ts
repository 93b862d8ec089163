/**
 * What `deploy/build.ts` can be told.
 *
 * @module
 */

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type BuildRuntime, type BuildTarget, buildTargets, findTargets } from "./build_targets.ts";

/** What is to be built. */
export interface BuildOptions {
  /** Which runtime is packed with the program. */
  readonly runtime: BuildRuntime;
  /** For which machines. */
  readonly targets: readonly BuildTarget[];
  /** Where to; an absolute path, because the compilers run in the project. */
  readonly outputDirectory: string;
  /** Deno's JavaScript engine. */
  readonly engine: "v8" | "quickjs";
  /** The only directory that the program may read and write, baked in; null: it may read and write any. */
  readonly storeDirectory: string | null;
  /** Hosts that the program may reach, for `push` and `pull`; empty: no network at all. */
  readonly allowedHosts: readonly string[];
  /** Whether nothing may be downloaded. */
  readonly offline: boolean;
}

/** What the arguments ask for: a build, or the help. */
export type BuildRequest = { readonly help: true } | { readonly help: false; readonly options: BuildOptions };

/** Shown for `--help`. */
export const buildHelp: string = `Builds the program holdfast as one file for other machines.

  deno run -A deploy/build.ts [options]        with Deno and @std from JSR
  npm run compile -- [options]                 the same on Node, without JSR

  --runtime deno|bun    what is packed with it (default deno)
  --target NAME         for which machine; again for more; or all (default linux-x64 and linux-arm64)
  --out DIR             where to, from the directory where you are; npm run goes to the project (default binaries)
  --engine v8|quickjs   Deno's engine; quickjs is smaller and slower (default v8)
  --store DIR           bake in that it may read and write DIR only; what HOLDFAST_S3_FILE names lies there too (Deno)
  --allow-net HOST      bake in that it may reach HOST and read the bucket's variables, for push and pull; again for
                        more hosts; takes npm ci (Deno)
  --offline             download nothing; Deno then needs DENORT_BIN or its cache, Bun its cache
  --help

Targets:
${
  buildTargets.map(({ name, note, denoTarget }) =>
    `  ${name.padEnd(18)}${note}${denoTarget === undefined ? " (Bun only)" : ""}`
  ).join("\n")
}

Beside the files it writes SHA256SUMS and an SBOM (CycloneDX JSON) for each. A file comes there when it was looked at;
one that failed stays in DIR/.partial until the next build.

deno compile puts the program behind a base binary, denort, which it downloads once for each target. Where that cannot
be reached: fetch denort-TARGET.zip of the same version elsewhere, unpack it, and set DENORT_BIN to the file, which is
for one --target; or copy the directory DENO_DIR of a machine that has built before. Bun gets its base binaries from the
npm registry.
`;

/**
 * Reads the arguments.
 *
 * @param args What stands behind the script's name.
 * @returns What is asked for.
 * @throws {RangeError} An option is unknown, or its value makes no sense.
 */
export function readBuildRequest(args: readonly string[]): BuildRequest {
  const values = parse(args);
  if (values.help === true) return { help: true };
  const runtime = oneOf("--runtime", values.runtime ?? "deno", ["deno", "bun"]);
  const engine = oneOf("--engine", values.engine ?? "v8", ["v8", "quickjs"]);
  const storeDirectory = values.store ?? null;
  const allowedHosts = values["allow-net"] ?? [];
  if (runtime === "bun") {
    if (engine !== "v8") throw new RangeError("--engine is Deno's; Bun has one engine");
    if (storeDirectory !== null || allowedHosts.length > 0) {
      throw new RangeError(
        "--store and --allow-net are Deno's: Bun has no permissions; use the unit's settings instead",
      );
    }
  }
  if (storeDirectory !== null && !storeDirectory.startsWith("/")) {
    throw new RangeError(`--store ${storeDirectory}: give the path on the board, from the root`);
  }
  // Deno's lists are separated by commas: it would be two directories.
  if (storeDirectory?.includes(",")) throw new RangeError(`--store ${storeDirectory}: there must be no comma in it`);
  // An empty list is no limit.
  if (allowedHosts.some((host) => host.split(",").includes(""))) throw new RangeError("--allow-net: name a host");
  if (values.out === "") throw new RangeError("--out: name a directory");
  return {
    help: false,
    options: {
      runtime,
      engine,
      storeDirectory,
      allowedHosts,
      targets: findTargets(values.target ?? [], runtime),
      outputDirectory: resolve(values.out ?? "binaries"),
      offline: values.offline ?? false,
    },
  };
}

interface BuildArguments {
  runtime?: string;
  target?: string[];
  out?: string;
  engine?: string;
  store?: string;
  "allow-net"?: string[];
  offline?: boolean;
  help?: boolean;
}

function parse(args: readonly string[]): BuildArguments {
  try {
    return parseArgs({
      args: [...args],
      options: {
        runtime: { type: "string" },
        target: { type: "string", multiple: true },
        out: { type: "string" },
        engine: { type: "string" },
        store: { type: "string" },
        "allow-net": { type: "string", multiple: true },
        offline: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new RangeError(error instanceof Error ? error.message : String(error));
  }
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new RangeError(`${option} ${value}: it is one of ${allowed.join(", ")}`);
  return found;
}

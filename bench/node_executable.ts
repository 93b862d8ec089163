/**
 * The program in Node's own single executable ("SEA"): bundled, made a blob, and put into a copy of Node.
 *
 * Node and the tool that puts the blob in are fetched from the npm registry into a scratch directory; nothing of this
 * project depends on them.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";

/** What Node looks for in its own file, as its documentation has it. */
const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/** Where the program comes from and where files are made. */
export interface NodeExecutableRequest {
  /** The version of Node. */
  readonly version: string;
  /** The checkout. */
  readonly projectDirectory: string;
  /** A directory of one's own. */
  readonly scratch: string;
}

/**
 * Builds one.
 *
 * @param request For which Node, and from what.
 * @returns The file.
 */
export function buildNodeExecutable({ version, projectDirectory, scratch }: NodeExecutableRequest): string {
  const directory = join(scratch, `node-${version}`);
  mkdirSync(directory);
  const node = fetchPackage(`node-linux-${process.arch}@${version}`, join(directory, "node"), "bin/node");
  const injector = fetchPackage("postject@1.0.0-alpha.6", join(directory, "postject"), "dist/cli.js");
  execFileSync("npm", ["install", "--silent", "--omit=dev", "--no-save"], { cwd: dirname(dirname(injector)) });
  const bundle = bundleProgram(projectDirectory, directory);
  const [blob, settings] = [join(directory, "program.blob"), join(directory, "settings.json")];
  writeFileSync(
    settings,
    JSON.stringify({ main: bundle, output: blob, disableExperimentalSEAWarning: true, useCodeCache: true }),
  );
  execFileSync(node, ["--experimental-sea-config", settings], { stdio: "pipe" });
  const program = join(directory, "holdfast");
  copyFileSync(node, program);
  chmodSync(program, 0o755);
  // Its symbols are of no use to anybody here; behind the injection it would be too late.
  execFileSync("strip", [program]);
  execFileSync(node, [injector, program, "NODE_SEA_BLOB", blob, "--sentinel-fuse", fuse], { stdio: "pipe" });
  return program;
}

function fetchPackage(name: string, directory: string, path: string): string {
  mkdirSync(directory);
  const archive = execFileSync("npm", ["pack", "--silent", name], { cwd: directory, encoding: "utf8" }).trim();
  execFileSync("tar", ["-xzf", archive.split("\n").at(-1) ?? archive], { cwd: directory });
  return join(directory, "package", path);
}

/** A script of the old kind, which is what an executable takes on Node 20: it has no `await` at its top. */
function bundleProgram(projectDirectory: string, directory: string): string {
  const entry = join(projectDirectory, "src/cli/main.ts");
  const source = readFileSync(entry, "utf8").replace(/^#!.*\n/, "");
  const importsEnd = source.lastIndexOf('";\n', source.indexOf("\nconst ")) + 3;
  const imports = source.slice(0, importsEnd)
    .replaceAll(/"(\.[^"]*)"/g, (_, path: string) => JSON.stringify(resolve(dirname(entry), path)));
  const [wrapped, bundle] = [join(directory, "main.ts"), join(directory, "main.cjs")];
  writeFileSync(wrapped, `${imports}\nvoid (async () => {\n${source.slice(importsEnd)}\n})();\n`);
  execFileSync(join(projectDirectory, "node_modules/.bin/esbuild"), [
    wrapped,
    "--bundle",
    "--minify",
    "--platform=node",
    "--target=node20",
    "--format=cjs",
    // In such an executable only require() finds what Node itself has.
    "--supported:dynamic-import=false",
    "--log-level=error",
    `--outfile=${bundle}`,
  ]);
  return bundle;
}

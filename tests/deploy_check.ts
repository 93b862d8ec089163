/**
 * `npm run deploy:check`: the Deno entry files under `deploy/`, for real, with a checkout of denoland/std in place of JSR.
 *
 * `HOLDFAST_STD=DIR` names the checkout. The import map is made in a temporary folder and never in the project. Without
 * the variable it says that it was skipped, and why, and ends with 0: JSR is not reachable from every machine.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { projectDirectory } from "./runner/project_files.ts";

const deno = join(projectDirectory, "node_modules/.bin/deno");
const entryFiles = readdirSync(join(projectDirectory, "deploy"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => join(projectDirectory, "deploy", path))
  .filter((path) => /from "@std\//.test(readFileSync(path, "utf8")));

function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  return execFileSync(deno, args, {
    cwd: projectDirectory,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", ...environment },
  });
}

/** Every module that the packages of a checkout export, by the name that programs import it by. */
function importMapOf(standardDirectory: string): Record<string, string> {
  const imports: Record<string, string> = {};
  for (const folder of readdirSync(standardDirectory, { withFileTypes: true })) {
    const settingsPath = join(standardDirectory, folder.name, "deno.json");
    if (!folder.isDirectory() || !existsSync(settingsPath)) continue;
    const settings: unknown = JSON.parse(readFileSync(settingsPath, "utf8"));
    if (typeof settings !== "object" || settings === null || !("name" in settings) || !("exports" in settings)) {
      continue;
    }
    const { name, exports } = settings;
    if (typeof exports === "string") imports[`${name}`] = fileAddress(standardDirectory, folder.name, exports);
    if (typeof exports !== "object" || exports === null) continue;
    for (const [key, path] of Object.entries(exports)) {
      imports[`${name}${key.slice(1)}`] = fileAddress(standardDirectory, folder.name, String(path));
    }
  }
  return imports;
}

function fileAddress(...parts: string[]): string {
  return pathToFileURL(join(...parts)).href;
}

/** Checks the types of each entry file, shows its help, and builds. */
function checkEntryFiles(standardDirectory: string, scratch: string): void {
  const map = join(scratch, "import_map.json");
  writeFileSync(map, JSON.stringify({ imports: importMapOf(standardDirectory) }));
  const settings = [`--import-map=${map}`, "--no-lock"];
  for (const path of entryFiles) {
    run(["check", ...settings, path]);
    if (!run(["run", "-A", ...settings, path, "--help"]).includes("--help")) throw new Error(`${path} has no --help`);
    console.log(`ok  ${path.slice(projectDirectory.length + 1)}: types, --help`);
  }
  const build = ["run", "-A", ...settings, join(projectDirectory, "deploy/build.ts"), `--out=${scratch}/binaries`];
  const printed = run([...build, "--runtime=bun", "--target=linux-x64", "--target=linux-arm64"]);
  console.log(printed.trimEnd().replace(/^/gm, "    "));
  console.log("ok  deploy/build.ts --runtime bun builds, and the program for this machine runs");
}

const { HOLDFAST_STD: standard } = process.env;
const names = entryFiles.map((path) => path.slice(projectDirectory.length + 1)).join(", ");
if (standard === undefined || standard === "") {
  console.log(`skipped: ${names} import @std from JSR, which not every machine can reach.`);
  console.log("To run them, name a checkout of denoland/std: HOLDFAST_STD=DIR npm run deploy:check");
} else {
  const directory = resolve(standard);
  if (!existsSync(join(directory, "fs/deno.json"))) {
    throw new Error(`HOLDFAST_STD=${standard} is no checkout of denoland/std`);
  }
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-deploy-"));
  try {
    checkEntryFiles(directory, scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

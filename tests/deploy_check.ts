/**
 * `npm run deploy:check`: the Deno entry files under `deploy/`, for real, with a checkout of denoland/std in place of JSR.
 *
 * Checks their types and help, talks to the agent, and builds: the checksums and bills have to fit what was built.
 * `HOLDFAST_STD=DIR` names the checkout. The import map is made in a temporary folder and never in the project. Without
 * the variable it says that it was skipped, and why, and ends with 0: JSR is not reachable from every machine.
 *
 * @module
 */

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { PretendModel, sensorCall, words } from "./deploy/pretend_model.ts";
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

/** What a build wrote beside its files says what is in them. */
function checkPapers(directory: string, fileCount: number): void {
  execFileSync("sha256sum", ["--check", "--quiet", "--strict", "SHA256SUMS"], { cwd: directory, stdio: "pipe" });
  const lines = readFileSync(join(directory, "SHA256SUMS"), "utf8").trimEnd().split("\n");
  assert.equal(lines.length, fileCount, lines.join("\n"));
  for (const line of lines) {
    const [sha256, name] = line.split("  ");
    const bill = JSON.parse(readFileSync(join(directory, `${name}.cdx.json`), "utf8"));
    assert.equal(bill.bomFormat, "CycloneDX");
    assert.equal(bill.metadata.component.name, name);
    assert.deepEqual(bill.metadata.component.hashes, [{ alg: "SHA-256", content: sha256 }]);
  }
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

/** Has a conversation with the agent's entry file for Deno: a question that takes the sensor, half an answer, another. */
async function talkToAgent(settings: readonly string[], scratch: string): Promise<void> {
  const model = await PretendModel.start((_, number) =>
    number === 0
      ? sensorCall("c1")
      : number === 2
      ? { ...words("It is "), ending: "cut" }
      : words(number === 1 ? "It is 20.5 °C." : "Well.")
  );
  const sensor = join(scratch, "temperature");
  writeFileSync(sensor, "20500\n");
  const rights = ["--allow-net", "--allow-env", "--allow-read", "--allow-write"];
  const where = [`--dir=${join(scratch, "sessions")}`, `--url=${model.url}`, `--sensor=${sensor}`];
  const entry = join(projectDirectory, "deploy/agent/main.ts");
  const child = spawn(deno, ["run", ...rights, ...settings, entry, ...where], {
    env: { ...process.env, NO_COLOR: "1" },
  });
  let [said, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => said += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors += text);
  child.stdin.end("How warm is it?\nAnd now?\nAnd then?\n");
  const code = await new Promise((resolve) => child.once("close", resolve));
  await model.stop();
  assert.equal(code, 0, errors);
  assert.equal(said, "It is 20.5 °C.\nIt is \nWell.\n", errors);
  assert.match(errors, /nothing of this turn was kept, ask again/);
  console.log("ok  deploy/agent/main.ts answers with its sensor, and goes on behind half an answer");
}

/** Checks the types of each entry file, shows its help, and builds. */
async function checkEntryFiles(standardDirectory: string, scratch: string): Promise<void> {
  const map = join(scratch, "import_map.json");
  writeFileSync(map, JSON.stringify({ imports: importMapOf(standardDirectory) }));
  const settings = [`--import-map=${map}`, "--no-lock"];
  for (const path of entryFiles) {
    run(["check", ...settings, path]);
    if (!run(["run", "-A", ...settings, path, "--help"]).includes("--help")) throw new Error(`${path} has no --help`);
    console.log(`ok  ${path.slice(projectDirectory.length + 1)}: types, --help`);
  }
  await talkToAgent(settings, scratch);
  const binaries = join(scratch, "binaries");
  const build = ["run", "-A", ...settings, join(projectDirectory, "deploy/build.ts"), `--out=${binaries}`];
  const printed = run([...build, "--runtime=bun", "--target=linux-x64", "--target=linux-arm64"]);
  console.log(printed.trimEnd().replace(/^/gm, "    "));
  console.log("ok  deploy/build.ts --runtime bun builds, and the program for this machine runs");
  checkPapers(binaries, 2);
  console.log("ok  SHA256SUMS and the bills fit the files");
  const wrong = spawnSync(deno, [...build, "--bogus"], { cwd: projectDirectory, encoding: "utf8" });
  assert.equal(wrong.status, 2, wrong.stdout + wrong.stderr);
  assert.match(wrong.stdout + wrong.stderr, /--bogus/);
  console.log("ok  deploy/build.ts refuses an option that it does not know, with exit code 2");
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
    await checkEntryFiles(directory, scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

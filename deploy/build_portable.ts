/**
 * The build of `build.ts` on Node, for machines that cannot reach JSR: `npm run compile -- --help`.
 *
 * @module
 */

import { spawn } from "node:child_process";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { readBuildRequest } from "./build/build_options.ts";
import type { BuildHost, CommandEnd } from "./build/build_program.ts";
import { hasMusl } from "./build/build_targets.ts";
import { runBuild } from "./build/run_build.ts";

const projectDirectory = fileURLToPath(new URL("..", import.meta.url));
const inProject = (path: string): string => resolve(projectDirectory, path);

function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandEnd> {
  const local = inProject(`node_modules/.bin/${program}`);
  const child = spawn(existsSync(local) ? local : program, args, {
    cwd: projectDirectory,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => output += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => output += text);
  return new Promise((done, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") done({ exitCode: 127, output: `${program}: not found` });
      else reject(error);
    });
    child.once("close", (exitCode) => done({ exitCode: exitCode ?? 1, output }));
  });
}

const host: BuildHost = {
  run,
  emptyDirectory: async (path) => {
    rmSync(inProject(path), { recursive: true, force: true });
    mkdirSync(inProject(path), { recursive: true });
  },
  removeDirectory: async (path) => rmSync(inProject(path), { recursive: true }),
  rename: async (from, to) => renameSync(inProject(from), inProject(to)),
  readBytes: (path) => createReadStream(inProject(path)),
  readText: async (path) => existsSync(inProject(path)) ? readFileSync(inProject(path), "utf8") : null,
  writeText: async (path, text) => writeFileSync(inProject(path), text),
  sizeBytesOf: async (path) => statSync(inProject(path), { throwIfNoEntry: false })?.size ?? null,
  print: (line) => console.log(line),
  variable: (name) => process.env[name] ?? null,
  platform: process.platform,
  architecture: process.arch,
  isMusl: hasMusl(existsSync),
};

process.exitCode = await runBuild(() => readBuildRequest(process.argv.slice(2)), host);

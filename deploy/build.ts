/**
 * Builds the program as one file for other machines: `deno run -A deploy/build.ts --help`.
 *
 * The Deno side of the build: files through `@std/fs`, the compilers' output through `@std/streams`. What it does is in
 * `deploy/build/`, which knows neither; `build_portable.ts` does the same on Node.
 *
 * @module
 */

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { emptyDir } from "@std/fs/empty-dir";
import { exists } from "@std/fs/exists";
import { mergeReadableStreams, TextLineStream } from "@std/streams";
import { readBuildRequest } from "./build/build_options.ts";
import { type BuildHost, type CommandEnd } from "./build/build_program.ts";
import { runBuild } from "./build/run_build.ts";

const projectDirectory = fileURLToPath(new URL("..", import.meta.url));
const inProject = (path: string): string => resolve(projectDirectory, path);

async function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<CommandEnd> {
  const child = new Deno.Command(programPath(program), {
    args: [...args],
    cwd: projectDirectory,
    env: environment,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  const output = mergeReadableStreams(child.stdout, child.stderr).pipeThrough(new TextDecoderStream());
  for await (const line of output.pipeThrough(new TextLineStream())) lines.push(line);
  return { exitCode: (await child.status).code, output: lines.join("\n") };
}

/** Deno packs itself; Bun is the one that `npm ci` brought, or the system's. */
function programPath(program: string): string {
  if (program === "deno") return Deno.execPath();
  if (program !== "bun") return program;
  const local = inProject("node_modules/.bin/bun");
  try {
    Deno.statSync(local);
    return local;
  } catch {
    return program;
  }
}

const host: BuildHost = {
  run: async (program, args, environment = {}) => {
    try {
      return await run(program, args, environment);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return { exitCode: 127, output: `${program}: not found` };
      throw error;
    }
  },
  emptyDirectory: (path) => emptyDir(inProject(path)),
  removeDirectory: (path) => Deno.remove(inProject(path), { recursive: true }),
  // Not `move` of @std/fs, which removes the old file before it renames.
  rename: (from, to) => Deno.rename(inProject(from), inProject(to)),
  readBytes: async function* (path) {
    using file = await Deno.open(inProject(path), { read: true });
    yield* file.readable.values({ preventCancel: true });
  },
  readText: async (path) => await exists(inProject(path)) ? await Deno.readTextFile(inProject(path)) : null,
  writeText: (path, text) => Deno.writeTextFile(inProject(path), text),
  sizeBytesOf: async (path) => await exists(inProject(path)) ? (await Deno.stat(inProject(path))).size : null,
  print: (line) => console.log(line),
  variable: (name) => Deno.env.get(name) ?? null,
  platform: Deno.build.os,
  architecture: Deno.build.arch === "x86_64" ? "x64" : "arm64",
  // Deno is not built for it.
  isMusl: false,
};

if (import.meta.main) Deno.exit(await runBuild(() => readBuildRequest(Deno.args), host));

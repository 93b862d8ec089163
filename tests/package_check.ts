/**
 * `npm run pack:check`: packs the package, looks at what is in it, installs it into an empty project without a network,
 * and uses it there: as a module on Node, Deno and Bun, as types, and as a program.
 *
 * @module
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { listProjectFiles, projectDirectory } from "./runner/project_files.ts";

const allowedPaths = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|src\/FORMAT\.md|src\/sink\/LAYOUT\.md)$/,
  /^dist\/(mod|src\/[a-z0-9_/]+)\.(js|d\.ts)$/,
];
const requiredPaths = ["package.json", "README.md", "LICENSE", "CHANGELOG.md", "src/FORMAT.md", "src/sink/LAYOUT.md"];
/** Packages that are loaded when they are used, if somebody has installed them. */
const optionalPeers = ["s3mini"];

/** A program of somebody who installed the package. */
const useSource = `
import assert from "node:assert/strict";
import { openStore } from "holdfast";
import { openAgentMemory } from "holdfast/agent-memory";
import { openSink } from "holdfast/sink";
import * as testing from "holdfast/testing";
import { openTranscript } from "holdfast/transcript";

const directory = process.argv[2];
const store = await openStore(directory);
const session = await store.session("telegram:123");
assert.equal((await session.append({ role: "user", content: "hi" })).sequence, 0);
assert.equal((await session.append({ role: "assistant", content: "hello" })).sequence, 1);
const transcript = openTranscript(await store.session("agent"));
assert.equal((await transcript.appendMessage({ role: "user", content: "hi" }, { id: "m1" })).duplicate, false);
assert.equal((await transcript.appendMessage({ role: "user", content: "hi" }, { id: "m1" })).duplicate, true);
await store.close();

const memory = await openAgentMemory(directory);
await memory.addMessage("loop", "user", "hi");
assert.equal((await memory.getHistory("loop")).length, 1);
assert.deepEqual(await memory.close(), { error: null });

const again = await openStore(directory, { readOnly: true });
const history = await (await again.session("telegram:123")).history();
assert.deepEqual(history, [{ role: "user", content: "hi" }, { role: "assistant", content: "hello" }]);
await again.close();
assert.ok(Object.keys(testing).length > 0);
assert.equal(typeof openSink, "function");
console.log("appended and read");
`;

/** The same, as the types see it. */
const typedSource = `
import { HoldfastError, openStore, type Session, type SessionStore, type StoreOptions } from "holdfast";

export async function run(options: StoreOptions): Promise<number> {
  await using store: SessionStore = await openStore("sessions", options);
  const session: Session = await store.session("key");
  try {
    const { sequence } = await session.append({ role: "user" });
    for await (const { sequence: at, record } of session.records()) console.log(at satisfies number, record);
    return sequence;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "locked") return -1;
    throw error;
  }
}

// @ts-expect-error A store is opened in a directory.
export const wrong = openStore(42);
`;

const typedSettings = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  target: "ES2022",
  lib: ["ES2022", "ESNext.Disposable"],
  types: ["node"],
};

function run(program: string, args: string[], directory: string, input = ""): string {
  const { NODE_OPTIONS: _, ...environment } = process.env;
  try {
    return execFileSync(program, args, {
      cwd: directory,
      encoding: "utf8",
      input,
      stdio: "pipe",
      env: { ...environment, NO_COLOR: "1", npm_config_loglevel: "error" },
    });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(" ")} failed\n${stdout}${stderr}`, { cause: error });
  }
}

function step<T>(title: string, work: () => T): T {
  const begun = performance.now();
  const result = work();
  console.log(`ok  ${title}  (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  return result;
}

function pack(directory: string): string {
  run("npm", ["pack", "--pack-destination", directory], projectDirectory);
  const packed = readdirSync(directory).filter((name) => name.endsWith(".tgz"));
  assert.equal(packed.length, 1);
  return join(directory, packed[0] ?? "");
}

/** The tarball holds the compiled modules, the papers, and nothing else. */
function checkContents(tarball: string): void {
  const paths = run("tar", ["-tzf", tarball], projectDirectory).trim().split("\n")
    .map((path) => path.replace(/^package\//, "")).sort();
  for (const path of paths) {
    assert.ok(allowedPaths.some((pattern) => pattern.test(path)), `${path} has no business in the package`);
  }
  for (const path of requiredPaths) assert.ok(paths.includes(path), `${path} is missing in the package`);
  const modules = listProjectFiles(["mod.ts", "src"], ".ts").map((path) => `dist/${path.slice(0, -3)}`);
  const compiled = modules.flatMap((stem) => [`${stem}.d.ts`, `${stem}.js`]).sort();
  assert.deepEqual(paths.filter((path) => path.startsWith("dist/")).sort(), compiled);
  console.log(`    ${paths.length} files`);
}

/** Nothing is installed besides, nothing runs at installation, and every name leads to a file. */
function checkManifest(installed: string): void {
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  for (const field of ["dependencies", "optionalDependencies"]) {
    assert.deepEqual(Object.keys(manifest[field] ?? {}), [], field);
  }
  assert.deepEqual(Object.keys(manifest.peerDependencies), optionalPeers);
  for (const name of optionalPeers) assert.equal(manifest.peerDependenciesMeta[name].optional, true, name);
  for (const script of ["preinstall", "install", "postinstall"]) assert.equal(manifest.scripts?.[script], undefined);
  const targets = [...Object.values(manifest.bin), ...Object.values(manifest.exports)]
    .flatMap((target) => typeof target === "string" ? [target] : Object.values(target as Record<string, string>));
  for (const target of targets) assert.ok(readFileSync(join(installed, target)).length > 0, target);
}

/** Relative imports name the compiled files; nothing else is imported but what every runtime has. */
function checkImports(installed: string): void {
  const names = readdirSync(join(installed, "dist"), { recursive: true, encoding: "utf8" });
  for (const name of names.filter((one) => /\.(js|d\.ts)$/.test(one))) {
    const text = readFileSync(join(installed, "dist", name), "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    for (const [, specifier = ""] of text.matchAll(/(?:\bfrom|\bimport)(?:\s*\(\s*|\s+)"([^"]+)"/g)) {
      if (specifier.startsWith("node:") || optionalPeers.includes(specifier)) continue;
      assert.match(specifier, /^\.\.?\/.*\.js$/, name);
      const target = name.endsWith(".js") ? specifier : specifier.replace(/js$/, "d.ts");
      readFileSync(join(installed, "dist", dirname(name), target));
    }
  }
}

function checkTypes(project: string): void {
  writeFileSync(join(project, "typed.ts"), typedSource);
  for (const [module, moduleResolution] of [["NodeNext", "NodeNext"], ["ESNext", "Bundler"]]) {
    const typeRoots = [join(projectDirectory, "node_modules", "@types")];
    const compilerOptions = { ...typedSettings, typeRoots, module, moduleResolution };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["typed.ts"] }));
    run(join(projectDirectory, "node_modules", ".bin", "tsc"), ["-p", "."], project);
  }
}

function checkProgram(project: string): void {
  const holdfast = (args: string[], input = ""): string =>
    run("npx", ["--no-install", "holdfast", ...args], project, input);
  assert.match(holdfast(["--help"]), /append/);
  const directory = join(project, "from the program");
  assert.equal(holdfast(["append", "k", "--dir", directory], '{"n":12345678901234567890}\n{"b":2}\n').trim(), "0\n1");
  assert.match(holdfast(["show", "k", "--dir", directory, "--json"]), /"record":\{"n":12345678901234567890\}/);
}

const temporaryDirectory = mkdtempSync(join(tmpdir(), "holdfast-package-"));
try {
  const project = join(temporaryDirectory, "empty project");
  const installed = join(project, "node_modules", "holdfast");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const tarball = step("builds and packs", () => pack(temporaryDirectory));
  step("holds what a user needs and nothing else", () => checkContents(tarball));
  step("installs offline into an empty project", () => run("npm", ["install", "--offline", tarball], project));
  step("every name in its manifest leads to a file", () => checkManifest(installed));
  step("its modules import one another and the runtime only", () => checkImports(installed));
  writeFileSync(join(project, "use.js"), useSource);
  for (
    const [title, program, args] of [
      ["Node", process.execPath, []],
      ["Deno", join(projectDirectory, "node_modules/.bin/deno"), ["run", "--allow-all", "--no-lock"]],
      ["Bun", join(projectDirectory, "node_modules/.bin/bun"), []],
    ] as const
  ) {
    const directory = join(project, `sessions ${title}`);
    step(`appends and reads on ${title}`, () => run(program, [...args, "use.js", directory], project));
  }
  step("its types serve a strict TypeScript program", () => checkTypes(project));
  step("its program runs", () => checkProgram(project));
  console.log("The package is whole.");
} finally {
  rmSync(temporaryDirectory, { recursive: true, force: true });
}

/**
 * What `npm test` runs, part by part.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { listProjectFiles, projectDirectory } from "./project_files.ts";
import type { Command } from "./run_command.ts";

/** One part. */
export interface ProjectCheck {
  /** What is printed. */
  title: string;
  /** What `--only` calls it. */
  group: "static" | "node" | "deno" | "bun";
  /** What to run. */
  command: Command;
  /** Where the runner of a test suite leaves its report. */
  junitPath?: string;
}

// The other files under deploy/ import @std, which not every machine can reach: `npm run deploy:check`.
const sourceRoots = [
  "mod.ts",
  "src",
  "tests",
  "bench",
  "deploy/build",
  "deploy/build_portable.ts",
  "deploy/build_package.ts",
  "deploy/package",
  "deploy/agent/main_portable.ts",
];
const minuteMs = 60_000;

function binary(name: string): string {
  return join(projectDirectory, "node_modules", ".bin", name);
}

function existing(paths: readonly string[]): string[] {
  return paths.filter((path) => existsSync(join(projectDirectory, path)));
}

/** The modules that `deno.json` exports: what the documentation lint looks at. */
function entryPoints(): string[] {
  const settings: unknown = JSON.parse(readFileSync(join(projectDirectory, "deno.json"), "utf8"));
  if (typeof settings !== "object" || settings === null || !("exports" in settings)) return [];
  const exported = settings.exports;
  if (typeof exported !== "object" || exported === null) return [];
  return existing(Object.values(exported).filter((path) => typeof path === "string"));
}

/**
 * The checks that run no test: format, lint, types on both compilers, documentation, publishing, and the examples in
 * the documentation.
 *
 * @param scratchDirectory Where the examples may write.
 * @returns The checks, the slow ones first.
 */
export function staticChecks(scratchDirectory: string): ProjectCheck[] {
  const check = (title: string, program: string, args: string[], directory?: string): ProjectCheck => ({
    title,
    group: "static",
    command: {
      program: binary(program),
      args,
      timeoutMs: 5 * minuteMs,
      ...(directory === undefined ? {} : { directory }),
    },
  });
  const documented = existing(["mod.ts", "src", "README.md"]).map((path) => join(projectDirectory, path));
  const settings = ["--config", join(projectDirectory, "deno.json")];
  return [
    check("types (Deno)", "deno", ["check", ...listProjectFiles(sourceRoots, ".ts")]),
    check("types (TypeScript)", "tsc", ["-p", "tsconfig.json"]),
    check("examples", "deno", ["test", "-A", "--doc", ...settings, ...documented], scratchDirectory),
    check("publishing", "deno", ["publish", "--dry-run", "--allow-dirty"]),
    check("documentation", "deno", ["doc", "--lint", ...entryPoints()]),
    check("lint", "deno", ["lint", ...existing([...sourceRoots, "deploy"])]),
    check("format", "deno", ["fmt", "--check", ...existing(["deno.json", ...sourceRoots, "deploy"])]),
  ];
}

/**
 * The whole suite on each runtime.
 *
 * @param reportDirectory Where the runners leave their reports.
 * @param filters Only test files whose path contains one of these; none: all.
 * @returns One check per runtime.
 */
export function suiteChecks(reportDirectory: string, filters: readonly string[]): ProjectCheck[] {
  const files = listProjectFiles(["tests"], "_test.ts").filter((path) =>
    filters.length === 0 || filters.some((filter) => path.includes(filter))
  );
  const suite = (
    title: string,
    group: "node" | "deno" | "bun",
    program: string,
    args: (junitPath: string) => string[],
  ): ProjectCheck => {
    const junitPath = join(reportDirectory, `${group}.xml`);
    const command: Command = { program, args: args(junitPath), timeoutMs: 40 * minuteMs };
    return { title, group, command: { ...command, environment: { DENO_JOBS: "2" } }, junitPath };
  };
  return [
    suite(`suite on Node ${process.versions.node}`, "node", process.execPath, (junitPath) => [
      "--import=tsx",
      `--import=${new URL("untracked_promises.ts", import.meta.url).href}`,
      "--test",
      "--test-concurrency=2",
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      "--test-reporter=junit",
      `--test-reporter-destination=${junitPath}`,
      ...files,
    ]),
    suite("suite on Deno", "deno", binary("deno"), (junitPath) => [
      "test",
      "--allow-all",
      "--no-check",
      "--parallel",
      `--junit-path=${junitPath}`,
      ...files,
    ]),
    suite("suite on Bun", "bun", binary("bun"), (junitPath) => [
      "test",
      "--timeout=300000",
      "--reporter=junit",
      `--reporter-outfile=${junitPath}`,
      ...files.map((path) => `./${path}`),
    ]),
  ];
}

/** The lines with which each runner closes. */
const closingPatterns: Record<string, RegExp> = {
  node: /^ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /,
  deno: /^(ok|FAILED) \| \d+ passed/,
  bun: /^ +\d+ (pass|fail|skip|todo)$|^Ran \d+ tests? /,
};

/**
 * Finds the lines with which a runner sums up.
 *
 * @param group Which runner.
 * @param output All that it printed.
 * @returns The lines as they are.
 */
export function closingLines(group: string, output: string): string[] {
  const pattern = closingPatterns[group];
  return pattern === undefined ? [] : output.split("\n").filter((line) => pattern.test(line));
}

/**
 * Leaves out what one tool is known to say for nothing: `deno doc --lint` looks for the parts of `@types/node` as if
 * they were packages.
 *
 * @param output All that a command printed.
 * @returns The lines that tell something.
 */
export function withoutKnownNoise(output: string): string {
  const noise = /^Warning Failed resolving types\. .*@types\/node|^ +at file:.*\/@types\/node\//;
  return output.split("\n").filter((line) => !noise.test(line)).join("\n");
}

/**
 * Leaves out the tests that passed and the files that had nothing else: Bun says what failed where it failed, between
 * thousands of those.
 *
 * @param output All that a test runner printed.
 * @returns What a failure is looked for in; the whole stands in the file beside it.
 */
export function withoutPassedTests(output: string): string {
  const kept = output.split("\n").filter((line) => !/^\(pass\) |^✔ |^\S.* \.\.\. .*\bok\b.* \(\d+/.test(line));
  return kept.filter((line, index) => line !== "" || kept[index - 1] !== "")
    .filter((line, index, lines) => !/^\S+_test\.ts:$/.test(line) || !/^(\S+_test\.ts:)?$/.test(lines[index + 1] ?? ""))
    .join("\n");
}

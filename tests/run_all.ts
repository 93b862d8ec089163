/**
 * `npm test`: every check of the project by one command, two at a time.
 *
 * `--only static|node|deno|bun|types|…` runs the parts whose group or title begins so; further arguments choose test
 * files by a part of their path. With `CI=true` a test may only be skipped if `tests/allowed_skips.txt` lists it.
 *
 * @module
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { parseJunitReport, type TestReport } from "./runner/junit_report.ts";
import {
  closingLines,
  type ProjectCheck,
  staticChecks,
  suiteChecks,
  withoutKnownNoise,
  withoutPassedTests,
} from "./runner/project_checks.ts";
import { projectDirectory } from "./runner/project_files.ts";
import { type CommandResult, killRunningCommands, runCommand } from "./runner/run_command.ts";
import { type AllowedSkip, findAllowedSkip, parseSkipList } from "./runner/skip_list.ts";

/** A check that was run. */
interface Finished {
  check: ProjectCheck;
  result: CommandResult;
  report: TestReport | undefined;
  problems: string[];
}

const failureLinesMax = 200;
const strict = process.env.CI === "true";

function seconds(elapsedMs: number): string {
  return `${(elapsedMs / 1000).toFixed(1)} s`;
}

/** What is wrong with a check's outcome, in one line each; nothing if all is well. */
function findProblems(check: ProjectCheck, result: CommandResult, report: TestReport | undefined): string[] {
  const problems: string[] = [];
  if (!result.ok) problems.push(result.ending);
  if (check.junitPath === undefined) return problems;
  if (report === undefined) return [...problems, "the runner left no report"];
  for (const title of report.failed) problems.push(`failed: ${title}`);
  if (report.passed + report.failed.length === 0) problems.push("no test was run");
  return problems;
}

async function runCheck(check: ProjectCheck): Promise<Finished> {
  const result = await runCommand(check.command);
  const { junitPath } = check;
  const report = junitPath !== undefined && existsSync(junitPath)
    ? parseJunitReport(readFileSync(junitPath, "utf8"))
    : undefined;
  const problems = findProblems(check, result, report);
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"}  ${check.title}  (${seconds(result.elapsedMs)})`);
  return { check, result, report, problems };
}

/** Runs the checks in their order, two at a time. */
async function runChecks(checks: readonly ProjectCheck[]): Promise<Finished[]> {
  const finished: Finished[] = [];
  const waiting = [...checks];
  const work = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      finished.push(await runCheck(check));
    }
  };
  await Promise.all([work(), work()]);
  return checks.flatMap((check) => finished.filter((one) => one.check === check));
}

function printFailure({ check, result, problems }: Finished, logDirectory: string): void {
  const output = withoutKnownNoise(result.output).trimEnd();
  const logPath = join(logDirectory, `${check.title.replace(/[^\w.]+/g, "_")}.txt`);
  writeFileSync(logPath, output + "\n");
  const lines = withoutPassedTests(output).split("\n");
  console.log(`\n--- ${check.title}: ${problems[0]} (all of it: ${logPath})`);
  console.log(lines.slice(-failureLinesMax).join("\n"));
}

/** Prints every skip with its reason; returns those that may not be, where that matters. */
function reportSkips(finished: readonly Finished[], list: readonly AllowedSkip[]): string[] {
  const skips = finished.flatMap(({ check, report }) => (report?.skipped ?? []).map((test) => ({ check, test })));
  const forbidden: string[] = [];
  for (const { check, test } of skips) {
    const allowed = findAllowedSkip([...list], check.group, test);
    const elsewhere = skips.find((other) => other.test.title === test.title && other.test.reason !== "");
    const reason = test.reason || elsewhere?.test.reason || allowed?.reason || "no reason given";
    console.log(`skipped on ${check.group}: ${test.title} (${reason})`);
    if (strict && allowed === undefined) forbidden.push(`skipped on ${check.group}, and not listed: ${test.title}`);
  }
  return forbidden;
}

function printSummary(finished: readonly Finished[], skipProblems: readonly string[], elapsedMs: number): void {
  console.log();
  const width = Math.max(...finished.map(({ check }) => check.title.length));
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { check, result, report, problems } of finished) {
    const tests = report === undefined
      ? ""
      : `  ${report.passed} passed, ${report.failed.length} failed, ${report.skipped.length} skipped`;
    sum.passed += report?.passed ?? 0;
    sum.failed += report?.failed.length ?? 0;
    sum.skipped += report?.skipped.length ?? 0;
    const verdict = problems.length === 0 ? "ok  " : "FAIL";
    console.log(`${verdict}  ${check.title.padEnd(width)}  ${seconds(result.elapsedMs).padStart(8)}${tests}`);
  }
  for (const { check, result } of finished) {
    const lines = closingLines(check.group, check.junitPath === undefined ? "" : result.output);
    if (lines.length > 0) console.log(`\n${check.title}\n${lines.join("\n")}`);
  }
  console.log();
  for (const { check, problems } of finished) {
    for (const problem of problems) console.log(`FAIL  ${check.title}: ${problem}`);
  }
  for (const problem of skipProblems) console.log(`FAIL  ${problem}`);
  const failedChecks = finished.filter(({ problems }) => problems.length > 0).length;
  console.log(
    `${finished.length - failedChecks} checks passed, ${failedChecks} failed; ` +
      `${sum.passed} tests passed, ${sum.failed} failed, ${sum.skipped} skipped; ${seconds(elapsedMs)}`,
  );
}

function chooseChecks(temporaryDirectory: string): ProjectCheck[] {
  const { values, positionals } = parseArgs({
    options: { only: { type: "string", multiple: true } },
    allowPositionals: true,
  });
  const checks = [...staticChecks(temporaryDirectory), ...suiteChecks(temporaryDirectory, positionals)];
  const { only } = values;
  if (only === undefined) return checks;
  const chosen = checks.filter(({ group, title }) => only.some((name) => group === name || title.startsWith(name)));
  if (chosen.length === 0) throw new RangeError(`No check is called ${only.join(" or ")}`);
  return chosen;
}

async function main(): Promise<number> {
  const begun = performance.now();
  const temporaryDirectory = mkdtempSync(join(tmpdir(), "holdfast-checks-"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      killRunningCommands();
      process.exit(1);
    });
  }
  const finished = await runChecks(chooseChecks(temporaryDirectory));
  const failed = finished.filter(({ problems }) => problems.length > 0);
  for (const one of failed) printFailure(one, temporaryDirectory);
  console.log();
  const list = parseSkipList(readFileSync(join(projectDirectory, "tests/allowed_skips.txt"), "utf8"));
  const skipProblems = reportSkips(finished, list);
  printSummary(finished, skipProblems, performance.now() - begun);
  const ok = failed.length === 0 && skipProblems.length === 0;
  if (ok) rmSync(temporaryDirectory, { recursive: true, force: true });
  return ok ? 0 : 1;
}

process.exitCode = await main();

/**
 * What the design says of the source itself, held by a test: who imports whom, sizes, names, the one place that asks
 * which runtime it is, and that nothing is left open. The rules are in `tidy/`, each with a test that shows it bites.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { listProjectFiles, projectDirectory } from "./runner/project_files.ts";
import { type Finding, type ReadFile, readSource } from "./tidy/finding.ts";
import { findDeadFiles, findForbiddenImports, findHeavyCore, findRegistryImports } from "./tidy/import_rules.ts";
import {
  findForeignGuests,
  findLonelyTests,
  findLongFiles,
  findLongLines,
  findLooseEnds,
  findRuntimeQuestions,
  findUnexplainedModules,
  findUntestedFiles,
  findVagueNames,
  findWildcardExports,
} from "./tidy/text_rules.ts";

/** Where it all begins: what `deno.json` and `package.json` export, and the program. */
const entryPoints = [
  "mod.ts",
  "src/adapters/open_agent_memory.ts",
  "src/sink/mod.ts",
  "src/testing/mod.ts",
  "src/transcript/mod.ts",
  "src/cli/main.ts",
];

/** Files that are tested through others: a path, or the beginning of one up to a slash, and by which test. */
const testedElsewhere: Record<string, string> = {
  "src/adapters/": "tests/adapters/agent_memory_test.ts",
  "src/fs/": "tests/conformance/runtime_filesystem_test.ts",
  "src/testing/": "tests/conformance/simulated_filesystem_test.ts",
  "src/store/": "tests/store/session_test.ts",
  "src/torture/": "tests/crash/exhaustive_one_test.ts",
  "src/cli/torture_worker.ts": "tests/cli/torture_test.ts",
};

function readFiles(roots: string[]): ReadFile[] {
  return listProjectFiles(roots, ".ts").map((path) =>
    readSource({ path, text: readFileSync(join(projectDirectory, path), "utf8") })
  );
}

const sources = readFiles(["src"]);
const guestBook = readFiles(["mod.ts"]);
const core = [...guestBook, ...sources];
const tests = readFiles(["tests"]);
const benches = readFiles(["bench"]);
const deployment = readFiles(["deploy"]);

function assertNone(findings: Finding[]): void {
  assert.equal(findings.length, 0, `\n${findings.join("\n")}`);
}

test("tidy: imports point one way, and only src/fs imports node:fs", () => assertNone(findForbiddenImports(core)));

test("tidy: mod.ts loads neither testing nor torture nor a package", () => assertNone(findHeavyCore(core)));

test("tidy: every file of src is used", () => assertNone(findDeadFiles(core, entryPoints)));

test("tidy: packages from JSR are imported by the entry files under deploy/ only", () => {
  assertNone(findRegistryImports([...core, ...tests, ...benches, ...deployment]));
});

test("tidy: only src/fs/runtime_*.ts asks which runtime it is", () => assertNone(findRuntimeQuestions(core)));

test("tidy: no file of src is longer than 400 lines, no line than 120 characters", () => {
  assertNone([...findLongFiles(core), ...findLongLines(core)]);
});

test("tidy: files are called by what is in them", () => assertNone(findVagueNames(sources)));

test("tidy: every module of src says what it is for", () => assertNone(findUnexplainedModules(core)));

test("tidy: mod.ts is a guest book", () => {
  assert.equal(guestBook.length, 1);
  assertNone([...guestBook.flatMap(findForeignGuests), ...findWildcardExports(core)]);
});

test("tidy: nothing is left open, nothing hides from the compiler", () => assertNone(findLooseEnds(core)));

test("tidy: no test runs alone or is skipped without a reason", () => assertNone(findLonelyTests(tests)));

test("tidy: every file of src with logic in it has a test", () => {
  assertNone(findUntestedFiles(sources, tests, testedElsewhere));
});

/**
 * Every counterexample that broke an earlier draft of the format is a test: which one is where, and which come with what
 * is not built yet.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listProjectFiles, projectDirectory } from "./runner/project_files.ts";

/** All there are: letter and highest number. */
const caseCounts = { A: 7, B: 9, C: 14, H: 15 };

const logTail = "tests/log/unsealed_tail_test.ts";
const logRecovery = "tests/log/log_recovery_test.ts";
const appends = "tests/format_review/append_cases_test.ts";
const rewrites = "tests/format_review/rewrite_cases_test.ts";
const fills = "tests/format_review/fill_cases_test.ts";
const crashWindows = "tests/interop/picoclaw_crash_windows_test.ts";

/** The file in which a case is tested at the least; a title there names it. */
const testedIn: Record<string, string> = {
  A1: logTail,
  A2: logTail,
  A3: appends,
  A4: logTail,
  A5: crashWindows,
  A6: crashWindows,
  A7: crashWindows,
  B1: rewrites,
  B2: rewrites,
  B3: rewrites,
  B4: rewrites,
  B5: rewrites,
  B6: appends,
  B7: "tests/interop/picoclaw_reads_ours_test.ts",
  B8: crashWindows,
  B9: appends,
  C1: appends,
  C2: appends,
  C3: logRecovery,
  C4: appends,
  C5: appends,
  C6: appends,
  C7: appends,
  C8: appends,
  C9: "tests/store/blob_collection_test.ts",
  C10: "tests/store/archive_test.ts",
  C11: rewrites,
  C12: rewrites,
  C13: fills,
  C14: crashWindows,
  H1: logRecovery,
  H2: logRecovery,
  H3: logRecovery,
  H4: logRecovery,
  H5: "tests/log/record_format_test.ts",
  H6: logTail,
  H7: logRecovery,
  H8: appends,
  H9: appends,
  H10: rewrites,
  H11: appends,
  H12: rewrites,
  H13: fills,
  H14: logTail,
  H15: crashWindows,
};

/** The titles of a file's tests. */
function titlesOf(path: string): string[] {
  const text = readFileSync(join(projectDirectory, path), "utf8");
  return [...text.matchAll(/\b\w*[tT]est\(\s*(["`])((?:(?!\1).)*)\1/gs)].map((match) => match[2] ?? "");
}

function casesIn(title: string): string[] {
  return title.match(/\b[ABCH]\d{1,2}\b/g) ?? [];
}

const titles = new Map(listProjectFiles(["tests"], "_test.ts").map((path) => [path, titlesOf(path)]));
const allCases = Object.entries(caseCounts).flatMap(([letter, count]) =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`)
);

test("every counterexample of the format review is named by a test", () => {
  assert.deepEqual(Object.keys(testedIn).sort(), [...allCases].sort());
  for (const [name, path] of Object.entries(testedIn)) {
    const named = titles.get(path)?.some((title) => casesIn(title).includes(name));
    assert.ok(named, `no test in ${path} names ${name}`);
  }
});

test("no test names a case that there is not", () => {
  const known = new Set(allCases);
  for (const [path, list] of titles) {
    for (const title of list) {
      assert.deepEqual(casesIn(title).filter((name) => !known.has(name)), [], `${path}: ${title}`);
    }
  }
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { listProjectFiles, projectDirectory } from "../runner/project_files.ts";

/** The titles of all tests. */
function titles(): string[] {
  return listProjectFiles(["tests"], "_test.ts").flatMap((path) => {
    const text = readFileSync(join(projectDirectory, path), "utf8");
    return [...text.matchAll(/\b(?:\w*[tT]est)\(\s*(["`])(.*?)\1/g)].flatMap((match) => match[2] ?? []);
  });
}

test("every defect of picoclaw's, W1 to W13, and of codetether's, C1 to C10, has a test whose title names it", () => {
  const all = titles();
  const numbers = (prefix: string, last: number): string[] =>
    Array.from({ length: last }, (_, n) => `${prefix}${n + 1}`);
  const missing = [
    ...numbers("W", 13).filter((number) => !all.some((title) => new RegExp(`\\b${number}\\b`).test(title))),
    ...numbers("C", 10).filter((number) => {
      return !all.some((title) => title.includes("codetether") && new RegExp(`\\b${number}\\b`).test(title));
    }),
  ];
  assert.deepEqual(missing, []);
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectDirectory } from "../runner/project_files.ts";

const page = readFileSync(join(projectDirectory, "src/FEATURES.md"), "utf8");

/** Every link to a test: the words are its title, or the end of one that begins with a number that varies. */
function links(text: string): { title: string; path: string }[] {
  return [...text.matchAll(/\[([^\]]+)\]\(\.\.\/(tests\/[\w/]+_test\.ts)\)/g)].map(([, title = "", path = ""]) => {
    return { title, path };
  });
}

test("FEATURES.md: forty-one rows, in order, each with a test that shows it", () => {
  const rows = page.split("\n").filter((line) => /^\| \d+ \|/.test(line));
  assert.deepEqual(rows.map((row) => Number(row.split("|")[1])), Array.from({ length: 41 }, (_, index) => index + 1));
  for (const row of rows) assert.ok(links(row).length > 0, row);
});

test("FEATURES.md: each test that it names is there, by its title", () => {
  const all = links(page);
  assert.ok(all.length > 41);
  const missing = all.filter(({ title, path }) => !readFileSync(join(projectDirectory, path), "utf8").includes(title));
  assert.deepEqual(missing, []);
});

test("FEATURES.md: what was decided against says why, and is shown not to be there", () => {
  const [, against = ""] = page.split("## Decided against");
  assert.match(against, /C7/);
  assert.ok(links(against).length > 0);
});

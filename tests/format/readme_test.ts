/**
 * What the README says in tables is what the code has: commands, options, events, error codes, and its log.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commandTable } from "../../src/cli/command_table.ts";
import { resolveOptions } from "../../src/store/store_options.ts";
import { listProjectFiles, projectDirectory } from "../runner/project_files.ts";
import { readLog, utf8 } from "../log/log_fixture.ts";

function read(path: string): string {
  return readFileSync(join(projectDirectory, path), "utf8");
}

const readme = read("README.md");

/** The part of the README below a heading. */
function section(heading: string): string {
  const start = readme.indexOf(`\n${heading}\n`);
  assert.ok(start >= 0, `the README has no part "${heading}"`);
  const rest = readme.slice(start + heading.length + 2);
  const end = rest.search(/^##/m);
  return end < 0 ? rest : rest.slice(0, end);
}

/** The words in code that begin the rows of a part's table. */
function firstCells(heading: string): string[] {
  const rows = section(heading).split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((row) => /^\| `([\w-]+)/.exec(row)?.[1] ?? "").sort();
}

/** The members of a union of texts. */
function union(path: string, name: string): string[] {
  const body = new RegExp(`export type ${name} =([^;]*);`).exec(read(path))?.[1] ?? "";
  return [...body.matchAll(/"([\w-]+)"/g)].flatMap((match) => match[1] ?? []).sort();
}

test("README: the commands are those of the program", async () => {
  const shown: string[] = [];
  for (const [name, load] of commandTable) {
    const { description } = await load();
    if (description.hidden !== true) shown.push(name);
  }
  assert.deepEqual(firstCells("## The program"), shown.sort());
});

test("README: every option in the table of commands exists", async () => {
  const rows = section("## The program").split("\n").filter((line) => line.startsWith("| `"));
  for (const row of rows) {
    const name = /^\| `([\w-]+)/.exec(row)?.[1] ?? "";
    const command = await commandTable.get(name)?.();
    assert.ok(command !== undefined);
    const known = [...command.description.options.map((option) => option.name), "dir", "json"];
    for (const [, option = ""] of row.matchAll(/--([a-z][a-z-]*)/g)) {
      assert.ok(known.includes(option), `${name} --${option}`);
    }
  }
});

test("README: the options are those of openStore, with their defaults", () => {
  const body = /export interface StoreOptions \{(.*?)\n\}/s.exec(read("src/store/store_options.ts"))?.[1] ?? "";
  const options = [...body.matchAll(/^ {2}(\w+)\?:/gm)].flatMap((match) => match[1] ?? []).sort();
  assert.deepEqual(firstCells("### Options"), options);
  const defaults = resolveOptions({});
  const text = section("### Options");
  assert.ok(text.includes(`| \`recordIdReach\` | ${defaults.recordIdReach} |`));
  assert.ok(text.includes(`| \`recordBytesMax\` | ${defaults.recordBytesMax.toLocaleString("en-US")} |`));
  assert.ok(text.includes(`| \`openSessionsMax\` | ${defaults.openSessionsMax} |`));
  assert.ok(text.includes(`| \`readOnly\` | \`${defaults.readOnly}\` |`));
  assert.ok(text.includes(`| \`strict\` | \`${defaults.strict}\` |`));
});

test("README: the events are those that the code reports", () => {
  const sources = listProjectFiles(["src/store"], ".ts").filter((path) => !path.endsWith("store_event.ts")).map(read);
  const reported = union("src/store/store_event.ts", "StoreEventType").filter((type) =>
    sources.some((source) => source.includes(`"${type}"`))
  );
  assert.deepEqual(firstCells("### Events"), reported);
});

test("README: the error codes are those of HoldfastError", () => {
  assert.deepEqual(firstCells("### Errors"), union("src/errors.ts", "HoldfastErrorCode"));
});

test("README: every invariant has its row, in order", () => {
  const rows = [...section("## What it promises").matchAll(/^\| (I\d+) \|/gm)].map((match) => match[1]);
  assert.deepEqual(rows, Array.from({ length: 21 }, (_, index) => `I${index + 1}`));
});

test("README: the log that it shows is one, of telegram:123", async () => {
  const log = /```\n(\{.*?)```/s.exec(section("## Ten lines"))?.[1] ?? "";
  const { records, damage } = await readLog(utf8(log));
  assert.deepEqual(damage, []);
  assert.deepEqual(records.map(({ sequence, trust }) => [sequence, trust]), [0, 1, 2].map((n) => [n, "verified"]));
});

test("README: every command and every file that it names is there", () => {
  const scripts: unknown = JSON.parse(read("package.json"));
  for (const [, script = ""] of readme.matchAll(/npm run (?:-s )?([\w:]+)/g)) {
    assert.ok(JSON.stringify(scripts).includes(`"${script}":`), `npm run ${script}`);
  }
  for (const [, path = ""] of readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)) assert.ok(read(path).length > 0, path);
});

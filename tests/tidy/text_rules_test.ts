import assert from "node:assert/strict";
import { test } from "node:test";
import { type ReadFile, readSource } from "./finding.ts";
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
} from "./text_rules.ts";

function file(text: string, path = "src/store/session.ts"): ReadFile {
  return readSource({ path, text });
}

test("findLongFiles() counts lines", () => {
  assert.equal(findLongFiles([file("a\n".repeat(400))]).length, 0);
  assert.equal(findLongFiles([file("a\n".repeat(401))]).length, 1);
});

test("findLongLines() counts characters, but lets tables and long literals be", () => {
  assert.equal(findLongLines([file("a".repeat(120))]).length, 0);
  assert.equal(findLongLines([file("a".repeat(121))]).length, 1);
  assert.equal(findLongLines([file(` * ${"word ".repeat(30)}`)]).length, 1);
  assert.equal(findLongLines([file(` * | ${"word ".repeat(30)} |`)]).length, 0);
  assert.equal(findLongLines([file(`const a = "${"word ".repeat(30)}";`)]).length, 0);
});

test("findVagueNames() knows drawers from rooms", () => {
  const vague = [
    "utils",
    "util",
    "types",
    "constants",
    "helpers",
    "log_utils",
    "session_types",
    "camelCase",
    "kebab-case",
  ];
  for (const stem of vague) assert.equal(findVagueNames([file("", `src/log/${stem}.ts`)]).length, 1, stem);
  for (const stem of ["log_writer", "mod", "text_table"]) {
    assert.equal(findVagueNames([file("", `src/log/${stem}.ts`)]).length, 0, stem);
  }
});

test("findRuntimeQuestions() finds every way to ask, outside src/fs/runtime_*.ts", () => {
  const questions = [
    'if (typeof Deno !== "undefined") a();',
    "Deno.cwd();",
    "Bun?.version;",
    'if ("Deno" in globalThis) a();',
    "(globalThis as { Bun?: object }).Bun",
    "process.versions.bun",
    "navigator.userAgent",
  ];
  for (const text of questions) {
    assert.ok(findRuntimeQuestions([file(text)]).length >= 1, text);
    assert.ok(findRuntimeQuestions([file(text, "src/fs/filesystem.ts")]).length >= 1, text);
    assert.equal(findRuntimeQuestions([file(text, "src/fs/runtime_lock.ts")]).length, 0, text);
  }
  assert.equal(findRuntimeQuestions([file('// Deno.cwd() is meant\nconst a = "on Deno and Bun";')]).length, 0);
});

test("findLooseEnds() finds what is left open, also in comments, and what hides from the compiler", () => {
  const loose = [
    "// TODO later",
    "/* FIXME */",
    'throw new Error("not implemented");',
    "let a: any;",
    "b as any;",
    "new Map<any, string>();",
    "const c: Array<any> = [];",
    "// @ts-ignore",
  ];
  for (const text of loose) assert.ok(findLooseEnds([file(text)]).length >= 1, text);
  const fine = [
    "// any: of them\nconst many: string = 'any';",
    'f("as any");',
    "// @ts-expect-error why",
    "let a: anyOther;",
  ];
  for (const text of fine) assert.deepEqual(findLooseEnds([file(text)]), [], text);
});

test("findWildcardExports() finds export *", () => {
  assert.equal(findWildcardExports([file('export * from "./a.ts";')]).length, 1);
  assert.equal(findWildcardExports([file('export { a } from "./a.ts"; // export *')]).length, 0);
});

test("findForeignGuests() lets mod.ts re-export by name, and nothing else", () => {
  const head = "/**\n * A store.\n *\n * @module\n */\n";
  const named = 'export { a, type B } from "./src/a.ts";\nexport type {\n  C,\n  D,\n} from "./src/c.ts";\n';
  assert.deepEqual(findForeignGuests(file(head + named, "mod.ts")), []);
  assert.equal(findForeignGuests(file(named, "mod.ts")).length, 1);
  for (
    const text of [
      'export * from "./src/a.ts";',
      "export const a = 1;",
      'import "./src/a.ts";',
      'export { a } from "zod";',
    ]
  ) {
    assert.equal(findForeignGuests(file(head + text, "mod.ts")).length, 1, text);
  }
});

test("findUnexplainedModules() wants a module comment at the top", () => {
  assert.equal(
    findUnexplainedModules([file("#!/usr/bin/env node\n/**\n * What for.\n *\n * @module\n */\n")]).length,
    0,
  );
  assert.equal(findUnexplainedModules([file("/** A function. */\nfunction a() {}\n/** @module */\n")]).length, 1);
  assert.equal(findUnexplainedModules([file("")]).length, 1);
});

test("findLonelyTests() finds tests that run alone or are skipped without a word", () => {
  const alone = 'test.only("a", f);';
  const silent = 'test("a", { skip: true }, f);';
  for (const text of [alone, silent, "describe.skip(a, f);", "it(a, { only: true }, f);", "test.todo(a);"]) {
    assert.equal(findLonelyTests([file(text, "tests/a_test.ts")]).length, 1, text);
  }
  assert.equal(findLonelyTests([file('test("a", { skip: reason }, f); // test.only', "tests/a_test.ts")]).length, 0);
});

test("findUntestedFiles() wants a test of a file's name, or one that imports it, if there is logic in it", () => {
  const logic = file("export function a(): void {}", "src/log/log_writer.ts");
  const untested = (path: string, text = ""): number => findUntestedFiles([logic], [file(text, path)], {}).length;
  assert.equal(untested("tests/log/log_reader_test.ts"), 1);
  assert.equal(untested("tests/log/log_writer_fixture.ts"), 1);
  assert.equal(untested("tests/log/log_writer_test.ts"), 0);
  assert.equal(untested("tests/crash/log_writer_crash_test.ts"), 0);
  assert.equal(untested("tests/log/a_test.ts", 'import { a } from "../../src/log/log_writer.ts";'), 0);
  const types = "export interface A {\n  b(): void;\n}\nexport type C = (d: number) => void;\n";
  assert.equal(findUntestedFiles([file(types, "src/fs/filesystem.ts")], [], {}).length, 0);
});

test("findUntestedFiles() knows what is tested through others, and finds entries that are out of date", () => {
  const logic = file("export function a(): void {}", "src/log/log_writer.ts");
  const through = file("", "tests/a_test.ts");
  const own = file("", "tests/log_writer_test.ts");
  for (const entry of ["src/log/log_writer.ts", "src/log/"]) {
    const listed = { [entry]: "tests/a_test.ts" };
    assert.equal(findUntestedFiles([logic], [through], listed).length, 0);
    assert.equal(findUntestedFiles([logic], [], listed).length, 1);
    assert.equal(findUntestedFiles([logic], [through, own], listed).length, 1);
    assert.equal(findUntestedFiles([], [through], listed).length, 1);
  }
});

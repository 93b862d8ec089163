import assert from "node:assert/strict";
import { test } from "node:test";
import { type ReadFile, readSource } from "./finding.ts";
import { findDeadFiles, findForbiddenImports, findHeavyCore, findRegistryImports, roomOf } from "./import_rules.ts";

function files(texts: Record<string, string>): ReadFile[] {
  return Object.entries(texts).map(([path, text]) => readSource({ path, text }));
}

function forbidden(path: string, text: string): number {
  return findForbiddenImports(files({ [path]: text })).length;
}

test("roomOf() is the folder below src, else the stem", () => {
  assert.equal(roomOf("src/cli/commands/append.ts"), "cli");
  assert.equal(roomOf("src/errors.ts"), "errors");
  assert.equal(roomOf("mod.ts"), "mod");
});

test("findForbiddenImports() lets outer rooms import inner ones", () => {
  assert.equal(forbidden("src/store/session.ts", 'import { a } from "../log/log_writer.ts";'), 0);
  assert.equal(forbidden("src/log/record_format.ts", 'import { crc32 } from "node:zlib";'), 0);
  assert.equal(forbidden("src/fs/runtime_filesystem.ts", 'import { open } from "node:fs/promises";'), 0);
  assert.equal(forbidden("src/cli/torture.ts", 'const { a } = await import("../torture/explorer.ts");'), 0);
  assert.equal(forbidden("src/log/a.ts", 'import { b } from "./b.ts";'), 0);
});

test("findForbiddenImports() refuses the other direction, also for types", () => {
  assert.equal(forbidden("src/log/log_writer.ts", 'import type { A } from "../store/session.ts";'), 1);
  assert.equal(forbidden("src/fs/filesystem.ts", 'export { a } from "../log/line_scanner.ts";'), 1);
  assert.equal(forbidden("src/store/session.ts", 'import "../cli/main.ts";'), 1);
  assert.equal(forbidden("src/store/session.ts", 'await import("../transcript/turn.ts");'), 1);
  assert.equal(forbidden("src/errors.ts", 'import { a } from "./fs/filesystem.ts";'), 1);
  assert.equal(forbidden("src/testing/mod.ts", 'import { a } from "../log/log_writer.ts";'), 1);
});

test("findForbiddenImports() refuses node:fs outside src/fs, and what no room may have", () => {
  assert.equal(forbidden("src/log/log_writer.ts", 'import { open } from "node:fs";'), 1);
  assert.equal(forbidden("src/cli/main.ts", 'import { spawn } from "node:child_process";'), 1);
  assert.equal(forbidden("src/fs/runtime_filesystem.ts", 'import { connect } from "node:net";'), 1);
  assert.equal(forbidden("src/store/session.ts", 'import fs from "fs";'), 1);
  assert.equal(forbidden("src/store/session.ts", 'import { a } from "@std/fs";'), 1);
});

test("findForbiddenImports() lets the program load the laboratory only when it is used", () => {
  assert.equal(forbidden("src/cli/torture.ts", 'import { a } from "../torture/explorer.ts";'), 1);
});

test("findForbiddenImports() refuses a room that is not in the table", () => {
  assert.equal(forbidden("src/misc/a.ts", ""), 1);
});

test("findHeavyCore() follows mod.ts to testing and to packages", () => {
  const light = {
    "mod.ts": 'export { a } from "./src/store/a.ts";',
    "src/store/a.ts": 'import { b } from "node:zlib";',
  };
  assert.deepEqual(findHeavyCore(files({ ...light, "src/testing/mod.ts": 'import "zod";' })), []);
  assert.equal(findHeavyCore(files({ ...light, "src/store/a.ts": 'import "zod";' })).length, 1);
  const heavy = files({ ...light, "src/store/a.ts": 'import("../testing/mod.ts");', "src/testing/mod.ts": "" });
  assert.deepEqual(findHeavyCore(heavy), ["src/testing/mod.ts:1: is loaded by mod.ts"]);
});

test("findDeadFiles() names what nobody imports", () => {
  const all = files({
    "mod.ts": 'export { a } from "./src/a.ts";',
    "src/a.ts": 'export const a = () => import("./b.ts");',
    "src/b.ts": "",
    "src/c.ts": 'import "./a.ts";',
  });
  assert.deepEqual(findDeadFiles(all, ["mod.ts"]), ["src/c.ts:1: nobody imports this file"]);
});

test("findRegistryImports() refuses JSR and remote modules", () => {
  const text = 'import "jsr:@std/fs";\nimport "@std/streams";\nimport "https://example.com/a.ts";\nimport "./a.ts";\n';
  assert.equal(findRegistryImports(files({ "tests/a_test.ts": text })).length, 3);
});

test("findRegistryImports() lets the entry files under deploy/ alone import @std", () => {
  const registryImports = (path: string, text: string): number => findRegistryImports(files({ [path]: text })).length;
  const text = 'import { exists } from "@std/fs/exists";';
  assert.equal(registryImports("deploy/build.ts", text), 0);
  assert.equal(registryImports("deploy/agent/main.ts", text), 0);
  for (const path of ["deploy/agent/main_portable.ts", "deploy/build/run_build.ts", "src/cli/main.ts", "mod.ts"]) {
    assert.equal(registryImports(path, text), 1, path);
  }
  assert.equal(registryImports("deploy/agent/board_agent.ts", 'await import("@std/streams");'), 1);
  assert.equal(registryImports("deploy/build.ts", 'import "jsr:@std/fs";'), 1);
});

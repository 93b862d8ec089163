import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { manPage, roff } from "../../deploy/package/man_page.ts";
import { bashCompletions, zshCompletions } from "../../deploy/package/shell_completions.ts";
import type { CommandDescription } from "../../src/cli/command.ts";
import { commandTable } from "../../src/cli/command_table.ts";

const commands = await Promise.all([...commandTable.values()].map(async (load) => (await load()).description));
const shown = commands.filter(({ hidden }) => hidden !== true);

function isHere(program: string): boolean {
  return spawnSync(program, ["--version"]).error === undefined;
}

test("manPage() has every command that is shown, with its options, and no other", () => {
  const page = manPage(commands, "1.2.3");
  const sections = page.split("\n").filter((line) => line.startsWith(".SS ")).map((line) => line.slice(4));
  assert.deepEqual(sections, shown.map(({ name }) => roff(name)));
  for (const { options } of shown) {
    for (const { name } of options) assert.ok(page.includes(`\\fB\\-\\-${roff(name)}\\fR`), name);
  }
  assert.match(page, /^\.TH HOLDFAST 1 "" "holdfast 1\.2\.3"/);
  assert.match(page, /\.SH EXIT STATUS\nexit codes: 0 done/);
});

test("roff() lets no text be a request", () => {
  assert.equal(roff(".so /etc/passwd"), "\\&.so /etc/passwd");
  assert.equal(roff("'br"), "\\&'br");
  assert.equal(roff("a\\fBb --x"), "a\\efBb \\-\\-x");
});

test("manPage() is a page to groff, without a warning", { skip: isHere("groff") ? false : "groff is not here" }, () => {
  const args = ["-man", "-Tutf8", "-Kutf8", "-ww", "-z"];
  const { status, stderr } = spawnSync("groff", args, { input: manPage(commands, "1.2.3"), encoding: "utf8" });
  assert.deepEqual([status, stderr], [0, ""]);
});

/** What bash offers behind some words. */
function offered(directory: string, words: readonly string[]): string[] {
  const file = join(directory, "holdfast.bash");
  writeFileSync(file, bashCompletions(commands));
  const script = 'source "$0"; holdfast() { printf \'{"key":"telegram","x":1}\\n{"key":"weekly"}\\n\'; }; ' +
    'COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _holdfast; printf "%s\\n" "${COMPREPLY[@]}"';
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script, file, ...words], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  return stdout.split("\n").filter((line) => line !== "");
}

test("bashCompletions() offers commands, options, choices, keys and files", () => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-completions-"));
  try {
    assert.deepEqual(offered(directory, ["holdfast", "app"]), ["append"]);
    assert.deepEqual(offered(directory, ["holdfast", ""]).slice(0, shown.length), shown.map(({ name }) => name));
    assert.deepEqual(offered(directory, ["holdfast", "check", "--q"]), ["--quick"]);
    assert.deepEqual(offered(directory, ["holdfast", "show", "tele"]), ["telegram"]);
    assert.deepEqual(offered(directory, ["holdfast", "ls", "--dir", directory.slice(0, -2)]), [directory]);
    const formats = shown.find(({ name }) => name === "export")?.options.find(({ name }) => name === "format");
    assert.deepEqual(offered(directory, ["holdfast", "export", "--format", ""]), [...formats?.choices ?? []]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("zshCompletions() is a script to zsh, and has every command and option", () => {
  const script = zshCompletions(commands);
  for (const { name, options } of shown) {
    assert.ok(script.includes(`    ${name}) _arguments`), name);
    for (const option of options) assert.ok(script.includes(`--${option.name}`), option.name);
  }
  if (!isHere("zsh")) return console.log("# zsh is not here: its completions were not given to it");
  const { status, stderr } = spawnSync("zsh", ["-n"], { input: script, encoding: "utf8" });
  assert.deepEqual([status, stderr], [0, ""]);
});

test("the pages show nothing of a hidden command", () => {
  const hidden: CommandDescription = {
    name: "secret",
    summary: "s",
    positionals: [],
    options: [],
    examples: [],
    hidden: true,
  };
  const all = [...commands, hidden];
  for (const text of [manPage(all, "1"), bashCompletions(all), zshCompletions(all)]) assert.ok(!/secret/.test(text));
});

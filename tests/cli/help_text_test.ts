import assert from "node:assert/strict";
import { test } from "node:test";
import { commonOptions } from "../../src/cli/arguments.ts";
import { commandTable } from "../../src/cli/command_table.ts";
import { commandHelp, programHelp } from "../../src/cli/help_text.ts";
import { run } from "./in_process.ts";

const commands = await Promise.all([...commandTable].map(async ([name, load]) => ({ name, ...(await load()) })));

test("programHelp names every command that is not hidden, within 80 columns", () => {
  const help = programHelp(commands.map(({ description }) => description));
  for (const { name, description } of commands) {
    assert.equal(new RegExp(`^  ${name} `, "m").test(help), description.hidden !== true, name);
  }
  for (const line of help.split("\n")) assert.ok(line.length <= 80, line);
});

for (const { name, description } of commands) {
  test(`commandHelp of ${name} says usage, arguments, options and examples, within 80 columns`, async () => {
    assert.equal(description.name, name);
    const help = commandHelp(description);
    assert.ok(help.startsWith(`usage: holdfast ${name}`));
    for (const option of [...description.options, ...commonOptions]) {
      assert.ok(help.includes(`--${option.name}`), option.name);
    }
    for (const positional of description.positionals) assert.match(help, new RegExp(`^  ${positional.name} `, "m"));
    for (const { line } of description.examples) assert.ok(help.includes(line) && line.includes("holdfast "));
    const text = help.slice(0, help.includes("\nexamples:") ? help.indexOf("\nexamples:") : undefined);
    for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
    for (const args of [[name, "--help"], [name, "-h"], ["help", name], ["--help", name]]) {
      assert.deepEqual(await run(args), { code: 0, stdout: help, stderr: "" });
    }
  });
}

test("descriptions have one option of a name, summaries on one line without a full stop", () => {
  for (const { description } of commands) {
    const names = [...description.options, ...commonOptions].map(({ name }) => name);
    assert.equal(new Set(names).size, names.length, description.name);
    assert.match(description.summary, /^[a-z][^\n]*[^.]$/);
  }
});

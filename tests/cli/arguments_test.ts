import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestHint, parseArguments } from "../../src/cli/arguments.ts";
import { type CommandDescription, UsageError } from "../../src/cli/command.ts";
import { run } from "./in_process.ts";

const description: CommandDescription = {
  name: "sample",
  summary: "be parsed",
  positionals: [{ name: "KEY", required: true, description: "a key" }],
  options: [
    { name: "keep", value: "N", kind: "count", description: "a number" },
    { name: "summary", value: "TEXT", description: "a text" },
    { name: "format", value: "F", choices: ["jsonl", "picoclaw"], description: "a choice" },
    { name: "follow", short: "f", description: "a switch" },
  ],
  examples: [],
};

test("parseArguments reads positionals, values, switches and short switches in any order", () => {
  const parsed = parseArguments(description, [
    "--keep",
    "3",
    "a:b",
    "-f",
    "--summary=two words",
    "--json",
    "--dir",
    "/x",
  ]);
  assert.deepEqual(parsed.positionals, ["a:b"]);
  assert.equal(parsed.positional(0), "a:b");
  assert.equal(parsed.count("keep"), 3);
  assert.equal(parsed.text("summary"), "two words");
  assert.equal(parsed.text("dir"), "/x");
  assert.equal(parsed.text("format"), undefined);
  assert.equal(parsed.count("tail"), undefined);
  assert.deepEqual([parsed.has("follow"), parsed.has("json"), parsed.has("help")], [true, true, false]);
});

test("parseArguments takes what follows -- as it is", () => {
  assert.deepEqual(parseArguments(description, ["--", "--keep"]).positionals, ["--keep"]);
});

test("parseArguments takes a value that begins with a dash only after =", () => {
  assert.equal(parseArguments(description, ["k", "--summary=--json"]).text("summary"), "--json");
  assert.equal(parseArguments(description, ["k", "--summary", ""]).text("summary"), "");
});

const wrong: [string, string[], RegExp][] = [
  ["an unknown option", ["k", "--kep", "3"], /Unknown option --kep/],
  ["an unknown short option", ["k", "-x"], /Unknown option -x/],
  ["a missing positional", [], /KEY is missing/],
  ["one positional too many", ["a", "b"], /One argument too many: "b"/],
  ["a missing value at the end", ["k", "--keep"], /--keep needs a value/],
  ["an option in place of a value", ["k", "--keep", "--json"], /looks like an option/],
  ["a count that is none", ["k", "--keep", "3.5"], /needs a whole number/],
  ["a negative count", ["k", "--keep=-1"], /needs a whole number/],
  ["an empty count", ["k", "--keep="], /needs a whole number/],
  ["a value for a switch", ["k", "--json=1"], /takes no value/],
  ["a choice that there is not", ["k", "--format", "xml"], /no value "xml"/],
  ["an empty directory", ["k", "--dir", ""], /--dir needs a value/],
];
for (const [what, args, message] of wrong) {
  test(`parseArguments refuses ${what}`, () => {
    assert.throws(
      () => parseArguments(description, args),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test("parseArguments asks for no positionals when help is wanted", () => {
  assert.equal(parseArguments(description, ["-h"]).has("help"), true);
});

test("nearestHint suggests what is two letters away, or begins with what was typed, and nothing else", () => {
  assert.equal(nearestHint("shwo", ["show", "stats"], ""), "Did you mean show?");
  assert.equal(nearestHint("trunc", ["truncate"], "--"), "Did you mean --truncate?");
  assert.equal(nearestHint("xyzzy", ["show", "stats"], ""), null);
});

test("a text that cannot be a key is wrong usage, as argument and as option", async () => {
  for (const args of [["append", ""], ["show", "k".repeat(1025)], ["rm", "k", ""], ["import", "f", "--key="]]) {
    const { code, stderr } = await run([...args, "--dir", "/nowhere"]);
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, /A session key (must not be empty|has at most 1024 bytes)/);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArgs } from "node:util";
import { type ArgumentToken, argumentTokens } from "../../src/cli/argument_tokens.ts";
import type { OptionDescription } from "../../src/cli/command.ts";

const options: OptionDescription[] = [
  { name: "dir", value: "DIR", short: "d", description: "" },
  { name: "json", description: "" },
  { name: "help", short: "h", description: "" },
];

/** What Node's own parser makes of the same. */
function expectedTokens(args: readonly string[]): ArgumentToken[] {
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: {
      dir: { type: "string", short: "d" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  return tokens.flatMap((token): ArgumentToken[] => {
    if (token.kind === "option-terminator") return [];
    if (token.kind === "positional") return [{ kind: "positional", value: token.value }];
    const { name, rawName, value, inlineValue } = token;
    return [{ kind: "option", name, rawName, value: value ?? "", isInline: inlineValue === true }];
  });
}

const words = [
  "k",
  "-",
  "--",
  "--dir",
  "--dir=x",
  "--dir=",
  "--json",
  "--json=y",
  "--no",
  "--=",
  "-d",
  "-dx",
  "-d=",
  "-h",
];

test("argumentTokens() splits every three words as node:util's parser does", () => {
  const isOne = (tokens: unknown): string => JSON.stringify(tokens);
  let count = 0;
  for (const first of words) {
    for (const second of words) {
      for (const third of words) {
        const args = [first, second, third];
        assert.equal(isOne([...argumentTokens(options, args)]), isOne(expectedTokens(args)), args.join(" "));
        count++;
      }
    }
  }
  assert.equal(count, words.length ** 3);
});

test("argumentTokens() takes short options that share a dash apart", () => {
  for (const word of ["-hh", "-hd", "-hdx", "-xh", "-hx"]) {
    assert.deepEqual([...argumentTokens(options, [word, "rest"])], expectedTokens([word, "rest"]), word);
  }
});

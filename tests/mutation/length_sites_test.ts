/** That the table of mutations names every line of the product that compares lengths of what is stored, or says why not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lengthExceptions } from "./length_exceptions.ts";
import type { Mutation } from "./mutation.ts";
import { countOf, holdSites, type Site } from "./source_sites.ts";

/** Two operands and what stands between; text in quotes has been taken out. */
const comparison = /([\w.#\[\]()?!+\-* ]+?) (?:===|!==|<=?|>=?) ([\w.#\[\]()?+\-*% ]+)/g;
/** What names a number of bytes, or a place in a file. */
const lengthWord =
  /(?:[sS]ize|sizeBefore|[bB]ytes|[bB]ytesMax|[oO]ffset|tornEnd|kept|floor|unsynced|length|\bend|sizes\[\d\])\b/;
/** Compared with one of these it is a question of whether there is anything, not of how much. */
const presence = /^\s*(?:0|1|-1|null|undefined|brace\w+|fragmentByte|harmlessByte)\b/;

function comparesLengths(line: string): boolean {
  if (/\b(?:for|while) \(/.test(line)) return false;
  const code = line.replace(/"[^"]*"|`[^`]*`/g, '""').replace(/\/\/.*$/, "");
  for (const [, left = "", right = ""] of code.matchAll(comparison)) {
    if (!presence.test(right) && (lengthWord.test(left) || lengthWord.test(right))) return true;
  }
  return false;
}

/** Whether a row changes that line. */
function changes({ replace = [] }: Mutation, { file, line, offset, text }: Site): boolean {
  return replace.some(({ file: changed, from, to = "" }) => {
    if (changed !== file) return false;
    const at = text.indexOf(from);
    if (at < 0 || at >= offset + line.length || at + from.length <= offset) return false;
    const mutated = text.slice(0, at) + to + text.slice(at + from.length);
    return countOf(mutated, line) < countOf(text, line);
  });
}

test("each comparison of lengths in the product is changed by a row of the table, or it is said why not", () => {
  const { sites, open, unused } = holdSites(
    ["log", "store", "sink"],
    (line) => comparesLengths(line) ? [line.search(/\S/)] : [],
    changes,
    lengthExceptions.flatMap(({ lines }) => lines),
  );
  assert.ok(sites > 150, `Only ${sites} were found`);
  assert.deepEqual(open, []);
  assert.deepEqual(unused, [], "Said of lines that need it no more");
});

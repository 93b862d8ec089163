/** That the table of mutations names every line of the product that compares lengths of what is stored, or says why not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { logLengthExceptions } from "./log_length_exceptions.ts";
import { mutatedSources } from "./mutant_source.ts";
import { mutationTable } from "./mutation_table.ts";
import type { Mutation } from "./mutation.ts";
import { storeLengthExceptions } from "./store_length_exceptions.ts";

/** A line that compares lengths. */
interface Site {
  readonly file: string;
  readonly line: string;
  readonly start: number;
}

/** Two operands and what stands between; text in quotes has been taken out. */
const comparison = /([\w.#\[\]()?!+\-* ]+?) (?:===|!==|<=?|>=?) ([\w.#\[\]()?+\-*% ]+)/g;
/** What names a number of bytes, or a place in a file. */
const lengthWord =
  /(?:[sS]ize|sizeBefore|[bB]ytes|[bB]ytesMax|[oO]ffset|tornEnd|kept|floor|unsynced|length|\bend|sizes\[\d\])\b/;
/** Compared with one of these it is a question of whether there is anything, not of how much. */
const presence = /^\s*(?:0|1|-1|null|undefined|brace\w+|fragmentByte|harmlessByte)\b/;

function comparesLengths(line: string): boolean {
  if (/^\s*(?:\*|\/\/|\/\*)|\b(?:for|while) \(/.test(line)) return false;
  const code = line.replace(/"[^"]*"|`[^`]*`/g, '""').replace(/\/\/.*$/, "");
  for (const [, left = "", right = ""] of code.matchAll(comparison)) {
    if (!presence.test(right) && (lengthWord.test(left) || lengthWord.test(right))) return true;
  }
  return false;
}

function sitesOf(file: string, text: string): Site[] {
  const sites: Site[] = [];
  let start = 0;
  for (const line of text.split("\n")) {
    if (comparesLengths(line)) sites.push({ file, line: line.trim(), start: start + line.search(/\S/) });
    start += line.length + 1;
  }
  return sites;
}

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** Whether a row changes that line. */
function changes({ replace = [] }: Mutation, { file, line, start }: Site, text: string): boolean {
  return replace.some(({ file: changed, from, to = "" }) => {
    if (changed !== file) return false;
    const at = text.indexOf(from);
    if (at < 0 || at >= start + line.length || at + from.length <= start) return false;
    const mutated = text.slice(0, at) + to + text.slice(at + from.length);
    return countOf(mutated, line) < countOf(text, line);
  });
}

test("each comparison of lengths in the product is changed by a row of the table, or it is said why not", () => {
  const rows = [...mutationTable.values()].flat();
  const excused = new Set([...logLengthExceptions, ...storeLengthExceptions].flatMap(({ lines }) => lines));
  const open: string[] = [];
  let sites = 0;
  for (const [file, text] of mutatedSources([])) {
    if (!/^(?:log|store|sink)\//.test(file)) continue;
    for (const site of sitesOf(file, text)) {
      sites++;
      if (rows.some((row) => changes(row, site, text))) continue;
      if (!excused.delete(`${file}: ${site.line}`)) open.push(`${file}: ${site.line}`);
    }
  }
  assert.ok(sites > 150, `Only ${sites} were found`);
  assert.deepEqual(open, []);
  assert.deepEqual([...excused], [], "Said of lines that need it no more");
});

/**
 * The rules about what stands in a file, and what the file is called.
 *
 * @module
 */

import { type Finding, findMatches, type ReadFile } from "./finding.ts";
import { resolveSpecifier } from "./source_text.ts";

/** More is not one room. */
export const fileLinesMax = 400;
/** In characters. */
export const lineLengthMax = 120;

/**
 * A file is one room: at most {@linkcode fileLinesMax} lines.
 *
 * @param files The files of `src`.
 * @returns Those that are longer.
 */
export function findLongFiles(files: readonly ReadFile[]): Finding[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.replace(/\n$/, "").split("\n").length;
    return lines > fileLinesMax ? [`${path}:1: has ${lines} lines, more than ${fileLinesMax}`] : [];
  });
}

/** A row of a table in a comment, or a literal of code that no formatter can break. */
const unbreakable = /^\s*\* \||["'`/][^"'`]{80,}["'`/]/;

/**
 * A line is at most {@linkcode lineLengthMax} characters long, where it can be broken.
 *
 * @param files The files of `src`.
 * @returns The lines that are longer.
 */
export function findLongLines(files: readonly ReadFile[]): Finding[] {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) =>
      line.length > lineLengthMax && !unbreakable.test(line)
        ? [`${path}:${index + 1}: is ${line.length} characters`]
        : []
    )
  );
}

/**
 * A file says what is in it: no drawers for what has no place, and snake_case.
 *
 * @param files The files of `src`.
 * @returns Those that are called otherwise.
 */
export function findVagueNames(files: readonly ReadFile[]): Finding[] {
  return files.flatMap(({ path }) => {
    const stem = path.split("/").at(-1)?.replace(/\.ts$/, "") ?? "";
    if (/^(?:.*_)?(?:utils?|types?|constants?|helpers?|common|misc)$/.test(stem)) {
      return [`${path}:1: is no name of a room`];
    }
    return /^[a-z][a-z0-9_]*$/.test(stem) ? [] : [`${path}:1: is not in snake_case`];
  });
}

const runtimeQuestions = new RegExp(
  [
    String.raw`\b(?:Deno|Bun)\s*(?:\?\.|\.|\[)`,
    String.raw`\btypeof\s+(?:Deno|Bun)\b`,
    String.raw`["'](?:Deno|Bun)["']\s+in\b`,
    String.raw`\bglobalThis\b[^;\n]*\b(?:Deno|Bun)\b`,
    String.raw`\bprocess\??\.(?:versions?|release)\b`,
    String.raw`\bnavigator\b`,
  ].join("|"),
  "g",
);

/**
 * Only `src/fs/runtime_*.ts` asks which runtime this is.
 *
 * @param files The files of `src`, and `mod.ts`.
 * @returns The other places that ask.
 */
export function findRuntimeQuestions(files: readonly ReadFile[]): Finding[] {
  return files.filter(({ path }) => !/^src\/fs\/runtime_\w+\.ts$/.test(path))
    .flatMap(({ path, codeAndStrings }) =>
      findMatches(path, codeAndStrings, runtimeQuestions, "asks which runtime it is")
    );
}

/**
 * Nothing is left open, and nothing hides from the compiler.
 *
 * @param files The files of `src`, and `mod.ts`.
 * @returns The places.
 */
export function findLooseEnds(files: readonly ReadFile[]): Finding[] {
  const open = /\b(?:TODO|FIXME|XXX|HACK)\b|\bnot (?:yet )?implemented\b|\bfor now\b|\bplaceholder\b/g;
  const untyped = /:\s*any\b|\bas\s+any\b|<any\b|\bany\s*(?:\[\]|>)|@ts-(?:ignore|nocheck)/g;
  return files.flatMap(({ path, text, code }) => [
    ...findMatches(path, text, open, "is left open"),
    ...findMatches(path, code, untyped, "hides from the compiler"),
    ...findMatches(path, text, /@ts-(?:ignore|nocheck)|deno-lint-ignore-file/g, "hides from the checks"),
  ]);
}

/**
 * What a module exports can be read in it: no `export *`.
 *
 * @param files The files of `src`, and `mod.ts`.
 * @returns The places.
 */
export function findWildcardExports(files: readonly ReadFile[]): Finding[] {
  return files.flatMap(({ path, code }) => findMatches(path, code, /\bexport\s*\*/g, "exports what it does not name"));
}

/**
 * `mod.ts` is a guest book: a module comment and named re-exports from `src`, nothing else.
 *
 * @param file `mod.ts`.
 * @returns What else is in it.
 */
export function findForeignGuests(file: ReadFile): Finding[] {
  const reExport = /export\s+(?:type\s+)?\{[\s\w,]*\}\s*from\s*"\.\/src\/[^"]+";/g;
  const rest = file.codeAndStrings.replace(reExport, "").trim();
  const findings = rest === "" ? [] : [`${file.path}:1: is more than named re-exports: ${rest.split("\n")[0]}`];
  if (!/^\/\*\*[\s\S]*?@module[\s\S]*?\*\//.test(file.text)) findings.push(`${file.path}:1: has no module comment`);
  return findings;
}

/**
 * Every module says what it is for.
 *
 * @param files The files of `src`.
 * @returns Those that do not.
 */
export function findUnexplainedModules(files: readonly ReadFile[]): Finding[] {
  return files.filter(({ text }) => !/^(?:#![^\n]*\n)?\/\*\*(?:(?!\*\/)[\s\S])*@module\b/.test(text))
    .map(({ path }) => `${path}:1: has no module comment`);
}

/**
 * No test runs alone, and none is skipped without a word.
 *
 * @param files The files of `tests`.
 * @returns The places.
 */
export function findLonelyTests(files: readonly ReadFile[]): Finding[] {
  return files.flatMap(({ path, code }) => [
    ...findMatches(path, code, /\b(?:test|it|describe|suite)\.only\b|\bonly:\s*true\b/g, "leaves the others out"),
    ...findMatches(
      path,
      code,
      /\b(?:test|it|describe|suite)\.(?:skip|todo)\b|\b(?:skip|todo):\s*true\b/g,
      "says no reason",
    ),
  ]);
}

/** What a file with logic in it is taken for: it has a function, a class or an arrow, and not in a type. */
function hasLogic(code: string): boolean {
  return /\bfunction\b|=>\s*[{(\w]|\bclass\b/.test(code.replace(/^\s*(?:export\s+)?type\b[\s\S]*?;$/gm, ""));
}

/** The stem of a path's last part, without `_test` too. */
function stemOf(path: string): string {
  return path.split("/").at(-1)?.replace(/(?:_test)?\.ts$/, "") ?? "";
}

/**
 * A file with logic in it has a test of its own name, or one whose name begins so (`log_writer_crash_test.ts`), or a
 * test imports it.
 *
 * @param files The files of `src`.
 * @param tests The files of `tests`.
 * @param elsewhere Files that are tested through others: a path, or the beginning of one up to a slash, and by which test.
 * @returns Those without a test, and entries of `elsewhere` that are out of date.
 */
export function findUntestedFiles(
  files: readonly ReadFile[],
  tests: readonly ReadFile[],
  elsewhere: Readonly<Record<string, string>>,
): Finding[] {
  const testPaths = tests.map(({ path }) => path);
  const stems = testPaths.filter((path) => path.endsWith("_test.ts")).map(stemOf);
  const imported = new Set(
    tests.flatMap(({ path, imports }) => imports.map(({ specifier }) => resolveSpecifier(path, specifier))),
  );
  const hasTest = (path: string): boolean =>
    imported.has(path) || stems.some((stem) => stem === stemOf(path) || stem.startsWith(`${stemOf(path)}_`));
  const untested = files.filter(({ path, code }) => hasLogic(code) && !hasTest(path)).map(({ path }) => path);
  const findings: Finding[] = [];
  const isListed = (entry: string, path: string): boolean =>
    entry.endsWith("/") ? path.startsWith(entry) : path === entry;
  for (const path of untested) {
    if (Object.keys(elsewhere).some((entry) => isListed(entry, path))) continue;
    findings.push(`${path}:1: has no test of its name, and no test imports it`);
  }
  for (const [entry, test] of Object.entries(elsewhere)) {
    if (!testPaths.includes(test)) findings.push(`${entry}:1: is listed with a test that does not exist: ${test}`);
    if (!untested.some((path) => isListed(entry, path))) findings.push(`${entry}:1: need not be listed`);
  }
  return findings;
}

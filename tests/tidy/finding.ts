/**
 * What every tidy rule takes and gives.
 *
 * @module
 */

import { blankSource, findImports, type ImportedModule } from "./source_text.ts";

/** A file of the project. */
export interface SourceFile {
  /** Relative to the project. */
  path: string;
  /** All of it. */
  text: string;
}

/** A file, looked at once for all rules. */
export interface ReadFile extends SourceFile {
  /** The text without comments and without what stands in strings. */
  code: string;
  /** The text without comments. */
  codeAndStrings: string;
  /** What it imports. */
  imports: ImportedModule[];
}

/** Something that a rule objects to, `path:line: what`. */
export type Finding = string;

/**
 * Looks at a file.
 *
 * @param file The file.
 * @returns It, with what the rules need.
 */
export function readSource(file: SourceFile): ReadFile {
  return {
    ...file,
    code: blankSource(file.text, { comments: true, strings: true }),
    codeAndStrings: blankSource(file.text, { comments: true, strings: false }),
    imports: findImports(file.text),
  };
}

/**
 * Finds every match of a pattern.
 *
 * @param path The file's path.
 * @param text What to search: the file's text, or what is left of it.
 * @param pattern A global pattern.
 * @param message What is wrong with a match.
 * @returns One finding per match.
 */
export function findMatches(path: string, text: string, pattern: RegExp, message: string): Finding[] {
  return [...text.matchAll(pattern)].map((match) => {
    const line = text.slice(0, match.index).split("\n").length;
    return `${path}:${line}: ${message}: ${match[0].trim()}`;
  });
}

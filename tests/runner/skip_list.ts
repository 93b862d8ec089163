/**
 * The list of tests that may be skipped, and why: `tests/allowed_skips.txt`.
 *
 * One entry per line, `runtime | title | reason`. The runtime is `node`, `deno`, `bun` or `*`; a title that ends in `*`
 * stands for all that begin so. Empty lines and lines that begin with `#` are ignored.
 *
 * @module
 */

import type { SkippedTest } from "./junit_report.ts";

/** One line of the list. */
export interface AllowedSkip {
  /** The runner that may skip it, or `*`. */
  runtime: string;
  /** The test's own title, or the beginning of it with a `*` behind. */
  title: string;
  /** Why it may. */
  reason: string;
}

/**
 * Reads the list.
 *
 * @param text The whole file.
 * @returns Its entries.
 * @throws {SyntaxError} If a line is not an entry: a list that is misread would allow what nobody allowed.
 */
export function parseSkipList(text: string): AllowedSkip[] {
  const entries: AllowedSkip[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [runtime = "", title = "", reason = "", ...rest] = line.split(" | ").map((part) => part.trim());
    if (!["node", "deno", "bun", "*"].includes(runtime) || title === "" || reason === "" || rest.length > 0) {
      throw new SyntaxError(`Line ${index + 1} of the list of skips is not "runtime | title | reason": ${line}`);
    }
    entries.push({ runtime, title, reason });
  }
  return entries;
}

/**
 * Looks for a skipped test in the list.
 *
 * @param list The list.
 * @param runtime The runner that skipped it.
 * @param test What it skipped.
 * @returns The entry that allows it, if there is one.
 */
export function findAllowedSkip(list: AllowedSkip[], runtime: string, test: SkippedTest): AllowedSkip | undefined {
  return list.find((entry) => {
    if (entry.runtime !== "*" && entry.runtime !== runtime) return false;
    return entry.title.endsWith("*") ? test.title.startsWith(entry.title.slice(0, -1)) : test.title === entry.title;
  });
}

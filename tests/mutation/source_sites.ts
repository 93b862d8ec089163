/**
 * Places in the product's source that a test wants a row of the table of mutations for, each, or a reason.
 *
 * @module
 */

import { mutatedSources } from "./mutant_source.ts";
import { mutationTable } from "./mutation_table.ts";
import type { Mutation } from "./mutation.ts";

/** A place in the source. */
export interface Site {
  /** The file, from `src/`. */
  readonly file: string;
  /** The line without the blanks around it. */
  readonly line: string;
  /** Where in the file the place starts, in characters. */
  readonly offset: number;
  /** The file's text. */
  readonly text: string;
}

/** What was found. */
export interface SiteReport {
  /** How many places there are. */
  readonly sites: number;
  /** Places of which neither a row nor an exception speaks, as `file: line`. */
  readonly open: readonly string[];
  /** Exceptions that no place needs, as `file: line`. */
  readonly unused: readonly string[];
}

/**
 * Holds the source against the table.
 *
 * @param rooms Which directories of `src/` are looked at.
 * @param find Where in a line the places are; lines that are comments are not asked about.
 * @param isHeld Whether a row speaks of a place.
 * @param exceptions Places without a row, as `file: line`.
 * @returns What was found.
 */
export function holdSites(
  rooms: readonly string[],
  find: (line: string) => readonly number[],
  isHeld: (row: Mutation, site: Site) => boolean,
  exceptions: readonly string[],
): SiteReport {
  const rows = [...mutationTable.values()].flat();
  const excused = new Set(exceptions);
  const unused = new Set(exceptions);
  const open: string[] = [];
  let sites = 0;
  for (const [file, text] of mutatedSources([])) {
    if (!rooms.includes(file.split("/")[0] ?? "")) continue;
    for (const site of sitesOf(file, text, find)) {
      sites++;
      if (rows.some((row) => isHeld(row, site))) continue;
      const title = `${file}: ${site.line}`;
      if (!excused.has(title)) open.push(title);
      unused.delete(title);
    }
  }
  return { sites, open, unused: [...unused] };
}

function sitesOf(file: string, text: string, find: (line: string) => readonly number[]): Site[] {
  const sites: Site[] = [];
  let start = 0;
  for (const line of text.split("\n")) {
    if (!/^\s*(?:\*|\/\/|\/\*)/.test(line)) {
      for (const at of find(line)) sites.push({ file, line: line.trim(), offset: start + at, text });
    }
    start += line.length + 1;
  }
  return sites;
}

/** How often a part stands in a text. */
export function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

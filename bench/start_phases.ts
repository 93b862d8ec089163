/**
 * Where the start of the program as one file goes: runs that each do a little more than the one before, in turn.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { bestInTurn, runMs } from "./running_program.ts";

/** A run, and what it costs. */
export interface StartPhase {
  /** What it does that the one before does not. */
  what: string;
  /** From start to end, the best run. */
  ms: number;
  /** Pages that it touched first, the fewest; this hardly varies. */
  pageFaults: number;
}

/**
 * Runs them.
 *
 * @param rounds How often.
 * @param programs The empty program, one that only loads `node:fs`, and Holdfast's.
 * @param directory A store with a session `small`.
 * @param record A record.
 * @returns The phases, in order; each has in it what is in the one before.
 */
export function startPhases(
  rounds: number,
  programs: { empty: string; fileSystem: string; holdfast: string },
  directory: string,
  record: string,
): StartPhase[] {
  const { empty, fileSystem, holdfast } = programs;
  const append = ["append", "small", "--dir", directory];
  const runs: [string, string, string[], string][] = [
    ["empty program", empty, [], ""],
    ["loads node:fs", fileSystem, [], ""],
    ["holdfast --version", holdfast, ["--version"], ""],
    ["… loads the command (append --help)", holdfast, ["append", "--help"], ""],
    ["… opens the store (append of nothing)", holdfast, append, ""],
    ["… opens the session, appends a record", holdfast, append, record],
  ];
  const pageFaults = runs.map(() => Infinity);
  const ms = bestInTurn(
    rounds,
    runs.map(([, program, args, input], index) => () => {
      const before = faultsOfChildren();
      const elapsedMs = runMs([program], args, input);
      pageFaults[index] = Math.min(pageFaults[index] ?? Infinity, faultsOfChildren() - before);
      return elapsedMs;
    }),
  );
  return runs.map(([what], index) => ({ what, ms: ms[index] ?? NaN, pageFaults: pageFaults[index] ?? NaN }));
}

/** Page faults without a read from the disk, of all children that have ended. */
function faultsOfChildren(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  // The name in front may have blanks in it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[8]);
}

/**
 * Which system calls a contender makes per record, told by `strace`: in a run of its own, since it slows everything.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Calls that write, sync or change names, as far as they concern the files that are measured. */
export interface SystemCalls {
  /** `write`, `pwrite64`, `writev` and their like. */
  writes: number;
  /** `fsync`, `fdatasync`, `msync`, `sync_file_range`; writes to a file opened with `O_DSYNC` count as both. */
  syncs: number;
  /** Names made, changed and removed. */
  names: number;
  /** `ftruncate` and `fallocate`. */
  truncates: number;
}

const writeCalls = ["write", "pwrite64", "writev", "pwritev", "pwritev2"];
const syncCalls = ["fsync", "fdatasync", "msync", "sync_file_range"];
const nameCalls = ["rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat"];
const sizeCalls = ["ftruncate", "truncate", "fallocate"];
const openCalls = ["open", "openat"];
const markCalls = ["access", "faccessat", "faccessat2"];

/**
 * A path that is never there; asking for it marks a place in the trace.
 *
 * @param place What begins or ends.
 * @returns The path.
 */
export function markPath(place: "begin" | "end"): string {
  return `/holdfast-bench-mark/${place}`;
}

/**
 * The command that traces what follows it.
 *
 * @param outputPath Where the trace goes.
 * @returns `strace` with its options.
 * @throws {Error} If there is no `strace`.
 */
export function traceWrapper(outputPath: string): string[] {
  if (spawnSync("strace", ["-V"]).status !== 0) throw new Error("strace is not installed here");
  const calls = [...writeCalls, ...syncCalls, ...nameCalls, ...sizeCalls, ...openCalls, ...markCalls];
  // A question mark: not every architecture has every call.
  return [
    "strace",
    "-f",
    "-qq",
    "-y",
    "-s",
    "0",
    "-e",
    "signal=none",
    "-e",
    `trace=${calls.map((call) => `?${call}`).join(",")}`,
    "-o",
    outputPath,
  ];
}

/**
 * Counts the calls between the two marks.
 *
 * @param tracePath The trace.
 * @param directory Only calls on files in here count.
 * @returns The counts.
 */
export function countSystemCalls(tracePath: string, directory: string): SystemCalls {
  const calls: SystemCalls = { writes: 0, syncs: 0, names: 0, truncates: 0 };
  const synchronous = new SynchronousDescriptors();
  let counting = false;
  for (const line of readFileSync(tracePath, "utf8").split("\n")) {
    synchronous.take(line);
    // The second half of a call that was interrupted does not match, so each counts once.
    const [, name = "", rest = ""] = /^\d+\s+(\w+)\((.*)$/.exec(line) ?? [];
    if (markCalls.includes(name)) {
      if (rest.includes(markPath("begin"))) counting = true;
      if (rest.includes(markPath("end"))) counting = false;
    }
    if (!counting || !(rest.includes(`<${directory}`) || rest.includes(`"${directory}`) || name === "msync")) continue;
    if (writeCalls.includes(name)) calls.writes++;
    if (syncCalls.includes(name)) calls.syncs++;
    if (writeCalls.includes(name) && synchronous.has(rest)) calls.syncs++;
    if (nameCalls.includes(name) || (openCalls.includes(name) && /O_CREAT.*O_EXCL/.test(rest))) calls.names++;
    if (sizeCalls.includes(name)) calls.truncates++;
  }
  return calls;
}

/** The descriptors that were opened so that each write is a sync as well. */
class SynchronousDescriptors {
  readonly #descriptors = new Set<string>();
  readonly #interrupted = new Set<string>();

  take(line: string): void {
    const [, thread = "", begun, resumed] =
      /^(\d+)\s+(?:open(?:at)?\((.*)|<\.\.\. open(?:at)? resumed>(.*))$/.exec(line) ?? [];
    const isSynchronous = begun !== undefined ? /O_D?SYNC/.test(begun) : this.#interrupted.has(thread);
    if (begun === undefined && resumed === undefined) return;
    if (begun?.includes("<unfinished") === true) {
      if (isSynchronous) this.#interrupted.add(thread);
      return;
    }
    this.#interrupted.delete(thread);
    const descriptor = /= (\d+<[^>]+>)/.exec(begun ?? resumed ?? "")?.[1];
    if (descriptor === undefined) return;
    if (isSynchronous) this.#descriptors.add(descriptor);
    else this.#descriptors.delete(descriptor);
  }

  has(callArguments: string): boolean {
    return this.#descriptors.has(/^\d+<[^>]+>/.exec(callArguments)?.[0] ?? "");
  }
}

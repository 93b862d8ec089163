/**
 * Waiting for another process's change by looking again and again.
 *
 * `fs.watch` differs from runtime to runtime and misses changes on network and overlay file systems. A look costs one
 * `lstat` of a cached inode, five times a second, and only while somebody follows.
 *
 * @module
 */
import { lstat, lstatSync, type Stats } from "node:fs";

/** How often to look. */
const LOOK_INTERVAL_MS = 200;
/** Resolve for nothing after so many looks, so that no wrong clock can hide a change for longer. */
const LOOKS_MAX = 15;
/** File systems stamp writes by a coarse clock: two writes may carry one stamp. */
const STAMP_TRUSTED_AFTER_MS = 2_000;

/** What tells one state of a path from another. */
interface Seen {
  inode: number;
  size: number;
  modifiedMs: number;
}

/**
 * Resolves when the file at a path may have changed since the call, or on abort; never rejects.
 *
 * A file that was written to a moment ago counts as changed at the first look: a write within the same tick of the
 * file system's clock, or between the caller's last read and this call, would not show otherwise.
 *
 * @param path The file; it may be missing.
 * @param signal Ends the wait.
 */
export function waitForRuntimeChange(path: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const before = lookNow(path);
  const untrusted = before !== undefined && Math.abs(Date.now() - before.modifiedMs) < STAMP_TRUSTED_AFTER_MS;
  return new Promise((resolve) => {
    let timer = setTimeout(look, LOOK_INTERVAL_MS);
    let looks = 0;
    let ended = false;
    signal.addEventListener("abort", end, { once: true });

    function end(): void {
      ended = true;
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }

    function look(): void {
      looks++;
      if (untrusted || looks >= LOOKS_MAX) return end();
      lstat(path, (error, stats) => {
        if (ended) return;
        if (!same(before, error ? undefined : seen(stats))) return end();
        timer = setTimeout(look, LOOK_INTERVAL_MS);
      });
    }
  });
}

/** At once, so that a change right after the call is seen as one. */
function lookNow(path: string): Seen | undefined {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats === undefined ? undefined : seen(stats);
  } catch {
    return undefined;
  }
}

function seen(stats: Stats): Seen {
  return { inode: stats.ino, size: stats.size, modifiedMs: stats.mtimeMs };
}

function same(one: Seen | undefined, other: Seen | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.inode === other.inode && one.size === other.size && one.modifiedMs === other.modifiedMs;
}

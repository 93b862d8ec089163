/**
 * The path by which the kernel knows an open file now.
 *
 * Asking for it is cheaper than a `stat` of the name, and does not show the kernel that somebody looks at the file's
 * times: since Linux 6.13 each write that follows such a look gets a time of its own, which goes through the journal.
 *
 * @module
 */
import { readlinkSync } from "node:fs";
import process from "node:process";
import { denoRuntime } from "./runtime_flock.ts";

const directory = "/proc/self/fd";
let isReadable = process.platform === "linux" ? mayRead() : false;

/** Deno would ask the person at the terminal for a permission that nothing needs. */
function mayRead(): boolean {
  const deno = denoRuntime();
  return deno === undefined || deno.permissions.querySync({ name: "read", path: directory }).state === "granted";
}

/**
 * Asks the kernel.
 *
 * @param descriptor An open file.
 * @returns Its path, with a remark of the kernel's behind it if the file has lost that name; undefined where it cannot
 * be told.
 */
export function descriptorPath(descriptor: number): string | undefined {
  if (!isReadable) return undefined;
  try {
    return readlinkSync(`${directory}/${descriptor}`);
  } catch {
    // No /proc here, or none for us: it will not be there the next time either.
    isReadable = false;
    return undefined;
  }
}

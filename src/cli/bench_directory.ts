/**
 * The directory that is measured in: made new beside or above the store, and gone afterwards with all that is in it.
 *
 * @module
 */

import { HoldfastError, systemErrorCode, toHoldfastError } from "../errors.ts";
import type { FileSystem } from "../fs/filesystem.ts";

/**
 * Finds the directory that a path is in, or would be: itself, or the nearest one above it that exists.
 *
 * @param fileSystem The port.
 * @param path Any path.
 * @returns An absolute path.
 */
export async function nearestDirectory(fileSystem: FileSystem, path: string): Promise<string> {
  for (let candidate = path.replace(/(?<=.)\/+$/, "");;) {
    try {
      return await fileSystem.realPath(candidate);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT" || candidate === "/" || candidate === ".") {
        throw toHoldfastError(error, "looking for the directory", candidate);
      }
    }
    const slash = candidate.lastIndexOf("/");
    candidate = slash < 0 ? "." : candidate.slice(0, slash) || "/";
  }
}

/**
 * Runs something in a new directory, and removes that whatever happens.
 *
 * @param fileSystem The port.
 * @param base Where to make it; it must exist.
 * @param use What to do in it.
 * @returns What `use` returned.
 */
export async function withBenchDirectory<T>(
  fileSystem: FileSystem,
  base: string,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  const random = Math.floor(Math.random() * 0x1_0000_0000).toString(16).padStart(8, "0");
  const directory = `${base === "/" ? "" : base}/.holdfast-bench-${random}`;
  try {
    if ((await fileSystem.stat(base)).kind !== "directory") {
      throw new HoldfastError("io", `Not a directory: ${base}`, { path: base });
    }
    await fileSystem.makeDirectory(directory, 0o700);
  } catch (error) {
    throw toHoldfastError(error, "making a directory to measure in", base);
  }
  try {
    return await use(directory);
  } finally {
    await removeTree(fileSystem, directory);
  }
}

/** Links are removed, never followed. */
async function removeTree(fileSystem: FileSystem, directory: string): Promise<void> {
  try {
    for (const { name, kind } of await fileSystem.readDirectory(directory)) {
      const path = `${directory}/${name}`;
      if (kind === "directory") await removeTree(fileSystem, path);
      else await fileSystem.unlink(path);
    }
    await fileSystem.removeDirectory(directory);
  } catch (error) {
    throw toHoldfastError(error, "removing what was measured with", directory);
  }
}

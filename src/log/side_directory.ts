/**
 * The directories that a session may have beside its log: for what was set aside, for what compaction removed.
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { directoryOf, statIfThere } from "./atomic_file.ts";

/**
 * Whether a directory is there.
 *
 * @param fileSystem The port.
 * @param directory Its path.
 * @returns False if nothing has the name.
 * @throws {HoldfastError} `io` if something else has it: a symbolic link would lead our bytes, and our removals,
 * somewhere else (I16).
 */
export async function standsAsDirectory(fileSystem: FileSystem, directory: string): Promise<boolean> {
  const stat = await statIfThere(fileSystem, directory);
  if (stat === null) return false;
  if (stat.kind !== "directory") throw new HoldfastError("io", `Not a directory: ${directory}`, { path: directory });
  return true;
}

/**
 * Makes a directory if it is not there; its name is durable when it resolves.
 *
 * @param fileSystem The port.
 * @param directory Its path.
 */
export async function makeOwnDirectory(fileSystem: FileSystem, directory: string): Promise<void> {
  if (!await standsAsDirectory(fileSystem, directory)) {
    try {
      await fileSystem.makeDirectory(directory, 0o700);
    } catch (error) {
      if (systemErrorCode(error) !== "EEXIST") throw error;
    }
  }
  // Who made it may have been killed before its name was durable.
  await fileSystem.syncDirectory(directoryOf(directory));
}

/**
 * Removes a directory if it is there and empty.
 *
 * @param fileSystem The port.
 * @param directory Its path.
 */
export async function removeOwnDirectory(fileSystem: FileSystem, directory: string): Promise<void> {
  try {
    await fileSystem.removeDirectory(directory);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "ENOENT" && code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
}

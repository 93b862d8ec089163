/**
 * Removes a session's files, in the order in which a crash in between leaves no half session (B3).
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";
import { removeArchive } from "../log/archive.ts";
import { directoryOf, unlinkIfThere } from "../log/atomic_file.ts";
import { quarantineFiles, quarantineTemporaryNames } from "../log/quarantine.ts";
import { removeOwnDirectory } from "../log/side_directory.ts";
import type { SessionFiles } from "./session_name.ts";

/**
 * Removes the files of a session whose meta file says durably that it is deleted; the meta file goes last. Files that
 * are not ours stay (I16).
 *
 * @param fileSystem The port.
 * @param files The session's paths.
 */
export async function removeSessionFiles(fileSystem: FileSystem, files: SessionFiles): Promise<void> {
  await removeLogFiles(fileSystem, files);
  await unlinkIfThere(fileSystem, files.meta);
  await fileSystem.syncDirectory(directoryOf(files.meta));
}

/**
 * Removes all of a session's files but its meta file, durably.
 *
 * @param fileSystem The port.
 * @param files The session's paths.
 */
export async function removeLogFiles(fileSystem: FileSystem, files: SessionFiles): Promise<void> {
  await unlinkIfThere(fileSystem, files.log);
  await unlinkIfThere(fileSystem, files.logTemporary);
  await unlinkIfThere(fileSystem, files.metaTemporary);
  for (const { name } of await quarantineFiles(fileSystem, files.quarantine)) {
    await unlinkIfThere(fileSystem, `${files.quarantine}/${name}`);
  }
  for (const name of quarantineTemporaryNames) await unlinkIfThere(fileSystem, `${files.quarantine}/${name}`);
  await removeOwnDirectory(fileSystem, files.quarantine);
  await removeArchive(fileSystem, files.archive);
  await unlinkIfThere(fileSystem, files.origin);
  await fileSystem.syncDirectory(directoryOf(files.log));
}

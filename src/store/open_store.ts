/**
 * Opens a directory of sessions.
 *
 * @module
 */

import { HoldfastError, systemErrorCode, toHoldfastError } from "../errors.ts";
import { countingFileSystem } from "../fs/counting_filesystem.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { directoryOf, statIfThere } from "../log/atomic_file.ts";
import { loadFastHash } from "../log/sha256.ts";
import { migrateLegacySessions } from "./migration.ts";
import { SessionStore } from "./session_store.ts";
import type { DirectoryContext, StoreContext } from "./store_context.ts";
import { createStoreCounters } from "./store_counters.ts";
import type { StoreEvent } from "./store_event.ts";
import { resolveOptions, type StoreOptions } from "./store_options.ts";
import { WorkspaceIndex } from "./workspace_index.ts";

/**
 * Opens a directory of sessions, and makes it, with its parents, unless `readOnly`. Old sessions of picoclaw's that lie
 * there as `.json` files are taken over.
 *
 * @param directory The directory.
 * @param options How it behaves.
 * @returns The store; close it, or declare it with `await using`.
 * @throws {TypeError} or {RangeError} If an option is wrong.
 * @throws {HoldfastError} `io` or `read-only` if the directory cannot be made or is none, `not-found` if it is not
 * there and the store is `readOnly`. Making it needs a right to its parent too, to make its name durable.
 *
 * @example
 * ```ts
 * import { openStore } from "holdfast";
 *
 * await using store = await openStore("/tmp/holdfast-example");
 * const chat = await store.session("telegram:123");
 * await chat.append({ role: "user", content: "hi" });
 * console.log(await chat.history());
 * ```
 */
export async function openStore(directory: string, options: StoreOptions = {}): Promise<SessionStore> {
  if (typeof directory !== "string" || directory === "") throw new TypeError("directory must be a path");
  const resolved = resolveOptions(options);
  const counters = createStoreCounters();
  const fileSystem = countingFileSystem(options.fileSystem ?? runtimeFileSystem, counters);
  const trimmed = directory.replace(/(?<=.)\/+$/, "");
  try {
    if (!resolved.readOnly) await makeDirectories(fileSystem, trimmed);
    else if (await statIfThere(fileSystem, trimmed) === null) throw missingDirectory(trimmed);
    const path = await fileSystem.realPath(trimmed);
    if ((await fileSystem.stat(path)).kind !== "directory") throw notADirectory(trimmed);
    const report = (event: StoreEvent): void => {
      try {
        options.onEvent?.(event);
      } catch {
        // A listener's mistake must not stop a recovery half-way.
      }
    };
    const fillAhead = resolved.preallocate && !resolved.readOnly &&
      await fileSystem.overwritesInPlace?.(path) !== false;
    const files: DirectoryContext = { fileSystem, directory: path, counters, report };
    const { sessionBytesMax } = resolved;
    const context: StoreContext = { ...files, fillAhead, sessionBytesMax, workspaces: new WorkspaceIndex(files) };
    if (resolved.blobs !== null) await loadFastHash();
    if (!resolved.readOnly) await migrateLegacySessions(context);
    return new SessionStore(context, resolved);
  } catch (error) {
    throw toHoldfastError(error, "opening the store", trimmed);
  }
}

/** Each new directory is durable before anything is put into it (C11). */
async function makeDirectories(fileSystem: FileSystem, directory: string, wanted = directory): Promise<void> {
  const stat = await statIfThere(fileSystem, directory).catch((error: unknown) => {
    throw directory === wanted
      ? toHoldfastError(error, "looking for the directory", directory)
      : parentRefused(wanted, directory, error);
  });
  const parent = directoryOf(directory);
  if (stat !== null) {
    // Who made it may have been killed before its name was durable. Whoever may not read the parent did not make it.
    await fileSystem.syncDirectory(parent).catch((error: unknown) => {
      if (systemErrorCode(error) === "EIO") throw error;
    });
    return;
  }
  await makeDirectories(fileSystem, parent, wanted);
  try {
    await fileSystem.makeDirectory(directory, 0o700);
  } catch (error) {
    if (await statIfThere(fileSystem, directory) === null) throw error;
  }
  await fileSystem.syncDirectory(parent);
}

/** With rights to the directory alone; a refusal that names only its parent would not say what to do. */
function parentRefused(wanted: string, parent: string, cause: unknown): HoldfastError {
  const { message } = toHoldfastError(cause, "looking for its parent", parent);
  const words = `No such directory: ${wanted}; it could not be made, so make it first. ${message}`;
  return new HoldfastError("io", words, { path: wanted, cause });
}

function missingDirectory(directory: string): HoldfastError {
  return new HoldfastError("not-found", `No such directory: ${directory}`, { path: directory });
}

function notADirectory(directory: string): HoldfastError {
  return new HoldfastError("io", `Not a directory: ${directory}`, { path: directory });
}

/**
 * Where sessions are kept if nobody says so, and what a workspace is called whichever way leads to it.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { directoryOf, statIfThere } from "../log/atomic_file.ts";

/** Environment variables, as `process.env` and `Deno.env.toObject()` give them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Options of {@linkcode findDataDirectory}. */
export interface DataDirectoryOptions {
  /**
   * A directory in a repository: then sessions are kept at its root, in `.holdfast`, unless the environment says where.
   *
   * @default {none}
   */
  repository?: string;
  /**
   * What the repository is looked for in.
   *
   * @default {the real one}
   */
  fileSystem?: FileSystem;
}

/** What sessions are kept in at the root of a repository. */
const repositoryDataName = ".holdfast";

/**
 * The directory of sessions by the environment alone: `$HOLDFAST_DIR`, else `$XDG_DATA_HOME/holdfast`, else
 * `~/.local/share/holdfast`. What the program does.
 *
 * @param environment The environment; a variable that is empty counts as unset.
 * @returns The path; null if nothing says it.
 *
 * @example
 * ```ts
 * import { defaultDataDirectory } from "holdfast";
 *
 * console.log(defaultDataDirectory({ HOME: "/home/pi" })); // /home/pi/.local/share/holdfast
 * ```
 */
export function defaultDataDirectory(environment: Environment): string | null {
  const given = variable(environment, "HOLDFAST_DIR");
  if (given !== undefined) return given;
  const dataHome = variable(environment, "XDG_DATA_HOME");
  // The XDG specification: a path that is not absolute is to be ignored.
  if (dataHome?.startsWith("/")) return `${dataHome}/holdfast`;
  const home = variable(environment, "HOME");
  return home === undefined ? null : `${home}/.local/share/holdfast`;
}

/**
 * The directory of sessions: `$HOLDFAST_DIR`, else `.holdfast` at the root of the repository that a directory is in,
 * else what {@linkcode defaultDataDirectory} says.
 *
 * @param environment The environment.
 * @param options Which repository, if any.
 * @returns The path; null if nothing says it.
 *
 * @example
 * ```ts
 * import { findDataDirectory } from "holdfast";
 *
 * console.log(await findDataDirectory({ HOME: "/home/pi" }, { repository: "." }));
 * ```
 */
export async function findDataDirectory(
  environment: Environment,
  options: DataDirectoryOptions = {},
): Promise<string | null> {
  const { repository, fileSystem = runtimeFileSystem } = options;
  if (variable(environment, "HOLDFAST_DIR") === undefined && repository !== undefined) {
    const root = await repositoryRoot(fileSystem, repository);
    if (root !== null) return `${root === "/" ? "" : root}/${repositoryDataName}`;
  }
  return defaultDataDirectory(environment);
}

/**
 * The name of a workspace for `update` and `latest`: the absolute path of a directory without symbolic links, `.` and
 * `..`, so that one directory has one name. What is not there yet is named below the nearest directory that is.
 *
 * @param path The directory.
 * @param options What it is looked for in.
 * @returns Its canonical path.
 *
 * @example
 * ```ts
 * import { canonicalWorkspace, openStore } from "holdfast";
 *
 * await using store = await openStore("/tmp/holdfast-example");
 * const workspace = await canonicalWorkspace(".");
 * await (await store.session("garden")).update({ workspace });
 * console.log(await store.latest({ workspace }));
 * ```
 */
export async function canonicalWorkspace(
  path: string,
  options: Pick<DataDirectoryOptions, "fileSystem"> = {},
): Promise<string> {
  if (typeof path !== "string" || path === "") throw new TypeError("workspace must be a path");
  const { fileSystem = runtimeFileSystem } = options;
  const missing: string[] = [];
  let existing = path.replace(/(?<=.)\/+$/, "");
  for (;;) {
    try {
      return below(await fileSystem.realPath(existing), missing);
    } catch (error) {
      const code = systemErrorCode(error);
      if ((code !== "ENOENT" && code !== "ENOTDIR") || existing === "/" || existing === ".") throw error;
      missing.unshift(existing.slice(existing.lastIndexOf("/") + 1));
      existing = directoryOf(existing).replace(/(?<=.)\/+$/, "");
    }
  }
}

function below(directory: string, names: readonly string[]): string {
  const parts = directory.split("/").filter((part) => part !== "");
  for (const name of names) {
    if (name === "..") parts.pop();
    else if (name !== "." && name !== "") parts.push(name);
  }
  return `/${parts.join("/")}`;
}

async function repositoryRoot(fileSystem: FileSystem, from: string): Promise<string | null> {
  for (let directory = await fileSystem.realPath(from);; directory = directoryOf(directory)) {
    // A directory, or in a worktree and a submodule a file.
    if (await statIfThere(fileSystem, `${directory === "/" ? "" : directory}/.git`) !== null) return directory;
    if (directory === "/") return null;
  }
}

/** A variable that may not be read, as on Deno without its permission, is not set. */
function variable(environment: Environment, name: string): string | undefined {
  try {
    return environment[name] || undefined;
  } catch {
    return undefined;
  }
}

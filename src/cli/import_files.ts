/**
 * Finds the files behind the paths that an import is given.
 *
 * @module
 */

import { toHoldfastError } from "../errors.ts";
import type { FileSystem } from "../fs/filesystem.ts";

/** Nobody keeps sessions deeper; a directory mounted into itself is. */
const depthMax = 32;

/** What is behind a path. */
export interface FoundFiles {
  /** The files, in the order of their names; the path itself where it is one. */
  files: string[];
  /** Whether the path is a directory. */
  isDirectory: boolean;
  /** How many names were passed over: hidden ones, and what is neither a file nor a directory. */
  passedOver: number;
  /** Directories that cannot be read. */
  unreadable: string[];
}

/**
 * Lists the files behind a path: itself, or all in the directory and those in it. Hidden names are passed over, and
 * symbolic links in a directory are not followed.
 *
 * @param fileSystem The port.
 * @param path A file or directory.
 * @param storeDirectory Where the import goes to; not searched.
 * @returns What was found.
 * @throws {HoldfastError} `io` if the path cannot be read.
 */
export async function findFiles(fileSystem: FileSystem, path: string, storeDirectory: string): Promise<FoundFiles> {
  const found: FoundFiles = { files: [], isDirectory: false, passedOver: 0, unreadable: [] };
  try {
    const { kind } = await fileSystem.stat(await fileSystem.realPath(path));
    if (kind !== "directory") return { ...found, files: [path] };
    found.isDirectory = true;
    const store = await fileSystem.realPath(storeDirectory).catch(() => null);
    await walk(fileSystem, path.replace(/(?<=.)\/+$/, ""), { found, store, depth: 0 });
  } catch (error) {
    throw toHoldfastError(error, "looking for files to import", path);
  }
  return found;
}

async function walk(
  fileSystem: FileSystem,
  directory: string,
  { found, store, depth }: { found: FoundFiles; store: string | null; depth: number },
): Promise<void> {
  if (depth > depthMax || await fileSystem.realPath(directory) === store) return;
  const entries = await fileSystem.readDirectory(directory).catch((error: unknown) => {
    if (depth === 0) throw error;
    found.unreadable.push(directory);
    return [];
  });
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, kind } of entries) {
    const path = `${directory === "/" ? "" : directory}/${name}`;
    if (name.startsWith(".") || kind === "other") found.passedOver++;
    else if (kind === "directory") await walk(fileSystem, path, { found, store, depth: depth + 1 });
    else found.files.push(path);
  }
}

/**
 * The directory of a path.
 *
 * @param path A path.
 * @returns What stands in front of the last name; `.` if nothing.
 */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : slash === 0 ? "/" : path.slice(0, slash);
}

/**
 * Joins a relative path to a directory.
 *
 * @param directory The directory.
 * @param relative May begin with `../`.
 * @returns The path, without `.` and, where names are there to take away, without `..`.
 */
export function joinPath(directory: string, relative: string): string {
  const names: string[] = [];
  for (const name of `${directory}/${relative}`.split("/")) {
    const last = names.at(-1);
    if (name === "." || (name === "" && names.length > 0)) continue;
    if (name === ".." && last !== undefined && last !== ".." && last !== "") names.pop();
    else if (name !== ".." || last !== "") names.push(name);
  }
  const joined = names.join("/");
  return joined === "" ? directory.startsWith("/") ? "/" : "." : joined;
}

/**
 * The name of a file without its directory and without `.jsonl` or `.json`.
 *
 * @param path The file.
 * @returns The stem.
 */
export function stemOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.jsonl?$/, "");
}

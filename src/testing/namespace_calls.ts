/**
 * The calls that change names, with the refusals of a kernel.
 *
 * @module
 */

import type { OpenOptions } from "../fs/filesystem.ts";
import type { FileNode, TreeNode } from "./file_tree.ts";
import { lookUp, lookUpExisting, type Place } from "./path_lookup.ts";
import type { SimulatedMachine } from "./simulated_machine.ts";
import { systemError } from "./system_error.ts";

const DEFAULT_FILE_MODE = 0o600;

/** Finds a file, or makes it. */
export function openNode(machine: SimulatedMachine, path: string, options: OpenOptions): FileNode {
  const create = options.create ?? "never";
  const place = lookUp(machine.pages.cache, path, "open", false);
  const { node } = place;
  if (node === undefined) {
    if (create === "never" || path.endsWith("/")) throw systemError("ENOENT", "open", path);
    const mode = (options.mode ?? DEFAULT_FILE_MODE) & 0o7777;
    const made: FileNode = { kind: "file", size: 0, pages: [], ...machine.nodeBase(mode) };
    add(machine, place, made, "create", path);
    machine.counters.namespaceOperations++;
    return made;
  }
  if (create === "exclusive") throw systemError("EEXIST", "open", path);
  if (node.kind === "other") throw systemError("ELOOP", "open", path);
  if (node.kind === "directory") throw systemError("EISDIR", "open", path);
  return node;
}

function add(
  machine: SimulatedMachine,
  place: Place,
  made: TreeNode,
  action: "create" | "mkdir" | "symlink",
  path: string,
): void {
  const { pages } = machine;
  const { directory, name } = place;
  pages.make(made);
  pages.changeNames({ inode: made.inode, path, action, target: { directory, name }, replaces: false, made });
  pages.countName(made.inode, 1, false);
  machine.nameChanged(directory, name);
}

/** Makes one directory. */
export function makeDirectory(machine: SimulatedMachine, path: string, mode: number): void {
  const place = lookUp(machine.pages.cache, path, "mkdir", false);
  if (place.node !== undefined) throw systemError("EEXIST", "mkdir", path);
  if (!machine.hasSpace(1)) throw systemError("ENOSPC", "mkdir", path);
  const made: TreeNode = { kind: "directory", entries: new Map(), ...machine.nodeBase(mode & 0o7777) };
  add(machine, place, made, "mkdir", path);
}

/** Makes a symbolic link. */
export function makeSymbolicLink(machine: SimulatedMachine, path: string, target: string): void {
  const place = lookUp(machine.pages.cache, path, "symlink", false);
  if (place.node !== undefined) throw systemError("EEXIST", "symlink", path);
  add(machine, place, { kind: "other", target, ...machine.nodeBase(0o777) }, "symlink", path);
}

/** Removes an empty directory. */
export function removeDirectory(machine: SimulatedMachine, path: string): void {
  const { directory, name, node } = lookUpExisting(machine.pages.cache, path, "rmdir", false);
  if (node.kind !== "directory") throw systemError("ENOTDIR", "rmdir", path);
  if (name === "") throw systemError("EBUSY", "rmdir", path);
  if (node.entries.size > 0) throw systemError("ENOTEMPTY", "rmdir", path);
  remove(machine, { directory, name }, node, "rmdir", path);
}

/** Removes a name. */
export function unlink(machine: SimulatedMachine, path: string): void {
  const { directory, name, node } = lookUpExisting(machine.pages.cache, path, "unlink", false);
  if (node.kind === "directory") throw systemError("EISDIR", "unlink", path);
  remove(machine, { directory, name }, node, "unlink", path);
}

function remove(
  machine: SimulatedMachine,
  source: { directory: number; name: string },
  node: TreeNode,
  action: "rmdir" | "unlink",
  path: string,
): void {
  const { inode } = node;
  machine.pages.changeNames({ inode, path, action, source, replaces: false });
  forgetName(machine, inode);
  machine.nameChanged(source.directory, source.name);
}

function forgetName(machine: SimulatedMachine, inode: number): void {
  machine.pages.countName(inode, -1, machine.openCounts.has(inode));
  for (const watcher of machine.watchers) if (watcher.inode === inode) watcher.wake();
}

/** Gives a second name. */
export function link(machine: SimulatedMachine, from: string, to: string): void {
  const { node } = lookUpExisting(machine.pages.cache, from, "link", false);
  const place = lookUp(machine.pages.cache, to, "link", false);
  if (place.node !== undefined) throw systemError("EEXIST", "link", to);
  if (node.kind === "directory") throw systemError("EPERM", "link", from);
  const { directory, name } = place;
  const target = { directory, name };
  machine.pages.changeNames({
    inode: node.inode,
    path: from,
    targetPath: to,
    action: "link",
    target,
    replaces: false,
  });
  machine.pages.countName(node.inode, 1, false);
  machine.nameChanged(directory, name);
}

/** Gives another name. */
export function rename(machine: SimulatedMachine, from: string, to: string): void {
  const { cache } = machine.pages;
  const old = lookUpExisting(cache, from, "rename", false);
  const place = lookUp(cache, to, "rename", false);
  const replaced = place.node;
  const { inode } = old.node;
  if (replaced?.inode === inode) return;
  if (old.name === "" || place.name === "") throw systemError("EBUSY", "rename", from);
  if (old.node.kind === "directory") {
    if (`${place.path}/`.startsWith(`${old.path}/`)) throw systemError("EINVAL", "rename", to);
    if (replaced !== undefined && replaced.kind !== "directory") throw systemError("ENOTDIR", "rename", to);
    if (replaced !== undefined && replaced.entries.size > 0) throw systemError("ENOTEMPTY", "rename", to);
  } else if (replaced?.kind === "directory") throw systemError("EISDIR", "rename", to);
  machine.pages.changeNames({
    inode,
    path: from,
    targetPath: to,
    action: "rename",
    target: { directory: place.directory, name: place.name },
    source: { directory: old.directory, name: old.name },
    replaces: replaced !== undefined,
  });
  if (replaced !== undefined) forgetName(machine, replaced.inode);
  machine.nameChanged(old.directory, old.name);
  machine.nameChanged(place.directory, place.name);
}

/** Where to watch; directory 0, which means everything, if the way there is missing. */
export function placeToWatch(machine: SimulatedMachine, path: string): Pick<Place, "directory" | "name" | "node"> {
  try {
    return lookUp(machine.pages.cache, path, "watch", false);
  } catch {
    return { directory: 0, name: "", node: undefined };
  }
}

/**
 * From a path to an inode, as a kernel finds it.
 *
 * @module
 */

import { type FileTree, ROOT_INODE, type TreeNode } from "./file_tree.ts";
import { systemError } from "./system_error.ts";

const SYMBOLIC_LINKS_MAX = 40;
const NAME_BYTES_MAX = 255;
const encoder = new TextEncoder();

/** Where a path leads, or would lead. */
export interface Place {
  /** The inode of the directory that holds the last name; the top directory for itself. */
  readonly directory: number;
  /** The last name; empty for the top directory. */
  readonly name: string;
  /** What has that name. */
  readonly node: TreeNode | undefined;
  /** The absolute path with the symbolic links on the way resolved. */
  readonly path: string;
}

/**
 * Finds a path.
 *
 * @param tree The tree.
 * @param path Absolute, or relative to the top.
 * @param call The call that wants to know, for errors.
 * @param follow Whether a symbolic link in the last place is followed.
 * @returns The place; its node is undefined if nothing has the name.
 * @throws `ENOENT` or `ENOTDIR` if the way there is missing, `ELOOP`, `ENAMETOOLONG`, `EINVAL` for a NUL.
 */
export function lookUp(tree: FileTree, path: string, call: string, follow: boolean): Place {
  if (path === "") throw systemError("ENOENT", call, path);
  if (path.includes("\0")) throw systemError("EINVAL", call, path);
  return lookUpPlain(tree, path) ?? walk(tree, path, call, follow);
}

/** Goes down a path of plain names, as nearly all are; undefined if there is anything else about it. */
function lookUpPlain(tree: FileTree, path: string): Place | undefined {
  if (!path.startsWith("/")) return undefined;
  let node = tree.get(ROOT_INODE);
  for (let start = 1;;) {
    const slash = path.indexOf("/", start);
    const name = slash < 0 ? path.slice(start) : path.slice(start, slash);
    const isPlain = name !== "" && name !== "." && name !== ".." && name.length * 3 <= NAME_BYTES_MAX;
    if (!isPlain || node?.kind !== "directory") return undefined;
    const directory = node.inode;
    const inode = node.entries.get(name);
    node = inode === undefined ? undefined : tree.get(inode);
    if (node?.kind === "other") return undefined;
    if (slash < 0) return { directory, name, node, path };
    start = slash + 1;
  }
}

function walk(tree: FileTree, path: string, call: string, follow: boolean): Place {
  const waiting = path.split("/").reverse();
  const parents: Place[] = [];
  let place: Place = { directory: ROOT_INODE, name: "", node: tree.get(ROOT_INODE), path: "/" };
  let links = 0;
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name === "" || name === ".") continue;
    if (place.node === undefined) throw systemError("ENOENT", call, path);
    if (place.node.kind !== "directory") throw systemError("ENOTDIR", call, path);
    if (name === "..") {
      place = parents.pop() ?? place;
      continue;
    }
    checkName(name, call, path);
    const inode = place.node.entries.get(name);
    const node = inode === undefined ? undefined : tree.get(inode);
    const isLast = waiting.every((left) => left === "" || left === ".");
    if (node?.kind === "other" && (follow || !isLast)) {
      if (++links > SYMBOLIC_LINKS_MAX) throw systemError("ELOOP", call, path);
      waiting.push(...node.target.split("/").reverse());
      if (!node.target.startsWith("/")) continue;
      place = parents[0] ?? place;
      parents.length = 0;
      continue;
    }
    parents.push(place);
    const directory = place.node.inode;
    place = { directory, name, node, path: place.path === "/" ? `/${name}` : `${place.path}/${name}` };
  }
  return place;
}

function checkName(name: string, call: string, path: string): void {
  if (name.length * 3 <= NAME_BYTES_MAX) return;
  if (encoder.encode(name).length > NAME_BYTES_MAX) throw systemError("ENAMETOOLONG", call, path);
}

/**
 * Finds what must be there.
 *
 * @param tree The tree.
 * @param path Absolute, or relative to the top.
 * @param call The call that wants to know, for errors.
 * @param follow Whether a symbolic link in the last place is followed.
 * @returns The place, whose node exists.
 * @throws As {@linkcode lookUp}, and `ENOENT` if nothing has the name.
 */
export function lookUpExisting(
  tree: FileTree,
  path: string,
  call: string,
  follow: boolean,
): Place & { readonly node: TreeNode } {
  const { directory, name, node, path: found } = lookUp(tree, path, call, follow);
  if (node === undefined) throw systemError("ENOENT", call, path);
  return { directory, name, node, path: found };
}

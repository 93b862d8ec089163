/**
 * Which files the project consists of: the checks name their entry points, so that `deploy/` (which may need packages
 * that are not reachable everywhere) is never drawn in.
 *
 * @module
 */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of the checkout, without a slash at its end. */
export const projectDirectory: string = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/**
 * Lists files below some directories of the project, or the files themselves; what does not exist is left out.
 *
 * @param roots Paths relative to the project.
 * @param suffix How the names end.
 * @returns Their paths relative to the project, sorted.
 */
export function listProjectFiles(roots: readonly string[], suffix: string): string[] {
  const found: string[] = [];
  const visit = (path: string): void => {
    for (const entry of readdirSync(join(projectDirectory, path), { withFileTypes: true })) {
      const child = `${path}/${entry.name}`;
      if (entry.isDirectory()) visit(child);
      else if (entry.name.endsWith(suffix)) found.push(child);
    }
  };
  for (const root of roots) {
    if (!existsSync(join(projectDirectory, root))) continue;
    if (root.endsWith(suffix)) found.push(root);
    else visit(root);
  }
  return found.sort();
}

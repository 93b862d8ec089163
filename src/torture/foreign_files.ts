/**
 * What somebody else keeps in the store's directory, and in those of its sessions, under names that look much like the
 * store's own: it stays as it is, whatever the store does and whatever it loses (I16).
 *
 * @module
 */

import type { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import { readText } from "./observation.ts";
import { filesOf, storeDirectory } from "./subject.ts";
import { Violation } from "./violation.ts";

const encoder = new TextEncoder();
const { log, meta, quarantine, archive, logTemporary, metaTemporary } = filesOf(0);

/** Directories, outer ones first: one has the name of a log, others are the store's own, which somebody has used too. */
const directories: readonly string[] = [`${storeDirectory}/folder.jsonl`, quarantine, archive];

/** What each file holds. */
const files: Readonly<Record<string, string>> = {
  [`${storeDirectory}/notes.txt`]: "mine",
  [`${storeDirectory}/.hidden.jsonl`]: '{"not":"a session"}\n',
  [`${storeDirectory}/folder.jsonl/notes`]: "mine",
  [`${log}.bak`]: '{"role":"user","content":"0 of a copy"}\n',
  [`${meta}~`]: "{}",
  [`${logTemporary}.old`]: "mine",
  [`${metaTemporary}.old`]: "mine",
  [`${quarantine}/torn-0-0a0b0c0d.old`]: "mine",
  [`${archive}/0-1.jsonl.bak`]: "mine",
};

/** A log that leads to one of them. */
const link = { path: `${storeDirectory}/linked.jsonl`, target: `${log}.bak` };

/** The paths of all that is not the store's. */
export const foreignPaths: ReadonlySet<string> = new Set([
  ...directories,
  ...Object.keys(files),
  link.path,
]);

/**
 * Puts them where they belong; durable when it resolves.
 *
 * @param fileSystem The machine; the store's directory is there.
 */
export async function placeForeignFiles(fileSystem: SimulatedFileSystem): Promise<void> {
  for (const directory of directories) await fileSystem.makeDirectory(directory, 0o755);
  for (const [path, text] of Object.entries(files)) {
    const handle = await fileSystem.open(path, { access: "write", create: "exclusive" });
    await handle.write(encoder.encode(text), 0);
    await handle.syncData();
    await handle.close();
  }
  fileSystem.addSymbolicLink(link.path, link.target);
  for (const directory of [...directories, storeDirectory]) await fileSystem.syncDirectory(directory);
}

/**
 * Checks that nobody has touched them. It is no step of the run: no power is cut in it.
 *
 * @param fileSystem The machine.
 * @throws {Violation} If one is gone, or is not what it was.
 */
export async function checkForeignFiles(fileSystem: SimulatedFileSystem): Promise<void> {
  const { onStep } = fileSystem;
  fileSystem.onStep = undefined;
  for (const [path, text] of Object.entries(files)) {
    const found = await readText(fileSystem, path);
    if (found !== text) throw new Violation("I16", `Somebody's file ${path} is ${found === null ? "gone" : "changed"}`);
  }
  const stat = await fileSystem.stat(link.path).catch(() => null);
  fileSystem.onStep = onStep;
  if (stat?.kind !== "other") throw new Violation("I16", `Somebody's link ${link.path} is gone, or is none any more`);
}

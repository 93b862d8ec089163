/**
 * Files that share bytes: here they have their own, which are as little durable as if they had been written.
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";
import { readBytes } from "./file_tree.ts";
import { lookUpExisting } from "./path_lookup.ts";
import type { SimulatedMachine } from "./simulated_machine.ts";
import { systemError } from "./system_error.ts";

/** A file's bytes and its permission bits. */
export interface SharedBytes {
  /** All of them, as programs see them now. */
  readonly bytes: Uint8Array;
  /** The permission bits. */
  readonly mode: number;
}

/** What a clone of a file shares with it; refused where files cannot share. */
export function bytesToShare(machine: SimulatedMachine, from: string): SharedBytes {
  const { node } = lookUpExisting(machine.pages.cache, from, "clone", false);
  if (node.kind !== "file") throw systemError(node.kind === "other" ? "ELOOP" : "EISDIR", "clone", from);
  if (machine.options.reflinks !== true) throw systemError("ENOTSUP", "clone", from);
  const bytes = new Uint8Array(node.size);
  readBytes(node, bytes, 0);
  return { bytes, mode: node.mode };
}

/** Makes the clone, or nothing. */
export async function writeClone(fileSystem: FileSystem, to: string, { bytes, mode }: SharedBytes): Promise<void> {
  const file = await fileSystem.open(to, { access: "write", create: "exclusive", mode });
  try {
    if (await file.write(bytes, 0) < bytes.length) throw systemError("ENOSPC", "clone", to);
  } catch (error) {
    await fileSystem.unlink(to);
    throw error;
  } finally {
    await file.close();
  }
}

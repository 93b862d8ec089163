/**
 * The lock of a simulated kernel: on a file, freed when its holder ends.
 *
 * @module
 */

import type { FileLock, LockAttempt } from "../fs/filesystem.ts";
import { readBytes } from "./file_tree.ts";
import { openNode, unlink } from "./namespace_calls.ts";
import { lookUp } from "./path_lookup.ts";
import type { SimulatedMachine, SimulatedProcess } from "./simulated_machine.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Takes the lock, or says who holds it. */
export function lockFile(
  machine: SimulatedMachine,
  process: SimulatedProcess,
  path: string,
  holder: string,
): LockAttempt {
  machine.step(process, "before", "lock", path);
  const { inode } = openNode(machine, path, { access: "write", create: "if-missing" });
  machine.step(process, "after", "open for lock", path);
  const { pages, locks } = machine;
  if (locks.has(inode)) {
    const file = pages.cache.file(inode);
    machine.look(inode);
    const bytes = new Uint8Array(file?.size ?? 0);
    if (file !== undefined) readBytes(file, bytes, 0);
    return { acquired: false, holder: decoder.decode(bytes) };
  }
  locks.set(inode, process);
  machine.countOpen(inode, 1);
  const openFile = { abandon: () => machine.countOpen(inode, -1) };
  process.openFiles.add(openFile);
  pages.truncate(inode, path, 0);
  machine.step(process, "after", "truncate for lock", path);
  // Short enough for one page, as the descriptions of a process are.
  const bytes = encoder.encode(holder).subarray(0, 4096);
  if (bytes.length > 0 && machine.hasSpace(1)) pages.write(inode, path, pages.startCall(), bytes, 0);
  machine.fileChanged(inode);
  machine.step(process, "after", "write for lock", path);
  return { acquired: true, lock: heldLock(machine, process, path, inode, openFile) };
}

function heldLock(
  machine: SimulatedMachine,
  process: SimulatedProcess,
  path: string,
  inode: number,
  openFile: { abandon(): void },
): FileLock {
  let isHeld = true;
  return {
    async release(): Promise<void> {
      machine.check(process, "unlock", path);
      if (!isHeld) return;
      machine.step(process, "before", "unlock", path);
      isHeld = false;
      // Only our own file: somebody may have removed it, and another taken the name.
      if (nodeAt(machine, path) === inode) unlink(machine, path);
      machine.locks.delete(inode);
      process.openFiles.delete(openFile);
      openFile.abandon();
      machine.step(process, "after", "unlock", path);
    },
  };
}

function nodeAt(machine: SimulatedMachine, path: string): number | undefined {
  try {
    return lookUp(machine.pages.cache, path, "unlock", false).node?.inode;
  } catch {
    return undefined;
  }
}

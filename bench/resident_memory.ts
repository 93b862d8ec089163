/**
 * A process's resident memory by what it is, from `/proc/PID/smaps`.
 *
 * @module
 */

import { readFileSync } from "node:fs";

/** The kinds, in the order in which they are shown. */
export const memoryKinds = [
  "the runtime's code, pages of the file",
  "the runtime's constants, pages of the file",
  "the file's data and bytecode",
  "shared libraries",
  "compiled code",
  "JavaScript heap, allocators, stacks",
] as const;

/** A kind of memory. */
export type MemoryKind = (typeof memoryKinds)[number];

/**
 * Asks the kernel. A touched page of a file brings those around it along (16 of 4 KiB, where they are cached), and all of
 * them count.
 *
 * @param pid The process.
 * @param program The file that it runs.
 * @returns Bytes in memory, by kind.
 */
export function residentByKind(pid: number, program: string): ReadonlyMap<MemoryKind, number> {
  const bytes = new Map<MemoryKind, number>(memoryKinds.map((kind) => [kind, 0]));
  let kind: MemoryKind = memoryKinds[5];
  for (const line of readFileSync(`/proc/${pid}/smaps`, "utf8").split("\n")) {
    const mapping = /^[0-9a-f]+-[0-9a-f]+ (\S{4}) \S+ \S+ \d+\s*(.*)$/.exec(line);
    if (mapping !== null) kind = kindOf(mapping[1] ?? "", mapping[2] ?? "", program);
    const resident = /^Rss:\s+(\d+) kB/.exec(line);
    if (resident !== null) bytes.set(kind, (bytes.get(kind) ?? 0) + Number(resident[1]) * 1024);
  }
  return bytes;
}

function kindOf(rights: string, path: string, program: string): MemoryKind {
  if (path === program) {
    if (rights.includes("x")) return memoryKinds[0];
    return rights.includes("w") ? memoryKinds[2] : memoryKinds[1];
  }
  if (path.startsWith("/")) return memoryKinds[3];
  return rights.includes("x") && rights.includes("w") ? memoryKinds[4] : memoryKinds[5];
}

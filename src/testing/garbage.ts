/**
 * What stands in bytes that a file has, but that nobody wrote: noise, or remains of other files.
 *
 * Every stretch of it between two line ends, and every stretch inside one sector, holds a control character that no
 * JSON text can hold. So garbage never completes, nor is, a line that anybody could take for one that was appended: no
 * store could tell such a line from a real one, and no file system in use shows foreign bytes.
 *
 * @module
 */

import { type FileNode, type FileTree, readBytes } from "./file_tree.ts";
import { SeededRandom } from "./seeded_random.ts";

const SECTOR_BYTES_MIN = 512;
const NUL = 0x00;
const LF = 0x0a;

/**
 * Noise for a range.
 *
 * @param length In bytes.
 * @param offset Where the range starts in its file.
 * @param seed The same seed gives the same noise.
 * @returns The bytes.
 */
export function noise(length: number, offset: number, seed: number): Uint8Array {
  const random = new SeededRandom(seed);
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = random.next() & 0xff;
  return breakLines(bytes, offset, random);
}

/**
 * Remains of something else for a range: bytes of this file or another, or, where there are none, noise.
 *
 * @param length In bytes.
 * @param offset Where the range starts in its file.
 * @param seed The same seed gives the same remains.
 * @param tree Where remains are looked for.
 * @returns The bytes.
 */
export function remains(length: number, offset: number, seed: number, tree: FileTree): Uint8Array {
  const random = new SeededRandom(seed);
  const files: FileNode[] = [];
  for (const node of tree.nodes.values()) if (node.kind === "file" && node.size > 0) files.push(node);
  const file = files[random.below(Math.max(1, files.length))];
  if (file === undefined) return noise(length, offset, seed);
  const bytes = new Uint8Array(length);
  // From the start of a sector, as blocks are handed on whole.
  const sectors = Math.ceil(file.size / SECTOR_BYTES_MIN);
  const from = random.below(sectors) * SECTOR_BYTES_MIN + (offset % SECTOR_BYTES_MIN);
  const copied = readBytes(file, bytes, from);
  if (copied < length) readBytes(file, bytes.subarray(copied), 0);
  return breakLines(bytes, offset, random);
}

/** Puts a control character into every stretch that could be part of a line. */
function breakLines(bytes: Uint8Array, offset: number, random: SeededRandom): Uint8Array {
  let start = 0;
  for (let index = 0; index <= bytes.length; index++) {
    const byte = bytes[index];
    const ends = byte === undefined || byte === LF || byte === NUL;
    if (!ends && (offset + index) % SECTOR_BYTES_MIN !== 0) continue;
    if (index > start) bytes[start + random.below(index - start)] = 0x01 + random.below(8);
    start = ends ? index + 1 : index;
  }
  return bytes;
}

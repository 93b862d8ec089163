/**
 * Finding a byte, as fast as the runtime can. Node's `Buffer` searches with what the C library has for it, ten times as
 * fast as a `Uint8Array` does there; elsewhere the array's own search is the faster one.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import process from "node:process";

const isNode = !("deno" in process.versions) && !("bun" in process.versions);

/**
 * Finds a byte.
 *
 * @param bytes Where to look.
 * @param byte What to look for.
 * @param from Where to begin.
 * @returns The first place; -1 if there is none.
 */
export const indexOfByte: (bytes: Uint8Array, byte: number, from: number) => number = isNode
  ? (bytes, byte, from) => Buffer.prototype.indexOf.call(bytes, byte, from)
  : (bytes, byte, from) => bytes.indexOf(byte, from);

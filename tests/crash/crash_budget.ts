/**
 * How much of the laboratory's work falls to a runtime: all on Node, a fixed tenth elsewhere, where only the runtime
 * differs. `HOLDFAST_CRASH_SHARE` asks for another share.
 *
 * @module
 */

import process from "node:process";

/** Every how-many-th sequence is run here. */
export const sequenceStride: number = Number(process.env["HOLDFAST_CRASH_SHARE"] ?? (isNode() ? 1 : 10));

function isNode(): boolean {
  return !("deno" in process.versions) && !("bun" in process.versions);
}

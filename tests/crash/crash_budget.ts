/**
 * How much of the laboratory's work falls to a run of the suite: a fixed tenth, so that a change need not wait for all
 * of it. `HOLDFAST_CRASH_SHARE=1` asks for everything, as the nightly job does.
 *
 * @module
 */

import process from "node:process";

/** Every how-many-th sequence is run here. */
export const sequenceStride: number = Number(process.env["HOLDFAST_CRASH_SHARE"] ?? 10);

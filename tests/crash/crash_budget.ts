/**
 * How much of the laboratory's work falls to a run of the suite: on Node all of it; on Deno and Bun, which differ from
 * Node in nothing that the simulated machine knows of, a fixed tenth. `HOLDFAST_CRASH_SHARE=10` asks for a tenth
 * everywhere, `HOLDFAST_CRASH_SHARE=1` for everything everywhere, as the nightly job does.
 *
 * @module
 */

import process from "node:process";

const isNode = !("Deno" in globalThis) && !("Bun" in globalThis);

/** Every how-many-th sequence is run here. */
export const sequenceStride: number = Number(process.env["HOLDFAST_CRASH_SHARE"] ?? (isNode ? 1 : 10));

/** Whether everything is asked for, also what is too long for a run of the suite. */
export const isEverythingAsked: boolean = process.env["HOLDFAST_CRASH_SHARE"] === "1";

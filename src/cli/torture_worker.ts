/**
 * `holdfast torture-worker ORDER`: one process of the laboratory; what `holdfast torture` starts.
 *
 * @module
 */

import { type Command, exitCodes } from "./command.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "torture-worker",
    summary: "take a share of a run of the laboratory",
    positionals: [{ name: "ORDER", required: true, description: "which share, as JSON" }],
    options: [],
    examples: [],
    hidden: true,
  },
  async run(context) {
    const { readOrder, work } = await import("../torture/torture_worker.ts");
    await work(readOrder(context.parsed.positional(0)), (report) => {
      void context.stdout.write(`${JSON.stringify(report)}\n`);
    });
    return exitCodes.done;
  },
};

/**
 * `holdfast repair KEY`: takes damaged lines out of a log, rebuilds a damaged meta file.
 *
 * @module
 */

import { type Command, exitCodes } from "./command.ts";
import { existingSession, throwIfInterrupted, withStore, writeJson } from "./store_access.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "repair",
    summary: "set damaged lines aside and rebuild a damaged meta file",
    details: [
      "Damaged bytes go to the session's quarantine directory, never away. Records keep their numbers. See first " +
      "what is damaged: holdfast check KEY.",
    ],
    positionals: [{ name: "KEY", required: true, description: "the session's key" }],
    options: [],
    examples: [{ does: "one session", line: "holdfast repair telegram:123" }],
  },
  async run(context) {
    const key = context.parsed.positional(0);
    await withStore(context, {}, async (store) => {
      const session = await existingSession(store, key);
      throwIfInterrupted(context);
      const report = await session.repair();
      if (context.parsed.has("json")) return await writeJson(context, { key, ...report });
      await context.stdout.write(`${key}: ${JSON.stringify(report)}\n`);
    });
    return exitCodes.done;
  },
};

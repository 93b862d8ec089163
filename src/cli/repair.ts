/**
 * `holdfast repair KEY`: takes damaged lines out of a log, rebuilds a damaged meta file.
 *
 * @module
 */

import { type Command, exitCodes } from "./command.ts";
import { readableReport } from "./check.ts";
import { existingSession, throwIfInterrupted, withStore, writeJson } from "./store_access.ts";
import { countOf, visibleLine } from "./terminal_text.ts";

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
    return await withStore(context, {}, async (store) => {
      const session = await existingSession(store, key);
      throwIfInterrupted(context);
      const { before, after, removed } = await session.repair();
      if (context.parsed.has("json")) await writeJson(context, { key, ok: after.ok, removed, before, after });
      else {
        const did = before.ok && removed === 0
          ? "nothing to repair"
          : `${countOf(removed, "line")} removed, damaged ones to quarantine`;
        await context.stdout.write(`${visibleLine(key)}: ${did}\n${readableReport(context, after)}`);
      }
      return after.ok ? exitCodes.done : exitCodes.failed;
    });
  },
};

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
      "Damaged bytes go to the session's quarantine directory, never away. Records keep their numbers, and truncated " +
      "ones stay. See first what is damaged: holdfast check KEY.",
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
        const did = [];
        if (before.tornTail !== null) did.push(`torn end of ${countOf(before.tornTail.length, "byte")} set aside`);
        if (removed > 0) did.push(`${countOf(removed, "damaged line")} set aside`);
        if (before.meta !== "ok") did.push("meta file rebuilt");
        if (before.missing !== undefined) did.push(`records ${before.missing.from} to ${before.missing.to} given up`);
        const what = did.length === 0 ? "nothing to repair" : did.join(", ");
        await context.stdout.write(`${visibleLine(key)}: ${what}\n${readableReport(context, after)}`);
      }
      return after.ok ? exitCodes.done : exitCodes.failed;
    });
  },
};

/**
 * `holdfast truncate KEY --keep N`: hides all but the newest records.
 *
 * @module
 */

import { type Command, exitCodes, UsageError } from "./command.ts";
import { existingSession, withStore, writeJson } from "./store_access.ts";
import { countOf } from "./terminal_text.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "truncate",
    summary: "hide all but the newest records of a session",
    details: [
      "Nothing is removed: show --all and export --all still have the hidden records, until compact takes them out.",
    ],
    positionals: [{ name: "KEY", required: true, description: "the session's key" }],
    options: [
      { name: "keep", value: "N", kind: "count", description: "how many records stay active" },
      { name: "summary", value: "TEXT", description: "what the hidden ones were about, in the same commit" },
    ],
    examples: [{
      does: "keep the last 20",
      line: 'holdfast truncate telegram:123 --keep 20 --summary "They said hello."',
    }],
  },
  async run(context) {
    const key = context.parsed.positional(0);
    const keep = context.parsed.count("keep");
    if (keep === undefined) throw new UsageError("--keep N is missing: how many records stay active");
    const summary = context.parsed.text("summary");
    const info = await withStore(context, {}, async (store) => {
      const session = await existingSession(store, key);
      await session.truncate(keep, summary === undefined ? {} : { summary });
      return await session.info();
    });
    if (context.parsed.has("json")) {
      await writeJson(context, { key, records: info.records, active: info.active, summary: info.summary });
    } else {
      await context.stdout.write(`${countOf(info.active, "active record")} of ${info.records}\n`);
    }
    return exitCodes.done;
  },
};

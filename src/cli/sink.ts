/**
 * `holdfast sink status`: how far the bucket is behind, without asking it.
 *
 * @module
 */

import { readSinkStatus, type SinkSessionStatus } from "../sink/mod.ts";
import { type Command, exitCodes, UsageError } from "./command.ts";
import { withStore, writeJson } from "./store_access.ts";
import { painterFor } from "./terminal_text.ts";
import { type ColumnDescription, renderTable } from "./text_table.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "sink",
    summary: "show how far the bucket is behind",
    details: [
      "`sink status` reads the sessions and the sink's cursor, and sends nothing. SENT are records that are known to " +
      "be in the bucket, WAITING those that are not; the cursor of a sink at work is written every ten minutes only, " +
      "so less may be waiting than it says.",
    ],
    positionals: [{ name: "ACTION", required: true, description: "status" }],
    options: [],
    examples: [{ does: "what is not off the device yet", line: "holdfast sink status" }],
  },
  async run(context) {
    const [action] = context.parsed.positionals;
    if (action !== "status") {
      throw new UsageError(`There is no holdfast sink ${action}; there is: holdfast sink status`);
    }
    return await withStore(context, { readOnly: true }, async (store) => {
      const sessions = await readSinkStatus(store);
      if (context.parsed.has("json")) {
        for (const session of sessions) await writeJson(context, session);
        return exitCodes.done;
      }
      const paint = painterFor(context.stdout, context.environment);
      await context.stdout.write(renderTable(columns, sessions.map(row), context.stdout, paint));
      return exitCodes.done;
    });
  },
};

const columns: readonly ColumnDescription[] = [
  { heading: "KEY", shrinks: true },
  { heading: "ID" },
  { heading: "SENT", align: "right" },
  { heading: "WAITING", align: "right" },
];

function row({ key, id, uploaded, next }: SinkSessionStatus): string[] {
  return [key, id ?? "-", String(uploaded), String(Math.max(0, next - uploaded))];
}

/**
 * `holdfast rm KEY…`: removes sessions.
 *
 * @module
 */

import { type Command, exitCodes } from "./command.ts";
import { throwIfInterrupted, warn, withStore, writeJson } from "./store_access.ts";
import { visibleLine } from "./terminal_text.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "rm",
    summary: "remove sessions with everything that belongs to them",
    details: [
      "A session that another process is writing is refused. What is removed cannot be brought back; with --trash it " +
      "can, by restore, until retain empties the trash.",
    ],
    positionals: [{ name: "KEY", required: true, multiple: true, description: "the sessions' keys" }],
    options: [{ name: "trash", description: "move them to the trash, where restore finds them" }],
    examples: [{ does: "one session", line: "holdfast rm telegram:123" }],
  },
  async run(context) {
    const toTrash = context.parsed.has("trash");
    let missingCount = 0;
    await withStore(context, {}, async (store) => {
      for (const key of context.parsed.positionals) {
        throwIfInterrupted(context);
        const id = toTrash ? await store.moveToTrash(key) : null;
        const deleted = toTrash ? id !== null : await store.delete(key);
        if (context.parsed.has("json")) await writeJson(context, { key, deleted, ...(toTrash ? { trash: id } : {}) });
        else if (deleted) {
          await context.stdout.write(`${visibleLine(key)}: ${toTrash ? "moved to the trash" : "removed"}\n`);
        }
        if (deleted) continue;
        missingCount++;
        await warn(context, `There is no session ${JSON.stringify(key)} in ${store.directory}`);
      }
    });
    return missingCount > 0 ? exitCodes.failed : exitCodes.done;
  },
};

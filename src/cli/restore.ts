/**
 * `holdfast restore [KEY]`: brings sessions back from the trash, or lists it.
 *
 * @module
 */

import { type Command, exitCodes } from "./command.ts";
import { throwIfInterrupted, withStore, writeJson } from "./store_access.ts";
import { formatBytes, painterFor, visibleLine } from "./terminal_text.ts";
import { renderTable } from "./text_table.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "restore",
    summary: "bring sessions back from the trash; without a KEY, list it",
    details: [
      "A session comes back as it was, under its key. Of several with one key it is the one that went there last; " +
      "give the name in the list's first column for another. If there is a session of that key again, it is refused: " +
      "rename nothing, but read it in the trash with --dir DIR/trash/NAME, where it is the only session of a store.",
    ],
    positionals: [{ name: "KEY", required: false, multiple: true, description: "keys, or names from the list" }],
    options: [],
    examples: [
      { does: "what is in the trash", line: "holdfast restore" },
      { does: "one session", line: "holdfast restore telegram:123" },
    ],
  },
  async run(context) {
    const wanted = context.parsed.positionals;
    const json = context.parsed.has("json");
    return await withStore(context, wanted.length === 0 ? { readOnly: true } : {}, async (store) => {
      for (const key of wanted) {
        throwIfInterrupted(context);
        const restored = await store.restore(key);
        if (json) await writeJson(context, { key: restored, restored: true });
        else await context.stdout.write(`${visibleLine(restored)}: restored\n`);
      }
      if (wanted.length > 0) return exitCodes.done;
      const entries = await store.trash();
      if (json) { for (const entry of entries) await writeJson(context, entry); }
      else {
        const headings = ["NAME", "KEY", "SIZE", "IN THE TRASH SINCE", "TITLE"];
        const columns = headings.map((heading) => ({ heading, shrinks: heading === "TITLE" || heading === "KEY" }));
        const people = context.stdout.isTerminal;
        const rows = entries.map(({ id, key, bytes, trashedAt, title }) => {
          return [id, key, people ? formatBytes(bytes) : String(bytes), trashedAt, title ?? ""];
        });
        const paint = painterFor(context.stdout, context.environment);
        await context.stdout.write(renderTable(columns, rows, context.stdout, paint));
      }
      return exitCodes.done;
    });
  },
};

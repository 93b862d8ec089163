/**
 * `holdfast ls`: the sessions, newest first.
 *
 * @module
 */

import type { SessionInfo } from "../../mod.ts";
import { type Command, exitCodes } from "./command.ts";
import { withStore, writeJson } from "./store_access.ts";
import { formatBytes, formatCount, painterFor } from "./terminal_text.ts";
import { type ColumnDescription, renderTable } from "./text_table.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "ls",
    summary: "list the sessions, newest first",
    details: [
      "ACTIVE are the records that a reader gets; RECORDS counts truncated ones too, as long as they are in the log. " +
      "In a pipe the columns are separated by tabs, without headings: key, active, records, bytes, time of the last " +
      "write, workspace, title, summary.",
    ],
    positionals: [],
    options: [
      { name: "workspace", value: "W", description: "only the sessions of this workspace" },
      { name: "parent", value: "KEY", description: "only the sessions that branch off from this one" },
      { name: "limit", value: "N", kind: "count", description: "at most N sessions" },
    ],
    examples: [{ does: "the keys of the ten newest", line: "holdfast ls --limit 10 | cut -f1" }],
  },
  async run(context) {
    const workspace = context.parsed.text("workspace");
    const parent = context.parsed.text("parent");
    const limit = context.parsed.count("limit");
    if (limit === 0) return exitCodes.done;
    const sessions = await withStore(
      context,
      { readOnly: true },
      (store) =>
        store.list({
          ...(workspace === undefined ? {} : { workspace }),
          ...(parent === undefined ? {} : { parent }),
          ...(limit === undefined ? {} : { limit }),
        }),
    );
    if (context.parsed.has("json")) {
      for (const session of sessions) await writeJson(context, listEntry(session));
      return exitCodes.done;
    }
    if (sessions.length === 0 && context.stdout.isTerminal) await context.stderr.write("There are no sessions\n");
    const paint = painterFor(context.stdout, context.environment);
    const people = context.stdout.isTerminal;
    const rows = sessions.map((session) => people ? peopleRow(session) : plainRow(session));
    await context.stdout.write(renderTable(people ? peopleColumns : plainColumns, rows, context.stdout, paint));
    return exitCodes.done;
  },
};

const peopleColumns: readonly ColumnDescription[] = [
  { heading: "KEY", shrinks: true },
  { heading: "ACTIVE", align: "right" },
  { heading: "RECORDS", align: "right" },
  { heading: "SIZE", align: "right" },
  { heading: "LAST WRITE" },
  { heading: "ABOUT", shrinks: true },
];

function peopleRow({ key, active, records, bytes, updatedAt, title, workspace, summary }: SessionInfo): string[] {
  const about = [workspace === null ? "" : `[${workspace}]`, title ?? "", summary].filter((text) => text !== "");
  const updated = (updatedAt ?? "").slice(0, 19).replace("T", " ");
  return [key, formatCount(active), formatCount(records), formatBytes(bytes), updated, about.join(" ")];
}

const plainColumns: readonly ColumnDescription[] = [..."karbuwts"].map((heading) => ({ heading }));

function plainRow({ key, active, records, bytes, updatedAt, title, workspace, summary }: SessionInfo): string[] {
  return [key, String(active), String(records), String(bytes), updatedAt ?? "", workspace ?? "", title ?? "", summary];
}

/** Only the members that are promised, in their order. */
function listEntry(
  { key, records, active, bytes, summary, title, workspace, createdAt, updatedAt, parent }: SessionInfo,
): SessionInfo {
  return { key, records, active, bytes, summary, title, workspace, createdAt, updatedAt, parent };
}

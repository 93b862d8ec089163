/**
 * `holdfast stats [KEY]`: what a session takes on the card.
 *
 * @module
 */

import type { SessionStats } from "../../mod.ts";
import { type Command, exitCodes } from "./command.ts";
import { Progress } from "./progress.ts";
import { existingSession, throwIfInterrupted, withStore, writeJson } from "./store_access.ts";
import { formatBytes, formatCount, painterFor } from "./terminal_text.ts";
import { type ColumnDescription, renderTable } from "./text_table.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "stats",
    summary: "show records, dead lines and bytes per session",
    details: [
      "DEAD are records that truncation hid and compact would remove. FILL is room that was written ahead, so that " +
      "appends need not grow the file. BLOBS are large values in files of their own, which sessions can share. In a " +
      "pipe the columns are separated by tabs and sizes are in bytes.",
    ],
    positionals: [{ name: "KEY", required: false, description: "only this session" }],
    options: [],
    examples: [{ does: "everything", line: "holdfast stats" }],
  },
  async run(context) {
    const json = context.parsed.has("json");
    const given = context.parsed.positionals[0];
    const progress = new Progress(context.stderr, json);
    const all: SessionStats[] = [];
    await withStore(context, { readOnly: true }, async (store) => {
      const keys = given === undefined ? (await store.list()).map(({ key }) => key) : [given];
      for (const [index, key] of keys.entries()) {
        throwIfInterrupted(context);
        await progress.update(() => `${index + 1} of ${keys.length}`);
        const stats = await (await existingSession(store, key)).stats();
        if (json) await writeJson(context, promised(stats));
        else all.push(stats);
      }
    });
    await progress.done();
    if (json) return exitCodes.done;
    const people = context.stdout.isTerminal;
    const size = people ? formatBytes : String;
    const rows = all.map((stats) => row(stats, people ? formatCount : String, size));
    if (people && all.length > 1) rows.push(row(total(all), formatCount, size));
    const paint = painterFor(context.stdout, context.environment);
    await context.stdout.write(renderTable(columns, rows, context.stdout, paint));
    return exitCodes.done;
  },
};

const columns: readonly ColumnDescription[] = [
  { heading: "KEY", shrinks: true },
  { heading: "RECORDS", align: "right" },
  { heading: "DEAD", align: "right" },
  { heading: "SIZE", align: "right" },
  { heading: "FILL", align: "right" },
  { heading: "QUARANTINE", align: "right" },
  { heading: "ARCHIVE", align: "right" },
  { heading: "BLOBS", align: "right" },
];

function row(stats: SessionStats, count: (value: number) => string, size: (value: number) => string): string[] {
  const { key, records, dead, bytes, fillBytes, quarantineBytes, archiveBytes, blobBytes } = stats;
  const sizes = [bytes, fillBytes, quarantineBytes, archiveBytes, blobBytes].map(size);
  return [key, count(records), count(dead), ...sizes];
}

/** Only the members that are promised, in their order. */
function promised(stats: SessionStats): SessionStats {
  const { key, records, dead, bytes, fillBytes, quarantineBytes, archiveBytes, blobs, blobBytes } = stats;
  return { key, records, dead, bytes, fillBytes, quarantineBytes, archiveBytes, blobs, blobBytes };
}

function total(all: readonly SessionStats[]): SessionStats {
  const sum = (of: (stats: SessionStats) => number): number => all.reduce((value, stats) => value + of(stats), 0);
  return {
    key: `${all.length} sessions`,
    records: sum(({ records }) => records),
    dead: sum(({ dead }) => dead),
    bytes: sum(({ bytes }) => bytes),
    fillBytes: sum(({ fillBytes }) => fillBytes),
    quarantineBytes: sum(({ quarantineBytes }) => quarantineBytes),
    archiveBytes: sum(({ archiveBytes }) => archiveBytes),
    blobs: sum(({ blobs }) => blobs),
    blobBytes: sum(({ blobBytes }) => blobBytes),
  };
}

/**
 * The charts that the README shows, drawn from the findings of a comparison.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Comparison, short, whole } from "./comparison.ts";
import { concurrentId, serialId, turnId } from "./scenario.ts";
import { type ChartPanel, type ChartRow, drawChart } from "./svg_chart.ts";

/**
 * Writes the charts.
 *
 * @param comparison The findings.
 * @param directory Where to; made if it is not there.
 * @returns The names of the files that were written.
 */
export function writeCharts(comparison: Comparison, directory: string): string[] {
  mkdirSync(directory, { recursive: true });
  const drawn: [string, string | null][] = [
    ["cost.svg", costChart(comparison)],
    ["sizes.svg", sizesChart(comparison)],
    ["speed.svg", speedChart(comparison)],
    ["reading.svg", readingChart(comparison)],
  ];
  const names: string[] = [];
  for (const [name, text] of drawn) {
    if (text === null) continue;
    writeFileSync(join(directory, name), text);
    names.push(name);
  }
  return names;
}

/** The contenders that a chart has a figure of, in their order. */
function rowsOf(comparison: Comparison, panels: readonly ChartSource[]): { ids: string[]; rows: ChartRow[] } {
  const shown = comparison.subjects.filter(({ id, runtime }) =>
    runtime === "node24" && panels.some((panel) => panel.valueOf(id) !== null)
  );
  return {
    ids: shown.map(({ id }) => id),
    rows: shown.map(({ title, contender }) => ({
      label: contender === "sqlite-normal" ? `${title} *` : title,
      isOwn: contender === "holdfast",
    })),
  };
}

interface ChartSource {
  title: string;
  subtitle: string;
  valueOf: (subject: string) => number | null;
  format: (value: number) => string;
}

function chart(comparison: Comparison, title: string, sources: readonly ChartSource[]): string | null {
  const used = sources.filter((source) => comparison.subjects.some(({ id }) => source.valueOf(id) !== null));
  if (used.length === 0) return null;
  const { ids, rows } = rowsOf(comparison, used);
  const panels = used.map((source): ChartPanel => ({ ...source, values: ids.map(source.valueOf) }));
  return drawChart({ title, footnote: footnoteOf(comparison, ids), rows, panels });
}

function footnoteOf(comparison: Comparison, ids: readonly string[]): string {
  const where = `${
    comparison.measuredAt.slice(0, 10)
  }, Node 24, ext4 in an image mounted by loop. Broken bars are cut.`;
  return ids.includes("sqlite-normal") ? `${where}  * A power cut loses what came after the last checkpoint.` : where;
}

function costSource(
  comparison: Comparison,
  scenario: string,
  title: string,
  subtitle: string,
  field: "bytesPerRecord" | "flushesPerRecord",
): ChartSource {
  return {
    title,
    subtitle,
    format: field === "bytesPerRecord" ? whole : short,
    valueOf: (id) => comparison.cost.find((row) => row.subject === id && row.scenario === scenario)?.[field] ?? null,
  };
}

function costChart(comparison: Comparison): string | null {
  const bytes = "device bytes per record";
  const flushes = "flushes per record";
  return chart(comparison, "What one durable record of 1 KB costs the flash", [
    costSource(comparison, serialId, bytes, "one at a time", "bytesPerRecord"),
    costSource(comparison, serialId, flushes, "one at a time", "flushesPerRecord"),
    costSource(comparison, turnId, bytes, "turns of five records", "bytesPerRecord"),
    costSource(comparison, concurrentId, bytes, "32 at a time", "bytesPerRecord"),
  ]);
}

function sizesChart(comparison: Comparison): string | null {
  const sizes = ["200B", "1KB", "10KB", "100KB"];
  return chart(
    comparison,
    "Device bytes per durable record, one at a time",
    sizes.map((size) => {
      const title = size.replace(/(?=[KB])/, " ");
      return costSource(comparison, `${size}-serial`, title, "device bytes per record", "bytesPerRecord");
    }),
  );
}

function speedSource(comparison: Comparison, scenario: string, subtitle: string): ChartSource {
  return {
    title: "durable records per second",
    subtitle,
    format: whole,
    valueOf: (id) =>
      comparison.speed.find((row) => row.subject === id && row.scenario === scenario)?.recordsPerSecond ?? null,
  };
}

function speedChart(comparison: Comparison): string | null {
  return chart(comparison, "How many durable records of 1 KB per second", [
    speedSource(comparison, serialId, "one at a time"),
    speedSource(comparison, "1KB-8", "8 at a time"),
    speedSource(comparison, concurrentId, "32 at a time"),
    speedSource(comparison, turnId, "turns of five"),
  ]);
}

function readingChart(comparison: Comparison): string | null {
  const readings = [...new Set(comparison.reads.map((row) => row.reading))];
  const find = (id: string, start: string) =>
    comparison.reads.find((row) => row.subject === id && row.reading.startsWith(start));
  const times = ["full read", "history, 1000", "tail", "list"].map((start): ChartSource => ({
    title: readings.find((reading) => reading.startsWith(start)) ?? start,
    subtitle: "milliseconds",
    format: short,
    valueOf: (id) => find(id, start)?.milliseconds ?? null,
  }));
  const memory: ChartSource = {
    title: "full read",
    subtitle: "growth of peak memory, MB",
    format: short,
    valueOf: (id) => {
      const found = find(id, "full read");
      return found === undefined ? null : found.growthBytes / 1e6;
    },
  };
  return chart(comparison, "Reading a session back", [...times.slice(0, 1), memory, ...times.slice(1)]);
}

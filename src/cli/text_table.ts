/**
 * Rows of text: aligned under headings for a person, separated by tabs in a pipe.
 *
 * @module
 */

import type { OutputStream } from "./command.ts";
import { fitText, type Painter, textWidth, visibleLine } from "./terminal_text.ts";

/** One column. */
export interface ColumnDescription {
  /** Its heading. */
  readonly heading: string;
  /** Numbers stand right. */
  readonly align?: "left" | "right";
  /** Gives up width first when the terminal is narrow. */
  readonly shrinks?: boolean;
}

/**
 * Lays rows out. Cells are made visible; on a terminal they are aligned and the columns that shrink are cut to its
 * width; elsewhere there are no headings and nothing is cut, so that `cut -f1` works.
 *
 * @param columns The columns.
 * @param rows The cells.
 * @param stream Where it goes.
 * @param paint Dresses the headings.
 * @returns The text, with a final line feed; empty if there are no rows.
 */
export function renderTable(
  columns: readonly ColumnDescription[],
  rows: readonly (readonly string[])[],
  stream: OutputStream,
  paint: Painter,
): string {
  if (rows.length === 0) return "";
  const cells = rows.map((row) => columns.map((_, index) => visibleLine(row[index] ?? "")));
  if (!stream.isTerminal) return cells.map((row) => row.join("\t") + "\n").join("");
  const widths = columns.map(({ heading }, index) =>
    Math.max(textWidth(heading), ...cells.map((row) => textWidth(row[index] ?? "")))
  );
  shrink(columns, widths, stream.columns);
  const line = (row: readonly string[]): string =>
    columns.map(({ align }, index) => pad(row[index] ?? "", widths[index] ?? 0, align ?? "left")).join("  ").trimEnd();
  const headings = line(columns.map(({ heading }) => heading));
  return [paint(headings, "bold"), ...cells.map(line)].join("\n") + "\n";
}

function shrink(columns: readonly ColumnDescription[], widths: number[], available: number): void {
  let excess = widths.reduce((sum, width) => sum + width + 2, -2) - available;
  while (excess > 0) {
    let widest = -1;
    columns.forEach(({ shrinks }, index) => {
      const width = widths[index] ?? 0;
      if (shrinks === true && width > 12 && (widest < 0 || width > (widths[widest] ?? 0))) widest = index;
    });
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess--;
  }
}

function pad(cell: string, width: number, align: "left" | "right"): string {
  const fitted = fitText(cell, width);
  const blank = " ".repeat(Math.max(0, width - textWidth(fitted)));
  return align === "right" ? blank + fitted : fitted + blank;
}

/**
 * Name and value, one pair per line, aligned.
 *
 * @param pairs The pairs.
 * @param paint Dresses the names.
 * @returns The text, with a final line feed.
 */
export function renderPairs(pairs: readonly (readonly [string, string])[], paint: Painter): string {
  const width = Math.max(...pairs.map(([name]) => textWidth(name)));
  return pairs.map(([name, value]) => `${paint(pad(name, width, "left"), "dim")}  ${value}\n`).join("");
}

/**
 * A histogram of latencies as lines of text: bars of block characters on a terminal, of `#` in a pipe.
 *
 * @module
 */

import type { LatencyBucket } from "./bench_latency.ts";
import { formatCount, type Painter } from "./terminal_text.ts";

/** From an eighth of a column to seven. */
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** How a histogram is drawn. */
export interface HistogramStyle {
  /** Whether block characters can be shown. */
  readonly blocks: boolean;
  /** The whole width, in characters. */
  readonly columns: number;
  /** Dresses the bars. */
  readonly paint: Painter;
}

/**
 * Draws a histogram: one line per bucket. The longest bar fills what bounds and counts leave of the width; a bucket
 * that is not empty has a bar that can be seen.
 *
 * @param buckets In order.
 * @param style How.
 * @returns The text, with a final line feed; empty if there are no buckets.
 */
export function histogramText(buckets: readonly LatencyBucket[], style: HistogramStyle): string {
  const labels = buckets.map(({ fromMs, toMs }) => [formatMs(fromMs), formatMs(toMs)] as const);
  const fromWidth = Math.max(0, ...labels.map(([from]) => from.length));
  const toWidth = Math.max(0, ...labels.map(([, to]) => to.length));
  const counts = buckets.map(({ count }) => formatCount(count));
  const countWidth = Math.max(0, ...counts.map((count) => count.length));
  const most = Math.max(1, ...buckets.map(({ count }) => count));
  const dash = style.blocks ? "–" : "-";
  const barWidth = Math.max(8, style.columns - fromWidth - toWidth - countWidth - 12);
  return buckets.map(({ count }, index) => {
    const [from, to] = labels[index] ?? ["", ""];
    const bar = style.blocks ? blockBar(count / most, barWidth) : plainBar(count / most, barWidth);
    const label = `${from.padStart(fromWidth)} ${dash} ${to.padStart(toWidth)} ms`;
    return `  ${label}  ${(counts[index] ?? "").padStart(countWidth)} ${style.paint(bar, "cyan")}`.trimEnd() + "\n";
  }).join("");
}

/**
 * A time in milliseconds, with about three digits: `0.042`, `1.25`, `31.5`, `410`.
 *
 * @param milliseconds The time.
 * @returns The text, without the unit.
 */
export function formatMs(milliseconds: number): string {
  if (milliseconds >= 100) return formatCount(Math.round(milliseconds));
  if (milliseconds >= 10) return milliseconds.toFixed(1);
  return milliseconds.toFixed(milliseconds >= 1 ? 2 : 3);
}

function blockBar(share: number, width: number): string {
  const parts = share === 0 ? 0 : Math.max(1, Math.round(share * width * 8));
  return "█".repeat(Math.floor(parts / 8)) + (eighths[parts % 8] ?? "");
}

function plainBar(share: number, width: number): string {
  return "#".repeat(share === 0 ? 0 : Math.max(1, Math.round(share * width)));
}

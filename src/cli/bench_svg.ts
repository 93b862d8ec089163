/**
 * A histogram of latencies as an SVG picture that needs nothing beside itself.
 *
 * @module
 */

import { formatMs } from "./bench_histogram.ts";
import type { LatencyBucket, LatencySummary } from "./bench_latency.ts";
import { formatCount, visibleLine } from "./terminal_text.ts";

/** What is in the picture. */
export interface LatencyPicture {
  /** Its heading. */
  readonly title: string;
  /** A line below it: where, and of what. */
  readonly subtitle: string;
  /** The bars, in order. */
  readonly buckets: readonly LatencyBucket[];
  /** Marked by lines. */
  readonly summary: LatencySummary;
}

const width = 760;
const height = 400;
const plot = { left: 64, top: 92, right: 736, bottom: 336 } as const;

/**
 * Draws the picture: bars over a logarithmic axis of milliseconds, and a line at each percentile.
 *
 * @param picture What is in it.
 * @returns The file's text.
 */
export function latencySvg({ title, subtitle, buckets, summary }: LatencyPicture): string {
  const fromMs = buckets[0]?.fromMs ?? 1;
  const toMs = buckets.at(-1)?.toMs ?? 10;
  const across = (ms: number): number => {
    const share = Math.log(Math.min(Math.max(ms, fromMs), toMs) / fromMs) / Math.log(toMs / fromMs);
    return plot.left + share * (plot.right - plot.left);
  };
  const most = Math.max(1, ...buckets.map(({ count }) => count));
  const up = (count: number): number => plot.bottom - count / most * (plot.bottom - plot.top);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `role="img" aria-label="${escaped(title)}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="24" y="32" font-size="18" font-weight="bold">${escaped(title)}</text>`,
    `<text x="24" y="52" fill="#666">${escaped(subtitle)}</text>`,
    ...gridLines(most, up),
    ...buckets.filter(({ count }) => count > 0).map((bucket) => bar(bucket, across, up)),
    `<path d="M${plot.left} ${plot.bottom}H${plot.right}" stroke="#333"/>`,
    ...axisLabels(buckets, across),
    `<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 44}" text-anchor="middle">latency in milliseconds, ` +
    "logarithmic</text>",
    ...percentileLines(summary, across),
    "</svg>",
    "",
  ].join("\n");
}

function gridLines(most: number, up: (count: number) => number): string[] {
  return [...new Set([0.25, 0.5, 0.75, 1].map((share) => Math.round(share * most)))].filter((count) => count > 0)
    .map((count) =>
      `<path d="M${plot.left} ${round(up(count))}H${plot.right}" stroke="#ddd"/>` +
      `<text x="${plot.left - 8}" y="${round(up(count) + 4)}" text-anchor="end">${formatCount(count)}</text>`
    );
}

function bar(
  { fromMs, toMs, count }: LatencyBucket,
  across: (ms: number) => number,
  up: (count: number) => number,
): string {
  const left = across(fromMs);
  // A bucket with a single latency must not vanish.
  const top = Math.min(up(count), plot.bottom - 1);
  return `<rect x="${round(left + 0.5)}" y="${round(top)}" width="${round(Math.max(across(toMs) - left - 1, 1))}" ` +
    `height="${round(plot.bottom - top)}" fill="#2a7f9e"><title>${formatMs(fromMs)} to ${formatMs(toMs)} ms: ` +
    `${formatCount(count)}</title></rect>`;
}

/** As many bounds as there is room for. */
function axisLabels(buckets: readonly LatencyBucket[], across: (ms: number) => number): string[] {
  const bounds = [...buckets.map(({ fromMs }) => fromMs), ...buckets.slice(-1).map(({ toMs }) => toMs)];
  const step = Math.ceil(bounds.length / 11);
  return bounds.filter((_, index) => index % step === 0).map((ms) =>
    `<path d="M${round(across(ms))} ${plot.bottom}v5" stroke="#333"/>` +
    `<text x="${round(across(ms))}" y="${plot.bottom + 20}" text-anchor="middle">${formatMs(ms)}</text>`
  );
}

/** Their labels stand side by side above, since p99.9 and the longest are often at one place. */
function percentileLines({ p50, p99, p999, max }: LatencySummary, across: (ms: number) => number): string[] {
  const marks = [["p50", p50], ["p99", p99], ["p99.9", p999], ["max", max]] as const;
  return marks.map(([name, ms], index) => {
    const x = round(across(ms));
    const labelX = plot.left + index * (plot.right - plot.left) / marks.length;
    return `<path d="M${x} ${plot.top - 8}V${plot.bottom}" stroke="#b5442e" stroke-dasharray="4 3"/>` +
      `<text x="${round(labelX)}" y="${plot.top - 18}" fill="#b5442e">${name} ${formatMs(ms)} ms</text>`;
  });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return visibleLine(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

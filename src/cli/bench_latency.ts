/**
 * Latencies in figures: percentiles, and buckets for a plot.
 *
 * @module
 */

/** What is said of many latencies, in milliseconds. */
export interface LatencySummary {
  /** Half were no longer. */
  p50: number;
  /** Of a hundred, ninety-nine were no longer. */
  p99: number;
  /** Of a thousand, all but one were no longer. */
  p999: number;
  /** The longest. */
  max: number;
}

/** How many latencies lie from one bound up to, but not including, the next. */
export interface LatencyBucket {
  /** In milliseconds. */
  fromMs: number;
  /** In milliseconds. */
  toMs: number;
  /** How many. */
  count: number;
}

/** Steps within a decade, the finest first. */
const series: readonly (readonly number[])[] = [
  [1, 1.12, 1.25, 1.4, 1.6, 1.8, 2, 2.24, 2.5, 2.8, 3.15, 3.55, 4, 4.5, 5, 5.6, 6.3, 7.1, 8, 9],
  [1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8],
  [1, 1.6, 2.5, 4, 6.3],
  [1, 2, 5],
  [1],
];
const shortestMs = 0.001;

/**
 * A percentile by nearest rank: a value that was measured, never one in between.
 *
 * @param sorted Ascending, at least one.
 * @param percent Above 0, up to 100.
 * @returns The value.
 */
export function percentile(sorted: readonly number[], percent: number): number {
  // Rounded first: 99.9 / 100 * 1000 is a little more than 999.
  const rank = Math.ceil(Number((percent / 100 * sorted.length).toFixed(6)));
  const value = sorted[Math.min(Math.max(rank, 1), sorted.length) - 1];
  if (value === undefined) throw new RangeError("A percentile of nothing");
  return value;
}

/**
 * Says of latencies what is usually asked.
 *
 * @param latenciesMs In any order, at least one.
 * @returns The percentiles; with fewer than 1,000 values p99.9 is the longest.
 */
export function summarizeLatencies(latenciesMs: readonly number[]): LatencySummary {
  const sorted = [...latenciesMs].sort((one, other) => one - other);
  return {
    p50: percentile(sorted, 50),
    p99: percentile(sorted, 99),
    p999: percentile(sorted, 99.9),
    max: percentile(sorted, 100),
  };
}

/**
 * Counts latencies in buckets that grow by a factor, from round bound to round bound; empty ones in the middle stay.
 *
 * @param latenciesMs In any order.
 * @param bucketsMax At least 10 hold any latencies from a microsecond to hours.
 * @returns The buckets, as fine as fits; none if there are no latencies.
 */
export function latencyBuckets(latenciesMs: readonly number[], bucketsMax: number): LatencyBucket[] {
  if (latenciesMs.length === 0) return [];
  const minMs = latenciesMs.reduce((least, value) => Math.min(least, value), Infinity);
  const maxMs = latenciesMs.reduce((most, value) => Math.max(most, value), 0);
  let bounds: number[] = [];
  for (const steps of series) {
    bounds = boundsAround(steps, Math.max(minMs, shortestMs), Math.max(maxMs, shortestMs));
    if (bounds.length - 1 <= bucketsMax) break;
  }
  const buckets = bounds.slice(1).map((toMs, index) => ({ fromMs: bounds[index] ?? 0, toMs, count: 0 }));
  for (const latencyMs of latenciesMs) {
    const bucket = buckets.find(({ toMs }) => latencyMs < toMs) ?? buckets.at(-1);
    if (bucket !== undefined) bucket.count++;
  }
  return buckets;
}

/** The bounds of the buckets from the one that holds the least to the one that holds the most. */
function boundsAround(steps: readonly number[], minMs: number, maxMs: number): number[] {
  const bounds: number[] = [];
  for (let exponent = Math.floor(Math.log10(minMs)) - 1;; exponent++) {
    for (const step of steps) {
      const bound = Number((step * 10 ** exponent).toPrecision(3));
      if (bound <= minMs) bounds.length = 0;
      bounds.push(bound);
      if (bound > maxMs) return bounds;
    }
  }
}

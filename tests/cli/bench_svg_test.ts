import assert from "node:assert/strict";
import { test } from "node:test";
import { latencyBuckets, summarizeLatencies } from "../../src/cli/bench_latency.ts";
import { latencySvg } from "../../src/cli/bench_svg.ts";

function pictureOf(latenciesMs: readonly number[], title = "Latency"): string {
  return latencySvg({
    title,
    subtitle: "records of 1,024 bytes",
    buckets: latencyBuckets(latenciesMs, 48),
    summary: summarizeLatencies(latenciesMs),
  });
}

test("latencySvg has a bar for each bucket that is not empty, and a line for each percentile", () => {
  const latenciesMs = [1, 1, 1, 2, 3, 50];
  const svg = pictureOf(latenciesMs);
  const filled = latencyBuckets(latenciesMs, 48).filter(({ count }) => count > 0);
  assert.equal(svg.match(/<title>/g)?.length, filled.length);
  assert.deepEqual([...svg.matchAll(/>((?:p|max)[^<]*)</g)].map((match) => match[1]), [
    "p50 1.00 ms",
    "p99 50.0 ms",
    "p99.9 50.0 ms",
    "max 50.0 ms",
  ]);
});

test("latencySvg stays within its frame and has no number that is none", () => {
  for (const latenciesMs of [[1], [0], [0.01, 4000], Array.from({ length: 500 }, (_, index) => index + 1)]) {
    const svg = pictureOf(latenciesMs);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
    for (const [, x = "", y = ""] of svg.matchAll(/<(?:rect|text) x="([^"]+)" y="([^"]+)"/g)) {
      assert.ok(Number(x) >= 0 && Number(x) <= 760 && Number(y) >= 0 && Number(y) <= 400, `${x} ${y}`);
    }
    for (const [, height = ""] of svg.matchAll(/ height="([^"]+)"/g)) assert.ok(Number(height) > 0);
  }
});

test("latencySvg escapes what it is given, and nests its elements rightly", () => {
  const svg = pictureOf([1, 2], '<script> & "\u001b[31m"');
  assert.ok(svg.includes("&lt;script&gt; &amp; &quot;\\x1b[31m&quot;"));
  assert.doesNotMatch(svg, /<script/);
  const open: string[] = [];
  for (const [, closes = "", name = "", alone = ""] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (closes !== "") assert.equal(open.pop(), name);
    else if (alone === "") open.push(name);
  }
  assert.deepEqual(open, []);
});

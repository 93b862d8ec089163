import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMs, histogramText } from "../../src/cli/bench_histogram.ts";
import { textWidth } from "../../src/cli/terminal_text.ts";

const buckets = [
  { fromMs: 0.5, toMs: 1, count: 1 },
  { fromMs: 1, toMs: 2, count: 0 },
  { fromMs: 2, toMs: 5, count: 1600 },
  { fromMs: 5, toMs: 10, count: 800 },
];

test("histogramText draws bars of block characters, the longest as wide as there is room", () => {
  const text = histogramText(buckets, { blocks: true, columns: 40, paint: (bar) => bar });
  assert.equal(
    text,
    "  0.500 – 1.00 ms      1 ▏\n" +
      "   1.00 – 2.00 ms      0\n" +
      "   2.00 – 5.00 ms  1,600 ██████████████\n" +
      "   5.00 – 10.0 ms    800 ███████\n",
  );
  for (const line of text.split("\n")) assert.ok(textWidth(line) <= 40, line);
});

test("histogramText is plain ASCII in a pipe", () => {
  const text = histogramText(buckets, { blocks: false, columns: 80, paint: (bar) => bar });
  assert.match(text, /^[ -~\n]+$/);
  const bars = text.split("\n").map((line) => (line.match(/#/g) ?? []).length);
  assert.deepEqual(bars, [1, 0, 54, 27, 0]);
});

test("histogramText dresses the bars alone, and of nothing makes nothing", () => {
  const text = histogramText(buckets.slice(0, 1), { blocks: true, columns: 20, paint: (bar) => `<${bar}>` });
  assert.equal(text, "  0.500 – 1.00 ms  1 <████████>\n");
  assert.equal(histogramText([], { blocks: true, columns: 80, paint: (bar) => bar }), "");
});

test("formatMs keeps about three digits", () => {
  assert.deepEqual([0, 0.0424, 0.4, 1.254, 31.45, 410.4, 12345].map(formatMs), [
    "0.000",
    "0.042",
    "0.400",
    "1.25",
    "31.4",
    "410",
    "12,345",
  ]);
});

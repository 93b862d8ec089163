import assert from "node:assert/strict";
import { test } from "node:test";
import { latencyBuckets, percentile, summarizeLatencies } from "../../src/cli/bench_latency.ts";

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test("percentile is the nearest rank: a value that was measured", () => {
  assert.deepEqual([1, 20, 21, 50, 99, 100].map((percent) => percentile([15, 20, 35, 40, 50], percent)), [
    15,
    15,
    20,
    35,
    50,
    50,
  ]);
  assert.equal(percentile(upTo(1000), 99.9), 999);
  assert.equal(percentile(upTo(100), 99), 99);
  assert.equal(percentile([7], 0.1), 7);
  assert.throws(() => percentile([], 50), RangeError);
});

test("summarizeLatencies sorts by number, and leaves what it is given as it is", () => {
  const given = upTo(2000).reverse();
  assert.deepEqual(summarizeLatencies(given), { p50: 1000, p99: 1980, p999: 1998, max: 2000 });
  assert.equal(given[0], 2000);
  assert.deepEqual(summarizeLatencies([10, 9, 2]), { p50: 9, p99: 10, p999: 10, max: 10 });
});

test("latencyBuckets hold every latency once, without a gap, between the ones that hold the least and the most", () => {
  for (const scale of [0.0004, 0.03, 1, 9.99, 10, 12345]) {
    for (const spread of [[1], [1, 1.01], [1, 2, 3], [1, 10, 1000], [1, 500_000]]) {
      const latenciesMs = spread.map((value) => value * scale);
      for (const bucketsMax of [10, 16, 48]) {
        const buckets = latencyBuckets(latenciesMs, bucketsMax);
        assert.ok(buckets.length <= bucketsMax);
        buckets.forEach(({ toMs }, index) => assert.equal(buckets[index + 1]?.fromMs ?? toMs, toMs));
        for (const { fromMs, toMs, count } of buckets.slice(1)) {
          assert.equal(count, latenciesMs.filter((value) => value >= fromMs && value < toMs).length);
        }
        assert.equal(buckets.reduce((sum, { count }) => sum + count, 0), latenciesMs.length);
        assert.ok((buckets[0]?.count ?? 0) > 0 && (buckets.at(-1)?.count ?? 0) > 0);
      }
    }
  }
});

test("latencyBuckets are as fine as fits, with round bounds", () => {
  assert.deepEqual(latencyBuckets([], 10), []);
  assert.deepEqual(latencyBuckets([0.5], 10), [{ fromMs: 0.5, toMs: 0.56, count: 1 }]);
  assert.deepEqual(latencyBuckets([1, 30, 99], 10).map(({ fromMs }) => fromMs), [
    1,
    1.6,
    2.5,
    4,
    6.3,
    10,
    16,
    25,
    40,
    63,
  ]);
  assert.deepEqual(latencyBuckets([0], 10).map(({ count }) => count), [1]);
});

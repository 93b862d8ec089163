import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCapacity, formatYears, lifeExpectancy, parseCapacity } from "../../src/cli/bench_life.ts";

const card = { messagesPerDay: 20_000, capacityBytes: 8e9, enduranceCycles: 3_000, controllerFactor: 1 };

test("lifeExpectancy: 8 GB of 3,000 cycles at 20,000 appends of three pages of 16 KiB a day last 67 years", () => {
  const { deviceBytesPerDay, years } = lifeExpectancy(card, 3 * 16 * 1024);
  assert.equal(deviceBytesPerDay, 983_040_000);
  assert.equal(years.toFixed(1), "66.9");
  const worse = lifeExpectancy({ ...card, controllerFactor: 20 }, 3 * 16 * 1024);
  assert.equal(worse.years.toFixed(1), "3.3");
});

test("lifeExpectancy is in proportion to capacity and endurance, against messages, bytes and controller", () => {
  const { years } = lifeExpectancy(card, 6_000);
  const ratio = (change: Partial<typeof card>, bytes = 6_000): number =>
    Number((lifeExpectancy({ ...card, ...change }, bytes).years / years).toFixed(9));
  assert.equal(ratio({ capacityBytes: 16e9 }), 2);
  assert.equal(ratio({ enduranceCycles: 1_000 }), Number((1 / 3).toFixed(9)));
  assert.equal(ratio({ messagesPerDay: 40_000 }), 0.5);
  assert.equal(ratio({ controllerFactor: 4 }), 0.25);
  assert.equal(ratio({}, 3_000), 2);
  assert.equal(lifeExpectancy(card, 0).years, Infinity);
});

test("parseCapacity reads sizes as they are on the label, and powers of 1,024 where they are named", () => {
  const sizes = ["8GB", "8gb", "8 G", "0.5T", "512M", "8GiB", "29.7GiB", "1000", "1000 B", "1KB"];
  assert.deepEqual(sizes.map(parseCapacity), [
    8e9,
    8e9,
    8e9,
    5e11,
    5.12e8,
    2 ** 33,
    Math.round(29.7 * 2 ** 30),
    1000,
    1000,
    1000,
  ]);
  for (const text of ["", "0", "GB", "-8GB", "8 GBs", "8XB", "1e9", "8,5GB", "99999999999TB"]) {
    assert.equal(parseCapacity(text), null, text);
  }
});

test("formatCapacity and formatYears are for people", () => {
  assert.deepEqual([1, 999, 1000, 8e9, 31.9e9, 256e9].map(formatCapacity), [
    "1 B",
    "999 B",
    "1.0 KB",
    "8.0 GB",
    "31.9 GB",
    "256 GB",
  ]);
  assert.deepEqual([0.1, 3.34, 66.9, 1234.4, 20_000, Infinity].map(formatYears), [
    "37 days",
    "3.3 years",
    "67 years",
    "1,234 years",
    "over 10,000 years",
    "no wear",
  ]);
});

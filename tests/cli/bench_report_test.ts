import assert from "node:assert/strict";
import { test } from "node:test";
import { type BenchFindings, machineReport, phaseFigures } from "../../src/cli/bench_figures.ts";
import type { PhaseResult } from "../../src/cli/bench_phase.ts";
import { benchReport } from "../../src/cli/bench_report.ts";
import { textWidth } from "../../src/cli/terminal_text.ts";
import { TextStream } from "./in_process.ts";

function resultOf(recordsPerTurn: number, concurrency: number, counted: boolean): PhaseResult {
  const turns = 100;
  const records = turns * recordsPerTurn;
  const name = concurrency > 1 ? `${concurrency} at a time` : `turns of ${recordsPerTurn}`;
  return {
    plan: { name, recordsPerTurn, concurrency, recordsMax: records, durationMaxMs: Infinity },
    records,
    milliseconds: 200,
    latenciesMs: Array.from({ length: turns }, (_, index) => 1 + index / 10),
    syncs: turns,
    writes: records,
    bytesWritten: records * 1000,
    device: counted ? { writes: 2 * turns, bytesWritten: turns * 6000, flushes: turns } : null,
  };
}

function findingsOf(counted: boolean): BenchFindings {
  const device = {
    name: "mmcblk0p2",
    capacityBytes: 8e9,
    hasWriteCache: false,
    readCounters: () => Promise.resolve(null),
  };
  return {
    plan: {
      recordBytes: 1000,
      phases: [],
      messagesPerDay: 20_000,
      capacityBytes: null,
      enduranceCycles: 3_000,
      controllerFactor: 4,
    },
    place: "/home/pi",
    lookup: counted
      ? { device, reason: "", fileSystemType: "ext4" }
      : { device: null, reason: "tmpfs is on no block device", fileSystemType: "tmpfs" },
    results: [resultOf(1, 1, counted), resultOf(5, 1, counted), resultOf(1, 32, counted)],
  };
}

test("phaseFigures are per record and per second", () => {
  assert.deepEqual(phaseFigures(resultOf(5, 1, true), 1000), {
    recordsPerSecond: 2500,
    latencyMs: { p50: 5.9, p99: 10.8, p999: 10.9, max: 10.9 },
    syncsPerRecord: 0.2,
    writesPerRecord: 1,
    bytesWrittenPerRecord: 1000,
    deviceBytesPerRecord: 1200,
    deviceWritesPerRecord: 0.4,
    deviceFlushesPerRecord: 0.2,
    writeAmplification: 1.2,
  });
});

test("benchReport: rate, latencies, records per turn against flushes, the card's life with its assumptions", () => {
  const text = benchReport(findingsOf(true), new TextStream({ isTerminal: true }), (word) => word);
  for (
    const pattern of [
      /^\/home\/pi \(ext4 on mmcblk0p2\), records of 1,000 bytes\.$/m,
      /no write cache/,
      /^rate +500 per second \(100 in 0\.2 s\)$/m,
      /^latency +p50 5\.90 ms, p99 10\.8 ms, p99\.9 10\.9 ms, max 10\.9 ms$/m,
      /█/,
      /^turns of 1 +500 +1\.00 +1\.00 +6,000 +6\.0 x$/m,
      /^turns of 5 +2,500 +0\.20 +0\.20 +1,200 +1\.2 x$/m,
      /^32 at a time +500 /m,
      /at 20,000 messages a day/,
      /^turns of 1 +6,000 +114 MB +137 years$/m,
      /^turns of 5 +1,200 +22\.9 MB +685 years$/m,
      /years = capacity/,
      /8\.0 GB, as the device says \(--capacity\)/,
      /3,000 times per cell \(--endurance\)/,
      /--controller-factor/,
      /--messages-per-day/,
    ]
  ) assert.match(text, pattern);
  for (const line of text.split("\n")) assert.ok(textWidth(line) <= 80, line);
});

test("benchReport where the kernel does not tell says so, and marks what is estimated", () => {
  const text = benchReport(findingsOf(false), new TextStream(), (word) => word);
  assert.match(text, /cannot be told: tmpfs is on no block device/);
  assert.match(text, /^turns of 1 +500 +1\.00 +- +- +-$/m);
  assert.match(text, /^turns of 5 +about 1,819 /m);
  assert.match(text, /estimated as the bytes written and one page/);
  assert.match(text, /8\.0 GB \(--capacity\)/);
  assert.match(text, /^[ -~\n]+$/);
});

test("machineReport has one value for the place, each measurement, and the card's life with each size of turn", () => {
  const values = machineReport(findingsOf(true));
  assert.deepEqual(values.map(({ measure, recordsPerTurn, concurrency }) => [measure, recordsPerTurn, concurrency]), [
    ["place", undefined, undefined],
    ["appends", 1, 1],
    ["appends", 5, 1],
    ["appends", 1, 32],
    ["life", 1, undefined],
    ["life", 5, undefined],
  ]);
  assert.deepEqual([values[4]?.["years"], values[4]?.["counted"]], [136.986, true]);
  const estimated = machineReport(findingsOf(false));
  assert.deepEqual([estimated[0]?.["device"], estimated[0]?.["reason"]], [null, "tmpfs is on no block device"]);
  assert.deepEqual([estimated[1]?.["deviceBytesPerRecord"], estimated[4]?.["counted"]], [null, false]);
});

/**
 * What history off the device costs: append latency and flash with a sink at work, in interleaved pairs; requests and
 * bytes of a fleet of boards; a week without a network. Ends with 1 if a bar is missed.
 *
 *     sink_cost.ts [--pairs 400] [--appends 20] [--interval 100] [--only pairs|fleet|week] [--json]
 *                  [--boards 1000] [--sessions 20] [--records 5] [--seconds 900] [--server small|memory|rgw|own]
 *                  [--messages 5000] [--scratch DIRECTORY]
 *
 * The server of the pairs is the small one of the tests, in a process of its own, on loopback. The fleet's is that, too;
 * or a map in this process (`memory`), or Ceph's object gateway as `npm run test:s3` starts it (`rgw`), or the bucket that
 * `HOLDFAST_S3_…` names (`own`), which gets the fleet's objects.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { placeLine, tableText, withScratch } from "./bench_report.ts";
import {
  type MeasuredBucket,
  memoryBucket,
  ownServer,
  realServer,
  type ServerState,
  smallServer,
} from "./sink_bucket.ts";
import { costPerMillion, measureFleet } from "./sink_fleet.ts";
import { countCosts, measurePairs } from "./sink_pairs.ts";
import { measureWeek } from "./sink_week.ts";

/** How many times as long an append may take with a sink, in the median of interleaved pairs. */
const ratioMax: Readonly<Record<ServerState, number>> = { hanging: 1.05, gone: 1.05, up: 1.15 };
/** What a week offline may take of memory, beside the disk that is simulated in it. */
const weekGrowthMiBMax = 4;

const { values } = parseArgs({
  options: {
    interval: { type: "string", default: "100" },
    pairs: { type: "string", default: "400" },
    appends: { type: "string", default: "20" },
    boards: { type: "string", default: "1000" },
    sessions: { type: "string", default: "20" },
    records: { type: "string", default: "5" },
    seconds: { type: "string", default: "900" },
    server: { type: "string", default: "small" },
    messages: { type: "string", default: "5000" },
    only: { type: "string" },
    scratch: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

function say(title: string, figures: Record<string, number>): void {
  if (values.json) return console.log(JSON.stringify({ title, ...figures }));
  console.log(`\n${title}`);
  const rows = Object.entries(figures).map(([name, value]) => [name, String(Math.round(value * 1000) / 1000)]);
  console.log(tableText(["figure", "value"], rows));
}

function bar(holds: boolean, words: string): void {
  console.log(`${holds ? "ok" : "MISSED"}  ${words}`);
  if (!holds) process.exitCode = 1;
}

async function pairs(directory: string): Promise<void> {
  if (!values.json) console.log(placeLine(directory));
  const plan = { pairs: Number(values.pairs), appends: Number(values.appends), intervalMs: Number(values.interval) };
  const counting = { ...plan, appends: 300 };
  const off = await countCosts(directory, "off", counting);
  say(`${counting.appends} appends without a sink`, off);
  for (const state of ["hanging", "gone", "up"] as const) {
    const on = await countCosts(directory, state, counting);
    const words = `${on.writes} writes, ${on.bytesWritten} bytes, ${on.syncs} syncs with a sink, server ${state}`;
    bar(JSON.stringify(on) === JSON.stringify(off), words);
  }
  for (const state of ["hanging", "gone", "up"] as const) {
    const result = await measurePairs(directory, state, plan);
    say(`append latency, sink with the server ${state}, ${plan.pairs} pairs of ${plan.appends} appends`, { ...result });
    bar(result.ratio <= ratioMax[state], `${result.ratio.toFixed(3)} of ${ratioMax[state]} with the server ${state}`);
  }
}

async function openServer(): Promise<MeasuredBucket> {
  if (values.server === "rgw") return await realServer();
  if (values.server === "own") return await ownServer();
  return values.server === "memory" ? memoryBucket() : await smallServer("up");
}

async function fleet(): Promise<void> {
  const plan = {
    boards: Number(values.boards),
    sessions: Number(values.sessions),
    records: Number(values.records),
    secondsMax: Number(values.seconds),
  };
  const bucket = await openServer();
  if (!values.json) console.log(bucket.words);
  try {
    const result = await measureFleet(bucket.objects, plan);
    const { requests, storage } = costPerMillion(result);
    say(`boards with ${plan.sessions} sessions each, ${plan.records} records in each of two rounds`, {
      ...result,
      requestsPerRecord: result.requests / result.records,
      bytesPerRecord: result.bytesSent / result.records,
      requestsPerSecond: result.requests / result.seconds,
      dollarsPerMillionRecords: requests,
      dollarsPerMonthStored: storage,
    });
    const expected = result.boards * plan.sessions * plan.records * 2;
    bar(result.boards === plan.boards, `${result.boards} of ${plan.boards} boards within ${plan.secondsMax} s`);
    bar(result.records === expected, `${result.records} of ${expected} records sent, ${result.failures} failures`);
    const { recordsRead, recordsExpected } = result;
    bar(
      recordsRead === recordsExpected,
      `${recordsRead} of ${recordsExpected} records read again, each once, in order`,
    );
  } finally {
    bucket.end();
  }
}

async function week(): Promise<void> {
  const result = await measureWeek(Number(values.messages));
  say("a week without a network", { ...result });
  bar(result.inBucket === result.records, `${result.inBucket} of ${result.records} records in the bucket, each once`);
  const growth = result.heapGrowthMiB - result.logGrowthMiB;
  bar(growth <= weekGrowthMiBMax, `${growth.toFixed(1)} MiB more memory after seven days than after one`);
}

const wants = (part: string): boolean => values.only === undefined || values.only === part;
if (wants("pairs")) await withScratch(values.scratch, pairs);
if (wants("fleet")) await fleet();
if (wants("week")) await week();

/**
 * Measures what the project's bars ask for and prints PASS or MISS for each, with the figure. Ends with exit code 1 if
 * one is missed or could not be measured. Needs root and the packages of `bench/peers`, as `compare.ts`.
 *
 *     check.ts [--quick] [--only cost,speed,read,growth] [--holdfast DIRECTORY/mod.ts]… [--rounds N] [--json FILE]
 *              [--scratch DIRECTORY]
 *
 * `--quick` reads 10 MB instead of 100 MB and takes 100 MB for the large log instead of 1 GB.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Bar, judge } from "./bars.ts";
import { placeLine, tableText } from "./bench_report.ts";
import { endCleanly, measured, subjectsOf } from "./compare_setup.ts";
import type { Comparison } from "./comparison.ts";
import { LoopDevice } from "./device.ts";
import { measureGrowth } from "./growth.ts";
import { measureReads } from "./read_side.ts";
import { concurrentId, scenarios, serialId } from "./scenario.ts";
import { measureWriteCost } from "./write_cost.ts";
import { measureWriteSpeed } from "./write_speed.ts";

const deviceBytes = 8 * 1024 ** 3;

interface Plan {
  device: LoopDevice;
  quick: boolean;
  rounds: number;
  found: Comparison;
}

async function measureCost({ device, found }: Plan): Promise<void> {
  for (const scenario of found.scenarios) {
    for (const subject of found.subjects.filter(({ contender }) => contender === "holdfast")) {
      await measured(`${scenario.title}: ${subject.title}`, found.skipped, async () => {
        found.cost.push(await measureWriteCost(device, subject, scenario));
      });
    }
  }
}

/** The serial and the concurrent case take turns too, since one is held against the other. */
async function measureSpeed({ device, rounds, found }: Plan): Promise<void> {
  await measured("speed", found.skipped, async () => {
    const [serial, concurrent] = [serialId, concurrentId].map((id) => found.scenarios.find((other) => other.id === id));
    if (serial === undefined || concurrent === undefined) throw new RangeError("No such scenario");
    const own = found.subjects.filter(({ contender }) => contender === "holdfast");
    const entries = [
      ...found.subjects.map((subject) => ({ subject, scenario: serial })),
      ...own.map((subject) => ({ subject, scenario: concurrent })),
    ];
    found.speed.push(...await measureWriteSpeed(device, entries, rounds));
  });
}

async function measureRead({ device, rounds, quick, found }: Plan): Promise<void> {
  await measured("full read", found.skipped, async () => {
    const readers = found.subjects.filter(({ contender }) => contender === "holdfast" || contender === "plain-append");
    const sizes = { fullBytes: quick ? 10e6 : 100e6, listSessions: 10 };
    found.reads.push(...await measureReads(device, readers, sizes, rounds));
  });
}

async function measureGrowing({ device, rounds, quick, found }: Plan): Promise<void> {
  for (const subject of found.subjects.filter(({ contender }) => contender === "holdfast")) {
    await measured(`growth: ${subject.title}`, found.skipped, async () => {
      found.growth.push(...await measureGrowth(device, subject, [1e6, quick ? 1e8 : 1e9], rounds));
    });
  }
}

function print(title: string, bars: readonly Bar[]): void {
  const rows = bars.map(({ what, figure, bar, ok }) => [what, figure, bar, ok === true ? "PASS" : "MISS"]);
  console.log(tableText([title, "figure", "bar", ""], rows));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", default: "cost,speed,read,growth" },
      holdfast: { type: "string", multiple: true, default: [] },
      rounds: { type: "string", default: "7" },
      json: { type: "string" },
      scratch: { type: "string" },
    },
  });
  const subjects = await subjectsOf("holdfast,floor,plain-append,picoclaw,sqlite-full", values.holdfast);
  const device = LoopDevice.create("ext4", deviceBytes, values.scratch);
  const found: Comparison = {
    place: placeLine(device.mountPoint),
    measuredAt: new Date().toISOString(),
    subjects,
    scenarios: scenarios(true),
    cost: [],
    fileSystems: [],
    calls: [],
    speed: [],
    reads: [],
    growth: [],
    skipped: [],
  };
  const plan = { device, quick: values.quick, rounds: Number(values.rounds), found };
  const steps = { cost: measureCost, speed: measureSpeed, read: measureRead, growth: measureGrowing };
  for (const [name, step] of Object.entries(steps)) if (values.only.split(",").includes(name)) await step(plan);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(found, null, 1)}\n`);
  console.log(`${found.place}\n`);
  let isMissed = false;
  for (const { id, title } of subjects.filter(({ contender }) => contender === "holdfast")) {
    // What was not asked for is not missed.
    const bars = judge(found, id).filter(({ ok }) => ok !== null || found.skipped.length > 0);
    print(title, bars);
    isMissed ||= bars.some(({ ok }) => ok !== true);
  }
  if (isMissed) process.exitCode = 1;
}

await endCleanly(main);

/**
 * Holdfast beside its peers, in one run: what a durable record costs the device, how many there are per second, and how
 * fast they are read back. Tables in the terminal, a JSON file, and SVG charts. Needs root, for a file system of its own
 * on a loop device, and the packages of `bench/peers` (`npm run bench:install`).
 *
 *     compare.ts [--quick] [--only cost,calls,speed,runtimes,read,growth,file-systems] [--contenders floor,lmdb,…]
 *                [--cases 1KB-serial,…] [--holdfast DIRECTORY/mod.ts]… [--file-systems xfs,btrfs,f2fs] [--rounds N]
 *                [--json FILE] [--keep] [--charts DIRECTORY] [--scratch DIRECTORY]
 *
 * `--keep` adds to what the JSON file holds of an earlier run; what is measured anew takes the place of the old.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { placeLine } from "./bench_report.ts";
import { writeCharts } from "./charts.ts";
import { type Comparison, comparisonText, mergeComparisons } from "./comparison.ts";
import { endCleanly, measured, subjectsOf } from "./compare_setup.ts";
import type { Subject } from "./contender_client.ts";
import { type FileSystemName, LoopDevice } from "./device.ts";
import { measureGrowth } from "./growth.ts";
import { measureReads } from "./read_side.ts";
import { type Scenario, scenarios, serialId } from "./scenario.ts";
import { measureSystemCalls, measureWriteCost } from "./write_cost.ts";
import { measureWriteSpeed } from "./write_speed.ts";

const parts = ["cost", "calls", "speed", "runtimes", "read", "growth", "file-systems"] as const;
type Part = (typeof parts)[number];

const deviceBytes = 8 * 1024 ** 3;
const projectDirectory = fileURLToPath(new URL("..", import.meta.url));
const fileSystemPrefix = "file system ";

interface Plan {
  quick: boolean;
  rounds: number;
  device: LoopDevice;
  subjects: Subject[];
  others: FileSystemName[];
  scratch: string | undefined;
  found: Comparison;
}

async function measureCost({ device, subjects, found }: Plan, cases: readonly Scenario[]): Promise<void> {
  for (const scenario of cases) {
    for (const subject of subjects) {
      await measured(`${scenario.title}: ${subject.title}`, found.skipped, async () => {
        found.cost.push(await measureWriteCost(device, subject, scenario));
      });
    }
  }
}

async function measureCalls({ device, subjects, found }: Plan): Promise<void> {
  const scenario = found.scenarios.find(({ id }) => id === serialId);
  if (scenario === undefined) return;
  for (const subject of subjects) {
    await measured(`system calls: ${subject.title}`, found.skipped, async () => {
      const calls = await measureSystemCalls(device, subject, scenario, 200);
      found.calls.push({ subject: subject.id, scenario: serialId, ...calls });
    });
  }
}

async function measureSpeed({ device, subjects, found, rounds }: Plan, cases: readonly Scenario[]): Promise<void> {
  for (const scenario of cases) {
    await measured(`speed: ${scenario.title}`, found.skipped, async () => {
      const entries = subjects.map((subject) => ({ subject, scenario }));
      found.speed.push(...await measureWriteSpeed(device, entries, rounds));
    });
  }
}

/** A second column: Holdfast and the floor on the other runtimes. */
async function measureRuntimes(plan: Plan): Promise<void> {
  const other: Subject[] = plan.subjects.filter(({ contender }) => contender === "holdfast" || contender === "floor")
    .flatMap((subject) =>
      (["node20", "deno"] as const).map((runtime) => ({
        ...subject,
        id: `${subject.id}/${runtime}`,
        title: `${subject.title} (${runtime === "deno" ? "Deno" : "Node 20"})`,
        runtime,
      }))
    );
  plan.found.subjects.push(...other.map((subject) => ({ ...subject, note: "" })));
  const cases = plan.found.scenarios.filter(({ id }) => id === serialId);
  await measureCost({ ...plan, subjects: other }, cases);
  await measureSpeed({ ...plan, subjects: other }, cases);
}

async function measureReading({ device, subjects, found, rounds, quick }: Plan): Promise<void> {
  // Of those that read lines the same way one is enough.
  const same = ["picoclaw", "whole-file", "omega", "floor", "sqlite-normal"];
  const readers = subjects.filter(({ contender }) => !same.includes(contender));
  const sizes = { fullBytes: quick ? 10e6 : 100e6, listSessions: quick ? 100 : 1000 };
  await measured("reading", found.skipped, async () => {
    found.reads.push(...await measureReads(device, readers, sizes, rounds));
  });
}

async function measureGrowing({ device, subjects, found, rounds, quick }: Plan): Promise<void> {
  for (const subject of subjects.filter(({ contender }) => contender === "holdfast")) {
    await measured(`growth: ${subject.title}`, found.skipped, async () => {
      found.growth.push(...await measureGrowth(device, subject, [1e6, quick ? 1e8 : 1e9], rounds));
    });
  }
}

async function measureFileSystems({ subjects, others, found, scratch }: Plan): Promise<void> {
  const shown = ["holdfast", "floor", "plain-append", "picoclaw", "sqlite-full", "lmdb"];
  const scenario = found.scenarios.find(({ id }) => id === serialId);
  if (scenario === undefined) return;
  for (const fileSystem of others) {
    await measured(`${fileSystemPrefix}${fileSystem}`, found.skipped, async () => {
      const device = LoopDevice.create(fileSystem, deviceBytes, scratch);
      try {
        for (const subject of subjects.filter(({ contender }) => shown.includes(contender))) {
          const cost = await measureWriteCost(device, subject, scenario);
          found.fileSystems.push({ ...cost, fileSystem });
        }
      } finally {
        device.close();
      }
    });
  }
}

async function runPart(part: Part, plan: Plan): Promise<void> {
  switch (part) {
    case "cost":
      return await measureCost(plan, plan.found.scenarios);
    case "calls":
      return await measureCalls(plan);
    case "speed":
      return await measureSpeed(plan, plan.found.scenarios.filter(({ id }) => /^1KB|^200B-serial$/.test(id)));
    case "runtimes":
      return await measureRuntimes(plan);
    case "read":
      return await measureReading(plan);
    case "growth":
      return await measureGrowing(plan);
    case "file-systems":
      return await measureFileSystems(plan);
  }
}

function casesOf(text: string | undefined, quick: boolean): Scenario[] {
  if (text === undefined) return scenarios(quick);
  const all = scenarios(false);
  return text.split(",").map((id) => {
    const found = all.find((scenario) => scenario.id === id);
    if (found === undefined) {
      throw new RangeError(`No such case: ${id}; there are ${all.map((one) => one.id).join(", ")}`);
    }
    return found;
  });
}

function fileSystemNames(text: string): FileSystemName[] {
  const known = ["ext4", "xfs", "btrfs", "f2fs"] as const;
  return text.split(",").map((name) => {
    const found = known.find((other) => other === name);
    if (found === undefined) throw new RangeError(`No such file system: ${name}; there are ${known.join(", ")}`);
    return found;
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", default: parts.join(",") },
      cases: { type: "string" },
      contenders: { type: "string" },
      holdfast: { type: "string", multiple: true, default: [] },
      "file-systems": { type: "string", default: "xfs,btrfs,f2fs" },
      rounds: { type: "string", default: "5" },
      json: { type: "string", default: fileURLToPath(new URL("./charts/results.json", import.meta.url)) },
      charts: { type: "string", default: fileURLToPath(new URL("./charts", import.meta.url)) },
      keep: { type: "boolean", default: false },
      scratch: { type: "string" },
    },
  });
  const wanted = values.only.split(",");
  const unknown = wanted.filter((name) => !parts.some((part) => part === name));
  if (unknown.length > 0) throw new RangeError(`No such part: ${unknown.join(", ")}; there are ${parts.join(", ")}`);
  const others = fileSystemNames(values["file-systems"]);
  const subjects = await subjectsOf(values.contenders, values.holdfast);
  const device = LoopDevice.create("ext4", deviceBytes, values.scratch);
  const found: Comparison = {
    place: placeLine(device.mountPoint).replace(/ at \S+$/, ""),
    measuredAt: new Date().toISOString(),
    subjects: subjects.map((subject) => ({ ...subject, modulePath: relative(projectDirectory, subject.modulePath) })),
    scenarios: casesOf(values.cases, values.quick),
    cost: [],
    fileSystems: [],
    calls: [],
    speed: [],
    reads: [],
    growth: [],
    skipped: [],
  };
  const { quick, scratch } = values;
  const plan = { quick, rounds: Number(values.rounds), device, subjects, others, scratch, found };
  for (const part of parts) if (wanted.includes(part)) await runPart(part, plan);
  const earlier: Comparison | null = values.keep ? JSON.parse(readFileSync(values.json, "utf8")) : null;
  const whole = earlier === null ? found : mergeComparisons(earlier, found);
  console.log(comparisonText(whole));
  writeFileSync(values.json, `${JSON.stringify(whole, null, 1)}\n`);
  console.log(`Written: ${[values.json, ...writeCharts(whole, values.charts)].join(", ")}`);
  // Not every kernel has every file system.
  if (found.skipped.some((line) => !line.startsWith(fileSystemPrefix))) process.exitCode = 1;
}

await endCleanly(main);

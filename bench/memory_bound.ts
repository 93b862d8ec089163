/**
 * How much memory reading a large session takes: `show --tail 10`, `check`, `export` and `records()`, each in its own
 * process, on Node, Deno and Bun. The figure is the growth of the peak of resident memory over an empty program on the
 * same runtime. Ends with exit code 1 if one of them grows by more than the bar, or does not do its work.
 *
 *     memory_bound.ts [--bytes 1GiB] [--bar 64MiB] [--runtimes node,deno,bun] [--scratch DIRECTORY] [--json]
 *
 * @module
 */

import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openStore } from "../mod.ts";
import { mebibytes, parseBytes, placeLine, tableText, withScratch } from "./bench_report.ts";
import { writeRecords } from "./session_writer.ts";

/** One run of a measured process. */
interface ProbeRun {
  peakBytes: number;
  outputBytes: number;
  outputLines: number;
  lastOutput: string;
  seconds: number;
}

/** What is measured, and what its output must be for the work to count as done. */
interface Measurement {
  title: string;
  args: string[];
  isDone: (run: ProbeRun) => boolean;
}

/** One row of the result. */
interface Row {
  runtime: string;
  title: string;
  peakBytes: number;
  growthBytes: number;
  seconds: number;
  done: boolean;
  ok: boolean;
}

const key = "bench:memory";
const emptyRuns = 3;
const projectDirectory = fileURLToPath(new URL("..", import.meta.url));
const probePath = fileURLToPath(new URL("./memory_probe.ts", import.meta.url));

/** How each runtime runs a TypeScript file of this project. */
const launchers: Record<string, { program: string; args: string[] }> = {
  node: { program: programOf("node"), args: ["--import", "tsx"] },
  deno: { program: programOf("deno"), args: ["run", "--allow-all", "--no-check"] },
  bun: { program: programOf("bun"), args: ["run"] },
};

function programOf(name: string): string {
  const installed = join(projectDirectory, "node_modules", ".bin", name);
  if (existsSync(installed)) return installed;
  return name === "node" && !("bun" in process.versions) && !("deno" in process.versions) ? process.execPath : name;
}

async function writeSession(directory: string, bytes: number): Promise<number> {
  await using store = await openStore(directory);
  return await writeRecords(await store.session(key), bytes);
}

async function probe(runtime: string, args: readonly string[], directory: string): Promise<ProbeRun> {
  const launcher = launchers[runtime];
  if (launcher === undefined) throw new RangeError(`No such runtime: ${runtime}`);
  const reportFile = join(directory, "report.json");
  const begun = performance.now();
  const child = spawn(launcher.program, [...launcher.args, probePath, reportFile, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: projectDirectory,
  });
  const run: ProbeRun = { peakBytes: 0, outputBytes: 0, outputLines: 0, lastOutput: "", seconds: 0 };
  child.stdout.on("data", (part: Uint8Array) => {
    run.outputBytes += part.length;
    for (let at = part.indexOf(0x0a); at >= 0; at = part.indexOf(0x0a, at + 1)) run.outputLines++;
    run.lastOutput = new TextDecoder().decode(part.subarray(-400));
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (exitCode !== 0) throw new Error(`${runtime} ${args.join(" ")} ended with ${exitCode}`);
  run.seconds = (performance.now() - begun) / 1000;
  const report: unknown = JSON.parse(readFileSync(reportFile, "utf8"));
  rmSync(reportFile);
  if (typeof report !== "object" || report === null || !("peakBytes" in report)) throw new Error("No report");
  run.peakBytes = Number(report.peakBytes);
  return run;
}

function measurements(store: string, records: number): Measurement[] {
  const dir = ["--dir", store];
  return [
    {
      title: "show --tail 10",
      args: ["program", "show", key, "--tail", "10", "--json", ...dir],
      isDone: (run) => run.outputLines === 10 && run.outputBytes > 8000,
    },
    {
      title: "check",
      args: ["program", "check", key, "--json", ...dir],
      isDone: (run) => run.lastOutput.includes(`"ok":true,"records":${records},"verified":${records}`),
    },
    {
      title: "export",
      args: ["program", "export", key, ...dir],
      isDone: (run) => run.outputLines === records,
    },
    {
      title: "records()",
      args: ["records", store, key],
      isDone: (run) => run.lastOutput.trim() === String(records),
    },
  ];
}

async function measureRuntime(
  runtime: string,
  directory: string,
  records: number,
  barBytes: number,
): Promise<{ emptyBytes: number; rows: Row[] }> {
  // The first run may fill caches of the loader.
  await probe(runtime, ["empty"], directory);
  const peaks: number[] = [];
  for (let index = 0; index < emptyRuns; index++) {
    peaks.push((await probe(runtime, ["empty"], directory)).peakBytes);
  }
  const emptyBytes = Math.min(...peaks);
  const rows: Row[] = [];
  for (const { title, args, isDone } of measurements(join(directory, "store"), records)) {
    const run = await probe(runtime, args, directory);
    const growthBytes = run.peakBytes - emptyBytes;
    const done = isDone(run);
    const ok = done && growthBytes < barBytes;
    rows.push({ runtime, title, peakBytes: run.peakBytes, growthBytes, seconds: run.seconds, done, ok });
  }
  return { emptyBytes, rows };
}

function verdict(row: Row): string {
  if (!row.done) return "MISS: work not done";
  return row.ok ? "PASS" : "MISS";
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      bytes: { type: "string", default: "1GiB" },
      bar: { type: "string", default: "64MiB" },
      runtimes: { type: "string", default: "node,deno,bun" },
      scratch: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const barBytes = parseBytes(values.bar);
  return await withScratch(values.scratch, async (directory) => {
    const begun = performance.now();
    const records = await writeSession(join(directory, "store"), parseBytes(values.bytes));
    const size = statSync(join(directory, "store", "bench_memory.jsonl")).size;
    const seconds = (performance.now() - begun) / 1000;
    if (!values.json) {
      console.log(placeLine(directory));
      console.log(`A session of ${size} bytes, ${records} records, written in ${seconds.toFixed(1)} s.\n`);
    }
    const rows: Row[] = [];
    for (const runtime of values.runtimes.split(",")) {
      const measured = await measureRuntime(runtime, directory, records, barBytes);
      rows.push(...measured.rows);
      if (values.json) { for (const row of measured.rows) console.log(JSON.stringify({ size, ...row })); }
      else console.error(`${runtime}: an empty program peaks at ${mebibytes(measured.emptyBytes)} MiB`);
    }
    if (!values.json) {
      const cells = rows.map((row) => [
        `${row.runtime} ${row.title}`,
        mebibytes(row.peakBytes),
        mebibytes(row.growthBytes),
        row.seconds.toFixed(1),
        verdict(row),
      ]);
      console.log(tableText(["operation", "peak MiB", "growth MiB", "s", `bar ${mebibytes(barBytes)} MiB`], cells));
    }
    return rows.every(({ ok }) => ok) ? 0 : 1;
  });
}

process.exitCode = await main();

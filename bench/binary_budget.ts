/**
 * What the program as one file asks of a board: start time, resident memory, threads, open files, system calls.
 *
 *     binary_budget.ts [--program FILE] [--bytes 1GiB] [--appends 1000] [--runs 41] [--scratch DIRECTORY] [--check] [--json]
 *
 * Everything is held against a program of the same runtime that does nothing, built and started the same way. Starts take
 * turns, and the best of each counts: what else the machine does only makes one slower. Without `--program` both are built with Bun. With `--check` it ends with 1 if a bar is
 * missed. Two more tables say where the start goes, and what the resident memory is.
 *
 * @module
 */

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openStore } from "../mod.ts";
import { bunOptions } from "../deploy/build/build_commands.ts";
import { parseBytes, tableText } from "./bench_report.ts";
import { type MemoryKind, memoryKinds, residentByKind } from "./resident_memory.ts";
import { Appender, factsOf, type ProcessFacts, type ProgramCommand, runMs } from "./running_program.ts";
import { writeRecords } from "./session_writer.ts";
import { type StartPhase, startPhases } from "./start_phases.ts";

/** A figure, and what it may be. */
interface BudgetRow {
  what: string;
  program: string;
  empty: string;
  bar: string;
  isMissed: boolean;
}

/** A process at a moment. */
interface Moment {
  facts: ProcessFacts;
  kinds: ReadonlyMap<MemoryKind, number>;
}

/** All that is shown. */
interface Budget {
  rows: BudgetRow[];
  phases: StartPhase[];
  /** Resident memory of the empty program, after one append, and after many. */
  moments: Moment[];
}

/** What is measured. */
interface Programs {
  holdfast: string;
  empty: string;
  /** Loads `node:fs` and nothing else. */
  fileSystem: string;
  /** An empty one that does not end. */
  waiting: string;
}

const projectDirectory = fileURLToPath(new URL("..", import.meta.url));
const bun = join(projectDirectory, "node_modules/.bin/bun");
const megabyte = 1e6;
const startRatioMax = 1.3;
const startExtraMs = 3;
const growthBytesMax = 12 * megabyte;

const { values } = parseArgs({
  options: {
    program: { type: "string" },
    bytes: { type: "string", default: "1GiB" },
    appends: { type: "string", default: "1000" },
    runs: { type: "string", default: "41" },
    scratch: { type: "string", default: existsSync("/dev/shm") ? "/dev/shm" : tmpdir() },
    check: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

function buildWithBun(entry: string, output: string): string {
  execFileSync(bun, ["build", ...bunOptions, entry, "--outfile", output], { stdio: "pipe" });
  return output;
}

const appendsOfBusy = Number(values.appends);
const appendsOfCalls = 200;
const busyTitle = appendsOfBusy.toLocaleString("en");
const record = `{"role":"user","content":"${"x".repeat(1000)}"}\n`;

/** While it waits for input, and after so many records. */
async function residence(
  program: string,
  directory: string,
  key: string,
): Promise<{ idle: Moment; busy: Moment }> {
  const appender = new Appender([program], ["append", key, "--dir", directory]);
  await appender.append(record);
  const idle = momentOf(appender.pid, program);
  for (let count = 0; count < appendsOfBusy; count++) await appender.append(record);
  const busy = momentOf(appender.pid, program);
  await appender.end();
  return { idle, busy };
}

function momentOf(pid: number, program: string): Moment {
  return { facts: factsOf(pid), kinds: residentByKind(pid, program) };
}

/**
 * System calls per append of a process and its threads, by strace; null where that is not installed. One record at a
 * time: those that wait together share a sync. What starting and ending takes falls out of the difference.
 */
async function callsPerAppend(program: string, directory: string, scratch: string): Promise<number | null> {
  if (spawnSync("strace", ["-V"]).status !== 0) return null;
  const callsOf = async (appends: number): Promise<number> => {
    const report = join(scratch, `strace-${appends}.txt`);
    const command: ProgramCommand = ["strace", "-f", "-c", "-o", report, program];
    const appender = new Appender(command, ["append", "calls", "--dir", directory]);
    for (let count = 0; count < appends; count++) await appender.append(record);
    await appender.end();
    return totalOf(readFileSync(report, "utf8"));
  };
  runMs([program], ["append", "calls", "--dir", directory], record);
  const few = await callsOf(1);
  return (await callsOf(1 + appendsOfCalls) - few) / appendsOfCalls;
}

/** The calls in the last line of strace's summary: `100.00  0.012345  5  2469  12 total`. */
function totalOf(report: string): number {
  const calls = /^100\.00 +[\d.]+ +\d+ +(\d+) .*total$/m.exec(report)?.[1];
  if (calls === undefined) throw new Error(`strace's report has no total:\n${report.slice(-1000)}`);
  return Number(calls);
}

async function measure({ holdfast: program, ...others }: Programs, scratch: string): Promise<Budget> {
  const directory = join(scratch, "sessions");
  mkdirSync(directory);
  const small = ["append", "small", "--dir", directory];
  runMs([program], small, record);
  const phases = startPhases(Number(values.runs), { holdfast: program, ...others }, directory, record);
  const [startEmptyMs, startProgramMs] = [phases[0]?.ms ?? NaN, phases.at(-1)?.ms ?? NaN];

  const idler = spawn(others.waiting);
  await new Promise((resolve) => idler.stdout.once("data", resolve));
  const emptyMoment = momentOf(idler.pid ?? NaN, others.waiting);
  const emptyFacts = emptyMoment.facts;
  idler.kill("SIGKILL");

  {
    await using store = await openStore(directory);
    await writeRecords(await store.session("large"), parseBytes(values.bytes));
  }
  const moments = await residence(program, directory, "large");
  const [idle, busy] = [moments.idle.facts, moments.busy.facts];
  const calls = await callsPerAppend(program, directory, scratch);

  const inMegabytes = (bytes: number): string => `${(bytes / megabyte).toFixed(1)} MB`;
  const startBarMs = startRatioMax * startEmptyMs + startExtraMs;
  const peakBar = emptyFacts.peakBytes + growthBytesMax;
  const row = (what: string, ours: string, theirs: string, bar = "", isMissed = false): BudgetRow => ({
    what,
    program: ours,
    empty: theirs,
    bar,
    isMissed,
  });
  const rows = [
    row("size", inMegabytes(statSync(program).size), inMegabytes(statSync(others.empty).size)),
    row(
      "cold start, append of 1 record",
      `${startProgramMs.toFixed(1)} ms`,
      `${startEmptyMs.toFixed(1)} ms`,
      `${startBarMs.toFixed(1)} ms`,
      startProgramMs > startBarMs,
    ),
    row(
      `resident, waiting, session of ${values.bytes}`,
      inMegabytes(idle.residentBytes),
      inMegabytes(emptyFacts.residentBytes),
    ),
    row(`resident, after ${busyTitle} appends`, inMegabytes(busy.residentBytes), ""),
    row("of that its own, no part of a file", inMegabytes(busy.ownBytes), inMegabytes(emptyFacts.ownBytes)),
    row(
      "peak of resident",
      inMegabytes(busy.peakBytes),
      inMegabytes(emptyFacts.peakBytes),
      inMegabytes(peakBar),
      busy.peakBytes > peakBar,
    ),
    row("threads", String(busy.threads), String(emptyFacts.threads)),
    row("open files", String(busy.openFiles), String(emptyFacts.openFiles)),
    row("system calls per append", calls?.toFixed(1) ?? "no strace", ""),
  ];
  return { rows, phases, moments: [emptyMoment, moments.idle, moments.busy] };
}

function phaseTable(phases: readonly StartPhase[]): string {
  const cells = phases.map(({ what, ms, pageFaults }, index) => {
    const before = phases[index - 1];
    const more = before === undefined
      ? ["", ""]
      : [(ms - before.ms).toFixed(1), String(pageFaults - before.pageFaults)];
    return [what, ms.toFixed(1), more[0] ?? "", String(pageFaults), more[1] ?? ""];
  });
  return tableText(["start, from nothing to its end", "ms", "more", "page faults", "more"], cells);
}

function memoryTable(moments: readonly Moment[]): string {
  const cells = memoryKinds.map((kind) => [
    kind,
    ...moments.map(({ kinds }) => ((kinds.get(kind) ?? 0) / megabyte).toFixed(1)),
  ]);
  return tableText(["resident, MB", "empty program", "after 1 append", `after ${busyTitle}`], cells);
}

const scratch = mkdtempSync(join(values.scratch, "holdfast-budget-"));
try {
  writeFileSync(join(scratch, "empty.ts"), "");
  // As a program that waits: it holds what the runtime itself holds.
  writeFileSync(join(scratch, "waiting.ts"), 'console.log("waiting"); setTimeout(() => {}, 1e9);\n');
  writeFileSync(join(scratch, "files.ts"), 'import { fstatSync } from "node:fs"; fstatSync(0);\n');
  const holdfast = values.program ?? buildWithBun(join(projectDirectory, "src/cli/main.ts"), join(scratch, "holdfast"));
  const empty = buildWithBun(join(scratch, "empty.ts"), join(scratch, "empty"));
  const waiting = buildWithBun(join(scratch, "waiting.ts"), join(scratch, "waiting"));
  const fileSystem = buildWithBun(join(scratch, "files.ts"), join(scratch, "files"));
  const { rows, phases, moments } = await measure({ holdfast, empty, fileSystem, waiting }, scratch);
  if (values.json) {
    const memory = moments.map(({ kinds }) => Object.fromEntries(kinds));
    console.log(JSON.stringify({ rows, phases, memory }));
  } else {
    const cells = rows.map((
      row,
    ) => [row.what, row.program, row.empty, row.bar, row.bar === "" ? "" : row.isMissed ? "MISSED" : "ok"]);
    console.log(tableText(["", "holdfast", "empty program", "bar", ""], cells));
    console.log(phaseTable(phases));
    console.log(memoryTable(moments));
  }
  if (values.check && rows.some(({ isMissed }) => isMissed)) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/**
 * What it costs to find the latest session of a workspace and to read its end, beside parsing that session whole; and
 * what listing many sessions costs.
 *
 *     resume_cost.ts [--sessions 30] [--bytes 1MiB] [--many 1000] [--full] [--scratch DIRECTORY] [--json]
 *
 * `--full`: 300 sessions of 10 MiB, and 10,000 small ones; takes 3 GiB for a minute.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openStore } from "../mod.ts";
import { mebibytes, parseBytes, placeLine, tableText, withScratch } from "./bench_report.ts";
import { writeRecords } from "./session_writer.ts";

const workspace = "/home/pi/garden";
const tailCount = 1000;
const templateKey = "template";

/** What one way costs. */
interface Cost {
  title: string;
  seconds: number;
  bytesRead: number;
  /** Peak of resident memory above that of the same program before. */
  memoryBytes: number;
  found: string;
}

/** Sessions that are copies of one, as forks are: their meta files name what seeds the log's first line. */
async function makeSessions(directory: string, count: number, bytes: number): Promise<void> {
  const scratch = `${directory}.template`;
  {
    await using store = await openStore(scratch);
    const session = await store.session(templateKey);
    await session.update({ workspace });
    await writeRecords(session, bytes);
  }
  const meta = JSON.parse(readFileSync(`${scratch}/${templateKey}.meta.json`, "utf8"));
  mkdirSync(directory);
  for (let index = 0; index < count; index++) {
    const key = keyOf(index);
    const seed = await seedOfTemplate();
    copyFileSync(`${scratch}/${templateKey}.jsonl`, `${directory}/${key}.jsonl`);
    const text = JSON.stringify({ ...meta, key, holdfast: { ...meta.holdfast, seed } }, null, 2);
    writeFileSync(`${directory}/${key}.meta.json`, text);
    const seconds = 1_700_000_000 + index;
    utimesSync(`${directory}/${key}.jsonl`, seconds, seconds);
  }
  rmSync(scratch, { recursive: true });
}

async function seedOfTemplate(): Promise<string> {
  const { checksumText, keyChecksum } = await import("../src/log/record_format.ts");
  return checksumText(keyChecksum(templateKey));
}

function keyOf(index: number): string {
  return `s${String(index).padStart(6, "0")}`;
}

/** The one that is written to last makes the index. */
async function writeLatest(directory: string, count: number): Promise<void> {
  await using store = await openStore(directory);
  await (await store.session(keyOf(Math.floor(count / 2)))).append({ role: "user", content: "the last word" });
}

/** The measured program: one way, in a process of its own. */
async function measure(way: string, directory: string): Promise<void> {
  const store = await openStore(directory, { readOnly: true });
  const before = process.resourceUsage().maxRSS;
  const begun = performance.now();
  let bytesRead = 0;
  let found = "";
  if (way === "whole") {
    const key = await store.latest({ workspace }) ?? "";
    const bytes = readFileSync(`${directory}/${key}.jsonl`);
    bytesRead = bytes.length;
    const records = bytes.toString().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    found = `${key}, ${records.length}`;
  } else if (way === "resume") {
    const key = await store.latest({ workspace }) ?? "";
    const { records, dropped } = await (await store.session(key)).tail(tailCount);
    found = `${key}, ${records.length + dropped}`;
  } else if (way === "latest") found = String(await store.latest({ workspace }));
  else if (way === "latest of all") found = String(await store.latest());
  else if (way === "retain") {
    let count = 0;
    // Half of them are too many.
    for await (const _ of store.retain({ ageMsMax: 3650 * 86_400_000, sessionsMax: 5000, dryRun: true })) count++;
    found = String(count);
  } else found = String((await store.list()).length);
  const seconds = (performance.now() - begun) / 1000;
  if (way !== "whole") bytesRead = store.counters.bytesRead;
  await store.close();
  const memoryBytes = (process.resourceUsage().maxRSS - before) * 1024;
  console.log(JSON.stringify({ seconds, bytesRead, memoryBytes, found }));
}

/** The best of three. */
function measured(title: string, way: string, directory: string): Cost {
  const costs = Array.from({ length: 3 }, (): Cost => {
    const script = fileURLToPath(import.meta.url);
    const { stdout, stderr, status } = spawnSync(process.execPath, [
      ...process.execArgv,
      script,
      "--way",
      way,
      directory,
    ]);
    if (status !== 0) throw new Error(`${title} failed: ${stderr}`);
    return { title, ...JSON.parse(stdout.toString()) };
  });
  costs.sort((one, other) => one.seconds - other.seconds);
  const [best] = costs;
  if (best === undefined) throw new Error("Nothing was measured");
  return best;
}

function costTable(heading: string, costs: readonly Cost[]): string {
  const rows = costs.map(({ title, seconds, bytesRead, memoryBytes }) => [
    title,
    (seconds * 1000).toFixed(1),
    (bytesRead / 1024).toFixed(1),
    mebibytes(memoryBytes),
  ]);
  return tableText([heading, "ms", "KiB read", "MiB of memory"], rows);
}

function resumeCosts(directory: string): Cost[] {
  const index = `${directory}/.workspaces`;
  const warm = measured(`latest + tail(${tailCount}), with its index`, "resume", directory);
  const saved = readFileSync(index);
  rmSync(index);
  const missing = measured(`latest + tail(${tailCount}), index missing`, "resume", directory);
  writeFileSync(index, saved);
  const whole = measured("the newest log parsed whole", "whole", directory);
  return [warm, missing, whole];
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      sessions: { type: "string", default: "30" },
      bytes: { type: "string", default: "1MiB" },
      many: { type: "string", default: "1000" },
      full: { type: "boolean", default: false },
      scratch: { type: "string" },
      json: { type: "boolean", default: false },
      way: { type: "string" },
    },
    allowPositionals: true,
  });
  if (values.way !== undefined) return await measure(values.way, positionals[0] ?? "");
  const sessions = values.full ? 300 : Number(values.sessions);
  const bytes = values.full ? parseBytes("10MiB") : parseBytes(values.bytes);
  const many = values.full ? 10_000 : Number(values.many);
  await withScratch(values.scratch, async (scratch) => {
    const large = `${scratch}/large`;
    await makeSessions(large, sessions, bytes);
    await writeLatest(large, sessions);
    const { size } = statSync(`${large}/${keyOf(0)}.jsonl`);
    const resume = resumeCosts(large);
    rmSync(large, { recursive: true });
    const small = `${scratch}/small`;
    await makeSessions(small, many, 4 * 1024);
    await writeLatest(small, many);
    const listing = [
      measured("ls", "list", small),
      measured("latest of a workspace, with its index", "latest", small),
      measured("latest of all", "latest of all", small),
      measured("retain --dry-run, by age and number", "retain", small),
    ];
    rmSync(`${small}/.workspaces`);
    listing.push(measured("latest of a workspace, index missing", "latest", small));
    if (values.json) return console.log(JSON.stringify({ sessions, bytes: size, resume, many, listing }));
    console.log(placeLine(scratch));
    console.log(`\n${sessions} sessions of ${mebibytes(size)} MiB each, files in the page cache; best of three.\n`);
    console.log(costTable("resume", resume));
    console.log(`${many} sessions of about 5 KiB each.\n`);
    console.log(costTable("of many", listing));
  });
}

await main();

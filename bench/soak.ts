/**
 * A year in an hour: what an agent's board does in a year, on an ext4 image of its own.
 *
 *     soak.ts [--days 365] [--turns 40] [--seed N] [--plain] [--scratch DIRECTORY] [--json]
 *
 * Each day the board starts, keeps house as its timer does, and the agent of `deploy/agent` answers questions into the
 * session of the week. The day ends as days end: in peace, with the agent killed, or with the power cut, in the middle of
 * a turn or of housekeeping. Now and then the card is full. Whoever starts next has to find every turn that was
 * acknowledged, whole and in order; at the end everything is looked at once more. With `--plain`, or where nothing can be
 * mounted, it runs on a directory: then nothing is counted of a device, and no power is cut but the agent's.
 *
 * The power cut is ext4's own: the file system is shut down without writing its journal, so that all that the kernel had
 * in memory is gone, and is mounted again. The device keeps what it was given; one that loses that is the business of
 * `holdfast torture`.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { closeDevices, type DeviceCounts } from "./device.ts";
import { SoakGround } from "./soak_ground.ts";
import { killSoakProcesses, SoakProcess } from "./soak_process.ts";

const { values } = parseArgs({
  options: {
    days: { type: "string", default: "365" },
    turns: { type: "string", default: "40" },
    seed: { type: "string", default: String(Date.now() % 1e9) },
    plain: { type: "boolean", default: false },
    scratch: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const projectDirectory = fileURLToPath(new URL("..", import.meta.url));
/** As the installed agent runs: on Bun, from one file. */
const bun = join(projectDirectory, "node_modules/.bin/bun");
const imageBytes = 128 * 1024 * 1024;
const sessionsKept = 13;
const fullEveryDays = 17;
const [days, turnsPerDay, seed] = [Number(values.days), Number(values.turns), Number(values.seed)];

/** The same days for the same seed. */
let randomState = seed >>> 0;
function random(): number {
  randomState = (randomState + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(randomState ^ (randomState >>> 15), randomState | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

const year = {
  boots: 0,
  turns: 0,
  ends: { peace: 0, kill: 0, power: 0 },
  refused: 0,
  lost: 0,
  unaskedKept: 0,
  compactions: 0,
  retired: 0,
  unhealthy: [] as string[],
  events: new Map<string, number>(),
  agent: { bytes: 0, requests: 0, flushes: 0 },
  house: { bytes: 0, requests: 0, flushes: 0 },
  boot: { bytes: 0, requests: 0, flushes: 0 },
  resident: [] as number[],
  houseResident: [] as number[],
};

function add(to: DeviceCounts, counts: DeviceCounts): void {
  to.bytes += counts.bytes;
  to.requests += counts.requests;
  to.flushes += counts.flushes;
}

/** The last turn that each session has acknowledged. */
const acknowledged = new Map<string, number>();

/** Holds a session against what was acknowledged of it; more may be there, from turns that were cut off. */
function compare(key: string, found: unknown): number {
  const last = acknowledged.get(key) ?? -1;
  const there = found === null ? -1 : Number(Object(found).last);
  if (there < last) year.lost += last - there;
  if (there > last) year.unaskedKept += there - Math.max(last, -1);
  return Math.max(last, there);
}

async function keepHouse(ground: SoakGround, script: string, cut: boolean): Promise<boolean> {
  const before = ground.counts();
  const house = new SoakProcess(bun, script, ["keep", ground.directory, String(sessionsKept)]);
  if (cut) {
    await new Promise((resolve) => setTimeout(resolve, 60 + random() * 120));
    ground.cutPower();
    house.kill("SIGKILL");
    await house.ended();
    add(year.house, ground.since(before));
    return false;
  }
  await house.ended();
  const report = house.said.at(-1);
  const codes = Array.isArray(report?.codes) ? report.codes : ["no report"];
  if (codes.some((code) => code !== 0)) year.unhealthy.push(`housekeeping ended with ${codes}: ${house.errors}`);
  year.compactions += Number(report?.compactions ?? 0);
  year.retired += Number(report?.retired ?? 0);
  year.houseResident.push(Number(report?.residentBytes ?? 0));
  add(year.house, ground.since(before));
  return true;
}

type DayEnd = "peace" | "kill" | "power";

async function answerQuestions(ground: SoakGround, script: string, day: number, end: DayEnd): Promise<void> {
  const key = `week-${Math.floor(day / 7)}`;
  // What fills the card up is not the agent's.
  if (ground.hasDevice && day % fullEveryDays === fullEveryDays - 1) ground.fill();
  const before = ground.counts();
  const first = (acknowledged.get(key) ?? -1) + 1;
  let turns = 0;
  const agent = new SoakProcess(
    bun,
    script,
    ["agent", ground.directory, key, String(first), String(turnsPerDay)],
    (value) => {
      if ("event" in value) year.events.set(String(value.event), (year.events.get(String(value.event)) ?? 0) + 1);
      if ("found" in value) acknowledged.set(key, compare(key, value.found));
      if ("turn" in value) {
        acknowledged.set(key, Number(value.turn));
        turns++;
        year.turns++;
      }
      if ("refused" in value) {
        year.refused++;
        ground.clear();
        agent.goOn();
      }
    },
  );
  if (end !== "peace") {
    await agent.hasSaid("turn", Math.floor(random() * turnsPerDay));
    await new Promise((resolve) => setTimeout(resolve, random() * 8));
    if (end === "power") ground.cutPower();
    agent.kill("SIGKILL");
  }
  const code = await agent.ended();
  if (end === "peace" && code !== 0) year.unhealthy.push(`day ${day}: the agent ended with ${code}: ${agent.errors}`);
  const residentBytes = agent.said.at(-1)?.residentBytes;
  if (typeof residentBytes === "number") year.resident.push(residentBytes);
  add(year.agent, ground.since(before));
}

async function liveOneDay(ground: SoakGround, script: string, day: number): Promise<void> {
  const before = ground.counts();
  if (day > 0) ground.start();
  ground.clear();
  add(year.boot, ground.since(before));
  year.boots++;
  const dice = random();
  const end: DayEnd = dice < 0.4 ? "peace" : dice < 0.6 || !ground.hasDevice ? "kill" : "power";
  year.ends[end]++;
  // One power cut in four hits housekeeping; nobody is asked anything on such a day.
  if (!await keepHouse(ground, script, end === "power" && random() < 0.25)) return;
  await answerQuestions(ground, script, day, end);
}

/** Everything once more: each session ends with the last turn that it has acknowledged, unless retention took it. */
async function lookAtEverything(ground: SoakGround, script: string): Promise<void> {
  ground.start();
  ground.clear();
  await keepHouse(ground, script, false);
  const look = new SoakProcess(bun, script, ["look", ground.directory]);
  const code = await look.ended();
  const last = look.said.at(-1);
  if (code !== 0 || last?.code !== 0) year.unhealthy.push(`at the end: ${code}, ${last?.errors ?? ""}${look.errors}`);
  const there = new Set<string>();
  for (const { key, turns } of look.said) {
    if (typeof key !== "string") continue;
    there.add(key);
    compare(key, turns);
  }
  const newest = [...acknowledged.keys()].slice(-sessionsKept);
  for (const key of newest) if (!there.has(key)) year.lost += (acknowledged.get(key) ?? -1) + 1;
}

function middle(numbers: readonly number[]): number {
  return [...numbers].sort((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? NaN;
}

function report(ground: SoakGround, elapsedMs: number, leftOver: readonly string[]): Record<string, unknown> {
  const mebibytes = (bytes: number): number => Math.round(bytes / 1024 / 1024 * 10) / 10;
  const week = Math.max(1, Math.min(7, Math.floor(year.resident.length / 2)));
  const device = ground.hasDevice
    ? {
      "device MiB, agent": mebibytes(year.agent.bytes),
      "device KiB per turn": Math.round(year.agent.bytes / year.turns / 102.4) / 10,
      "flushes, agent": year.agent.flushes,
      "flushes per turn": Math.round(year.agent.flushes / year.turns * 100) / 100,
      "device MiB, housekeeping": mebibytes(year.house.bytes),
      "flushes, housekeeping": year.house.flushes,
      "device MiB, mounting and recovery of ext4": mebibytes(year.boot.bytes),
    }
    : { device: "none: on a plain directory nothing is counted, and no power is cut" };
  return {
    seed,
    days,
    boots: year.boots,
    "turns acknowledged": year.turns,
    "ends in peace, killed, power cut": `${year.ends.peace}, ${year.ends.kill}, ${year.ends.power}`,
    "turns refused by a full card, then kept": year.refused,
    ...device,
    "sessions compacted": year.compactions,
    "sessions retired": year.retired,
    "what the store did by itself": [...year.events].map(([type, count]) => `${type} ${count}`).join(", ") || "nothing",
    "turns kept that were cut off before their acknowledgement": year.unaskedKept,
    "agent's memory, first and last week (MiB)": `${mebibytes(middle(year.resident.slice(0, week)))}, ${
      mebibytes(middle(year.resident.slice(-week)))
    }`,
    "files left over": leftOver.length === 0 ? 0 : leftOver.join(", "),
    "minutes": Math.round(elapsedMs / 6000) / 10,
    "faults": year.unhealthy.length === 0 ? 0 : year.unhealthy.join("; "),
    "turns lost": year.lost,
  };
}

/** After a last housekeeping, only sessions are there, the store's own index, and the trash, which is empty. */
function leftOverIn(directory: string): string[] {
  const known = /^(week-\d+\.(jsonl|meta\.json|quarantine)|\.[a-z-]+|trash)$/;
  const names = readdirSync(directory);
  const inTrash = names.includes("trash") ? readdirSync(join(directory, "trash")).map((name) => `trash/${name}`) : [];
  return [...names.filter((name) => !known.test(name)), ...inTrash];
}

async function soak(): Promise<number> {
  const scratch = mkdtempSync(join(values.scratch ?? tmpdir(), "holdfast-soak-"));
  const script = join(scratch, "worker.mjs");
  const startedMs = performance.now();
  let ground: SoakGround | null = null;
  try {
    const bundle = ["build", "--target=bun", join(projectDirectory, "bench/soak_worker.ts"), "--outfile", script];
    execFileSync(bun, bundle, { stdio: "pipe" });
    ground = openGround();
    for (let day = 0; day < days; day++) {
      await liveOneDay(ground, script, day);
      if (process.stderr.isTTY || (day + 1) % 30 === 0) {
        process.stderr.write(`day ${day + 1} of ${days}, ${year.turns} turns, ${year.lost} lost\n`);
      }
    }
    await lookAtEverything(ground, script);
    const result = report(ground, performance.now() - startedMs, leftOverIn(ground.directory));
    if (values.json) console.log(JSON.stringify(result));
    else for (const [what, value] of Object.entries(result)) console.log(`${what.padEnd(58)}  ${value}`);
    return year.lost === 0 && year.unhealthy.length === 0 && result["files left over"] === 0 ? 0 : 1;
  } finally {
    killSoakProcesses();
    ground?.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function openGround(): SoakGround {
  if (values.plain) return new SoakGround(null, values.scratch);
  try {
    return new SoakGround(imageBytes, values.scratch);
  } catch (error) {
    console.error(`On a plain directory: ${error instanceof Error ? error.message : String(error)}`);
    return new SoakGround(null, values.scratch);
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    killSoakProcesses();
    closeDevices();
    process.exit(130);
  });
}
process.exitCode = await soak();

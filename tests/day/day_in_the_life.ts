/**
 * A day in the life of a store: five agents, each in the style of one of the programs that Holdfast replaces, work on
 * one store at the same time, each in a process of its own. They are killed again and again, house is kept meanwhile,
 * and once the disk is full. In the end everything is accounted for.
 *
 *     day_in_the_life.ts [--lives 12] [--seed N]
 *
 * Where it may be mounted (as root) the disk is a small tmpfs, which is filled; elsewhere writes are refused while a
 * file is there.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { HoldfastError, openStore } from "../../mod.ts";
import { SeededRandom } from "../../src/testing/seeded_random.ts";
import { currentRuntime, spawnRuntime } from "../process/spawn_helper.ts";
import { type DayStyle, dayStyles, idsIn, storeOptionsOf } from "./day_styles.ts";

/** What came of one agent. */
export interface DayAccount {
  style: DayStyle;
  /** How often it was started, and killed. */
  lives: number;
  /** What it began to write, what was acknowledged, what was refused. */
  asked: Set<string>;
  acknowledged: Set<string>;
  refused: Set<string>;
  /** What else it met: sessions that were opened again, saves that were put off. */
  notes: number;
  /** What is there in the end, by session. */
  found: Map<string, string[]>;
}

/** What came of the day. */
export interface Day {
  accounts: DayAccount[];
  /** How the disk was filled. */
  disk: string;
  /** How often somebody was refused for want of space. */
  fullCount: number;
  /** Lines and large values that are damaged. */
  damaged: number;
  /** Steps of housekeeping. */
  housekeeping: number;
}

/** How many records are wrong, and how. */
export function wrongs(account: DayAccount): { lost: number; duplicated: number; invented: number; undone: number } {
  const all = new Set([...account.found.values()].flat());
  let duplicated = 0;
  for (const ids of account.found.values()) duplicated += ids.length - new Set(ids).size;
  return {
    lost: [...account.acknowledged].filter((id) => !all.has(id)).length,
    duplicated,
    invented: [...all].filter((id) => !account.asked.has(id)).length,
    undone: [...account.refused].filter((id) => all.has(id)).length,
  };
}

const diskBytes = 24 << 20;

interface Disk {
  readonly path: string;
  readonly what: string;
  /** What the agents are told of it; empty: they notice by themselves. */
  readonly fullFile: string;
  fill(): void;
  empty(): void;
  end(): void;
}

function makeDisk(): Disk {
  const scratch = mkdtempSync(`${tmpdir()}/holdfast-day-`);
  const path = `${scratch}/disk`;
  mkdirSync(path);
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", path]);
  if (status === 0) {
    const end = (): void => {
      spawnSync("umount", ["-l", path]);
      rmSync(scratch, { recursive: true });
    };
    const filler = `${path}/filler`;
    return {
      path,
      what: "a tmpfs of 24 MiB, filled",
      fullFile: "",
      fill: () => fill(filler),
      empty: () => rmSync(filler),
      end,
    };
  }
  const fullFile = `${scratch}/full`;
  return {
    path,
    what: "a port that refuses writes (no right to mount a tmpfs)",
    fullFile,
    fill: () => writeFileSync(fullFile, ""),
    empty: () => rmSync(fullFile),
    end: () => rmSync(scratch, { recursive: true }),
  };
}

/** To the last byte of the small disk, and of no other. */
function fill(path: string): void {
  if (statSync(dirname(path)).dev === statSync(dirname(dirname(path))).dev) {
    throw new Error("The small disk is not mounted");
  }
  const file = openSync(path, "w");
  let left = 2 * diskBytes;
  try {
    for (const bytes of [new Uint8Array(1 << 16), new Uint8Array(1)]) {
      try {
        while (left > 0) left -= writeSync(file, bytes);
      } catch {
        // No space left, as wanted.
      }
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Runs a day.
 *
 * @param options How often each agent is killed; what decides when; told of what happens.
 * @returns What came of it.
 */
export async function runDay(options: { lives: number; seed: number; tell?: (line: string) => void }): Promise<Day> {
  const { lives, seed, tell = () => undefined } = options;
  const disk = makeDisk();
  const directory = `${disk.path}/sessions`;
  const accounts = dayStyles.map((style): DayAccount => ({
    style,
    lives: 0,
    asked: new Set(),
    acknowledged: new Set(),
    refused: new Set(),
    notes: 0,
    found: new Map(),
  }));
  const day: Day = { accounts, disk: disk.what, fullCount: 0, damaged: 0, housekeeping: 0 };
  /** In the middle of the day, until everybody was refused something, or put something off. */
  const full = { state: "before", met: new Set<DayStyle>() };
  const meet = (style: DayStyle): void => {
    if (full.state !== "now") return;
    day.fullCount++;
    pass(style);
  };
  // Who goes on in blocks that were filled ahead may end without having met the full disk: nobody is to wait for it.
  const pass = (style: DayStyle): void => {
    full.met.add(style);
    if (full.state !== "now" || full.met.size < dayStyles.length) return;
    full.state = "after";
    disk.empty();
    tell("there is space again");
  };
  try {
    // One that fails ends the day, but not before the others are done with the disk.
    const done = await Promise.allSettled(accounts.map(async (account, index) => {
      const random = new SeededRandom(seed + index);
      for (let life = 0; life < lives; life++) {
        if (full.state === "before" && life === Math.floor(lives / 2)) {
          full.state = "now";
          disk.fill();
          tell(`the disk is full: ${disk.what}`);
        }
        await live(account, life, { directory, fullFile: disk.fullFile, acks: 5 + random.below(30), meet }).catch(
          (error) => {
            // Nobody is to wait for it.
            if (full.state === "now") disk.empty();
            full.state = "after";
            throw error;
          },
        );
        tell(`${account.style} was killed in life ${life}, after ${account.acknowledged.size} acknowledgements in all`);
        day.housekeeping += await keepHouse(directory, day);
      }
      pass(account.style);
    }));
    for (const result of done) if (result.status === "rejected") throw result.reason;
    if (full.state === "now") disk.empty();
    day.damaged = await account(directory, accounts);
  } finally {
    disk.end();
  }
  return day;
}

async function live(
  account: DayAccount,
  life: number,
  { directory, fullFile, acks, meet }: {
    directory: string;
    fullFile: string;
    acks: number;
    meet: (style: DayStyle) => void;
  },
): Promise<void> {
  const program = fileURLToPath(new URL("day_agent.ts", import.meta.url));
  const child = spawnRuntime(currentRuntime(), program, { args: [directory, account.style, String(life), fullFile] });
  account.lives++;
  const hear = (line: string): void => {
    const [word, id = "", code = ""] = line.split(" ");
    if (word === "ask") account.asked.add(id);
    else if (word === "ack") account.acknowledged.add(id);
    else if (word === "no" && code !== "failed") account.refused.add(id);
    if (word === "note") account.notes++;
    if (word === "no" || word === "note") meet(account.style);
  };
  const enough = account.acknowledged.size + acks;
  while (account.acknowledged.size < enough) hear(await child.readLine());
  const killed = child.kill("SIGKILL");
  for (let line = await orNull(child.readLine()); line !== null; line = await orNull(child.readLine())) hear(line);
  await killed;
}

async function orNull(line: Promise<string>): Promise<string | null> {
  return await line.catch(() => null);
}

/** As a timer would, while the others work. */
async function keepHouse(directory: string, day: Day): Promise<number> {
  let steps = 0;
  try {
    await using store = await openStore(directory, storeOptionsOf);
    for await (const _ of store.retain({ sessionsMax: 1000, quarantineBytesMax: 1 << 20 })) steps++;
    await store.collectBlobs();
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    if (error.code === "disk-full") day.fullCount++;
    else if (error.code !== "locked") throw error;
  }
  return steps;
}

/** Opens everything for writing, so that it recovers; reads everything that was ever said. */
async function account(directory: string, accounts: readonly DayAccount[]): Promise<number> {
  let damaged = 0;
  await using store = await openStore(directory, storeOptionsOf);
  for (const { key } of await store.list()) {
    const session = await store.session(key);
    await session.update({});
    const report = await session.verify();
    damaged += report.damaged.length + (report.damagedBlobs?.length ?? 0);
    const style = key.split(":")[1];
    const ids: string[] = [];
    for await (const { text } of session.texts({ all: true })) ids.push(...idsIn(text));
    accounts.find((one) => one.style === style)?.found.set(key, ids);
  }
  return damaged;
}

/** The table that a day ends with. */
export function dayTable({ accounts, damaged, disk, fullCount, housekeeping }: Day): string {
  const headings = [
    "agent",
    "killed",
    "begun",
    "acknowledged",
    "refused",
    "there",
    "lost",
    "twice",
    "invented",
    "undone",
  ];
  const rows = accounts.map((account) => {
    const { lost, duplicated, invented, undone } = wrongs(account);
    const there = new Set([...account.found.values()].flat()).size;
    const { style, lives, asked, acknowledged, refused } = account;
    return [style, lives, asked.size, acknowledged.size, refused.size, there, lost, duplicated, invented, undone];
  });
  const lines = [headings, ...rows].map((row) => {
    return row.map((cell, index) => index === 0 ? String(cell).padEnd(10) : String(cell).padStart(12)).join("");
  });
  lines.push(
    "",
    `the disk: ${disk}; full for ${fullCount} calls; ${housekeeping} steps of housekeeping; ${damaged} damaged`,
  );
  return lines.join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { lives: { type: "string", default: "12" }, seed: { type: "string", default: "20261120" } },
  });
  const day = await runDay({
    lives: Number(values.lives),
    seed: Number(values.seed),
    tell: (line) => console.error(line),
  });
  console.log(dayTable(day));
  const isRight = day.damaged === 0 &&
    day.accounts.every((one) => Object.values(wrongs(one)).every((count) => count === 0));
  console.log(isRight ? "everything is accounted for" : "THERE IS SOMETHING WRONG");
  process.exitCode = isRight ? 0 : 1;
}

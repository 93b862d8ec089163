/**
 * How long the event loop stands still while a large session is opened, tailed, truncated, counted, read and compacted:
 * an agent that answers its user meanwhile must not notice. Ends with exit code 1 if a block is longer than the bar.
 *
 *     loop_block.ts [--bytes 1GiB] [--record 1MiB] [--bar 20] [--rounds 3] [--scratch DIRECTORY] [--json]
 *
 * Most records have 1 KB, as those of a conversation; every 64th has the size that is asked for. For records over
 * 1 MiB the block is printed and not judged: parsing one of them is one step.
 *
 * A block is the time from one turn of the loop to the next, or the processor time that the process has used in it if
 * that is less: what another process took is not ours. Processor time of the threads that read is in it, so the figure
 * comes out too high rather than too low. Everything is done several times, on copies of one session, and the median
 * of the longest blocks is judged: what is the program's comes again, what a neighbour on the same machine took does not.
 *
 * @module
 */

import { cp, rm } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
import { openStore, type Session, type SessionStore } from "../mod.ts";
import { mebibytes, parseBytes, placeLine, tableText, withScratch } from "./bench_report.ts";
import { median } from "./write_speed.ts";

const key = "bench:loop";
const largeEvery = 64;
const judgedRecordBytes = 1024 ** 2;

/** What was found of one operation. */
interface Block {
  title: string;
  seconds: number;
  longestMilliseconds: number;
}

/** Runs something and watches every turn of the loop meanwhile. */
async function watch(title: string, work: () => Promise<unknown>): Promise<Block> {
  let longestMilliseconds = 0;
  let isDone = false;
  let turnBegan = performance.now();
  let cpuBefore = process.cpuUsage();
  const turn = (): void => {
    const now = performance.now();
    const { user, system } = process.cpuUsage(cpuBefore);
    longestMilliseconds = Math.max(longestMilliseconds, Math.min(now - turnBegan, (user + system) / 1000));
    if (isDone) return;
    cpuBefore = process.cpuUsage();
    turnBegan = performance.now();
    setImmediate(turn);
  };
  // What is measured begins in a turn of its own.
  await new Promise((resolve) => setImmediate(resolve));
  turnBegan = performance.now();
  setImmediate(turn);
  const begun = performance.now();
  await work();
  const seconds = (performance.now() - begun) / 1000;
  isDone = true;
  await new Promise((resolve) => setImmediate(resolve));
  return { title, seconds, longestMilliseconds };
}

/** Fills a session, and leaves it as a writer does that was killed: no seal, the count unknown. */
async function fill(directory: string, bytes: number, recordBytes: number): Promise<number> {
  await using store = await openStore(`${directory}/filled`);
  const chat = await store.session(key);
  const small = JSON.stringify({ role: "user", content: "word ".repeat(196) });
  const large = JSON.stringify({ role: "tool", content: "x".repeat(recordBytes - 40) });
  let records = 0;
  for (let written = 0; written < bytes;) {
    const group: Promise<unknown>[] = [];
    for (let index = 0; index < largeEvery; index++, records++) {
      const text = index === 0 ? large : small;
      group.push(chat.appendText(text, { durability: "buffered" }));
      written += text.length;
    }
    await Promise.all(group);
  }
  await chat.flush();
  await cp(`${directory}/filled`, `${directory}/killed`, { recursive: true });
  return records;
}

/** The median of each operation's figures over some rounds, each on a copy of its own. */
async function medians(directory: string, rounds: number): Promise<Block[]> {
  const all: Block[][] = [];
  for (let round = 0; round < rounds; round++) {
    const copy = `${directory}/round`;
    await cp(`${directory}/killed`, copy, { recursive: true });
    all.push(await operations(copy));
    await rm(copy, { recursive: true });
  }
  return (all[0] ?? []).map(({ title }, index) => {
    const of = (figure: "seconds" | "longestMilliseconds"): number =>
      median(all.map((blocks) => blocks[index]?.[figure] ?? NaN));
    return { title, seconds: of("seconds"), longestMilliseconds: of("longestMilliseconds") };
  });
}

async function operations(directory: string): Promise<Block[]> {
  const blocks: Block[] = [];
  const withStore = async (work: (store: SessionStore, chat: Session) => Promise<void>): Promise<void> => {
    await using store = await openStore(directory);
    await work(store, await store.session(key));
  };
  const add = async (title: string, work: () => Promise<unknown>): Promise<void> => {
    blocks.push(await watch(title, work));
  };
  await withStore(async (store, chat) => {
    // The first call of anything compiles it: that is the runtime's, and happens once.
    await (await store.session("warm")).append({ warm: true });
    await chat.tail(1);
    await add("tail(50)", async () => await chat.tail(50));
    await add("open, recover, append", async () => await chat.append({ role: "user", content: "hi" }));
    await add("truncate(20), lines counted", async () => await chat.truncate(20));
    await add("list()", async () => await store.list());
    await add("stats()", async () => await chat.stats());
    await add("verify()", async () => await chat.verify());
    await add("records({ all })", async () => {
      for await (const _ of chat.records({ all: true }));
    });
    await chat.truncate(10);
    await add("compact() of what is hidden", async () => await chat.compact());
  });
  return blocks;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      bytes: { type: "string", default: "1GiB" },
      record: { type: "string", default: "1MiB" },
      bar: { type: "string", default: "20" },
      rounds: { type: "string", default: "3" },
      scratch: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const recordBytes = parseBytes(values.record);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`--rounds is a whole number from 1 on: ${values.rounds}`);
  }
  const barMilliseconds = Number(values.bar);
  const isJudged = recordBytes <= judgedRecordBytes;
  await withScratch(values.scratch, async (directory) => {
    const bytes = parseBytes(values.bytes);
    const records = await fill(directory, bytes, recordBytes);
    const blocks = await medians(directory, rounds);
    const isMissed = isJudged && blocks.some(({ longestMilliseconds }) => longestMilliseconds >= barMilliseconds);
    if (values.json) console.log(JSON.stringify({ bytes, recordBytes, records, rounds, barMilliseconds, blocks }));
    else {
      console.log(placeLine(directory));
      console.log(
        `A session of ${mebibytes(bytes)} MiB, ${records} records of up to ${
          mebibytes(recordBytes)
        } MiB; medians of ${rounds} rounds.\n`,
      );
      const rows = blocks.map(({ title, seconds, longestMilliseconds }) => [
        title,
        seconds.toFixed(2),
        longestMilliseconds.toFixed(1),
        isJudged ? longestMilliseconds < barMilliseconds ? "PASS" : "MISS" : "",
      ]);
      console.log(tableText(["operation", "seconds", "longest block, ms", `< ${barMilliseconds} ms`], rows));
    }
    if (isMissed) process.exitCode = 1;
  });
}

await main();

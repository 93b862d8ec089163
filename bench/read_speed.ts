/**
 * How fast a session is read, beside reading the same file whole, splitting and parsing it; and how little `tail` reads.
 *
 *     read_speed.ts [--bytes 64MiB] [--rounds 5] [--scratch DIRECTORY] [--json]
 *
 * @module
 */

import { readFile, stat } from "node:fs/promises";
import { parseArgs } from "node:util";
import { openStore, type Session, type SessionStore } from "../mod.ts";
import { mebibytes, parseBytes, placeLine, tableText, withScratch } from "./bench_report.ts";
import { writeRecords } from "./session_writer.ts";

/** One way to read all records: how many there were. */
interface Reading {
  title: string;
  read: () => Promise<number>;
}

const key = "bench:read";
const tailCount = 50;
/** An ordinary end of a conversation: one durable append after the other. */
const singles = 200;

function readings(session: Session, path: string): Reading[] {
  const isRecord = (value: unknown): boolean => typeof value === "object" && value !== null && "content" in value;
  return [
    {
      title: "readFile, split, JSON.parse",
      read: async () => {
        const lines = (await readFile(path, "utf8")).split("\n");
        return lines.filter((line) => line !== "" && isRecord(JSON.parse(line))).length;
      },
    },
    {
      title: "records(): checksums verified",
      read: async () => {
        let count = 0;
        for await (const { record } of session.records()) if (isRecord(record)) count++;
        return count;
      },
    },
    {
      title: "verify(): nothing parsed",
      read: async () => (await session.verify()).verified,
    },
  ];
}

/** The best of several rounds, taken in turn, so that a busy moment hits all alike. */
async function bestSeconds(all: readonly Reading[], rounds: number, records: number): Promise<number[]> {
  const best = all.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    for (const [index, { title, read }] of all.entries()) {
      const begun = performance.now();
      const count = await read();
      const seconds = (performance.now() - begun) / 1000;
      if (count !== records) throw new Error(`${title} read ${count} of ${records} records`);
      best[index] = Math.min(best[index] ?? Infinity, seconds);
    }
  }
  return best;
}

async function tailCost(store: SessionStore, session: Session): Promise<{ reads: number; bytesRead: number }> {
  const before = { ...store.counters };
  const { records } = await session.tail(tailCount);
  if (records.length !== tailCount) throw new Error(`tail read ${records.length} records`);
  const { reads, bytesRead } = store.counters;
  return { reads: reads - before.reads, bytesRead: bytesRead - before.bytesRead };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      bytes: { type: "string", default: "64MiB" },
      rounds: { type: "string", default: "5" },
      scratch: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  await withScratch(values.scratch, async (directory) => {
    const store = `${directory}/store`;
    const path = `${store}/bench_read.jsonl`;
    let records: number;
    {
      await using writing = await openStore(store);
      records = await writeRecords(await writing.session(key), parseBytes(values.bytes));
    }
    const { size } = await stat(path);
    await using reading = await openStore(store, { readOnly: true });
    const session = await reading.session(key);
    const all = readings(session, path);
    const seconds = await bestSeconds(all, Number(values.rounds), records);
    const baseline = seconds[0] ?? NaN;
    const tails = [{ end: "groups of 512 KiB", ...await tailCost(reading, session) }];
    {
      await using writing = await openStore(store);
      const one = await writing.session(key);
      for (let index = 0; index < singles; index++) await one.append({ role: "user", content: "x".repeat(900) });
    }
    tails.push({ end: `${singles} single durable appends`, ...await tailCost(reading, session) });
    const results = all.map(({ title }, index) => {
      const spent = seconds[index] ?? NaN;
      return { title, mebibytesPerSecond: size / 1024 ** 2 / spent, timesBaseline: spent / baseline };
    });
    if (values.json) {
      console.log(JSON.stringify({ size, records, results, tailCount, tails }));
      return;
    }
    console.log(placeLine(directory));
    console.log(`A session of ${mebibytes(size)} MiB, ${records} records; best of ${values.rounds} rounds.\n`);
    const rows = results.map(({ title, mebibytesPerSecond, timesBaseline }) => [
      title,
      mebibytesPerSecond.toFixed(0),
      timesBaseline.toFixed(2),
    ]);
    console.log(tableText(["all records", "MiB/s", "time, first = 1"], rows));
    const tailRows = tails.map(({ end, bytesRead, reads }) => [end, mebibytes(bytesRead), String(reads)]);
    console.log(tableText([`tail(${tailCount}), the log ends in`, "MiB read", "reads"], tailRows));
  });
}

await main();

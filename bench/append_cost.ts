/**
 * What an operation asks of the file system: writes, bytes, syncs, names. Counted, not timed, through the port's own
 * counters, so that the figures repeat exactly on every machine. Beside it the two usual ways to append, through the
 * same counting port: the one of picoclaw (append, sync, then replace the meta file), and plain append and `fdatasync`.
 *
 *     append_cost.ts [--records 200] [--scratch DIRECTORY] [--json]
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type FileSystem, type FileSystemCounters, openStore, type RecordObject, type SessionStore } from "../mod.ts";
import { countingFileSystem, createFileSystemCounters } from "../src/fs/counting_filesystem.ts";
import { runtimeFileSystem } from "../src/fs/runtime_filesystem.ts";
import { readWhole, replaceFile, writeFully } from "../src/log/atomic_file.ts";
import { placeLine, tableText, withScratch } from "./bench_report.ts";

/** The counters that say what flash has to do. */
const shown = ["writes", "bytesWritten", "syncs", "directorySyncs", "renames"] as const;
type ShownCounters = Record<(typeof shown)[number], number>;

/** What one operation costs, averaged over all that were done. */
interface Cost {
  operation: string;
  operations: number;
  counters: ShownCounters;
}

/** About 200 bytes of JSON, as a short turn of a conversation has them. */
function message(index: number): RecordObject {
  const content =
    `Reading ${String(index).padStart(6, "0")}: it is 20.5 degrees on the balcony, the wind has turned to ` +
    "the west, and the window in the kitchen is open.";
  return { role: "assistant", content, "created_at": "2026-11-20T12:43:52.473701856Z" };
}

/** Counts what some operations cost; what comes before them costs nothing here. */
async function costOf(
  operation: string,
  counters: Readonly<FileSystemCounters>,
  operations: number,
  run: (index: number) => Promise<unknown>,
): Promise<Cost> {
  const before = { ...counters };
  for (let index = 0; index < operations; index++) await run(index);
  const spent = zeroCounters();
  for (const name of shown) spent[name] = (counters[name] - before[name]) / operations;
  return { operation, operations, counters: spent };
}

function zeroCounters(): ShownCounters {
  return { writes: 0, bytesWritten: 0, syncs: 0, directorySyncs: 0, renames: 0 };
}

async function appendCosts(store: SessionStore, operations: number): Promise<Cost[]> {
  const { counters } = store;
  const chat = await store.session("bench:append");
  await chat.append(message(0));
  const five = [1, 2, 3, 4, 5].map(message);
  return [
    await costOf("append, durable", counters, operations, async (index) => await chat.append(message(index))),
    await costOf("appendAll of 5, durable", counters, operations, async () => await chat.appendAll(five)),
    await costOf("5 appends at once, durable", counters, operations, async () => {
      await Promise.all(five.map(async (record) => await chat.append(record)));
    }),
    await costOf("turn: 4 buffered, 1 durable", counters, operations, async () => {
      for (const record of five.slice(1)) await chat.append(record, { durability: "buffered" });
      await chat.append(message(0));
    }),
  ];
}

async function sessionCosts(store: SessionStore, operations: number): Promise<Cost[]> {
  const { counters } = store;
  const first = await costOf("first append of a new session", counters, operations, async (index) => {
    await (await store.session(`bench:new-${index}`)).append(message(index));
  });
  const chat = await store.session("bench:edits");
  const fill = async (count: number) => {
    await chat.appendAll(Array.from({ length: count }, (_, index) => message(index)));
  };
  await fill(1);
  return [
    first,
    await editCost("truncate with summary", counters, 10, async (index) => {
      await fill(2);
      return async () => await chat.truncate(1, { summary: `Up to ${index}` });
    }),
    await editCost("compact 100 records to 20", counters, 10, async () => {
      await fill(100);
      await chat.truncate(20);
      return async () => await chat.compact();
    }),
    await editCost("replace by 20 records", counters, 10, async (round) => {
      // Others each time: what is there already is not written again.
      const records = Array.from({ length: 20 }, (_, index) => message(index + 20 * (round % 2)));
      return async () => await chat.replace(records);
    }),
  ];
}

/** Counts steps, and not what prepares each. */
async function editCost(
  operation: string,
  counters: Readonly<FileSystemCounters>,
  operations: number,
  prepare: (index: number) => Promise<() => Promise<unknown>>,
): Promise<Cost> {
  const sum = zeroCounters();
  for (let index = 0; index < operations; index++) {
    const step = await prepare(index);
    const cost = await costOf(operation, counters, 1, step);
    for (const name of shown) sum[name] += cost.counters[name] / operations;
  }
  return { operation, operations, counters: sum };
}

/** As picoclaw does it: append and sync, read the meta file, replace it. */
async function picoclawCost(directory: string, operations: number): Promise<Cost> {
  const counters = createFileSystemCounters();
  const fileSystem = countingFileSystem(runtimeFileSystem, counters);
  const log = `${directory}/pico.jsonl`;
  const meta = `${directory}/pico.meta.json`;
  const append = async (index: number): Promise<void> => {
    await appendLine(fileSystem, log, message(index));
    await readWhole(fileSystem, meta, 1024 * 1024);
    const now = new Date(0).toISOString();
    const facts = { key: "pico", summary: "", skip: 0, count: index + 2, "created_at": now, "updated_at": now };
    await replaceFile(
      fileSystem,
      meta,
      `${directory}/.tmp-pico`,
      new TextEncoder().encode(JSON.stringify(facts, null, 2)),
    );
  };
  await append(-1);
  return await costOf("picoclaw's way: append, sync, replace meta", counters, operations, append);
}

async function plainCost(directory: string, operations: number): Promise<Cost> {
  const counters = createFileSystemCounters();
  const fileSystem = countingFileSystem(runtimeFileSystem, counters);
  const handle = await fileSystem.open(`${directory}/plain.jsonl`, { access: "write", create: "exclusive" });
  let offset = 0;
  try {
    return await costOf("plain append and fdatasync", counters, operations, async (index) => {
      const line = lineOf(message(index));
      await writeFully(handle, line, offset);
      offset += line.length;
      await handle.syncData();
    });
  } finally {
    await handle.close();
  }
}

async function appendLine(fileSystem: FileSystem, path: string, record: RecordObject): Promise<void> {
  const handle = await fileSystem.open(path, { access: "write", create: "if-missing" });
  try {
    await writeFully(handle, lineOf(record), (await handle.stat()).size);
    await handle.syncData();
  } finally {
    await handle.close();
  }
}

function lineOf(record: RecordObject): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(record)}\n`);
}

function figure(value: number): string {
  return Math.abs(value - Math.round(value)) < 0.005 ? value.toFixed(0) : value.toFixed(1);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      records: { type: "string", default: "200" },
      scratch: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const operations = Number(values.records);
  await withScratch(values.scratch, async (directory) => {
    const costs: Cost[] = [];
    {
      await using store = await openStore(`${directory}/sessions`);
      costs.push(...await appendCosts(store, operations), ...await sessionCosts(store, Math.min(operations, 20)));
    }
    costs.push(await plainCost(directory, operations), await picoclawCost(directory, operations));
    if (values.json) {
      for (const cost of costs) console.log(JSON.stringify(cost));
      return;
    }
    const recordBytes = lineOf(message(0)).length - 1;
    console.log(placeLine(directory));
    console.log(`Per operation; a record is ${recordBytes} bytes of JSON.\n`);
    const headings = ["operation", "writes", "bytes", "syncs", "directory syncs", "renames"];
    const rows = costs.map(({ operation, counters }) => [operation, ...shown.map((name) => figure(counters[name]))]);
    console.log(tableText(headings, rows));
  });
}

await main();

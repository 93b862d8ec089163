/**
 * Where the time of one serial durable append goes: the calls of the file system port one by one (look, write, sync),
 * what is left for Holdfast and the event loop, and beside it the floor, whose calls are the same but for the look.
 *
 *     append_profile.ts [--holdfast DIRECTORY/mod.ts] [--records 2000] [--bytes 1024] [--scratch DIRECTORY]
 *
 * @module
 */

import { fdatasync, openSync, write } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { FileHandle, FileSystem, openStore } from "../mod.ts";
import { makeRecord } from "./bench_record.ts";
import { placeLine, tableText, withScratch } from "./bench_report.ts";

/** Milliseconds and calls by the name of the call. */
type Times = Map<string, { calls: number; milliseconds: number }>;

function note(times: Times, name: string, begun: number): void {
  const entry = times.get(name) ?? { calls: 0, milliseconds: 0 };
  entry.calls++;
  entry.milliseconds += performance.now() - begun;
  times.set(name, entry);
}

/** An object whose every method call is timed; what `open` gives is timed too. */
function timed<T extends object>(target: T, times: Times, prefix: string): T {
  return new Proxy(target, {
    get(_, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        const begun = performance.now();
        const name = `${prefix}${String(property)}`;
        const result: unknown = Reflect.apply(value, target, args);
        if (!(result instanceof Promise)) {
          note(times, name, begun);
          return result;
        }
        return result.then((settled: unknown) => {
          note(times, name, begun);
          return property === "open" && isHandle(settled) ? timed(settled, times, "") : settled;
        });
      };
    },
  });
}

function isHandle(value: unknown): value is FileHandle {
  return typeof value === "object" && value !== null && "syncData" in value;
}

interface Profile {
  title: string;
  times: Times;
  totalMilliseconds: number;
}

async function profileHoldfast(
  modulePath: string,
  directory: string,
  records: number,
  bytes: number,
): Promise<Profile> {
  const holdfast: { openStore: typeof openStore } = await import(pathToFileURL(modulePath).href);
  const portPath = join(dirname(modulePath), "src", "fs", "runtime_filesystem.ts");
  const { runtimeFileSystem }: { runtimeFileSystem: FileSystem } = await import(pathToFileURL(portPath).href);
  const times: Times = new Map();
  const store = await holdfast.openStore(directory, { fileSystem: timed(runtimeFileSystem, times, "") });
  const session = await store.session("profile");
  for (let index = 0; index < 100; index++) await session.append(makeRecord({ client: 0, index, bytes }));
  const texts = Array.from({ length: records }, (_, index) => makeRecord({ client: 0, index, bytes }));
  times.clear();
  const begun = performance.now();
  for (const record of texts) await session.append(record);
  const totalMilliseconds = performance.now() - begun;
  const kept = new Map(times);
  await store.close();
  return { title: "Holdfast", times: kept, totalMilliseconds };
}

async function profileFloor(directory: string, records: number, bytes: number): Promise<Profile> {
  const descriptor = openSync(join(directory, "floor"), "w");
  const settled = (call: (done: (error: Error | null) => void) => void): Promise<void> =>
    new Promise((done, fail) => call((error) => error === null ? done() : fail(error)));
  const room = new Uint8Array((bytes + 32) * (records + 100)).fill(0x0a);
  await settled((done) => write(descriptor, room, 0, room.length, 0, done));
  await settled((done) => fdatasync(descriptor, done));
  const lines = Array.from({ length: records }, (_, index) => {
    const text = JSON.stringify(makeRecord({ client: 0, index, bytes }));
    return Buffer.from(`${text.slice(0, -1)},"#":"${index} 00000000"}\n`);
  });
  const times: Times = new Map();
  let offset = 0;
  const begun = performance.now();
  for (const line of lines) {
    const writing = performance.now();
    await settled((done) => write(descriptor, line, 0, line.length, offset, done));
    note(times, "write", writing);
    offset += line.length;
    const syncing = performance.now();
    await settled((done) => fdatasync(descriptor, done));
    note(times, "syncData", syncing);
  }
  return { title: "floor", times, totalMilliseconds: performance.now() - begun };
}

function rowsOf({ title, times, totalMilliseconds }: Profile, records: number): string[][] {
  const perRecord = (milliseconds: number): string => (milliseconds / records * 1000).toFixed(1);
  const share = (milliseconds: number): string => `${(milliseconds / totalMilliseconds * 100).toFixed(1)} %`;
  const rows = [...times].map(([name, { calls, milliseconds }]) => [
    `${title}: ${name}`,
    (calls / records).toFixed(3),
    perRecord(milliseconds),
    share(milliseconds),
  ]);
  const inCalls = [...times.values()].reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rest = totalMilliseconds - inCalls;
  rows.push([`${title}: the rest`, "", perRecord(rest), share(rest)]);
  rows.push([`${title}: together`, "", perRecord(totalMilliseconds), ""]);
  return rows;
}

const { values } = parseArgs({
  options: {
    holdfast: { type: "string", default: fileURLToPath(new URL("../mod.ts", import.meta.url)) },
    records: { type: "string", default: "2000" },
    bytes: { type: "string", default: "1024" },
    scratch: { type: "string" },
  },
});
const [records, bytes] = [Number(values.records), Number(values.bytes)];
await withScratch(values.scratch, async (directory) => {
  console.log(`${placeLine(directory)}\n`);
  const rows: string[][] = [];
  // In turn, so that the machine's mood meets both.
  for (let round = 0; round < 2; round++) {
    rows.push(...rowsOf(await profileFloor(directory, records, bytes), records));
    const own = join(directory, `store-${round}`);
    rows.push(...rowsOf(await profileHoldfast(resolve(values.holdfast), own, records, bytes), records));
  }
  console.log(tableText(["", "calls/append", "µs/append", "share"], rows));
});

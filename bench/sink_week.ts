/**
 * A week without a network, on a simulated clock.
 *
 * @module
 */

import process from "node:process";
import { openStore } from "../mod.ts";
import { type ObjectStore, openSink } from "../src/sink/mod.ts";
import { SimulatedFileSystem } from "../src/testing/mod.ts";
import { readBucket } from "../src/torture/bucket_reading.ts";

/** What it came to. */
export interface WeekResult {
  /** How many records the board has. */
  records: number;
  /** How many the bucket has afterwards, read strictly: each once, in order, without a gap. */
  inBucket: number;
  /** In so many objects. */
  objects: number;
  /** Requests while there was no network. */
  requestsOffline: number;
  /** Requests until all was there. */
  requestsCatchUp: number;
  /** How much the heap has grown from the first day's end to the last one's. */
  heapGrowthMiB: number;
  /** How much of that is the simulated disk's: what the log has grown by. */
  logGrowthMiB: number;
}

const days = 7;

/** The bucket refuses everything for seven days. */
export async function measureWeek(messagesPerDay: number): Promise<WeekResult> {
  const fileSystem = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem });
  const held = new Map<string, Uint8Array>();
  let isOnline = false;
  let requests = 0;
  const answer = <T>(result: () => T): Promise<T> => {
    requests++;
    return isOnline ? Promise.resolve(result()) : Promise.reject(new Error("no network"));
  };
  const objects: ObjectStore = {
    create: (name, bytes) => answer(() => held.has(name) ? "exists" : (held.set(name, bytes), "created")),
    replace: (name, bytes) => answer(() => void held.set(name, bytes)),
    read: (name) => answer(() => held.get(name) ?? null),
    list: async function* () {},
  };
  const sink = await openSink(store, { objects, fileSystem });
  const chat = await store.session("agent");
  const stepMs = 86_400_000 / messagesPerDay;
  const heaps: number[] = [];
  const sizes: number[] = [];
  for (let day = 0; day < days; day++) {
    for (let n = 0; n < messagesPerDay; n++) {
      await chat.append({ role: "user", day, n });
      fileSystem.passTime(stepMs);
    }
    const collect: unknown = Reflect.get(globalThis, "gc");
    if (typeof collect === "function") collect();
    heaps.push(process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers);
    sizes.push((await fileSystem.stat("/sessions/agent.jsonl")).size);
  }
  const offline = requests;
  isOnline = true;
  await sink.flush();
  await sink.close();
  await store.close();
  const [history] = readBucket(held).values();
  const growth = (values: readonly number[]): number => ((values.at(-1) ?? 0) - (values[0] ?? 0)) / 2 ** 20;
  return {
    records: messagesPerDay * days,
    inBucket: history?.lines.length ?? 0,
    objects: [...held.keys()].filter((name) => name.includes("/records/")).length,
    requestsOffline: offline,
    requestsCatchUp: requests - offline,
    heapGrowthMiB: growth(heaps),
    logGrowthMiB: growth(sizes),
  };
}

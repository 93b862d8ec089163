/**
 * What history off the device costs: append latency with a sink at work, in interleaved pairs; requests and bytes of a
 * fleet of boards; a week without a network.
 *
 *     sink_cost.ts [--pairs 20] [--appends 300] [--interval 1000] [--boards 1000] [--sessions 20] [--records 5] [--messages 5000]
 *                  [--only pairs|fleet|week] [--scratch DIRECTORY] [--memory] [--json]
 *
 * The server is the small one of the tests, in a process of its own, on loopback; with --memory the fleet's bucket is a
 * map in the same process.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openStore } from "../mod.ts";
import { HiddenText, type ObjectStore, openBucket, openSink } from "../src/sink/mod.ts";
import { SimulatedFileSystem } from "../src/testing/mod.ts";
import { placeLine, tableText, withScratch } from "./bench_report.ts";

interface RunningServer {
  objects: ObjectStore;
  process: ChildProcess;
}

async function startServer(mode: "up" | "hang"): Promise<RunningServer> {
  const script = fileURLToPath(new URL("./sink_server.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, mode], { stdio: ["pipe", "pipe", "inherit"] });
  const [endpoint] = await new Promise<string[]>((resolve) => {
    createInterface({ input: child.stdout }).once("line", (line) => resolve([line]));
  });
  const settings = {
    endpoint: endpoint ?? "",
    bucket: "boards",
    region: "default",
    prefix: "",
    accessKeyId: new HiddenText("AKIDTESTTESTTEST"),
    secretAccessKey: new HiddenText("secret"),
    encryptionKey: null,
  };
  return { objects: await openBucket(settings, { requestTimeoutMs: 5_000 }), process: child };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? 0;
}

/** A bucket that a sink gives up when it is closed, and the next one can use all the same. */
function lasting(objects: ObjectStore): ObjectStore {
  const aborter = new AbortController();
  const gone = new Promise<never>((_, reject) => {
    aborter.signal.addEventListener("abort", () => reject(new Error("given up")));
  });
  gone.catch(() => undefined);
  return {
    create: async (name, bytes) => await Promise.race([objects.create(name, bytes), gone]),
    replace: async (name, bytes) => await Promise.race([objects.replace(name, bytes), gone]),
    read: async (name) => await Promise.race([objects.read(name), gone]),
    list: (prefix) => objects.list(prefix),
    abort: () => aborter.abort(),
  };
}

/** Blocks of appends without and with a sink at work, in turns; what counts is the ratio within a pair. */
async function measurePairs(
  directory: string,
  mode: "up" | "hang",
  { pairs, appends, intervalMs }: { pairs: number; appends: number; intervalMs: number },
): Promise<{ ratio: number; offMs: number; onMs: number; objects: number }> {
  const server = await startServer(mode);
  const store = await openStore(join(directory, mode));
  const chat = await store.session("agent");
  const block = async (): Promise<number> => {
    const waits: number[] = [];
    for (let n = 0; n < appends; n++) {
      const start = performance.now();
      await chat.append({ role: "user", n, content: "the quick brown fox jumps over the lazy dog ".repeat(5) });
      waits.push(performance.now() - start);
      await pause(5);
    }
    return median(waits);
  };
  await block();
  const off: number[] = [];
  const on: number[] = [];
  let objects = 0;
  for (let pair = 0; pair < pairs; pair++) {
    const withSink = async (): Promise<void> => {
      // Far more often than by default, so that each block has some.
      const options = { intervalMs, backoffMaxMs: 1_000 };
      const sink = await openSink(store, { objects: lasting(server.objects), ...options });
      on.push(await block());
      objects += sink.counters.objects;
      await sink.close();
    };
    if (pair % 2 === 0) off.push(await block());
    await withSink();
    if (pair % 2 === 1) off.push(await block());
  }
  await store.close();
  server.process.stdin?.end();
  const ratios = on.map((value, index) => value / (off[index] ?? value));
  return { ratio: median(ratios), offMs: median(off), onMs: median(on), objects };
}

/** One that costs nothing but what the sinks do. */
function memoryBucket(): ObjectStore {
  const held = new Map<string, Uint8Array>();
  return {
    create: (name, bytes) => Promise.resolve(held.has(name) ? "exists" : (held.set(name, bytes), "created")),
    replace: (name, bytes) => Promise.resolve(void held.set(name, bytes)),
    read: (name) => Promise.resolve(held.get(name) ?? null),
    list: async function* () {},
  };
}

/** Boards that each say a little in each session, twice; one server. */
async function measureFleet(
  { boards, sessions, records, inMemory }: { boards: number; sessions: number; records: number; inMemory: boolean },
): Promise<Record<string, number>> {
  const server = inMemory ? null : await startServer("up");
  const bucket = server?.objects ?? memoryBucket();
  const total = { requests: 0, bytesSent: 0, objects: 0, records: 0, failures: 0 };
  const start = performance.now();
  const board = async (): Promise<void> => {
    const fileSystem = new SimulatedFileSystem();
    const store = await openStore("/sessions", { fileSystem, openSessionsMax: 4 });
    const sink = await openSink(store, { objects: lasting(bucket), fileSystem, intervalMs: 0 });
    for (let round = 0; round < 2; round++) {
      for (let session = 0; session < sessions; session++) {
        const chat = await store.session(`chat ${session}`);
        await chat.appendAll(
          Array.from({ length: records }, (_, n) => ({ role: "user", n, content: "x".repeat(200) })),
        );
      }
      await sink.flush();
    }
    for (const name of ["requests", "bytesSent", "objects", "records", "failures"] as const) {
      total[name] += sink.counters[name];
    }
    await sink.close();
    await store.close();
  };
  let waiting = boards;
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (waiting-- > 0) await board();
  }));
  server?.process.stdin?.end();
  return { ...total, seconds: (performance.now() - start) / 1000 };
}

/** The bucket refuses everything for seven days of simulated time. */
async function measureWeek(messages: number): Promise<Record<string, number>> {
  const fileSystem = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem });
  const held = new Map<string, number>();
  let isOnline = false;
  let requests = 0;
  const answer = <T>(result: () => T): Promise<T> => {
    requests++;
    return isOnline ? Promise.resolve(result()) : Promise.reject(new Error("no network"));
  };
  const lines = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => byte === 0x0a ? sum + 1 : sum, 0);
  const objects: ObjectStore = {
    create: (name, bytes) => answer(() => held.has(name) ? "exists" : (held.set(name, lines(bytes)), "created")),
    replace: (name, bytes) => answer(() => void held.set(name, bytes.length)),
    read: () => answer(() => null),
    list: async function* () {},
  };
  const sink = await openSink(store, { objects, fileSystem });
  const chat = await store.session("agent");
  const stepMs = 86_400_000 / messages;
  const heapAfterDay: number[] = [];
  for (let day = 0; day < 7; day++) {
    for (let n = 0; n < messages; n++) {
      await chat.append({ role: "user", day, n });
      fileSystem.passTime(stepMs);
    }
    const collect: unknown = Reflect.get(globalThis, "gc");
    if (typeof collect === "function") collect();
    heapAfterDay.push(process.memoryUsage().heapUsed / 2 ** 20);
  }
  const offline = requests;
  isOnline = true;
  await sink.flush();
  const sent = [...held].filter(([name]) => name.includes("/records/")).map(([, count]) => count);
  await sink.close();
  const { size } = await fileSystem.stat("/sessions/agent.jsonl");
  await store.close();
  return {
    records: messages * 7,
    inBucket: sent.reduce((sum, count) => sum + count, 0),
    objects: sent.length,
    requestsOffline: offline,
    requestsCatchUp: requests - offline,
    // The log itself is in the simulated file system's memory, and so on the heap.
    heapGrowthMiB: (heapAfterDay.at(-1) ?? 0) - (heapAfterDay[0] ?? 0),
    logMiB: size / 2 ** 20,
  };
}

const { values } = parseArgs({
  options: {
    interval: { type: "string", default: "1000" },
    pairs: { type: "string", default: "20" },
    appends: { type: "string", default: "300" },
    boards: { type: "string", default: "1000" },
    sessions: { type: "string", default: "20" },
    records: { type: "string", default: "5" },
    messages: { type: "string", default: "5000" },
    only: { type: "string" },
    scratch: { type: "string" },
    memory: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const say = (title: string, figures: Record<string, number>): void => {
  if (values.json) return console.log(JSON.stringify({ title, ...figures }));
  console.log(`\n${title}`);
  const rows = Object.entries(figures).map(([name, value]) => [name, String(Math.round(value * 1000) / 1000)]);
  console.log(tableText(["figure", "value"], rows));
};
const wants = (part: string): boolean => values.only === undefined || values.only === part;
if (wants("pairs")) {
  await withScratch(values.scratch, async (directory) => {
    if (!values.json) console.log(placeLine(directory));
    for (const mode of ["hang", "up"] as const) {
      const plan = {
        pairs: Number(values.pairs),
        appends: Number(values.appends),
        intervalMs: Number(values.interval),
      };
      say(
        `append latency, sink with the server ${mode === "up" ? "up" : "hanging"}`,
        await measurePairs(directory, mode, plan),
      );
    }
  });
}
if (wants("fleet")) {
  const plan = {
    boards: Number(values.boards),
    sessions: Number(values.sessions),
    records: Number(values.records),
    inMemory: values.memory,
  };
  const fleet = await measureFleet(plan);
  const records = fleet["records"] ?? 1;
  say(`${plan.boards} boards with ${plan.sessions} sessions each, ${plan.records} records in each of two rounds`, {
    ...fleet,
    requestsPerRecord: (fleet["requests"] ?? 0) / records,
    bytesPerRecord: (fleet["bytesSent"] ?? 0) / records,
  });
}
if (wants("week")) say("a week without a network", await measureWeek(Number(values.messages)));

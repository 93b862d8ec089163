/**
 * How long an agent waits for its saves: on its own path (each step awaited until it is durable), and in the background
 * (told to a pool, saved in intervals, off its path); and what each way asks of the file system.
 *
 *     background_cost.ts [--steps 2000] [--interval 100] [--pause 1] [--scratch DIRECTORY] [--json]
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openStore, type RecordObject, type SessionStore } from "../mod.ts";
import { BackgroundPool } from "../src/transcript/mod.ts";
import { placeLine, tableText, withScratch } from "./bench_report.ts";

/** What one way costs. */
interface WayCost {
  way: string;
  /** How long each step waited for its save, in milliseconds, in order of length. */
  waits: number[];
  writes: number;
  syncs: number;
  bytesWritten: number;
}

const state = { step: 0, notes: "y".repeat(400) };

function stepOf(index: number): RecordObject {
  return { type: "step", n: index, text: "the quick brown fox jumps over the lazy dog ".repeat(5) };
}

/** An agent that thinks for a while between its steps, whatever way it is saved. */
async function measure(
  store: SessionStore,
  way: string,
  { steps, pauseMs }: { steps: number; pauseMs: number },
  save: (index: number) => Promise<void> | void,
  end: () => Promise<void>,
): Promise<WayCost> {
  const before = { ...store.counters };
  const waits: number[] = [];
  for (let index = 0; index < steps; index++) {
    const start = performance.now();
    const saving = save(index);
    if (saving !== undefined) await saving;
    waits.push(performance.now() - start);
    await pause(pauseMs);
  }
  await end();
  const { writes, syncs, bytesWritten } = store.counters;
  return {
    way,
    waits: waits.sort((one, other) => one - other),
    writes: writes - before.writes,
    syncs: syncs - before.syncs,
    bytesWritten: bytesWritten - before.bytesWritten,
  };
}

async function measureAll(
  store: SessionStore,
  options: { steps: number; pauseMs: number; intervalMs: number },
): Promise<WayCost[]> {
  const direct = await store.session("direct");
  await direct.append({ type: "begin" });
  const onPath = await measure(
    store,
    "awaited until durable",
    options,
    async (index) => void await direct.append(stepOf(index)),
    async () => {},
  );
  await using pool = new BackgroundPool(store, { saveIntervalMs: options.intervalMs });
  using agent = await pool.session("background", { snapshot: () => state });
  agent.record({ type: "begin" });
  await agent.forceSave();
  const inBackground = await measure(
    store,
    `told to a pool, saved every ${options.intervalMs} ms`,
    options,
    (index) => {
      agent.record(stepOf(index));
      state.step = index;
      agent.touch();
    },
    async () => await agent.forceSave(),
  );
  return [onPath, inBackground];
}

function at(waits: readonly number[], share: number): string {
  return `${(waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0).toFixed(3)} ms`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      steps: { type: "string", default: "2000" },
      interval: { type: "string", default: "100" },
      pause: { type: "string", default: "1" },
      scratch: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const steps = Number(values.steps);
  if (!Number.isSafeInteger(steps) || steps < 1) throw new RangeError("--steps must be a whole number from 1");
  await withScratch(values.scratch, async (directory) => {
    await using store = await openStore(`${directory}/sessions`);
    const options = { steps, pauseMs: Number(values.pause), intervalMs: Number(values.interval) };
    const costs = await measureAll(store, options);
    if (values.json) {
      for (const cost of costs) console.log(JSON.stringify(cost));
      return;
    }
    console.log(placeLine(directory));
    console.log(`${steps} steps; how long each waited for its save, and what all of them asked of the file system.\n`);
    const headings = ["way", "median", "99 %", "longest", "writes", "syncs", "bytes"];
    const rows = costs.map(({ way, waits, writes, syncs, bytesWritten }) => {
      return [way, at(waits, 0.5), at(waits, 0.99), at(waits, 1), ...[writes, syncs, bytesWritten].map(String)];
    });
    console.log(tableText(headings, rows));
  });
}

await main();

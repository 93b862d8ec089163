/**
 * What a jump to any record costs: from the nearest checkpoint, beside replaying from the start; and what each
 * checkpoint costs the device, as there are more and more of them.
 *
 *     jump_cost.ts [--events 100000] [--every 1000] [--jumps 20] [--scratch DIRECTORY] [--json]
 *
 * @module
 */

import { parseArgs } from "node:util";
import { openStore, type Session, type SessionStore } from "../mod.ts";
import { SeededRandom } from "../src/testing/seeded_random.ts";
import { Checkpoints } from "../src/transcript/mod.ts";
import { placeLine, tableText, withScratch } from "./bench_report.ts";

/** What a checkpoint has cost, when there were so many. */
interface CheckpointCost {
  number: number;
  bytesWritten: number;
  writes: number;
  syncs: number;
  names: number;
}

/** What one jump costs. */
interface JumpCost {
  way: string;
  milliseconds: number;
  bytesRead: number;
  records: number;
}

const state = (total: number): unknown => ({ total, notes: "x".repeat(1000) });

async function build(
  store: SessionStore,
  events: number,
  every: number,
): Promise<{ costs: CheckpointCost[]; lastSequence: number }> {
  const session = await store.session("agent");
  const checkpoints = new Checkpoints(session);
  const costs: CheckpointCost[] = [];
  let total = 0;
  let lastSequence = 0;
  for (let done = 0; done < events; done += every) {
    for (let part = 0; part < every; part += 100) {
      const count = Math.min(100, every - part, events - done - part);
      const steps = Array.from({ length: Math.max(0, count) }, (_, index) => {
        const n = done + part + index;
        total += n % 7;
        return { type: "step", n, ctrl: "eval", note: "the quick brown fox jumps over the lazy dog ".repeat(3) };
      });
      await Promise.all(steps.map(async (step) => await session.append(step)));
    }
    const before = { ...store.counters };
    lastSequence = (await checkpoints.make("periodic", state(total))).sequence;
    const { counters } = store;
    const names = counters.creates + counters.renames + counters.unlinks + counters.links;
    costs.push({
      number: costs.length + 1,
      bytesWritten: counters.bytesWritten - before.bytesWritten,
      writes: counters.writes - before.writes,
      syncs: counters.syncs - before.syncs,
      names: names - before.creates - before.renames - before.unlinks - before.links,
    });
  }
  return { costs, lastSequence };
}

async function measure(store: SessionStore, way: string, run: () => Promise<number>): Promise<JumpCost> {
  const before = store.counters.bytesRead;
  const start = performance.now();
  const records = await run();
  return { way, milliseconds: performance.now() - start, bytesRead: store.counters.bytesRead - before, records };
}

async function replayFromCheckpoint(checkpoints: Checkpoints, sequence: number): Promise<number> {
  let records = 0;
  for await (const _ of (await checkpoints.jump(sequence)).records()) records++;
  return records;
}

async function replayFromStart(session: Session, sequence: number): Promise<number> {
  let records = 0;
  for await (const entry of session.records({ all: true })) {
    records++;
    if (entry.sequence === sequence) break;
  }
  return records;
}

function averageOf(costs: readonly JumpCost[]): string[] {
  const mean = (value: (cost: JumpCost) => number): number =>
    costs.reduce((sum, cost) => sum + value(cost), 0) / Math.max(1, costs.length);
  return [
    costs[0]?.way ?? "",
    mean(({ records }) => records).toFixed(0),
    `${(mean(({ bytesRead }) => bytesRead) / 1024).toFixed(0)} KiB`,
    `${mean(({ milliseconds }) => milliseconds).toFixed(1)} ms`,
  ];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      events: { type: "string", default: "100000" },
      every: { type: "string", default: "1000" },
      jumps: { type: "string", default: "20" },
      scratch: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  await withScratch(values.scratch, async (directory) => {
    const events = Number(values.events);
    console.error(`Writing ${events} events with a checkpoint behind every ${values.every} …`);
    let built: Awaited<ReturnType<typeof build>>;
    {
      await using store = await openStore(directory);
      built = await build(store, events, Number(values.every));
    }
    const random = new SeededRandom(1);
    const targets = Array.from({ length: Number(values.jumps) }, () => random.below(built.lastSequence + 1));
    const ways: JumpCost[][] = [[], [], []];
    // Each way has its turn at each record, so that what the machine does beside is shared.
    for (const sequence of targets) {
      await using store = await openStore(directory, { readOnly: true });
      const session = await store.session("agent");
      const checkpoints = new Checkpoints(session);
      const jump = async (): Promise<number> => await replayFromCheckpoint(checkpoints, sequence);
      ways[0]?.push(await measure(store, "jump, nothing known yet", jump));
      ways[1]?.push(await measure(store, "jump, checkpoint known", jump));
      ways[2]?.push(await measure(store, "from the start", () => replayFromStart(session, sequence)));
    }
    const chosen = [2, 10, 50, 100, 500, 1000].flatMap((number) => built.costs[number - 1] ?? []);
    if (values.json) {
      console.log(JSON.stringify({ checkpoints: chosen, jumps: ways }));
      return;
    }
    console.log(placeLine(directory));
    console.log("\nWhat the n-th checkpoint asks of the file system (its state has about 1 KB):\n");
    const rows = chosen.map((cost) => Object.values(cost).map(String));
    console.log(tableText(["checkpoint", "bytes written", "writes", "syncs", "names"], rows));
    console.log(`\nA jump to a random record of ${events}, on the average of ${targets.length}:\n`);
    console.log(tableText(["way", "records replayed", "bytes read", "time"], ways.map(averageOf)));
  });
}

await main();

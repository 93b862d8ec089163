/**
 * What a sink costs the path of an append: the same appends without and with one, in turns; and what they cost the
 * flash, which has to be the same to the byte.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openStore, type Session, type SessionStore } from "../mod.ts";
import type { FileSystem } from "../src/fs/filesystem.ts";
import { runtimeFileSystem } from "../src/fs/runtime_filesystem.ts";
import { openSink, type Sink } from "../src/sink/mod.ts";
import { lasting, type MeasuredBucket, type ServerState, smallServer } from "./sink_bucket.ts";

/** How pairs are measured. */
export interface PairPlan {
  /** How many pairs. */
  pairs: number;
  /** How many appends each half has. */
  appends: number;
  /** How often the sink looks; by default it would be every 30 s. */
  intervalMs: number;
}

/** What came out. */
export interface PairResult {
  /** The median over the pairs of the ratio of the medians of the waits, with by without. */
  ratio: number;
  /** So sure is that: between these the median lies 19 times out of 20, by rank. */
  ratioLow: number;
  /** See `ratioLow`. */
  ratioHigh: number;
  /** A quarter of the pairs is lower. */
  quarter: number;
  /** A quarter of the pairs is higher. */
  threeQuarters: number;
  /** The median wait without. */
  offMs: number;
  /** The median wait with. */
  onMs: number;
  /** Requests of the sink meanwhile. */
  requests: number;
}

const settleMs = 15;
const content = "the quick brown fox jumps over the lazy dog ".repeat(5);

/** Lets a sink work beside appends. */
async function openBeside(
  store: SessionStore,
  bucket: MeasuredBucket,
  intervalMs: number,
  fileSystem: FileSystem = runtimeFileSystem,
): Promise<Sink> {
  return await openSink(store, { objects: lasting(bucket.objects), intervalMs, backoffMaxMs: 1_000, fileSystem });
}

/** The runtime's port, whose timers can be held: a sink that is given it does nothing until they are let go. */
class HeldTimers {
  /** The port. */
  readonly fileSystem: FileSystem;
  #isHeld = true;
  readonly #due = new Set<() => void>();

  constructor() {
    const startTimer = (delayMs: number, callback: () => void): () => void => {
      const fire = (): void => {
        if (this.#isHeld) this.#due.add(fire);
        else callback();
      };
      const stop = runtimeFileSystem.startTimer?.(delayMs, fire);
      return () => {
        this.#due.delete(fire);
        stop?.();
      };
    };
    this.fileSystem = new Proxy(runtimeFileSystem, {
      get: (target, name) => {
        if (name === "startTimer") return startTimer;
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /** What is due waits, from now on. */
  hold(): void {
    this.#isHeld = true;
  }

  /** What is due happens. */
  letGo(): void {
    this.#isHeld = false;
    for (const fire of [...this.#due]) {
      this.#due.delete(fire);
      fire();
    }
  }
}

async function waitsOf(chat: Session, appends: number): Promise<number[]> {
  const waits: number[] = [];
  for (let n = 0; n < appends; n++) {
    const start = performance.now();
    await chat.append({ role: "user", n, content });
    waits.push(performance.now() - start);
    await pause(2);
  }
  return waits;
}

/**
 * Short blocks of appends without and with a sink at work, in turns; what counts is the ratio within a pair. The longer
 * a block, the more the device itself changes between the two.
 */
export async function measurePairs(directory: string, state: ServerState, plan: PairPlan): Promise<PairResult> {
  const bucket = await smallServer(state);
  const store = await openStore(join(directory, state));
  const chat = await store.session("agent");
  await waitsOf(chat, plan.appends);
  await chat.update({ id: randomUUID() });
  const [off, on]: [number[], number[]] = [[], []];
  let requests = 0;
  const timers = new HeldTimers();
  const sink = await openBeside(store, bucket, plan.intervalMs, timers.fileSystem);
  const without = async (): Promise<void> => void off.push(quantile(await waitsOf(chat, plan.appends), 0.5));
  for (let pair = 0; pair < plan.pairs; pair++) {
    if (pair % 2 === 0) await without();
    const before = sink.counters.requests;
    timers.letGo();
    on.push(quantile(await waitsOf(chat, plan.appends), 0.5));
    timers.hold();
    requests += sink.counters.requests - before;
    // What is under way goes to its end, in neither of the two.
    await pause(settleMs);
    if (pair % 2 === 1) await without();
  }
  await sink.close();
  await store.close();
  bucket.end();
  const ratios = on.map((value, index) => value / (off[index] ?? value));
  // The ranks between which the median lies, by the binomial distribution.
  const reach = 0.98 / Math.sqrt(plan.pairs);
  return {
    ratio: quantile(ratios, 0.5),
    ratioLow: quantile(ratios, 0.5 - reach),
    ratioHigh: quantile(ratios, 0.5 + reach),
    quarter: quantile(ratios, 0.25),
    threeQuarters: quantile(ratios, 0.75),
    offMs: quantile(off, 0.5),
    onMs: quantile(on, 0.5),
    requests,
  };
}

/** What the same appends cost a new store. */
export async function countCosts(
  directory: string,
  state: ServerState | "off",
  { appends, intervalMs }: PairPlan,
): Promise<{ writes: number; bytesWritten: number; syncs: number }> {
  const bucket = state === "off" ? null : await smallServer(state);
  const store = await openStore(join(directory, `counts ${state}`));
  const chat = await store.session("agent");
  await chat.append({ n: -1 });
  await chat.update({ id: randomUUID() });
  const sink = bucket === null ? null : await openBeside(store, bucket, Math.min(intervalMs, 50));
  const before = { ...store.counters };
  await waitsOf(chat, appends);
  const { writes, bytesWritten, syncs } = store.counters;
  await sink?.close();
  await store.close();
  bucket?.end();
  return {
    writes: writes - before.writes,
    bytesWritten: bytesWritten - before.bytesWritten,
    syncs: syncs - before.syncs,
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const index = Math.round(Math.min(1, Math.max(0, share)) * (sorted.length - 1));
  return sorted[index] ?? 0;
}

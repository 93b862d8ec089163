/**
 * Cuts the power between any two of the smallest steps of some work on a simulated file system, in several ways each.
 *
 * @module
 */
import { openStore, type SessionStore, type StoreEvent } from "../../mod.ts";
import { crashStates, SimulatedFileSystem, type SimulatedFileSystemOptions } from "../../src/testing/mod.ts";

/** Where the stores are. */
export const storeDirectory = "/sessions";

/** What is checked after each power cut. */
export interface PowerCut {
  /** The machine after the power is back. */
  machine: SimulatedFileSystem;
  /** Everything that was acknowledged before the cut, by what `acknowledge` was called with. */
  acknowledged: ReadonlySet<string>;
  /** What was being done and what survived, for a failure's message. */
  story: string;
}

/** What is done, and what must hold afterwards. */
export interface PowerCutPlan {
  /** Done first, and durable as far as it says so; no power is cut. */
  prepare?: (store: SessionStore) => Promise<void>;
  /** Done under power cuts; calls `acknowledge` with a name for what has been promised. */
  work: (store: SessionStore, acknowledge: (name: string) => void, machine: SimulatedFileSystem) => Promise<void>;
  /** Called after each cut. */
  check: (cut: PowerCut) => Promise<void>;
  /** @default a few of each step */
  statesMax?: number;
}

/** Runs the plan on both models; returns how many different power cuts were tried. */
export async function cutPowerEverywhere(plan: PowerCutPlan): Promise<number> {
  let count = 0;
  for (const model of ["weak", "ordered"] as const) count += await cutPower(plan, { model });
  return count;
}

async function cutPower(plan: PowerCutPlan, options: SimulatedFileSystemOptions): Promise<number> {
  const machine = new SimulatedFileSystem(options);
  if (plan.prepare !== undefined) await withStore(machine, plan.prepare);
  const moments: { machine: SimulatedFileSystem; acknowledged: Set<string>; doing: string }[] = [];
  const acknowledged = new Set<string>();
  machine.onStep = (_, doing) => {
    moments.push({ machine: machine.clone(), acknowledged: new Set(acknowledged), doing });
  };
  await withStore(machine, async (store) => await plan.work(store, (name) => acknowledged.add(name), machine));
  machine.onStep = undefined;
  const seen = new Set<string>();
  for (const moment of moments) {
    for (const { choices, label } of crashStates(moment.machine, { limit: plan.statesMax ?? 12 })) {
      const after = moment.machine.clone().crash(choices);
      const state = `${after.diskImageHash()} ${[...moment.acknowledged]}`;
      if (seen.has(state)) continue;
      seen.add(state);
      const story = `${options.model}, ${moment.doing} (${label}):\n${moment.machine.describe(choices)}`;
      await plan.check({ machine: after, acknowledged: moment.acknowledged, story });
    }
  }
  return seen.size;
}

/** Runs something with a store on a machine, and closes it. */
export async function withStore<T>(
  machine: SimulatedFileSystem,
  run: (store: SessionStore, events: StoreEvent[]) => Promise<T>,
): Promise<T> {
  const events: StoreEvent[] = [];
  const store = await openStore(storeDirectory, { fileSystem: machine, onEvent: (event) => events.push(event) });
  try {
    return await run(store, events);
  } finally {
    await store.close();
  }
}

/** What the records of a session say, hidden ones too. */
export async function allContents(store: SessionStore, key: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { record } of (await store.session(key)).records({ all: true })) {
    found.push(String(record["content"]));
  }
  return found;
}

/** What the active records of a session say. */
export async function activeContents(store: SessionStore, key: string): Promise<string[]> {
  return (await (await store.session(key)).history()).map((record) => String(record["content"]));
}

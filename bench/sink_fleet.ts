/**
 * A fleet of boards in one process, each a simulated machine with a store and a sink, against one bucket.
 *
 * @module
 */

import { openStore } from "../mod.ts";
import { type ObjectStore, openSink } from "../src/sink/mod.ts";
import { SimulatedFileSystem } from "../src/testing/mod.ts";
import { readBucket } from "../src/torture/bucket_reading.ts";
import { manifestPrefix, recordsPrefix } from "../src/sink/object_names.ts";
import { lasting } from "./sink_bucket.ts";

/** How large the fleet is. */
export interface FleetPlan {
  /** How many boards. */
  boards: number;
  /** How many sessions each has. */
  sessions: number;
  /** How many records each session gets in each of two rounds. */
  records: number;
  /** No board begins any more when so much time has passed. */
  secondsMax: number;
}

/** What it came to. */
export interface FleetResult {
  /** How many boards there were. */
  boards: number;
  /** Records that were sent. */
  records: number;
  /** Objects of records that were made. */
  objects: number;
  /** Requests. */
  requests: number;
  /** PUTs among them. */
  puts: number;
  /** GETs among them. */
  gets: number;
  /** Bytes of objects that were sent. */
  bytesSent: number;
  /** Rounds that failed. */
  failures: number;
  /** How long it took. */
  seconds: number;
  /** Records in the sessions of the bucket that were read again afterwards. */
  recordsRead: number;
  /** How many there should have been. */
  recordsExpected: number;
}

const boardsAtOnce = 8;
/** So many sessions are read again. */
const sessionsRead = 40;
/** A sink would try again for ever. */
const attemptsMax = 20;

/** Boards that each say a little in each session, twice. */
export async function measureFleet(objects: ObjectStore, plan: FleetPlan): Promise<FleetResult> {
  const counts = { puts: 0, gets: 0 };
  const total = { boards: 0, requests: 0, bytesSent: 0, objects: 0, records: 0, failures: 0 };
  const start = performance.now();
  const ids: string[] = [];
  const seconds = (): number => (performance.now() - start) / 1000;
  const board = async (): Promise<void> => {
    const fileSystem = new SimulatedFileSystem();
    const store = await openStore("/sessions", { fileSystem, openSessionsMax: 4 });
    const sink = await openSink(store, { objects: lasting(objects, counts), fileSystem, intervalMs: 0 });
    for (let round = 0; round < 2; round++) {
      for (let session = 0; session < plan.sessions; session++) {
        const chat = await store.session(`chat ${session}`);
        const said = Array.from({ length: plan.records }, (_, n) => ({ role: "user", n, content: "x".repeat(200) }));
        await chat.appendAll(said);
      }
      for (let attempt = 1; !await sink.flush().then(() => true, () => false); attempt++) {
        total.failures++;
        if (attempt === attemptsMax) throw new Error("The server did not answer again and again");
      }
    }
    total.boards++;
    if (ids.length < sessionsRead) ids.push(...(await sink.status()).slice(0, 2).flatMap(({ id }) => id ?? []));
    for (const name of ["requests", "bytesSent", "objects", "records"] as const) {
      total[name] += sink.counters[name];
    }
    await sink.close();
    await store.close();
  };
  let waiting = plan.boards;
  await Promise.all(Array.from({ length: boardsAtOnce }, async () => {
    while (waiting-- > 0 && seconds() < plan.secondsMax) await board();
  }));
  const took = seconds();
  return { ...total, ...counts, seconds: took, ...await readAgain(objects, ids, plan) };
}

/** Reads sessions as somebody without the boards would, strictly. */
async function readAgain(
  objects: ObjectStore,
  ids: readonly string[],
  plan: FleetPlan,
): Promise<Pick<FleetResult, "recordsRead" | "recordsExpected">> {
  let recordsRead = 0;
  let recordsExpected = 0;
  for (const id of ids) {
    const held = new Map<string, Uint8Array>();
    for (const prefix of [manifestPrefix(id), recordsPrefix(id)]) {
      for await (const name of objects.list(prefix)) held.set(name, await objects.read(name) ?? new Uint8Array());
    }
    for (const { lines } of readBucket(held).values()) recordsRead += lines.length;
    recordsExpected += plan.records * 2;
  }
  return { recordsRead, recordsExpected };
}

/** S3's list prices, us-east-1, standard class: dollars for a PUT, a GET, a gigabyte and month. */
export const listPrices = { put: 5e-6, get: 4e-7, gigabyteMonth: 0.023 } as const;

/** What a million messages cost at list prices. */
export function costPerMillion({ records, puts, gets, bytesSent }: FleetResult): { requests: number; storage: number } {
  const million = 1_000_000 / Math.max(1, records);
  return {
    requests: (puts * listPrices.put + gets * listPrices.get) * million,
    storage: bytesSent * million / 1e9 * listPrices.gigabyteMonth,
  };
}

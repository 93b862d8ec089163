/**
 * LevelDB through classic-level, each write synced: a key per record, made of the session and a number.
 *
 * @module
 */

import { join } from "node:path";
import type { BenchRecord, Contender, ContenderOptions, ContenderStore } from "./contender.ts";
import { exported, loadPeer, makeDirectory } from "./contender.ts";

interface Range {
  gte?: string;
  lt?: string;
  reverse?: boolean;
  limit?: number;
}

interface PutOperation {
  type: "put";
  key: string;
  value: string;
}

/** What is used of a database. */
interface Database {
  open(): Promise<void>;
  put(key: string, value: string, options: { sync: boolean }): Promise<void>;
  batch(operations: readonly PutOperation[], options: { sync: boolean }): Promise<void>;
  iterator(range: Range): AsyncIterable<[key: string, value: string]>;
  keys(range: Range): AsyncIterable<string>;
  close(): Promise<void>;
}

type DatabaseClass = new (path: string) => Database;

const groupRecords = 1000;

/** The store. */
export const contender: Contender = {
  title: "LevelDB",
  note: "classic-level with sync: true; the library itself writes together what waits",
  async open({ directory }: ContenderOptions): Promise<ContenderStore> {
    const databaseClass = exported(await loadPeer("classic-level"), "ClassicLevel");
    if (!isDatabaseClass(databaseClass)) throw new TypeError("classic-level exports no class");
    await makeDirectory(directory);
    const database = new databaseClass(join(directory, "sessions.level"));
    await database.open();
    return new LevelStore(database);
  },
};

function isDatabaseClass(value: unknown): value is DatabaseClass {
  return typeof value === "function";
}

class LevelStore implements ContenderStore {
  readonly #database: Database;
  readonly #counts = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  async append(session: string, record: BenchRecord): Promise<void> {
    const key = this.#nextKey(session) ?? await this.#firstKey(session);
    await this.#database.put(key, JSON.stringify(record), { sync: true });
  }

  async appendTurn(session: string, records: readonly BenchRecord[]): Promise<void> {
    await this.#put(session, records, true);
  }

  async fill(session: string, records: Iterable<BenchRecord>): Promise<void> {
    let group: BenchRecord[] = [];
    for (const record of records) {
      group.push(record);
      if (group.length < groupRecords) continue;
      await this.#put(session, group, false);
      group = [];
    }
    await this.#put(session, group, true);
  }

  async readEach(session: string, take: (record: BenchRecord) => void): Promise<void> {
    for await (const [, value] of this.#database.iterator(rangeOf(session))) take(JSON.parse(value));
  }

  async tail(session: string, count: number): Promise<BenchRecord[]> {
    const records: BenchRecord[] = [];
    const range = { ...rangeOf(session), reverse: true, limit: count };
    for await (const [, value] of this.#database.iterator(range)) records.push(JSON.parse(value));
    return records.reverse();
  }

  async list(): Promise<{ session: string; records: number }[]> {
    const counts = new Map<string, number>();
    for await (const key of this.#database.keys({})) {
      const session = key.slice(0, key.indexOf("!"));
      counts.set(session, (counts.get(session) ?? 0) + 1);
    }
    return [...counts].map(([session, records]) => ({ session, records }));
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  async #put(session: string, records: readonly BenchRecord[], sync: boolean): Promise<void> {
    const operations: PutOperation[] = [];
    for (const record of records) {
      const key = this.#nextKey(session) ?? await this.#firstKey(session);
      operations.push({ type: "put", key, value: JSON.stringify(record) });
    }
    if (operations.length > 0) await this.#database.batch(operations, { sync });
  }

  #nextKey(session: string): string | undefined {
    const number = this.#counts.get(session);
    if (number === undefined) return undefined;
    this.#counts.set(session, number + 1);
    return `${session}!${String(number).padStart(12, "0")}`;
  }

  async #firstKey(session: string): Promise<string> {
    let last = -1;
    for await (const key of this.#database.keys({ ...rangeOf(session), reverse: true, limit: 1 })) {
      last = Number(key.slice(session.length + 1));
    }
    // Calls that came together all looked; the first one back says where it goes on.
    if (!this.#counts.has(session)) this.#counts.set(session, last + 1);
    return this.#nextKey(session) ?? "";
  }
}

function rangeOf(session: string): Range {
  return { gte: `${session}!`, lt: `${session}"` };
}

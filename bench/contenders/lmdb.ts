/**
 * LMDB through the package `lmdb`: a key per record, made of the session and a number.
 *
 * @module
 */

import { join } from "node:path";
import type { BenchRecord, Contender, ContenderOptions, ContenderStore } from "./contender.ts";
import { exported, loadPeer, makeDirectory } from "./contender.ts";

type Key = readonly [session: string, number: number];

interface Range {
  start: Key;
  end: Key;
  reverse?: boolean;
  limit?: number;
}

/** What is used of a database. */
interface Database {
  put(key: Key, value: string): Promise<boolean>;
  transaction(run: () => void): Promise<void>;
  getRange(range: Range): Iterable<{ key: Key; value: string }>;
  getKeys(): Iterable<Key>;
  close(): Promise<void>;
}

type OpenDatabase = (options: Record<string, unknown>) => Database;

/** The store. */
export const contender: Contender = {
  title: "LMDB",
  note: "lmdb with overlappingSync off, so that a put resolves when it is durable; puts that wait share a transaction",
  async open({ directory }: ContenderOptions): Promise<ContenderStore> {
    const open = exported(await loadPeer("lmdb"), "open");
    if (!isOpen(open)) throw new TypeError("lmdb exports no open");
    await makeDirectory(directory);
    const path = join(directory, "sessions.mdb");
    return new LmdbStore(open({ path, encoding: "string", overlappingSync: false, noReadAhead: false }));
  },
};

function isOpen(value: unknown): value is OpenDatabase {
  return typeof value === "function";
}

class LmdbStore implements ContenderStore {
  readonly #database: Database;
  readonly #counts = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  async append(session: string, record: BenchRecord): Promise<void> {
    await this.#database.put([session, this.#next(session)], JSON.stringify(record));
  }

  async appendTurn(session: string, records: readonly BenchRecord[]): Promise<void> {
    await this.fill(session, records);
  }

  async fill(session: string, records: Iterable<BenchRecord>): Promise<void> {
    await this.#database.transaction(() => {
      for (const record of records) void this.#database.put([session, this.#next(session)], JSON.stringify(record));
    });
  }

  async readEach(session: string, take: (record: BenchRecord) => void): Promise<void> {
    const range = { start: [session, 0], end: [session, Infinity] } as const;
    for (const { value } of this.#database.getRange(range)) take(JSON.parse(value));
  }

  async tail(session: string, count: number): Promise<BenchRecord[]> {
    const range = { start: [session, Infinity], end: [session, 0], reverse: true, limit: count } as const;
    const records: BenchRecord[] = [];
    for (const { value } of this.#database.getRange(range)) records.push(JSON.parse(value));
    return records.reverse();
  }

  async list(): Promise<{ session: string; records: number }[]> {
    const counts = new Map<string, number>();
    for (const [session] of this.#database.getKeys()) counts.set(session, (counts.get(session) ?? 0) + 1);
    return [...counts].map(([session, records]) => ({ session, records }));
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  #next(session: string): number {
    let number = this.#counts.get(session);
    if (number === undefined) {
      number = 1;
      const range = { start: [session, Infinity], end: [session, 0], reverse: true, limit: 1 } as const;
      for (const { key } of this.#database.getRange(range)) number = key[1] + 1;
    }
    this.#counts.set(session, number + 1);
    return number;
  }
}

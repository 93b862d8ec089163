/**
 * SQLite through better-sqlite3, the way agents keep messages in it: a row per record, an index by session.
 *
 * @module
 */

import { join } from "node:path";
import type { BenchRecord, Contender, ContenderOptions, ContenderStore } from "./contender.ts";
import { exported, loadPeer, makeDirectory } from "./contender.ts";

/** What is used of a prepared statement. */
interface Statement {
  run(...values: unknown[]): unknown;
  iterate(...values: unknown[]): Iterable<{ record: string }>;
  all(...values: unknown[]): { session: string; records: number; record: string }[];
}

/** What is used of a database. */
interface Database {
  pragma(text: string): unknown;
  exec(text: string): unknown;
  prepare(text: string): Statement;
  transaction(run: () => void): () => void;
  close(): unknown;
}

type DatabaseClass = new (path: string) => Database;

/** WAL, and each commit synced. */
export const contender: Contender = sqliteContender("FULL", "each commit synced: survives a power cut");
/** WAL, synced at checkpoints only. */
export const contenderNormal: Contender = sqliteContender(
  "NORMAL",
  "synced at checkpoints only: a power cut loses what came after the last one",
);

function sqliteContender(synchronous: "FULL" | "NORMAL", note: string): Contender {
  return {
    title: `SQLite WAL ${synchronous}`,
    note: `better-sqlite3, a row per record and an index by session; ${note}`,
    async open({ directory }: ContenderOptions): Promise<ContenderStore> {
      const databaseClass = exported(await loadPeer("better-sqlite3"), "default");
      if (!isDatabaseClass(databaseClass)) throw new TypeError("better-sqlite3 exports no class");
      await makeDirectory(directory);
      const database = new databaseClass(join(directory, "sessions.db"));
      database.pragma("journal_mode = WAL");
      database.pragma(`synchronous = ${synchronous}`);
      database.exec(`
        CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY, session TEXT NOT NULL, record TEXT NOT NULL);
        CREATE INDEX IF NOT EXISTS record_session ON record (session, id);
      `);
      return new SqliteStore(database);
    },
  };
}

function isDatabaseClass(value: unknown): value is DatabaseClass {
  return typeof value === "function";
}

class SqliteStore implements ContenderStore {
  readonly #database: Database;
  readonly #insert: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#insert = database.prepare("INSERT INTO record (session, record) VALUES (?, ?)");
  }

  async append(session: string, record: BenchRecord): Promise<void> {
    this.#insert.run(session, JSON.stringify(record));
  }

  async appendTurn(session: string, records: readonly BenchRecord[]): Promise<void> {
    await this.fill(session, records);
  }

  async fill(session: string, records: Iterable<BenchRecord>): Promise<void> {
    this.#database.transaction(() => {
      for (const record of records) this.#insert.run(session, JSON.stringify(record));
    })();
  }

  async readEach(session: string, take: (record: BenchRecord) => void): Promise<void> {
    const rows = this.#database.prepare("SELECT record FROM record WHERE session = ? ORDER BY id").iterate(session);
    for (const { record } of rows) take(JSON.parse(record));
  }

  async tail(session: string, count: number): Promise<BenchRecord[]> {
    const query = "SELECT record FROM record WHERE session = ? ORDER BY id DESC LIMIT ?";
    const rows = this.#database.prepare(query).all(session, count);
    return rows.reverse().map(({ record }): BenchRecord => JSON.parse(record));
  }

  async list(): Promise<{ session: string; records: number }[]> {
    return this.#database.prepare("SELECT session, count(*) AS records FROM record GROUP BY session").all();
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}

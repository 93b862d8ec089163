/**
 * Holdfast, through what `mod.ts` exports.
 *
 * @module
 */

import { pathToFileURL } from "node:url";
import type { Session, SessionStore } from "../../mod.ts";
import type { BenchRecord, Contender, ContenderOptions, ContenderStore } from "./contender.ts";

/** What is measured of a `mod.ts`, whichever tree it stands in. */
interface HoldfastModule {
  openStore(directory: string): Promise<SessionStore>;
}

const groupRecords = 256;

/** The store. */
export const contender: Contender = {
  title: "Holdfast",
  note: "default options",
  async open({ directory, modulePath }: ContenderOptions): Promise<ContenderStore> {
    const holdfast: HoldfastModule = await import(pathToFileURL(modulePath).href);
    return new HoldfastStore(await holdfast.openStore(directory));
  },
};

class HoldfastStore implements ContenderStore {
  readonly #store: SessionStore;
  readonly #sessions = new Map<string, Session>();

  constructor(store: SessionStore) {
    this.#store = store;
  }

  async append(session: string, record: BenchRecord): Promise<void> {
    await (this.#sessions.get(session) ?? await this.#session(session)).append(record);
  }

  /** As an agent does it: each record when it comes about, the last one durable. */
  async appendTurn(session: string, records: readonly BenchRecord[]): Promise<void> {
    const chat = this.#sessions.get(session) ?? await this.#session(session);
    for (const [index, record] of records.entries()) {
      await chat.append(record, { durability: index === records.length - 1 ? "durable" : "buffered" });
    }
  }

  async fill(session: string, records: Iterable<BenchRecord>): Promise<void> {
    const chat = await this.#session(session);
    let waiting: Promise<unknown>[] = [];
    for (const record of records) {
      waiting.push(chat.append(record, { durability: "buffered" }));
      if (waiting.length < groupRecords) continue;
      await Promise.all(waiting);
      waiting = [];
    }
    await Promise.all(waiting);
    await chat.flush();
  }

  async readEach(session: string, take: (record: BenchRecord) => void): Promise<void> {
    for await (const { record } of (await this.#session(session)).records()) take(record);
  }

  async tail(session: string, count: number): Promise<BenchRecord[]> {
    return (await (await this.#session(session)).tail(count)).records;
  }

  async list(): Promise<{ session: string; records: number }[]> {
    return (await this.#store.list()).map(({ key, records }) => ({ session: key, records }));
  }

  counters(): Record<string, number> {
    return { ...this.#store.counters };
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  async #session(key: string): Promise<Session> {
    const session = await this.#store.session(key);
    this.#sessions.set(key, session);
    return session;
  }
}

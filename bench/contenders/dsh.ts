/**
 * `@deepseek-ai/dsh-session-persistence-jsonl`, through the public calls of its persistence service.
 *
 * @module
 */

import type { BenchRecord, Contender, ContenderOptions, ContenderStore } from "./contender.ts";
import { exported, loadPeer } from "./contender.ts";

const packageName = "@deepseek-ai/dsh-session-persistence-jsonl";

interface SessionEvent {
  type: string;
  seq: number;
  time: number;
  data: BenchRecord;
  ignorable: true;
}

interface SessionHeader {
  version: unknown;
  id: string;
  createdAt: number;
  delegationDepth: number;
}

/** What is used of the service. */
interface Persistence {
  create(header: SessionHeader): Promise<void>;
  append(id: string, events: readonly SessionEvent[]): Promise<void>;
  readFrom(id: string, seq: number): Promise<{ events: SessionEvent[] }>;
  list(): Promise<SessionHeader[]>;
}

/** What is used of the harness's context. */
interface Context {
  plugin(plugin: unknown, options?: unknown): PromiseLike<unknown>;
  sessionPersistence: Persistence;
}

type ContextClass = new () => Context;

/** Lines as they are. */
export const contender: Contender = dshContender("none", "DSH raw");
/** A compressed frame per append. */
export const contenderZstd: Contender = dshContender("zstd", "DSH zstd");

function dshContender(compression: "none" | "zstd", title: string): Contender {
  return {
    title,
    note: `${packageName}, compression ${compression}, through append(): each call opens the file, appends, syncs`,
    async open({ directory }: ContenderOptions): Promise<ContenderStore> {
      const contextClass = exported(await loadPeer("@deepseek-ai/cordis", packageName), "Context");
      const session = await loadPeer("@deepseek-ai/dsh-session", packageName);
      if (!isContextClass(contextClass)) throw new TypeError("cordis exports no Context");
      const context = new contextClass();
      await context.plugin(exported(session, "default"));
      await context.plugin(exported(await loadPeer(packageName), "default"), { root: directory, compression });
      return new DshStore(context.sessionPersistence, exported(session, "SESSION_FORMAT_VERSION"));
    },
  };
}

function isContextClass(value: unknown): value is ContextClass {
  return typeof value === "function";
}

class DshStore implements ContenderStore {
  readonly #persistence: Persistence;
  readonly #version: unknown;
  readonly #counts = new Map<string, number>();
  #opening = new Map<string, Promise<void>>();

  constructor(persistence: Persistence, version: unknown) {
    this.#persistence = persistence;
    this.#version = version;
  }

  async append(session: string, record: BenchRecord): Promise<void> {
    await this.appendTurn(session, [record]);
  }

  async appendTurn(session: string, records: readonly BenchRecord[]): Promise<void> {
    if (!this.#counts.has(session)) await this.#open(session);
    let seq = this.#counts.get(session) ?? 0;
    this.#counts.set(session, seq + records.length);
    const time = Date.now();
    const events = records.map((data): SessionEvent => ({
      type: "bench/record",
      seq: seq++,
      time,
      data,
      ignorable: true,
    }));
    await this.#persistence.append(session, events);
  }

  async fill(session: string, records: Iterable<BenchRecord>): Promise<void> {
    let group: BenchRecord[] = [];
    for (const record of records) {
      group.push(record);
      if (group.length < 1000) continue;
      await this.appendTurn(session, group);
      group = [];
    }
    if (group.length > 0) await this.appendTurn(session, group);
  }

  async readEach(session: string, take: (record: BenchRecord) => void): Promise<void> {
    for (const { data } of (await this.#persistence.readFrom(session, 0)).events) take(data);
  }

  /** It knows no end to read from: what comes first is read too. */
  async tail(session: string, count: number): Promise<BenchRecord[]> {
    const { events } = await this.#persistence.readFrom(session, 0);
    return events.slice(-count).map(({ data }) => data);
  }

  async list(): Promise<{ session: string; records: number }[]> {
    return (await this.#persistence.list()).map(({ id }) => ({ session: id, records: -1 }));
  }

  async close(): Promise<void> {
    this.#counts.clear();
  }

  async #open(session: string): Promise<void> {
    let opening = this.#opening.get(session);
    if (opening === undefined) {
      opening = this.#createOrCount(session);
      this.#opening.set(session, opening);
    }
    await opening;
  }

  async #createOrCount(session: string): Promise<void> {
    const header = { version: this.#version, id: session, createdAt: Date.now(), delegationDepth: 0 };
    const stored = await this.#persistence.create(header).then(
      () => 0,
      async () => (await this.#persistence.readFrom(session, 0)).events.length,
    );
    this.#counts.set(session, stored);
  }
}

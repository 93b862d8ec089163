/**
 * What every store in the comparison can do, and nothing more: append so that it survives a power cut, read back.
 *
 * @module
 */

import { mkdir, open } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";

/** A record as an agent holds it: an object that `JSON.stringify` takes. */
export type BenchRecord = Record<string, unknown>;

/** How a store is opened. */
export interface ContenderOptions {
  /** A directory of its own; made if it is not there. */
  directory: string;
  /** Which `mod.ts` the Holdfast that is measured comes from; the others ignore it. */
  modulePath: string;
}

/** An open store of several sessions. */
export interface ContenderStore {
  /**
   * Appends a record.
   *
   * @param session The session's name: letters, digits, minus.
   * @param record The record.
   * @returns Resolves when the record survives a power cut.
   */
  append(session: string, record: BenchRecord): Promise<void>;
  /**
   * Appends the records of a turn, which become durable together at its end.
   *
   * @param session The session's name.
   * @param records The records.
   * @returns Resolves when all of them survive a power cut.
   */
  appendTurn(session: string, records: readonly BenchRecord[]): Promise<void>;
  /**
   * Loads many records the fastest way that the store has; durable at the end.
   *
   * @param session The session's name.
   * @param records The records.
   */
  fill(session: string, records: Iterable<BenchRecord>): Promise<void>;
  /**
   * Reads a session in order, in the way that takes the least memory.
   *
   * @param session The session's name.
   * @param take Called with each record.
   */
  readEach(session: string, take: (record: BenchRecord) => void): Promise<void>;
  /**
   * Reads the last records.
   *
   * @param session The session's name.
   * @param count How many.
   * @returns In order.
   */
  tail(session: string, count: number): Promise<BenchRecord[]>;
  /**
   * Lists the sessions.
   *
   * @returns Each with its number of records, where the store can tell without reading everything; else -1.
   */
  list(): Promise<{ session: string; records: number }[]>;
  /** What the store has counted of its own doing, if it does. */
  counters?(): Record<string, number>;
  /** Gives everything back. */
  close(): Promise<void>;
}

/** One way to store sessions. */
export interface Contender {
  /** For people. */
  title: string;
  /** What has to be known about how it was set up. */
  note: string;
  /** Records beyond which a run says nothing new and only takes time; absent: no limit. */
  recordsMax?: number;
  /**
   * Opens the store.
   *
   * @param options How.
   * @returns The open store.
   */
  open(options: ContenderOptions): Promise<ContenderStore>;
}

/**
 * Reads a whole session.
 *
 * @param store The open store.
 * @param session The session's name.
 * @returns Its records.
 */
export async function readAll(store: ContenderStore, session: string): Promise<BenchRecord[]> {
  const records: BenchRecord[] = [];
  await store.readEach(session, (record) => records.push(record));
  return records;
}

/**
 * Loads a package of `bench/peers`, which no other part of the project knows.
 *
 * @param name Its name.
 * @param from Whose dependency it is; absent: that of `bench/peers` itself.
 * @returns The module, as unknown as it is.
 */
export async function loadPeer(name: string, from?: string): Promise<unknown> {
  const own = createRequire(new URL("../peers/package.json", import.meta.url));
  const path = (from === undefined ? own : createRequire(own.resolve(from))).resolve(name);
  return await import(pathToFileURL(path).href);
}

/**
 * What a module exports under a name.
 *
 * @param module The module.
 * @param name The name.
 * @returns The export.
 * @throws {TypeError} If there is none.
 */
export function exported(module: unknown, name: string): unknown {
  const value: unknown = typeof module === "object" && module !== null ? Reflect.get(module, name) : undefined;
  if (value === undefined) throw new TypeError(`The package exports no ${name}`);
  return value;
}

/**
 * Makes a directory and its name durable.
 *
 * @param directory The directory.
 */
export async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await syncDirectory(dirname(directory));
}

/**
 * Makes the names in a directory durable.
 *
 * @param directory The directory.
 */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Keeps calls of one session in order.
 */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Runs a step when all earlier ones of the session are over.
   *
   * @param session The session's name.
   * @param step The step.
   * @returns What the step returned.
   */
  async run(session: string, step: () => Promise<void>): Promise<void> {
    const before = this.#last.get(session);
    const mine = before === undefined ? step() : before.then(step);
    this.#last.set(session, mine.catch(() => undefined));
    await mine;
  }
}

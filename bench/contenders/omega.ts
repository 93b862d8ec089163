/**
 * The Omega pattern: each event is appended to the log, and on checkpoints an index that holds every checkpoint and
 * reply so far is written whole. Omega itself syncs nothing; here each append and each index is synced, since only what
 * is durable is compared. A checkpoint is every fifth record, and the end of a turn.
 *
 * @module
 */

import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { BenchRecord, Contender, ContenderOptions, ContenderStore } from "./contender.ts";
import { makeDirectory, syncDirectory, Turns } from "./contender.ts";
import { LineFiles } from "./line_files.ts";

const checkpointRecords = 5;

interface OmegaLog {
  handle: FileHandle;
  bytes: number;
  index: {
    sessionId: string;
    eventCount: number;
    checkpoints: { seq: number; byteOffset: number; stateId: string; reason: string }[];
    receipts: Record<string, { key: string; response: BenchRecord; timestamp: number }>;
  };
}

/** The store. */
export const contender: Contender = {
  title: "Omega pattern",
  note: "append per event, whole index rewritten at every fifth, with the syncs that the original lacks",
  recordsMax: 500,
  async open({ directory }: ContenderOptions): Promise<ContenderStore> {
    await makeDirectory(directory);
    return new OmegaStore(directory);
  },
};

class OmegaStore extends LineFiles implements ContenderStore {
  readonly #logs = new Map<string, OmegaLog>();
  readonly #turns = new Turns();

  async append(session: string, record: BenchRecord): Promise<void> {
    await this.#turns.run(session, async () => {
      const log = this.#logs.get(session) ?? await this.#open(session);
      const offset = await this.#write(log, record);
      await log.handle.datasync();
      if (log.index.eventCount % checkpointRecords === 0) await this.#writeIndex(session, log, offset, record);
    });
  }

  async appendTurn(session: string, records: readonly BenchRecord[]): Promise<void> {
    await this.#turns.run(session, async () => {
      const log = this.#logs.get(session) ?? await this.#open(session);
      let offset = 0;
      for (const record of records) offset = await this.#write(log, record);
      await log.handle.datasync();
      const last = records[records.length - 1];
      if (last !== undefined) await this.#writeIndex(session, log, offset, last);
    });
  }

  async close(): Promise<void> {
    for (const { handle } of this.#logs.values()) await handle.close();
    this.#logs.clear();
  }

  async #write(log: OmegaLog, record: BenchRecord): Promise<number> {
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    const offset = log.bytes;
    await log.handle.appendFile(line);
    log.bytes += line.length;
    log.index.eventCount++;
    return offset;
  }

  async #writeIndex(session: string, log: OmegaLog, byteOffset: number, response: BenchRecord): Promise<void> {
    const seq = log.index.eventCount - 1;
    const key = `receipt-${seq}`;
    log.index.checkpoints.push({ seq, byteOffset, stateId: `state-${seq}`, reason: "llm_boundary" });
    log.index.receipts[key] = { key, response, timestamp: seq };
    const handle = await open(join(this.directory, `${session}.index.json`), "w", 0o600);
    try {
      await handle.writeFile(JSON.stringify(log.index, null, 2));
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async #open(session: string): Promise<OmegaLog> {
    const handle = await open(this.path(session), "a", 0o600);
    const log = { handle, bytes: 0, index: { sessionId: session, eventCount: 0, checkpoints: [], receipts: {} } };
    this.#logs.set(session, log);
    await syncDirectory(this.directory);
    return log;
  }
}

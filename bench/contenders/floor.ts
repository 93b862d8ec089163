/**
 * The least that one durable record at a time can cost a file: one positional write and one `fdatasync` over blocks that
 * were written before, through the same asynchronous calls that Holdfast has. It checks nothing, recovers nothing, and
 * gives each line a mark as long as Holdfast's, so that the same number of bytes goes to the device.
 *
 * @module
 */

import { close, fdatasync, ftruncate, open, write } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BenchRecord, Contender, ContenderOptions, ContenderStore } from "./contender.ts";
import { makeDirectory, syncDirectory, Turns } from "./contender.ts";
import { LineFiles } from "./line_files.ts";

const fillBytes = 256 * 1024;
const lineFeed = 0x0a;

interface FloorLog {
  descriptor: number;
  tailOffset: number;
  size: number;
  records: number;
}

/** The store. */
export const contender: Contender = {
  title: "floor",
  note: "one write and one fdatasync over blocks filled with LF, 256 KiB at a time; no checks, no recovery",
  async open({ directory }: ContenderOptions): Promise<ContenderStore> {
    await makeDirectory(directory);
    return new FloorStore(directory);
  },
};

class FloorStore extends LineFiles implements ContenderStore {
  readonly #logs = new Map<string, FloorLog>();
  readonly #turns = new Turns();

  async append(session: string, record: BenchRecord): Promise<void> {
    await this.appendTurn(session, [record]);
  }

  async appendTurn(session: string, records: readonly BenchRecord[]): Promise<void> {
    await this.#turns.run(session, async () => {
      const log = this.#logs.get(session) ?? await this.#open(session);
      for (const record of records) await this.#write(log, record);
      await settled((done) => fdatasync(log.descriptor, done));
    });
  }

  override async readEach(session: string, take: (record: BenchRecord) => void): Promise<void> {
    for (const line of (await readFile(this.path(session), "utf8")).split("\n")) {
      if (line === "") continue;
      const record: BenchRecord = JSON.parse(line);
      delete record["#"];
      take(record);
    }
  }

  async close(): Promise<void> {
    for (const { descriptor, tailOffset } of this.#logs.values()) {
      await settled((done) => ftruncate(descriptor, tailOffset, done));
      await settled((done) => close(descriptor, done));
    }
    this.#logs.clear();
  }

  async #write(log: FloorLog, record: BenchRecord): Promise<void> {
    const text = JSON.stringify(record);
    const bytes = Buffer.from(`${text.slice(0, -1)},"#":"${log.records++} 00000000"}\n`);
    const offset = log.tailOffset;
    log.tailOffset += bytes.length;
    let whole: Uint8Array = bytes;
    if (log.tailOffset > log.size) {
      whole = new Uint8Array(bytes.length + fillBytes).fill(lineFeed, bytes.length);
      whole.set(bytes);
      log.size = offset + whole.length;
    }
    await settled((done) => write(log.descriptor, whole, 0, whole.length, offset, done));
  }

  async #open(session: string): Promise<FloorLog> {
    const log: FloorLog = { descriptor: -1, tailOffset: 0, size: 0, records: 0 };
    await settled((done) =>
      open(join(this.directory, `${session}.jsonl`), "w", 0o600, (error, descriptor) => {
        log.descriptor = descriptor;
        done(error);
      })
    );
    this.#logs.set(session, log);
    await syncDirectory(this.directory);
    return log;
  }
}

function settled(call: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => error ? reject(error) : resolve()));
}

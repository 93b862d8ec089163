/**
 * The picoclaw pattern: each message opens the log, appends, syncs and closes; then the meta file is read, its count
 * raised, and the file replaced through a temporary one.
 *
 * @module
 */

import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { BenchRecord, Contender, ContenderOptions, ContenderStore } from "./contender.ts";
import { makeDirectory, syncDirectory, Turns } from "./contender.ts";
import { LineFiles } from "./line_files.ts";

/** The store. */
export const contender: Contender = {
  title: "picoclaw pattern",
  note: "append, fsync, then the meta file replaced: temporary file, fsync, rename, fsync of the directory",
  recordsMax: 500,
  async open({ directory }: ContenderOptions): Promise<ContenderStore> {
    await makeDirectory(directory);
    return new PicoclawStore(directory);
  },
};

class PicoclawStore extends LineFiles implements ContenderStore {
  readonly #turns = new Turns();
  #temporaryCount = 0;

  async append(session: string, record: BenchRecord): Promise<void> {
    await this.#turns.run(session, async () => await this.#append(session, record));
  }

  /** It knows no turn: each message is durable by itself. */
  async appendTurn(session: string, records: readonly BenchRecord[]): Promise<void> {
    for (const record of records) await this.append(session, record);
  }

  async close(): Promise<void> {}

  async #append(session: string, record: BenchRecord): Promise<void> {
    const log = await open(this.path(session), "a", 0o644);
    try {
      await log.appendFile(`${JSON.stringify(record)}\n`);
      await log.sync();
    } finally {
      await log.close();
    }
    await this.#countOne(session);
  }

  async #countOne(session: string): Promise<void> {
    const path = join(this.directory, `${session}.meta.json`);
    const now = new Date().toISOString();
    const meta: Record<string, unknown> = await readFile(path, "utf8").then(JSON.parse, () => ({
      key: session,
      summary: "",
      skip: 0,
      count: 0,
      created_at: now,
    }));
    meta["count"] = Number(meta["count"]) + 1;
    meta["updated_at"] = now;
    const temporary = join(this.directory, `.tmp-${process.pid}-${this.#temporaryCount++}`);
    const handle = await open(temporary, "wx", 0o644);
    try {
      await handle.writeFile(JSON.stringify(meta, null, 2));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncDirectory(this.directory);
  }
}

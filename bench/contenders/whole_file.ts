/**
 * The whole session written anew for each record, safely: temporary file, fsync, rename, fsync of the directory.
 *
 * @module
 */

import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { BenchRecord, Contender, ContenderOptions, ContenderStore } from "./contender.ts";
import { makeDirectory, syncDirectory, Turns } from "./contender.ts";
import { LineFiles } from "./line_files.ts";

/** The store. */
export const contender: Contender = {
  title: "whole-file rewrite",
  note: "all lines to a temporary file, fsync, rename, fsync of the directory; the cost grows with the session",
  recordsMax: 200,
  async open({ directory }: ContenderOptions): Promise<ContenderStore> {
    await makeDirectory(directory);
    return new WholeFileStore(directory);
  },
};

class WholeFileStore extends LineFiles implements ContenderStore {
  readonly #lines = new Map<string, string[]>();
  readonly #turns = new Turns();

  async append(session: string, record: BenchRecord): Promise<void> {
    await this.appendTurn(session, [record]);
  }

  async appendTurn(session: string, records: readonly BenchRecord[]): Promise<void> {
    await this.#turns.run(session, async () => {
      const lines = this.#lines.get(session) ?? [];
      this.#lines.set(session, lines);
      for (const record of records) lines.push(`${JSON.stringify(record)}\n`);
      const temporary = join(this.directory, `.${session}.tmp`);
      const handle = await open(temporary, "w", 0o600);
      try {
        await handle.writeFile(lines.join(""));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.path(session));
      await syncDirectory(this.directory);
    });
  }

  async close(): Promise<void> {
    this.#lines.clear();
  }
}

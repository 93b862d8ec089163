/**
 * What most people would write: the line at the end of an open file, then `fdatasync`.
 *
 * @module
 */

import { type FileHandle, open } from "node:fs/promises";
import type { BenchRecord, Contender, ContenderOptions, ContenderStore } from "./contender.ts";
import { makeDirectory, syncDirectory, Turns } from "./contender.ts";
import { LineFiles } from "./line_files.ts";

/** The store. */
export const contender: Contender = {
  title: "plain append",
  note: "appendFile to an open file, then fdatasync; one after the other within a session",
  async open({ directory }: ContenderOptions): Promise<ContenderStore> {
    await makeDirectory(directory);
    return new PlainStore(directory);
  },
};

class PlainStore extends LineFiles implements ContenderStore {
  readonly #handles = new Map<string, FileHandle>();
  readonly #turns = new Turns();

  async append(session: string, record: BenchRecord): Promise<void> {
    await this.appendTurn(session, [record]);
  }

  async appendTurn(session: string, records: readonly BenchRecord[]): Promise<void> {
    await this.#turns.run(session, async () => {
      const handle = this.#handles.get(session) ?? await this.#open(session);
      for (const record of records) await handle.appendFile(`${JSON.stringify(record)}\n`);
      await handle.datasync();
    });
  }

  async close(): Promise<void> {
    for (const handle of this.#handles.values()) await handle.close();
    this.#handles.clear();
  }

  async #open(session: string): Promise<FileHandle> {
    const handle = await open(this.path(session), "a", 0o600);
    this.#handles.set(session, handle);
    await syncDirectory(this.directory);
    return handle;
  }
}

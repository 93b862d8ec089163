/**
 * What the contenders have in common that keep a session as a file of lines: reading it the way nearly everybody does,
 * the whole file, split, each line parsed.
 *
 * @module
 */

import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchRecord, syncDirectory } from "./contender.ts";

/** Reads files of lines in one directory. */
export class LineFiles {
  /** Where the files are. */
  readonly directory: string;

  /**
   * Creates a reader.
   *
   * @param directory Where the files are.
   */
  constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * A session's file.
   *
   * @param session The session's name.
   * @returns Its path.
   */
  path(session: string): string {
    return join(this.directory, `${session}.jsonl`);
  }

  /** As `ContenderStore.readEach`. */
  async readEach(session: string, take: (record: BenchRecord) => void): Promise<void> {
    for (const line of (await readFile(this.path(session), "utf8")).split("\n")) {
      if (line !== "") take(JSON.parse(line));
    }
  }

  /** As `ContenderStore.tail`. */
  async tail(session: string, count: number): Promise<BenchRecord[]> {
    const lines = (await readFile(this.path(session), "utf8")).split("\n").filter((line) => line !== "");
    return lines.slice(-count).map((line): BenchRecord => JSON.parse(line));
  }

  /** As `ContenderStore.list`: who wants the number of records has to read them. */
  async list(): Promise<{ session: string; records: number }[]> {
    const names = (await readdir(this.directory)).filter((name) => name.endsWith(".jsonl"));
    const listed = [];
    for (const name of names) {
      const session = name.slice(0, -".jsonl".length);
      let records = 0;
      await this.readEach(session, () => records++);
      listed.push({ session, records });
    }
    return listed;
  }

  /** As `ContenderStore.fill`. */
  async fill(session: string, records: Iterable<BenchRecord>): Promise<void> {
    const handle = await open(this.path(session), "a", 0o600);
    try {
      let part = "";
      for (const record of records) {
        part += `${JSON.stringify(record)}\n`;
        if (part.length < 1024 * 1024) continue;
        await handle.appendFile(part);
        part = "";
      }
      if (part !== "") await handle.appendFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncDirectory(this.directory);
  }
}

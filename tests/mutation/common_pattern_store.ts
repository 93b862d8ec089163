/**
 * The common pattern, as a reference for the laboratory: one line per record, appended and synced; then a small meta
 * file, replaced by rename; truncation by a count of hidden lines in it; compaction that writes the meta file first.
 *
 * Everything that is known to be wrong with it is left in. What stands in front of the next weakness can be mended, one
 * at a time; that its two files do not change as one cannot.
 *
 * @module
 */

import type { FileSystem } from "../../src/testing/mod.ts";
import { filesOf, sessionKeys, storeDirectory, type Subject, type SubjectSession } from "../../src/torture/subject.ts";

/** What can be mended. */
export type Mend =
  /** The meta file is synced before its rename. */
  | "sync the meta file"
  /** Who opens a session for writing syncs what it is about to show. */
  | "sync at open"
  /** Who opens a session for writing cuts off a line that has no end. */
  | "cut the torn end"
  /** Who opens a session for writing removes what a crash has left under a temporary name. */
  | "sweep";

const encoder = new TextEncoder();

/** A session as most programs keep theirs. */
class CommonPatternSession implements SubjectSession {
  readonly summary = "";
  readonly status = "open";
  readonly #fileSystem: FileSystem;
  readonly #mends: ReadonlySet<Mend>;
  readonly #log: string;
  readonly #meta: string;

  constructor(fileSystem: FileSystem, session: number, mends: ReadonlySet<Mend>) {
    this.#fileSystem = fileSystem;
    this.#mends = mends;
    const { log, meta } = filesOf(session);
    this.#log = log;
    this.#meta = meta;
  }

  /** As usual, nothing is looked at; unless that is mended. */
  async open(): Promise<void> {
    if (this.#mends.has("sweep")) {
      for (const path of [this.#log, this.#meta]) await this.#fileSystem.unlink(temporaryOf(path)).catch(() => {});
    }
    const text = await this.#read(this.#log);
    if (text === null) return;
    const file = await this.#fileSystem.open(this.#log, { access: "write" });
    if (this.#mends.has("cut the torn end")) await file.truncate(encoder.encode(text.replace(/[^\n]*$/, "")).length);
    if (this.#mends.has("sync at open")) await file.syncData();
    await file.close();
    if (this.#mends.has("sync at open")) await this.#fileSystem.syncDirectory(storeDirectory);
  }

  async isThere(): Promise<boolean> {
    return await this.#read(this.#log) !== null;
  }

  /** Resolves when the line is synced, and counted. */
  async appendText(text: string): Promise<{ sequence: number }> {
    const file = await this.#fileSystem.open(this.#log, { access: "write", create: "if-missing" });
    await file.write(encoder.encode(`${text}\n`), (await file.stat()).size);
    await file.syncData();
    await file.close();
    const facts = await this.#readMeta();
    await this.#writeMeta({ ...facts, count: facts.count + 1 });
    return { sequence: facts.count };
  }

  /** The records; a line that is no JSON is skipped. They have no numbers but their places. */
  async *texts({ all = false }: { all?: boolean }): AsyncGenerator<{ sequence: number; text: string }> {
    const { skip } = await this.#readMeta();
    const lines = await this.#readLines();
    for (const [sequence, text] of lines.entries()) {
      if ((all || sequence >= skip) && isJson(text)) yield { sequence, text };
    }
  }

  /** Hides all but the last records. */
  async truncate(keep: number): Promise<void> {
    const lines = await this.#readLines();
    await this.#writeMeta({ skip: Math.max(0, lines.length - keep), count: lines.length });
  }

  /** Removes what is hidden: the meta file first, then the log. */
  async compact(): Promise<void> {
    const { skip } = await this.#readMeta();
    if (skip === 0) return;
    const lines = (await this.#readLines()).slice(skip);
    await this.#writeMeta({ skip: 0, count: lines.length });
    await this.#replace(this.#log, lines.map((line) => `${line}\n`).join(""), true);
  }

  async flush(): Promise<void> {}

  async update(): Promise<void> {}

  appendTextAll(): Promise<never> {
    return Promise.reject(new TypeError("There are no batches"));
  }

  setSummary(): Promise<never> {
    return Promise.reject(new TypeError("There are no summaries"));
  }

  replace(): Promise<never> {
    return Promise.reject(new TypeError("There is no replace"));
  }

  info(): Promise<{ title: null }> {
    return Promise.resolve({ title: null });
  }

  verify(): Promise<never> {
    return Promise.reject(new TypeError("There is no check"));
  }

  async #readLines(): Promise<string[]> {
    const text = await this.#read(this.#log) ?? "";
    return text.split("\n").filter((line) => line !== "");
  }

  async #readMeta(): Promise<{ skip: number; count: number }> {
    const text = await this.#read(this.#meta);
    if (text !== null && !isJson(text)) throw new Error("The meta file is damaged");
    return text === null ? { skip: 0, count: 0 } : JSON.parse(text);
  }

  async #writeMeta(facts: { skip: number; count: number }): Promise<void> {
    // To sync what is to be renamed is what most forget.
    await this.#replace(this.#meta, JSON.stringify(facts), this.#mends.has("sync the meta file"));
  }

  async #replace(path: string, text: string, sync: boolean): Promise<void> {
    const file = await this.#fileSystem.open(temporaryOf(path), { access: "write", create: "if-missing" });
    await file.truncate(0);
    await file.write(encoder.encode(text), 0);
    if (sync) await file.syncData();
    await file.close();
    await this.#fileSystem.rename(temporaryOf(path), path);
    await this.#fileSystem.syncDirectory(storeDirectory);
  }

  async #read(path: string): Promise<string | null> {
    if (await this.#fileSystem.stat(path).then(() => false, () => true)) return null;
    const file = await this.#fileSystem.open(path, { access: "read" });
    const bytes = new Uint8Array((await file.stat()).size);
    await file.read(bytes, 0);
    await file.close();
    return new TextDecoder().decode(bytes);
  }
}

/** The names that the laboratory takes for temporary ones. */
function temporaryOf(path: string): string {
  return path.replace(/\.jsonl$/, ".log.tmp").replace(/\.meta\.json$/, ".meta.tmp");
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/**
 * The common pattern, for the laboratory.
 *
 * @param mends What is mended of it.
 * @returns The store. It can append, truncate and compact; its records have no numbers.
 */
export function commonPatternSubject(mends: ReadonlySet<Mend>): Subject {
  return {
    name: "common pattern",
    abilities: new Set(),
    open({ fileSystem, readOnly }) {
      const sessions = sessionKeys.map((_, session) => new CommonPatternSession(fileSystem, session, mends));
      const opened = new Set<CommonPatternSession>();
      const at = (key: string): CommonPatternSession => {
        const session = sessions[sessionKeys.indexOf(key)];
        if (session === undefined) throw new RangeError(`No session ${key}`);
        return session;
      };
      return Promise.resolve({
        async session(key) {
          const session = at(key);
          if (!readOnly && !opened.has(session)) await session.open();
          opened.add(session);
          return session;
        },
        has: (key) => at(key).isThere(),
        delete: () => Promise.reject(new TypeError("There is no delete")),
        fork: () => Promise.reject(new TypeError("There is no fork")),
        close: () => Promise.resolve(),
      });
    },
  };
}

/**
 * The common pattern, as a reference for the laboratory: one line per record, appended and synced; then a small meta
 * file, replaced by rename; truncation by a count of hidden lines in it; compaction that writes the meta file first.
 *
 * Everything that is known to be wrong with it is left in.
 *
 * @module
 */

import type { FileSystem } from "../../src/testing/mod.ts";

const directory = "/sessions";
const log = `${directory}/chat.jsonl`;
const meta = `${directory}/chat.meta.json`;
const encoder = new TextEncoder();

/** A session as most programs keep theirs. */
export class CommonPatternStore {
  readonly #fileSystem: FileSystem;

  /** Opens it; as usual, nothing is looked at. */
  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
  }

  /** Makes the directory, if there is none. */
  async create(): Promise<void> {
    if (await this.#fileSystem.stat(directory).then(() => true, () => false)) return;
    await this.#fileSystem.makeDirectory(directory, 0o755);
    await this.#fileSystem.syncDirectory("/");
  }

  /** Appends a record; resolves when it is synced, and counted. */
  async append(content: string): Promise<void> {
    const file = await this.#fileSystem.open(log, { access: "write", create: "if-missing" });
    await file.write(encoder.encode(`${JSON.stringify({ role: "user", content })}\n`), (await file.stat()).size);
    await file.syncData();
    await file.close();
    const facts = await this.#readMeta();
    await this.#writeMeta({ ...facts, count: facts.count + 1 });
  }

  /** The records that are not hidden; a line that is no JSON is skipped. */
  async history(): Promise<string[]> {
    const { skip } = await this.#readMeta();
    return (await this.#readLines()).slice(skip).flatMap(contentOf);
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
    await this.#replace(log, lines.map((line) => `${line}\n`).join(""), true);
  }

  /** The raw lines of the log. */
  async #readLines(): Promise<string[]> {
    const text = await this.#read(log) ?? "";
    return text.split("\n").filter((line) => line !== "");
  }

  async #readMeta(): Promise<{ skip: number; count: number }> {
    const text = await this.#read(meta);
    return text === null ? { skip: 0, count: 0 } : JSON.parse(text);
  }

  async #writeMeta(facts: { skip: number; count: number }): Promise<void> {
    // To sync what is to be renamed is what most forget.
    await this.#replace(meta, JSON.stringify(facts), false);
  }

  async #replace(path: string, text: string, sync: boolean): Promise<void> {
    const file = await this.#fileSystem.open(`${path}.tmp`, { access: "write", create: "if-missing" });
    await file.truncate(0);
    await file.write(encoder.encode(text), 0);
    if (sync) await file.syncData();
    await file.close();
    await this.#fileSystem.rename(`${path}.tmp`, path);
    await this.#fileSystem.syncDirectory(directory);
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

function contentOf(line: string): string[] {
  try {
    return [String(JSON.parse(line)["content"])];
  } catch {
    return [];
  }
}

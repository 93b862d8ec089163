/**
 * The meta file of an open session: what it says, or will say when it is first written, and its commits.
 *
 * @module
 */

import { replaceFile } from "../log/atomic_file.ts";
import type { LogWriter } from "../log/log_writer.ts";
import { makeSeal } from "../log/seal.ts";
import { countLogLines } from "./line_count.ts";
import { encodeMeta, type SessionMeta } from "./session_meta.ts";
import type { SessionFiles } from "./session_name.ts";
import { type StoreContext, timestamp } from "./store_context.ts";

/** Keeps one session's meta. */
export class MetaKeeper {
  readonly #context: StoreContext;
  readonly #files: SessionFiles;
  #meta: SessionMeta;
  #written: boolean;
  /** Up to where the log is sealed, in bytes. */
  sealedOffset = 0;

  /**
   * Creates a keeper.
   *
   * @param context What the store shares.
   * @param files The session's paths.
   * @param meta What is known.
   * @param written Whether the meta file says so.
   */
  constructor(context: StoreContext, files: SessionFiles, meta: SessionMeta, written: boolean) {
    this.#context = context;
    this.#files = files;
    this.#meta = meta;
    this.#written = written;
  }

  /** What the meta file says, or will say when it is next written. */
  get meta(): SessionMeta {
    return this.#meta;
  }

  /** Whether there is a meta file of this session. */
  get written(): boolean {
    return this.#written;
  }

  /**
   * Takes note of what the next write will say.
   *
   * @param change What changes.
   */
  note(change: Partial<SessionMeta>): void {
    this.#meta = { ...this.#meta, ...change };
  }

  /**
   * Takes note that the session goes on in a new log.
   *
   * @param size The new log's size, in bytes.
   */
  logReplaced(size: number): void {
    const { sealed } = this.#meta;
    this.sealedOffset = sealed?.bytes === size ? sealed.bytes : 0;
  }

  /**
   * Changes facts durably, in one commit; also renews counts and seal. Everything in the log is durable by now.
   *
   * @param change What changes.
   * @param writer The open log; null: the session has none.
   */
  async write(change: Partial<SessionMeta>, writer: LogWriter | null): Promise<void> {
    const meta = { ...this.#meta, ...await this.#countAndSeal(writer), updatedAt: timestamp(), ...change };
    await replaceFile(this.#context.fileSystem, this.#files.meta, this.#files.metaTemporary, encodeMeta(meta));
    this.#context.counters.metaWrites++;
    this.#meta = meta;
    this.#written = true;
    this.sealedOffset = meta.sealed?.bytes ?? 0;
  }

  /**
   * Counts the log's lines as picoclaw does, from the last place where the count is known.
   *
   * @param writer The open log; null: the session has none.
   * @returns The count.
   */
  async countLines(writer: LogWriter | null): Promise<number> {
    if (writer === null) return 0;
    const { sealed } = this.#meta;
    const isSealed = sealed !== undefined && sealed.bytes === this.sealedOffset;
    return await countLogLines(writer, isSealed ? sealed : { bytes: 0, count: 0 });
  }

  async #countAndSeal(writer: LogWriter | null): Promise<Pick<SessionMeta, "count" | "sealed">> {
    if (writer === null) return { count: 0, sealed: undefined };
    const count = await this.countLines(writer);
    return { count, sealed: await makeSeal(writer.handle, writer.position, count) ?? undefined };
  }
}

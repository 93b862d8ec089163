/**
 * Tells what of a session's files is in the store already.
 *
 * @module
 */

import { HoldfastError, type Session } from "../../mod.ts";
import { isSideRecord, sideRecordIdentity } from "../formats/side_record.ts";
import { fromLineText, toLineText } from "../log/json_text.ts";
import type { SourceItem } from "./import_source.ts";

/** So many names and digests take some 32 MiB. */
const sideRecordsMax = 200_000;

/** The side records of a session: of each name the digest of the newest. */
export class SideRecords {
  readonly #digests = new Map<string, string>();

  /**
   * Learns those that are in a session.
   *
   * @param session The session.
   */
  async load(session: Session): Promise<void> {
    for await (const { text } of session.texts({ all: true })) this.#note(text);
  }

  /**
   * Notes a side record that is to be appended.
   *
   * @param text The side record.
   * @returns Whether the newest of its name is the same, so that it need not be; `full` where it may not be.
   */
  check(text: string): "there" | "new" | "full" {
    const identity = sideRecordIdentity(fromLineText(toLineText(text)));
    if (identity === undefined) return "new";
    const known = this.#digests.get(identity.name);
    if (known === identity.digest) return "there";
    if (known === undefined && this.#digests.size >= sideRecordsMax) return "full";
    this.#digests.set(identity.name, identity.digest);
    return "new";
  }

  #note(text: string): void {
    const identity = sideRecordIdentity(text);
    if (identity !== undefined) this.#digests.set(identity.name, identity.digest);
  }
}

/**
 * Compares the records of a file with those of a session, in step. The session's side records are passed over.
 */
export class Comparison {
  readonly #existing: AsyncIterator<{ sequence: number; text: string }> | null;
  readonly #path: string;
  readonly #hasSides: boolean;
  #next: { sequence: number; text: string } | null = null;
  #ended = false;
  #index = 0;
  #comparedCount = 0;

  /**
   * Begins.
   *
   * @param session The session; null where there is none yet.
   * @param path The file, for messages.
   * @param hasSides Whether side records of it may be in the session, so that numbers do not tell places.
   */
  constructor(session: Session | null, path: string, hasSides: boolean) {
    this.#existing = session === null ? null : session.texts({ all: true })[Symbol.asyncIterator]();
    this.#ended = session === null;
    this.#path = path;
    this.#hasSides = hasSides;
  }

  /**
   * Says whether the session has the next record of the file.
   *
   * @param item The record.
   * @returns True where it is there, or was and has been removed by compaction.
   * @throws {HoldfastError} `io` where the session has another one in its place.
   */
  async isThere(item: SourceItem & { kind: "record" }): Promise<boolean> {
    if (this.#next === null && !this.#ended) await this.#advance();
    if (this.#next === null) return false;
    const { sequence, text } = this.#next;
    const isEqual = text === storedText(item.text) ||
      (item.original !== undefined && text === storedText(item.original));
    // Numbers below the first one there were removed by compaction: they were there, and were not wanted any more.
    if (this.#index++ < sequence && this.#comparedCount === 0 && !(isEqual && this.#hasSides)) return true;
    if (!isEqual) this.#refuse(`line ${item.line} differs from record ${sequence}`);
    this.#comparedCount++;
    this.#next = null;
    return true;
  }

  /**
   * To be called behind the last record of the file.
   *
   * @throws {HoldfastError} `io` where none of the file's records was found.
   */
  end(): void {
    if (this.#next !== null && this.#comparedCount === 0) this.#refuse("its records begin behind the file's last one");
  }

  /** Gives back what it reads with. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#existing?.return?.();
  }

  async #advance(): Promise<void> {
    for (;;) {
      const result = await this.#existing?.next();
      if (result === undefined || result.done === true) {
        this.#ended = true;
        return;
      }
      if (this.#hasSides && isSideRecord(result.value.text)) continue;
      this.#next = result.value;
      return;
    }
  }

  #refuse(difference: string): never {
    throw new HoldfastError(
      "io",
      `The session holds something else than the file: ${difference}; nothing was changed; import it under another --key`,
      { path: this.#path },
    );
  }
}

function storedText(text: string): string {
  return fromLineText(toLineText(text));
}

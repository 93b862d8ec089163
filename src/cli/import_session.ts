/**
 * One file into one session, so that doing it twice, or again after an interruption, gives the same as doing it once.
 *
 * @module
 */

import { type AppendReceipt, HoldfastError, type Session, type SessionStore } from "../../mod.ts";
import { fromLineText, toLineText } from "../log/json_text.ts";
import { lineBytesBound, lineBytesMax } from "../log/record_format.ts";
import { Interruption } from "./command.ts";
import type { ImportSource, SourceItem } from "./import_source.ts";

/** How much may be waiting for a sync. */
const flushBytes = 256 * 1024;
const flushRecords = 1_024;

/** A line that was not imported. */
export interface DamagedLine {
  /** From 1. */
  line: number;
  /** Why. */
  reason: string;
}

/** What an import did; the machine-readable output. */
export interface ImportReport {
  /** The file. */
  file: string;
  /** Its format's name. */
  format: string;
  /** The session's key. */
  key: string;
  /** Records that were appended. */
  added: number;
  /** Records that were there already. */
  skipped: number;
  /** Lines that hold no record. */
  damaged: DamagedLine[];
}

/** How to import a file. */
export interface ImportOptions {
  /** The session's key. */
  key: string;
  /** Stops it between two syncs, with the {@linkcode Interruption} as its reason. */
  signal: AbortSignal;
  /** Told how many records have passed. */
  onProgress: (records: number) => Promise<void>;
}

/**
 * Imports a file.
 *
 * The session's records, the truncated ones too, must be a beginning of the file's, or the file's a beginning of the
 * session's. Records that compaction has removed are not compared and do not come back.
 *
 * @param store Where to.
 * @param source The file.
 * @param options The key, and how to be told.
 * @returns What was done; everything in it is durable.
 * @throws {HoldfastError} `io` if the session holds something else.
 */
export async function importSource(
  store: SessionStore,
  source: ImportSource,
  options: ImportOptions,
): Promise<ImportReport> {
  const { key, signal } = options;
  const session = await store.session(key);
  const report: ImportReport = {
    file: source.path,
    format: source.format.name,
    key,
    added: 0,
    skipped: 0,
    damaged: [],
  };
  const comparison = new Comparison(session, await store.has(key), source.path);
  const appends = new BufferedAppends(session);
  let hiddenCount = 0;
  try {
    for await (const item of source.items()) {
      if (signal.aborted) throw interruptionOf(signal);
      if (item.kind === "damaged" || lineBytesBound(item.text) > lineBytesMax) {
        report.damaged.push({ line: item.line, reason: item.kind === "damaged" ? item.reason : "over 10 MiB" });
        continue;
      }
      if (item.rawIndex < (source.facts.skip ?? 0)) hiddenCount++;
      if (await comparison.isThere(item)) {
        report.skipped++;
      } else {
        if (report.added + report.skipped === 0) await describeSession(session, source);
        await appends.add(item.text);
        report.added++;
      }
      await options.onProgress(report.added + report.skipped);
    }
    comparison.end();
  } finally {
    // Also when it stops early: what was appended stays, and the next import finds it.
    await appends.flush();
    await comparison.close();
  }
  await hideAsSource(session, source, report.added + report.skipped, hiddenCount);
  return report;
}

function interruptionOf(signal: AbortSignal): Interruption {
  return signal.reason instanceof Interruption ? signal.reason : new Interruption("SIGINT");
}

/** Compares the file's records with the session's, in step. */
class Comparison {
  readonly #existing: AsyncIterator<{ sequence: number; text: string }> | null;
  readonly #path: string;
  #next: { sequence: number; text: string } | null = null;
  #ended = false;
  #index = 0;
  #comparedCount = 0;

  constructor(session: Session, exists: boolean, path: string) {
    this.#existing = exists ? session.texts({ all: true })[Symbol.asyncIterator]() : null;
    this.#ended = !exists;
    this.#path = path;
  }

  /** Whether the session has this record already. */
  async isThere(item: SourceItem & { kind: "record" }): Promise<boolean> {
    if (this.#next === null && !this.#ended) await this.#advance();
    if (this.#next === null) return false;
    // Numbers below the first one there were removed by compaction: they were there, and were not wanted any more.
    if (this.#index++ < this.#next.sequence && this.#comparedCount === 0) return true;
    if (this.#next.text !== fromLineText(toLineText(item.text))) {
      this.#refuse(`line ${item.line} differs from record ${this.#next.sequence}`);
    }
    this.#comparedCount++;
    this.#next = null;
    return true;
  }

  /** To be called behind the last record of the file. */
  end(): void {
    if (this.#next !== null && this.#comparedCount === 0) this.#refuse("its records begin behind the file's last one");
  }

  async close(): Promise<void> {
    if (!this.#ended) await this.#existing?.return?.();
  }

  async #advance(): Promise<void> {
    const result = await this.#existing?.next();
    if (result === undefined || result.done === true) this.#ended = true;
    else this.#next = result.value;
  }

  #refuse(difference: string): never {
    throw new HoldfastError(
      "io",
      `The session holds something else than the file: ${difference}; nothing was changed; import it under another --key`,
      { path: this.#path },
    );
  }
}

/** Appends without a sync each, and one for every 256 KiB. */
class BufferedAppends {
  readonly #session: Session;
  #waiting: Promise<AppendReceipt>[] = [];
  #waitingBytes = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  async add(text: string): Promise<void> {
    const append = this.#session.appendText(text, { durability: "buffered" });
    // It is awaited in flush; a rejection before that must not count as unhandled.
    append.catch(() => {});
    this.#waiting.push(append);
    this.#waitingBytes += text.length;
    if (this.#waitingBytes >= flushBytes || this.#waiting.length >= flushRecords) await this.flush();
  }

  async flush(): Promise<void> {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    this.#waitingBytes = 0;
    await Promise.all(waiting);
    await this.#session.flush();
  }
}

/** What belongs to the session and not to its records, before the first of them. */
async function describeSession(session: Session, { facts }: ImportSource): Promise<void> {
  const aliases = facts.aliases ?? [];
  if (facts.scope === undefined && aliases.length === 0) return;
  const scope: unknown = facts.scope === undefined ? undefined : JSON.parse(facts.scope);
  await session.update({
    ...(scope === undefined ? {} : { scope }),
    ...(aliases.length === 0 ? {} : { aliases: [...aliases] }),
  });
}

/** Summary and hidden records, last and in one commit: a session that has either was imported to its end. */
async function hideAsSource(
  session: Session,
  { facts }: ImportSource,
  recordCount: number,
  hiddenCount: number,
): Promise<void> {
  const summary = facts.summary ?? "";
  if (recordCount === 0 || (summary === "" && hiddenCount === 0)) return;
  const info = await session.info();
  const untouched = info.summary === "" && info.active === info.records && info.records === recordCount;
  if (!untouched) return;
  if (hiddenCount === 0) await session.setSummary(summary);
  else await session.truncate(recordCount - hiddenCount, { summary });
}

/**
 * One file into one session, so that doing it twice, or again after an interruption, gives the same as doing it once.
 *
 * @module
 */

import type { AppendReceipt, Session, SessionStore } from "../../mod.ts";
import { lineBytesBound, lineBytesMax } from "../log/record_format.ts";
import { isSideRecord } from "../formats/side_record.ts";
import { Interruption } from "./command.ts";
import { Comparison, SideRecords } from "./import_comparison.ts";
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
 * session's. Records that compaction has removed are not compared and do not come back. Side records are compared by
 * their names.
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
  const exists = await store.has(key);
  const comparison = new Comparison(exists ? session : null, source.path, source.hasSides);
  const sides = new SideRecords();
  if (exists && source.hasSides) await sides.load(session);
  const appends = new BufferedAppends(session);
  let hiddenCount = 0;
  try {
    for await (const items of source.items()) {
      if (signal.aborted) throw interruptionOf(signal);
      for (const item of items) {
        const problem = problemOf(item);
        if (problem !== null || item.kind === "damaged") {
          report.damaged.push({ line: item.line, reason: problem ?? "" });
          continue;
        }
        if (item.kind === "record" && item.rawIndex < (source.facts.skip ?? 0)) hiddenCount++;
        const isSide = item.kind === "side" || (source.hasSides && isSideRecord(item.text));
        const found = isSide ? sides.check(item.text) : await comparison.isThere(item) ? "there" : "new";
        if (found === "full") {
          report.damaged.push({ line: item.line, reason: "one side record too many" });
        } else if (found === "there") {
          report.skipped++;
        } else {
          if (report.added + report.skipped === 0) await describeSession(session, source);
          await appends.add(item.text);
          report.added++;
        }
      }
      await options.onProgress(report.added + report.skipped);
    }
    comparison.end();
  } finally {
    // Also when it stops early: what was appended stays, and the next import finds it.
    await appends.flush();
    await comparison.close();
  }
  const recordCount = report.added + report.skipped;
  await hideAsSource(session, source, recordCount, hiddenCount);
  if (recordCount > 0) await nameAsSource(session, source);
  return report;
}

/** Why an item is not taken; null where it is. */
function problemOf(item: SourceItem): string | null {
  if (item.kind === "damaged") return item.reason;
  return lineBytesBound(item.text) > lineBytesMax ? "over 10 MiB" : null;
}

function interruptionOf(signal: AbortSignal): Interruption {
  return signal.reason instanceof Interruption ? signal.reason : new Interruption("SIGINT");
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

/** Title and workspace, where the session has none: what somebody has set since stays. */
async function nameAsSource(session: Session, { facts }: ImportSource): Promise<void> {
  const { title, workspace } = facts;
  if (title === undefined && workspace === undefined) return;
  const info = await session.info();
  const change = {
    ...(title === undefined || info.title !== null ? {} : { title }),
    ...(workspace === undefined || info.workspace !== null ? {} : { workspace }),
  };
  if (Object.keys(change).length > 0) await session.update(change);
}

/**
 * Reads the records of a log in order: whole, committed ones only, each once, damage reported and skipped. Bounded
 * memory: one chunk of lines, and one batch.
 *
 * In front of the unsealed tail everything was durable, so a broken line there is corruption, and what follows it
 * counts; in the tail the verdict of `unsealed_tail.ts` holds.
 *
 * @module
 */

import type { ReadableFile } from "../fs/filesystem.ts";
import type { ScannedLine } from "./line_scanner.ts";
import type { JsonObject } from "./json_text.ts";
import { LogLines } from "./log_lines.ts";
import {
  type ChainPosition,
  type DamagedLine,
  type LineVerdict,
  readJson,
  RecordChain,
  type RecordJson,
} from "./record_chain.ts";
import type { TornLine, UnsealedTail } from "./unsealed_tail.ts";

/**
 * How far a record's checksum vouches for it: `verified` (it fits the line before), `adopted` (it fits, but was made
 * by a compaction for a line that had none), `foreign` (it has none), `unverified` (the line before cannot anchor it).
 */
export type RecordTrust = "verified" | "adopted" | "foreign" | "unverified";

/** A record as it stands in a log. */
export interface LogRecord {
  /** Its number. */
  sequence: number;
  /** Where its line starts, in bytes. */
  offset: number;
  /** Its line's length in bytes, without the line's end. */
  length: number;
  /** How far its checksum vouches for it. */
  trust: RecordTrust;
  /** Which of the lines that picoclaw would count it is; null where the read did not start at a counted place. */
  rawIndex: number | null;
  /** The record as its author gave it; empty where only places were asked for. */
  text: string;
  /** The record, parsed; empty where only places were asked for. */
  value: JsonObject;
  /** Which of its values are blobs, and only previews here, as `readReferences` takes it; absent: none. */
  blobs?: string;
}

/** What a read goes by. */
export interface ReadPlan {
  /** Where to start. */
  start: ChainPosition;
  /** The verdict on the log's end. */
  tail: UnsealedTail;
  /** Records with a lower number are passed over without being parsed. */
  sequenceMin: number;
  /**
   * Whether texts and values are wanted; without, lines of ours are not parsed.
   *
   * @default {true}
   */
  withContent?: boolean;
  /**
   * Whether lines that may have blobs are parsed all the same, so that their references are known.
   *
   * @default {false}
   */
  withBlobs?: boolean;
  /** Called for each line that is no record, in order. */
  onDamage: (line: DamagedLine) => void;
}

/**
 * Records are given out as soon as their lines have this many bytes: what lives through a collection of young objects
 * makes V8 give them more and more room, so few should be held at a time. Fewer cost more than they save: each group
 * goes through the layers above on its own.
 */
const groupBytesMin = 16 * 1024;
const noContent: RecordJson = { text: "", value: {} };

/**
 * Reads records.
 *
 * @param handle The open log.
 * @param plan Where from, and what to leave out.
 * @returns The records, in groups as they are read; at the end, where to go on.
 */
export async function* readRecords(handle: ReadableFile, plan: ReadPlan): AsyncGenerator<LogRecord[], ChainPosition> {
  const walk = new LogWalk(plan);
  const { kept } = plan.tail;
  const lines = new LogLines(handle, plan.start.offset, kept.offset);
  while (await lines.fill()) {
    let taken = 0;
    for (let line = lines.next(); line !== null; line = lines.next()) {
      try {
        walk.take(line);
      } catch (error) {
        // Who is strict still gets what stands in front of the damage.
        const records = walk.records();
        if (records.length > 0) yield records;
        throw error;
      }
      taken += line.length;
      if (taken < groupBytesMin) continue;
      taken = 0;
      const records = walk.records();
      if (records.length > 0) yield records;
    }
    const records = walk.records();
    if (records.length > 0) yield records;
  }
  walk.finish();
  const records = walk.records();
  if (records.length > 0) yield records;
  return { ...walk.position, offset: kept.offset };
}

/** Takes lines in order and gives out records; see the module's comment for the rules. */
class LogWalk {
  readonly #plan: ReadPlan;
  readonly #chain: RecordChain;
  readonly #torn: ReadonlyMap<number, TornLine>;
  #records: LogRecord[] = [];
  /** The members so far of a batch in the durable part. */
  #batch: LogRecord[] = [];
  #batchOpen = false;
  /** A line broke off inside or behind the open batch: it may have been its last. */
  #batchDamaged = false;

  constructor(plan: ReadPlan) {
    this.#plan = plan;
    this.#chain = new RecordChain(plan.start);
    this.#torn = new Map(plan.tail.torn.map((line) => [line.offset, line]));
  }

  get position(): Omit<ChainPosition, "offset"> {
    return { checksum: this.#chain.checksum, sequence: this.#chain.sequenceNext, rawCount: null };
  }

  records(): LogRecord[] {
    const records = this.#records;
    this.#records = [];
    return records;
  }

  take(line: ScannedLine): void {
    const torn = this.#torn.get(line.offset);
    const taken = torn?.isFragment ? this.#chain.takeDamaged(line, "") : this.#chain.take(line);
    if (taken === null || torn !== undefined) return;
    const verdict = this.#checked(taken, line);
    if (verdict.kind === "damaged") {
      this.#batchDamaged = true;
      this.#plan.onDamage(verdict);
      return;
    }
    const { record } = verdict;
    if (verdict.line.kind === "foreign") {
      this.#endBatch();
      this.#emit(record);
      return;
    }
    const { mark } = verdict.line;
    if (!mark.deferred) this.#endBatch();
    if (mark.batchContinues) {
      if (!this.#batchOpen) this.#batchDamaged = false;
      this.#batchOpen = true;
      this.#batch.push(record);
      return;
    }
    for (const member of this.#batch) this.#emit(member);
    this.#batch = [];
    this.#batchOpen = false;
    this.#emit(record);
  }

  finish(): void {
    this.#endBatch();
  }

  /** A batch in the durable part that ends in a broken line was committed; one that just ends was not. */
  #endBatch(): void {
    if (!this.#batchOpen) return;
    for (const member of this.#batch) {
      if (this.#batchDamaged) this.#emit(member);
      else {
        const { offset, length, sequence } = member;
        const reason = "its batch was not committed";
        this.#plan.onDamage({ kind: "damaged", offset, length, sequence, rawIndex: member.rawIndex ?? 0, reason });
      }
    }
    this.#batch = [];
    this.#batchOpen = false;
  }

  #emit(record: LogRecord): void {
    if (record.sequence >= this.#plan.sequenceMin) this.#records.push(record);
  }

  #checked(
    verdict: LineVerdict,
    line: ScannedLine,
  ): DamagedLine | { kind: "record"; line: Exclude<LineVerdict, DamagedLine>; record: LogRecord } {
    if (verdict.kind === "damaged" || line.bytes === null) return this.#placed(verdict);
    const { sequence, offset, length } = verdict;
    const mark = verdict.kind === "own" ? verdict.mark : null;
    const isPlaceOnly = mark !== null && this.#plan.withContent === false &&
      !(this.#plan.withBlobs === true && mayHaveBlobs(line.bytes, mark.bodyLength));
    const skip = sequence < this.#plan.sequenceMin || isPlaceOnly;
    const content = skip ? noContent : readJson(line.bytes, mark?.bodyLength);
    if (content === null) return this.#placed(this.#chain.reject(verdict, "not a JSON object"));
    const { rawCount } = this.#plan.start;
    const rawIndex = rawCount === null ? null : rawCount + verdict.rawIndex;
    const { text, value } = content;
    const record: LogRecord = { sequence, offset, length, trust: trustOf(verdict), rawIndex, text, value };
    if (content.blobs !== undefined) record.blobs = content.blobs;
    return { kind: "record", line: verdict, record };
  }

  #placed(verdict: LineVerdict): DamagedLine {
    const { offset, length, sequence, rawIndex } = verdict;
    const reason = verdict.kind === "damaged" ? verdict.reason : "not read";
    const dead = verdict.kind === "damaged" && verdict.dead === true ? { dead: true as const } : {};
    const place = { offset, length, sequence, rawIndex: (this.#plan.start.rawCount ?? 0) + rawIndex };
    return { kind: "damaged", ...place, reason, ...dead };
  }
}

/** The member that says so is the last, and ends in a string. */
function mayHaveBlobs(bytes: Uint8Array, bodyLength: number): boolean {
  return bytes[bodyLength - 1] === 0x7d && bytes[bodyLength - 2] === 0x22;
}

function trustOf(verdict: Exclude<LineVerdict, DamagedLine>): RecordTrust {
  if (verdict.kind === "foreign") return "foreign";
  if (!verdict.verified) return "unverified";
  return verdict.mark.adopted ? "adopted" : "verified";
}

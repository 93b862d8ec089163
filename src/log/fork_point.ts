/**
 * Where a log is cut for a fork, and how its last line must read there: everything in front of it is taken over byte by
 * byte.
 *
 * The last line of a fork says neither that more of its batch follows (`+`) nor that what is in front of it might not
 * be durable (`~`): the fork is durable whole, and its last record vouches for it even where no seal does.
 *
 * @module
 */

import { crc32 } from "./checksum.ts";
import type { FileHandle } from "../fs/filesystem.ts";
import { LogLines, readFully } from "./log_lines.ts";
import { type LogRecord, type ReadPlan, readRecords } from "./log_reader.ts";
import { readLastRecords } from "./log_tail.ts";
import { type ChainPosition, RecordChain } from "./record_chain.ts";
import { checksumText, type EncodedLine, foreignChecksum, lineFeed, type Mark, readMark } from "./record_format.ts";

const encoder = new TextEncoder();

/** Where a log is cut. */
export interface ForkPoint {
  /** The number of the last record that is taken over. */
  sequence: number;
  /** How much of the log is taken over as it is, in bytes. */
  bytes: number;
  /** What follows that: the last line anew, or its line feed alone. */
  end: Uint8Array;
  /** Where the fork goes on. */
  position: ChainPosition;
}

/**
 * Finds out where a log is cut.
 *
 * @param handle The open log.
 * @param plan As for `readRecords`: hidden records count, too; its start is the start of the log.
 * @param near A place in the log at or in front of the record, from which it is read.
 * @param at The number of the last record that is taken over; null: the last one.
 * @returns The place; null if there is no such record.
 */
export async function findForkPoint(
  handle: FileHandle,
  plan: ReadPlan,
  near: ChainPosition,
  at: number | null,
): Promise<ForkPoint | null> {
  const whole = { ...plan, sequenceMin: 0, onDamage: () => undefined };
  const record = at === null
    ? (await readLastRecords(handle, whole, 1)).at(-1) ?? null
    : await findRecord(handle, { ...whole, start: near, sequenceMin: at }, at);
  if (record === null) return null;
  const line = new Uint8Array(record.length);
  await readFully(handle, line, record.offset);
  const verdict = readMark(line);
  const mark = record.trust !== "foreign" && verdict.kind === "marked" ? verdict.mark : null;
  const behind = { sequence: record.sequence + 1, rawCount: null };
  const lineEnd = record.offset + record.length;
  if (mark !== null && !mark.batchContinues && !mark.deferred) {
    const position = { ...behind, offset: lineEnd + 1, checksum: mark.checksum };
    return { sequence: record.sequence, bytes: lineEnd, end: Uint8Array.of(lineFeed), position };
  }
  const start = at === null ? plan.start : near;
  const before = await scanTo(handle, plan, start, record.offset);
  if (mark === null) {
    const position = { ...behind, offset: lineEnd + 1, checksum: foreignChecksum(line, before.checksum) };
    return { sequence: record.sequence, bytes: lineEnd, end: Uint8Array.of(lineFeed), position };
  }
  if (!mark.batchContinues && before.batch.length > 0) {
    // A whole batch, which its first record vouches for.
    const position = { ...behind, offset: lineEnd + 1, checksum: mark.checksum };
    return { sequence: record.sequence, bytes: lineEnd, end: Uint8Array.of(lineFeed), position };
  }
  const last = {
    bytes: line,
    mark,
    verified: record.trust === "verified",
    offset: record.offset,
    seed: before.checksum,
  };
  return rewritten(mark.deferred ? [...before.batch, last] : [last]);
}

/** A line that is written anew. */
interface FlaggedLine {
  bytes: Uint8Array;
  mark: Mark;
  verified: boolean;
  offset: number;
  /** What seeds it in the log. */
  seed: number;
}

/** The members of a batch up to the cut, each for itself: without the last one of all the batch does not count. */
function rewritten(lines: readonly FlaggedLine[]): ForkPoint | null {
  const [first] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined) return null;
  let checksum = first.seed;
  const parts: Uint8Array[] = [];
  for (const { bytes, mark, verified } of lines) {
    const anew = withoutFlags(bytes, mark, !verified, checksum);
    checksum = anew.checksum;
    parts.push(anew.bytes);
  }
  const end = joinBytes(...parts);
  const { sequence } = last.mark;
  const position = { offset: first.offset + end.length, checksum, sequence: sequence + 1, rawCount: null };
  return { sequence, bytes: first.offset, end, position };
}

/** The same line without `+` and `~`, and with `?` if it was not verified; nothing else of it changes. */
function withoutFlags(line: Uint8Array, mark: Mark, adopted: boolean, seed: number): EncodedLine {
  const flagCount = [mark.batchContinues, mark.deferred, mark.adopted].filter((flag) => flag).length;
  // Behind the number come the flags and a space, and that is where what the checksum covers ends.
  const numberEnd = mark.coveredLength - 1 - flagCount;
  const covered = joinBytes(line.subarray(0, numberEnd), encoder.encode(adopted ? "? " : " "));
  const checksum = crc32(covered, seed);
  return { bytes: joinBytes(covered, encoder.encode(`${checksumText(checksum)}"}\n`)), checksum };
}

function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

async function findRecord(handle: FileHandle, plan: ReadPlan, sequence: number): Promise<LogRecord | null> {
  for await (const records of readRecords(handle, plan)) {
    for (const record of records) {
      if (record.sequence >= sequence) return record.sequence === sequence ? record : null;
    }
  }
  return null;
}

/** What seeds the line at an offset, and the members in front of it of a batch that is still open there. */
async function scanTo(
  handle: FileHandle,
  plan: ReadPlan,
  start: ChainPosition,
  offset: number,
): Promise<{ checksum: number; batch: FlaggedLine[] }> {
  const chain = new RecordChain(start);
  const torn = new Map(plan.tail.torn.map((line) => [line.offset, line]));
  const lines = new LogLines(handle, start.offset, offset);
  let batch: FlaggedLine[] = [];
  while (await lines.fill()) {
    for (let line = lines.next(); line !== null; line = lines.next()) {
      const seed = chain.checksum;
      const isFragment = torn.get(line.offset)?.isFragment === true;
      const verdict = isFragment ? chain.takeDamaged(line, "") : chain.take(line);
      if (verdict === null || verdict.kind === "damaged" || torn.has(line.offset)) continue;
      if (verdict.kind === "foreign" || !verdict.mark.deferred) batch = [];
      if (verdict.kind === "foreign" || line.bytes === null) continue;
      const { mark, verified } = verdict;
      if (!mark.batchContinues) batch = [];
      else {batch.push({
          bytes: line.bytes.slice(),
          mark,
          verified: verified && !mark.adopted,
          offset: line.offset,
          seed,
        });}
    }
  }
  return { checksum: chain.checksum, batch };
}
